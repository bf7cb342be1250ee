"""A comparison on a task as one file that any browser opens: the table, its intervals as a picture, and the cases on which
the two differ with both answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from bot.comparing.records import Compared, Pair
from bot.jobs import ReportFile
from bot.presentation.tasks import (
    about_text,
    article_part,
    decision_lines,
    figure_text,
    footer_lines,
    interval_text,
    metric_text,
    names_of,
    omission_lines,
    relative_text,
    table_of,
    title_of,
)
from bot.presentation.view import Part, Table, words
from bot.report.markup import harmless, mark, plain, rich
from bot.requests import Lang, Request
from engine.comparing.records import Line, Side

if TYPE_CHECKING:
    from jinja2 import Template

_SIDES: tuple[Side, Side] = ("a", "b")
_STATES = {"a": "holds", "b": "holds", "alike": "holds", "trade": "unproven", "more_data": "unproven"}
_HALF, _MARGIN = 500.0, 1.08


@dataclass(frozen=True, slots=True)
class Reach:
    """A metric's difference and its interval in a picture 1,000 wide, whose middle is no difference; ``gap`` is where a
    difference would not matter: from where, how wide."""

    name: str
    low: float
    mean: float
    high: float
    gap: tuple[float, float]
    state: str
    shown: str
    alt: str


@dataclass(frozen=True, slots=True)
class Told:
    """One of the two on a case."""

    name: str
    text: str
    score: str
    omitted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CaseShown:
    """A case with both answers."""

    id: str
    prompt: str
    right: str
    sides: tuple[Told, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """The report. Lines hold the marks of replies and foreign text that ``markup.mark`` has marked."""

    lang: Lang
    said: Mapping[str, Any]
    state: str
    headline: str
    lines: tuple[str, ...]
    made: str
    main: str
    gap: str
    table: Table
    bars: tuple[Reach, ...]
    decision: tuple[str, ...]
    reasons: tuple[str, ...]
    features: Table | None
    omitted: tuple[str, ...]
    cases: tuple[CaseShown, ...]
    article: Part
    notes: tuple[str, ...]
    footer: str


def comparison_report(found: Compared, lang: Lang) -> ReportFile:
    """The report on a comparison."""
    html = _layout().render(page=page_of(found, lang)).encode("utf-8", "replace")
    return ReportFile(f"r1-comparison-{found.id or 'new'}.html", html)


def page_of(found: Compared, lang: Lang) -> Page:
    """What the report says, in reading order."""
    made, said = found.comparison, words(lang)["tasks"]
    names, request = names_of(made, mark), Request("compare", "", lang)
    decided = tuple(decision_lines(found, request, mark, prefix="r1 "))
    own = {name: said[name] for name in ("decision", "table", "features", "omitted")}
    return Page(
        lang=lang,
        said={**own, **said["page"]},
        state=_STATES[made.decision],
        headline=title_of(made, lang, mark),
        lines=(said["of"].format(a=mark(made.a)), said["of_b"].format(b=mark(made.b)), about_text(made, lang, mark)),
        made=f"{found.created:%Y-%m-%d %H:%M} UTC" if found.created else "",
        main=metric_text(made.main, lang),
        gap=f"{100 * made.gap:g}",
        table=table_of(made, lang),
        bars=tuple(_reaches(made.lines, made.gap, lang)),
        decision=decided,
        reasons=tuple(line for line in decided if line.startswith("• ")),
        features=_features(made.lines, lang),
        omitted=tuple(omission_lines(made, lang, mark)),
        cases=tuple(_case(pair, names, said["page"]) for pair in found.pairs),
        article=article_part(lang),
        notes=tuple(footer_lines(found, lang, mark)),
        footer=said["page"]["footer"].format(id=found.id or "–"),
    )


def _reaches(lines: tuple[Line, ...], gap: float, lang: Lang) -> Iterator[Reach]:
    """All on one scale, so that one can be held against another."""
    told = [line for line in lines if line.group == "quality" and line.low is not None and line.high is not None]
    widest = max([abs(edge) for line in told for edge in (line.low or 0.0, line.high or 0.0)] + [gap, 0.01]) * _MARGIN

    def place(value: float) -> float:
        return round(_HALF + _HALF * value / widest, 1)

    for line in told:
        low, high = line.low or 0.0, line.high or 0.0
        state = "good" if low > 0 else "bad" if high < 0 else "open"
        shown = interval_text(line, lang)
        name = metric_text(line.metric, lang)
        strip = (place(-gap), round(place(gap) - place(-gap), 1))
        yield Reach(name, place(low), place(line.b - line.a), place(high), strip, state, shown, f"{name}: {shown}")


def _features(lines: tuple[Line, ...], lang: Lang) -> Table | None:
    heads = words(lang)["tasks"]["heads"]
    rows = [
        (
            metric_text(line.metric, lang),
            figure_text(line, line.a),
            figure_text(line, line.b),
            relative_text(line.relative),
            interval_text(line, lang),
        )
        for line in lines
        if line.group == "features"
    ]
    columns = (heads["metric"], "A", "B", heads["difference"], heads["interval"])
    return Table(columns, tuple(rows)) if rows else None


def _case(pair: Pair, names: Mapping[Side, str], said: Mapping[str, Any]) -> CaseShown:
    sides = [
        Told(
            names[side],
            _lines(pair.answers.get(side, "")) or said["nothing"],
            said["score"].format(score=f"{100 * pair.scores[side]:.0f}") if side in pair.scores else "",
            tuple(mark(one.point) for one in pair.omitted if one.side == side),
        )
        for side in _SIDES
    ]
    return CaseShown(mark(pair.case), _lines(pair.prompt), mark(" / ".join(pair.right)), tuple(sides))


def _lines(text: str) -> str:
    """Text as it stands, line by line, without characters that hide."""
    return "\n".join(harmless(line) for line in text.splitlines()).strip()


@cache
def _layout() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("bot", "templates/layout")
    environment = Environment(
        loader=loader, undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update({"rich": rich, "plain": plain})
    return environment.get_template("comparison.html.j2")
