"""What a report says, in reading order, apart from how it is laid out."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Literal

from bot.commands import undecorate
from bot.presentation.past import expectations
from bot.presentation.pictures import picture_of
from bot.presentation.recommendations import is_impossible, recommendation_part, recommendation_view
from bot.presentation.verdicts import (
    figures,
    finding_line,
    headline_of,
    reason_text,
    said_lines,
    seen_text,
    sure_text,
    what_text,
)
from bot.presentation.view import Part, percent, words
from bot.report.markup import harmless, mark
from bot.report.reproducing import Fact, again_command, costs, marks_of_record
from bot.requests import Lang
from bot.store.queries import StoredVerdict
from engine.evidence import Evidence, Group
from engine.identification import Recommendation
from engine.text import say
from engine.verdict import Verdict

_BARS = 8
_NUMBER = re.compile(r"\d+\. ")


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring lines that are laid out alike: ``p`` paragraphs, ``ul`` or ``ol`` a list's items, ``pre`` code."""

    kind: Literal["p", "ul", "ol", "pre"]
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A titled part of a section."""

    title: str
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """A probability; ``width`` in per cent of the whole."""

    name: str
    width: float
    shown: str


@dataclass(frozen=True, slots=True)
class Row:
    """A probe: what it saw, what variants would show, how strong that is and how it could be fooled."""

    title: str
    seen: str
    would: tuple[str, ...]
    strength: str
    degree: str
    fooled: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture as a data URI, labelled in ``lang``."""

    source: str
    alt: str
    caption: str
    lang: str


@dataclass(frozen=True, slots=True)
class Page:
    """A report. Lines hold the marks of replies and foreign text that ``markup.mark`` has marked."""

    lang: Lang
    said: Mapping[str, Any]
    id: str
    created: datetime
    state: str
    headline: str
    target: str
    asked: str
    lines: tuple[str, ...]
    contradictions: tuple[str, ...]
    reasons: tuple[str, ...]
    tales: tuple[str, ...]
    bars: tuple[Bar, ...]
    rows: tuple[Row, ...]
    findings: tuple[str, ...]
    advice: Section
    advice_parts: tuple[Section, ...]
    pictures: tuple[Figure, ...]
    changes: tuple[str, ...]
    costs: tuple[Fact, ...]
    command: str
    record: tuple[Fact, ...]


def page_of(stored: StoredVerdict, today: Verdict | None, without: Mapping[Group, Verdict] | None, lang: Lang) -> Page:
    """The report on a stored verdict.

    Args:
        today: what its observations give under today's catalog, where that is known.
        without: verdicts that leaving out a kind of evidence would change, see ``what_if``.
    """
    found, verdict, said = stored.identification, stored.identification.verdict, words(lang)["report"]
    tales = figures(stored.request, lang) if stored.request is not None else []
    advice, parts = _advice(found.recommendation, lang)
    return Page(
        lang=lang,
        said={**said, "evidence": words(lang)["verdict"]["evidence"], "why": words(lang)["verdict"]["why"]},
        id=stored.id,
        created=stored.created,
        state=verdict.claim_check if verdict.outcome != "inconclusive" else "unproven",
        headline=headline_of(verdict, lang, mark),
        target=mark(found.target.spec),
        asked=mark(undecorate(stored.text).strip()),
        lines=said_lines(verdict, lang, mark),
        contradictions=tuple(reason_text(reason, lang, mark) for reason in verdict.contradictions),
        reasons=tuple(reason_text(reason, lang, mark) for reason in verdict.reasons),
        tales=tuple(line for part in tales for line in part.lines),
        bars=tuple(_bars(verdict, said)),
        rows=tuple(_row(row, verdict, lang) for row in found.evidence),
        findings=tuple(finding_line(entry, lang, mark) for entry in found.target.findings),
        advice=advice,
        advice_parts=parts,
        pictures=tuple(_pictures(stored, lang)),
        changes=tuple(_changes(stored, today, without, lang)),
        costs=costs(found, said),
        command=harmless(again_command(stored)),
        record=marks_of_record(stored, lang),
    )


