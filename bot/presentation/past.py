"""Past verdicts: the list of them, and one explained row by row."""

from __future__ import annotations

import math
from typing import Any

from bot.commands import undecorate
from bot.jobs import Answer, ReportFile
from bot.presentation.conversation import verdict_buttons
from bot.presentation.recommendations import is_impossible, recommendation_part
from bot.presentation.verdicts import evidence_line, headline_of, reason_text
from bot.presentation.view import Button, Mark, Part, View, percent, words
from bot.requests import Lang, Request
from bot.store.looks import LookLine, Quiet
from bot.store.queries import HistoryRow, StoredVerdict
from bot.store.recomputed import Recomputed
from engine.evidence import Evidence
from engine.text import say
from engine.verdict import Verdict

_EXPECTATIONS = 4


def history_view(answer: Answer, request: Request, mark: Mark, *, prefix: str) -> View:
    """Past verdicts and what watches saw, a line each, the latest first; what is as it was is summed up."""
    lang, rows = request.lang, answer.history or ()
    said = words(lang)["history"]
    if answer.export is not None:
        return _export_view(answer.export, request, mark)
    if not rows and not answer.looks and answer.quiet is None:
        text = said["none"].format(example=f"`{prefix}identify deepseek-ai/DeepSeek-R1`")
        return View(said["title"], text, (Part((text,)),))
    lines = [(row.created, _verdict_line(row, lang, mark)) for row in rows]
    lines += [(look.at, look_line(look, lang, mark)) for look in answer.looks]
    lines = sorted(lines, key=lambda line: line[0], reverse=True)[: request.limit]
    parts = [Part(tuple(text for _, text in lines))]
    if answer.quiet is not None:
        parts.append(Part((quiet_line(answer.quiet, lang, of_one=answer.quiet.watches == 1),)))
    parts.append(Part((said["zone"],), quiet=True))
    buttons: tuple[Button, ...] = ()
    if request.target is not None:
        buttons = (Button("command", words(lang)["looks"]["export_button"], f"history {request.target} export"),)
    view_title = words(lang)["looks"]["title"] if answer.looks or answer.quiet is not None else said["title"]
    return View(
        view_title,
        f"{view_title}: {len(lines)}",
        tuple(part for part in parts if part.lines),
        buttons=buttons,
    )


def _verdict_line(row: HistoryRow, lang: Lang, mark: Mark) -> str:
    said = words(lang)["history"]
    line = said["line"].format(
        when=f"{row.created:%Y-%m-%d %H:%M}",
        id=f"`{row.id}`",
        target=mark(row.target),
        title=words(lang)["verdict"]["what"][row.outcome].format(title=mark(row.title)),
        percent=percent(row.confidence),
        flag=said["misrepresented"] if row.claim_check == "misrepresented" else "",
    )
    judged = said["judged"].format(right=row.right, wrong=row.wrong) if row.right or row.wrong else ""
    return str(line + judged + _again(row.recomputed, words(lang)["catalog"]["history"]))


def _again(recomputed: Recomputed, said: Any) -> str:
    """What a verdict was made of, and what was made of it, as the catalog changed."""
    of = said["of"].format(id=recomputed.of) if recomputed.of is not None else ""
    return str(of + (said["to"].format(id=recomputed.to) if recomputed.to is not None else ""))


def look_line(look: LookLine, lang: Lang, mark: Mark) -> str:
    """A look that is news: what it found, and how sure that is."""
    said = words(lang)["looks"]
    state = said["states"].get(look.state, look.state)
    if look.times > 1 and look.since is not None:
        state = said["times"].format(state=state, count=look.times, since=f"{look.since:%Y-%m-%d %H:%M}")
    if look.state in ("changed", "replaced") and look.log_e is not None:
        state += said["chance"].format(chance=chance_text(look.log_e))
    if look.state in ("deviates", "undecided") and look.record.get("title"):
        state += said["as"].format(title=mark(look.record["title"]))
    return str(said["line"].format(when=f"{look.at:%Y-%m-%d %H:%M}", target=mark(look.target), state=state))


def chance_text(log_e: float) -> str:
    """How seldom a stable endpoint would look so changed: 1 in so many."""
    return "1/10^9" if log_e > 20.7 else f"1/{max(1, math.floor(math.exp(log_e))):,}"


def quiet_line(quiet: Quiet, lang: Lang, *, of_one: bool = False) -> str:
    """Looks of which nobody was told, summed up."""
    said = words(lang)["looks"]
    asked = said["cost"].format(requests=f"{quiet.requests:,}", tokens=f"{quiet.tokens:,}") if quiet.requests else ""
    key = "still" if quiet.still == quiet.looks else "mostly" if quiet.suspicious or quiet.still else "same"
    key = "once" if key == "same" and quiet.looks == 1 else key
    return str(
        said["one" if of_one else "many"][key].format(
            count=f"{quiet.looks:,}",
            watches=f"{quiet.watches:,}",
            since=f"{quiet.since:%Y-%m-%d %H:%M}",
            suspicious=f"{quiet.suspicious:,}",
            still=f"{quiet.still:,}",
        )
        + asked
    )


def _export_view(export: ReportFile, request: Request, mark: Mark) -> View:
    said = words(request.lang)["looks"]
    what = said["export_of"].format(target=mark(request.target)) if request.target else said["export_all"]
    text = said["exported"].format(what=what, file=export.name)
    return View(said["title"], text, (Part((text,)), Part((said["columns"],), quiet=True)))


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
    again = _explained_again(stored, lang, mark)
    parts = [Part((first, asked, *again)), Part(tuple(bars), words(lang)["verdict"]["posterior"])]
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


def _explained_again(stored: StoredVerdict, lang: Lang, mark: Mark) -> list[str]:
    said, found, again = words(lang)["catalog"]["explain"], stored.identification, stored.recomputed
    lines = []
    if again.of is not None:
        told = {"family": mark(found.family), "version": mark(found.family_version)}
        lines.append(said["of"].format(id=again.of, **told))
    if again.to is not None:
        lines.append(said["to"].format(id=again.to))
    return lines


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
