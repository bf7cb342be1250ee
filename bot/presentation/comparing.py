"""Two verdicts beside each other: whether they are the same model, and in what they differ."""

from __future__ import annotations

from typing import Literal

from bot.jobs import Comparison
from bot.presentation.verdicts import seen_text, sure_text, what_text
from bot.presentation.view import Button, Mark, Part, Table, View, words
from bot.requests import Lang
from bot.store.queries import StoredVerdict
from engine.evidence import Evidence
from engine.text import say
from engine.units import bytes_text
from engine.verdict import Verdict

Likeness = Literal["same", "alike", "different", "unknown"]


def comparison_view(found: Comparison, lang: Lang, mark: Mark) -> View:
    """What each is, what was seen of both, and what that says about the two."""
    said, pair = words(lang)["comparing"], (found.first, found.second)
    first, second = (what_text(one.identification.verdict, lang, mark) for one in pair)
    like = likeness(found.first.identification.verdict, found.second.identification.verdict)
    headline = said["title"][like].format(first=first, second=second)
    targets = [one.identification.target for one in pair]
    heads = (
        "",
        *(f"{letter}: {mark(target.name or target.spec)}" for letter, target in zip("AB", targets, strict=True)),
    )
    parts = [
        Part((), said["what"], table=Table(heads, tuple(_facts(pair, lang, mark)))),
        *_differences(pair, lang, mark),
        Part((said["note"],), quiet=True),
    ]
    label = words(lang)["conversation"]["buttons"]["explain"]
    buttons = tuple(
        Button("explain", f"{label}: {one.identification.target.name}"[:70], one.id)
        for one in {one.id: one for one in pair}.values()
    )
    return View(headline, headline, tuple(parts), buttons=buttons)


def likeness(first: Verdict, second: Verdict) -> Likeness:
    """Whether two verdicts are about the same model. Pure.

    ``alike``: each may be what the other is. Only models of the catalog that were told from all others are the same.
    """
    if {"inconclusive", "mixed"} & {first.outcome, second.outcome}:
        return "unknown"
    if first.outcome != second.outcome:
        return "different"
    if first.outcome == "other":
        return "alike" if first.title == second.title else "different"
    ours, theirs = ({one.variant, *one.indistinguishable} for one in (first, second))
    if not ours & theirs:
        return "different"
    return "same" if len(ours) == len(theirs) == 1 else "alike"


def _facts(pair: tuple[StoredVerdict, ...], lang: Lang, mark: Mark) -> list[tuple[str, ...]]:
    said = words(lang)["comparing"]
    verdicts = [one.identification.verdict for one in pair]
    targets = [one.identification.target for one in pair]
    claimed = [mark(" / ".join(v.claim.variants[:3])) if v.claim else said["no_claim"] for v in verdicts]
    rows = {
        "target": [mark(target.spec) for target in targets],
        "claims": claimed,
        "claim": [said["claim"][verdict.claim_check] for verdict in verdicts],
        "is": [what_text(verdict, lang, mark) for verdict in verdicts],
        "sure": [sure_text(verdict, lang) for verdict in verdicts],
        "size": [bytes_text(target.weights_size) if target.weights_size else "–" for target in targets],
        "tensors": [f"{target.tensor_count:,}" if target.tensor_count else "–" for target in targets],
        "verdict": [f"`{one.id}`" for one in pair],
    }
    return [(said["rows"][name], *cells) for name, cells in rows.items()]


def _differences(pair: tuple[StoredVerdict, ...], lang: Lang, mark: Mark) -> list[Part]:
    """What the probes that looked at both saw: where it differs, beside each other; where not, by name."""
    said = words(lang)["comparing"]
    first, second = ({row.probe: row for row in one.identification.evidence} for one in pair)
    shared = [name for name in first if name in second]
    if not shared:
        return [Part((said["none_shared"],), said["seen"])]
    differ = [name for name in shared if first[name].observation != second[name].observation]
    agree = [name for name in shared if name not in differ]
    lines = [line for name in differ for line in _beside(first[name], second[name], lang, mark)]
    comma = "、" if lang == "zh" else ", "
    if agree:
        lines.append(said["agrees"].format(names=comma.join(say(f"evidence.{name}.title", lang) for name in agree)))
    return [Part(tuple(lines), said["seen"])]


def _beside(first: Evidence, second: Evidence, lang: Lang, mark: Mark) -> tuple[str, ...]:
    title = say(f"evidence.{first.probe}.title", lang)
    return (f"*{title}*", f"• A: {seen_text(first, lang, mark)}", f"• B: {seen_text(second, lang, mark)}")
