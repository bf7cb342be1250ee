"""Past verdicts: the list of them, and one explained row by row."""

from __future__ import annotations

from bot.commands import undecorate
from bot.presentation.conversation import verdict_buttons
from bot.presentation.recommendations import is_impossible, recommendation_part
from bot.presentation.verdicts import evidence_line, headline_of, reason_text
from bot.presentation.view import Mark, Part, View, percent, words
from bot.requests import Lang
from bot.store.queries import HistoryRow, StoredVerdict
from engine.evidence import Evidence
from engine.text import say
from engine.verdict import Verdict

_EXPECTATIONS = 4


def history_view(rows: tuple[HistoryRow, ...], lang: Lang, mark: Mark, *, prefix: str) -> View:
    """Past verdicts, a line each."""
    said = words(lang)["history"]
    if not rows:
        text = said["none"].format(example=f"`{prefix}identify deepseek-ai/DeepSeek-R1`")
        return View(said["title"], text, (Part((text,)),))
    lines = [
        said["line"].format(
            when=f"{row.created:%Y-%m-%d %H:%M}",
            id=f"`{row.id}`",
            target=mark(row.target),
            title=words(lang)["verdict"]["what"][row.outcome].format(title=mark(row.title)),
            percent=percent(row.confidence),
            flag=said["misrepresented"] if row.claim_check == "misrepresented" else "",
        )
        + (said["judged"].format(right=row.right, wrong=row.wrong) if row.right or row.wrong else "")
        for row in rows
    ]
    parts = (Part(tuple(lines)), Part((said["zone"],), quiet=True))
    return View(said["title"], f"{said['title']}: {len(rows)}", parts)


def explain_view(stored: StoredVerdict, today: Verdict | None, lang: Lang, mark: Mark, *, prefix: str) -> View:
    """A past verdict: probabilities, then each row of evidence with what was expected and how it fools.

    Args:
        today: what its observations give under today's catalog and references, where that is known.
    """
    said, found = words(lang)["explain"], stored.identification
    headline = said["title"].format(id=stored.id)
    first = headline_of(found.verdict, lang, mark)
    asked = said["asked"].format(
        when=f"{stored.created:%Y-%m-%d %H:%M} UTC", text=mark(undecorate(stored.text).strip())
    )
    top = sorted(found.verdict.posterior.items(), key=lambda item: -item[1])[:5]
    bars = [f"`{'█' * round(share * 20):░<20}` {percent(share)} {mark(name)}" for name, share in top]
    parts = [Part((first, asked)), Part(tuple(bars), words(lang)["verdict"]["posterior"])]
    reasons = [reason_text(reason, lang, mark) for reason in (*found.verdict.contradictions, *found.verdict.reasons)]
    parts.append(Part(tuple(reasons), words(lang)["verdict"]["why"]))
    for row in found.evidence:
        lines = [evidence_line(row, lang, mark)]
        for names, shown in expectations(row, found.verdict):
            lines.append(said["would"].format(names=mark(names), shown=mark(shown)))
        lines.append(said["fooled"].format(how=say(f"evidence.{row.probe}.fooled", lang)))
        parts.append(Part(tuple(lines)))
    if today is not None and (today.outcome, today.variant) != (found.verdict.outcome, found.verdict.variant):
        parts.append(Part((said["recomputed"].format(what=headline_of(today, lang, mark)),)))
    if found.recommendation.choice is not None or is_impossible(found.recommendation):
        parts.append(recommendation_part(found.recommendation, lang, mark, prefix=prefix))
    buttons = verdict_buttons(stored.id, lang, ("report", "recheck", "watch", "compare"))
    return View(headline, f"{headline}: {first}", tuple(part for part in parts if part.lines), buttons=buttons)


def report_view(stored: StoredVerdict, link: str | None, lang: Lang, mark: Mark) -> View:
    """The message that a report comes with, and the link under which it is had too."""
    said, first = words(lang)["report"], headline_of(stored.identification.verdict, lang, mark)
    lines = (
        said["message"].format(id=f"`{stored.id}`"),
        said["about"].format(target=mark(stored.identification.target.spec), when=f"{stored.created:%Y-%m-%d %H:%M}"),
    )
    linked = (said["link"].format(link=link),) if link else ()
    return View(first, f"{said['message_title']}: {first}", (Part((*lines[:1], *linked)), Part(lines[1:], quiet=True)))


def expectations(row: Evidence, verdict: Verdict) -> list[tuple[str, str]]:
    """What the variants would show, those that show the same together; the likeliest first."""
    by_shown: dict[str, list[str]] = {}
    for name in sorted(row.expected, key=lambda name: -verdict.posterior.get(name, 0.0)):
        by_shown.setdefault(row.expected[name], []).append(name)
    listed = [
        (f"{names[0]} (+{len(names) - 1})" if names[1:] else names[0], shown) for shown, names in by_shown.items()
    ]
    return listed[:_EXPECTATIONS]