def _bars(verdict: Verdict, said: Mapping[str, Any]) -> Iterator[Bar]:
    """The likeliest variants, and all others together."""
    ranked = sorted(verdict.posterior.items(), key=lambda item: -item[1])
    told = [(name, share) for at, (name, share) in enumerate(ranked) if at < 2 or (at < _BARS and share >= 0.0005)]
    for name, share in told:
        yield Bar(mark(said["unknown"] if name == "unknown" else name), 100 * share, percent(share))
    rest = [share for _, share in ranked[len(told) :]]
    if rest:
        yield Bar(said["others"].format(count=len(rest)), 100 * sum(rest), percent(sum(rest)))


def _row(row: Evidence, verdict: Verdict, lang: Lang) -> Row:
    would = words(lang)["explain"]["would"].removeprefix("• ")
    return Row(
        title=say(f"evidence.{row.probe}.title", lang),
        seen=seen_text(row, lang, mark),
        would=tuple(would.format(names=mark(names), shown=mark(shown)) for names, shown in expectations(row, verdict)),
        strength=say(f"evidence.strength.{row.strength}", lang),
        degree=row.strength,
        fooled=say(f"evidence.{row.probe}.fooled", lang),
    )


def _advice(advice: Recommendation, lang: Lang) -> tuple[Section, tuple[Section, ...]]:
    """The recommendation whole where something was asked of it, else how to ask."""
    if advice.choice is None and not is_impossible(advice) and not advice.constraints:
        part = recommendation_part(advice, lang, mark, prefix="r1 ")
        return Section("", _runs(part)), ()
    view = recommendation_view(advice, lang, mark, prefix="r1 ")
    lead = () if view.headline == words(lang)["recommendation"]["title"] else (f"*{view.headline}*",)
    parts = tuple(Section(part.title.rstrip(":："), _runs(part)) for part in view.parts)
    return Section("", _runs(Part((*lead, *view.fields)))), parts


def _runs(part: Part) -> tuple[Run, ...]:
    code = (Run("pre", (harmless_lines(part.code),)),) if part.code else ()
    lines = (Run("ul", part.lines),) if part.quiet and part.lines else tuple(_grouped(part.lines))
    return (*lines, *code, *_grouped(part.after))


def harmless_lines(code: str) -> str:
    """Code as it is to be copied, line by line, without characters that hide."""
    return "\n".join(harmless(line) for line in code.splitlines())


def _grouped(lines: Iterable[str]) -> Iterator[Run]:
    for kind, run in groupby(lines, key=_kind):
        bare = (line.partition(" ")[2] if kind != "p" else line for line in run)
        yield Run(kind, tuple(bare))


def _kind(line: str) -> Literal["p", "ul", "ol"]:
    return "ul" if line.startswith(("• ", "→ ")) else "ol" if _NUMBER.match(line) else "p"


def _pictures(stored: StoredVerdict, lang: Lang) -> Iterator[Figure]:
    """The heat map of heads, and the front of what was chosen among; what cannot be drawn is left out."""
    from bot.jobs import Answer

    said, found = words(lang)["report"]["pictures"], stored.identification
    for name, answer in (
        ("heads", Answer(identification=found)),
        ("front", Answer(recommendation=found.recommendation)),
    ):
        if (picture := picture_of(answer, lang)) is not None:
            source = f"data:image/png;base64,{base64.b64encode(picture.png).decode()}"
            yield Figure(source, harmless(picture.alt), said[name], "zh-CN" if picture.lang == "zh" else "en")


def _changes(
    stored: StoredVerdict, today: Verdict | None, without: Mapping[Group, Verdict] | None, lang: Lang
) -> Iterator[str]:
    """Today's catalog; each kind of evidence without which it would be said otherwise; what was not looked at."""
    found, said = stored.identification, words(lang)["report"]["changes"]
    verdict = found.verdict
    if today is not None and (today.outcome, today.variant) != (verdict.outcome, verdict.variant):
        yield words(lang)["explain"]["recomputed"].format(what=headline_of(today, lang, mark))
    for group, other in (without or {}).items():
        yield said["without"].format(
            group=say(f"reasons.groups.{group}", lang), what=what_text(other, lang, mark), sure=sure_text(other, lang)
        )
    if without is not None and not without and any(row.votes for row in found.evidence):
        yield said["nothing"]
    if without is None:
        yield said["unknown"]
    asked_all = stored.request is not None and stored.request.thorough
    looked = any(row.probe in ("lineage", "attention") for row in found.evidence)
    if not asked_all and not looked:
        yield said["thorough_endpoint" if found.target.kind == "endpoint" else "thorough"]
