"""A verdict that a later version of the catalog turned over, in words: what was believed, what is now, and why. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.flips.telling import Flip
from bot.presentation.conversation import verdict_buttons
from bot.presentation.verdicts import said_lines, sure_text, what_text
from bot.presentation.view import Mark, Part, View, percent, words
from bot.presentation.watches import known_text
from bot.requests import Lang
from engine.catalog.differences import Difference

_SHOWN = 60


def flip_view(flip: Flip, lang: Lang, mark: Mark) -> View:
    """The notice of a flip."""
    said, verdict = words(lang)["catalog"]["flip"], flip.after.identification.verdict
    target, what = mark(flip.target), what_text(verdict, lang, mark)
    turned = verdict.claim_check == "misrepresented" and flip.was.claim_check != "misrepresented"
    headline = str(said["claim" if turned else "headline"]).format(target=target, what=what)
    was = known_text(flip.was.outcome, flip.was.title, lang, mark)
    lines = [
        said["was"].format(what=was, percent=percent(flip.was.confidence), told=f"{flip.told:%Y-%m-%d %H:%M} UTC"),
        said["is"].format(
            version=mark(flip.version),
            family=mark(flip.family),
            previous=mark(flip.previous),
            what=what,
            sure=sure_text(verdict, lang),
        ),
        *said_lines(verdict, lang, mark)[:1],
    ]
    if flip.advice in ("full", "distilled"):
        state = "kept" if verdict.outcome == flip.advice else "open" if verdict.outcome == "inconclusive" else "broken"
        lines.append(said["advice"][state][flip.advice])
    why = difference_lines(flip.why, lang, mark) or [said["unknown"]]
    why += [said["more"].format(count=flip.more)] if flip.more else []
    foot = said["kept"].format(id=flip.before) if flip.before is not None else said["gone"]
    parts = (Part(tuple(lines)), Part(tuple(why), said["why"]), Part((foot,), quiet=True))
    buttons = verdict_buttons(flip.after.id, lang, ("explain", "report", "recheck", "watch"))
    return View(headline, headline, parts, (), buttons, flip.after.id)


def difference_lines(found: Sequence[Difference], lang: Lang, mark: Mark) -> list[str]:
    """Each as a line."""
    said = words(lang)["catalog"]["differences"]
    return [
        str(said[one.kind][one.of]).format(
            id=mark(one.id),
            field=mark(one.field.removeprefix("shape.")),
            before=figure_text(one.before, lang, mark),
            after=figure_text(one.after, lang, mark),
        )
        for one in found
    ]


def figure_text(value: Any, lang: Lang, mark: Mark) -> str:
    """A figure of the catalog, as a person reads it."""
    if value is None or value in ([], ()):
        return str(words(lang)["catalog"]["differences"]["nothing"])
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, Mapping):
        return ", ".join(f"{mark(name)} {figure_text(part, lang, mark)}" for name, part in value.items())
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return mark(text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…")
