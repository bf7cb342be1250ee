"""Two models on a task in words: the article's table with intervals, what it implies, what was left out, what it took."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bot.comparing.article import ARTICLE
from bot.comparing.records import Compared
from bot.comparing.ruling import faster_of, main_line
from bot.presentation.view import Button, Mark, Part, Table, View, words
from bot.requests import Lang, Request
from bot.understanding.line import line_of
from engine.choosing.wording import dollars_text, seconds_text
from engine.comparing.records import Comparison, Line, Side

_SIDES: tuple[Side, Side] = ("a", "b")
_SOME, _CASES, _NAME, _POINT, _WEAK = 4, 3, 40, 60, 0.8


def compared_view(found: Compared, request: Request, mark: Mark, *, prefix: str) -> View:
    """Which is better at what and by how much, whether the data say so, and which to take."""
    lang, made = request.lang, found.comparison
    said, names = words(lang)["tasks"], names_of(made, mark)
    headline = title_of(made, lang, mark)
    fields = [said["of"].format(a=names["a"]), said["of_b"].format(b=names["b"]), about_text(made, lang, mark)]
    parts = [
        Part((), said["table"], table=table_of(made, lang), after=tuple(main_lines(made, lang))),
        Part(tuple(decision_lines(found, request, mark, prefix=prefix)), said["decision"]),
        Part(tuple(omission_lines(made, lang, mark)), said["omitted"]),
        Part(tuple(feature_lines(made, lang)), said["features"]),
        Part(tuple(footer_lines(found, lang, mark)), quiet=True),
    ]
    buttons: tuple[Button, ...] = ()
    if found.id:
        parts.append(Part((said["foot"].format(id=found.id, p=prefix),), quiet=True))
        buttons = (Button("report", said["report"], found.id),)
    kept = tuple(part for part in parts if part.lines or part.table is not None)
    summary = said["summary"].format(headline=headline, cases=made.asked)
    return View(headline, summary, kept, tuple(line for line in fields if line), buttons=buttons)


def title_of(made: Comparison, lang: Lang, mark: Mark) -> str:
    """The comparison in a line."""
    said, names, task = words(lang)["tasks"]["title"], names_of(made, mark), mark(made.task)
    line, faster = main_line(made), faster_of(made)
    if made.decision == "trade" and line is not None and faster is not None and line.a != line.b:
        better = names["b" if (line.b > line.a) == (line.better is not False) else "a"]
        return str(said["trade"].format(better=better, faster=names[faster], task=task))
    key = "trade_plain" if made.decision == "trade" else made.decision
    return str(said[key].format(**names, task=task))


def names_of(made: Comparison, mark: Mark) -> dict[Side, str]:
    """Both by what they are called: of a path its last part."""
    return {"a": mark(_name(made.a)), "b": mark(_name(made.b))}


def about_text(made: Comparison, lang: Lang, mark: Mark) -> str:
    """Which task, how much of it was answered, and what decides; and why no more was asked."""
    said = words(lang)["tasks"]
    text = said["about"].format(
        task=mark(made.task),
        kind=said["kinds"][made.kind],
        asked=made.asked,
        cases=made.cases,
        metric=metric_text(made.main, lang),
        gap=f"{100 * made.gap:g}",
    )
    return " ".join(part for part in (text, said["ended"][made.ended]) if part)


def table_of(made: Comparison, lang: Lang) -> Table:
    """The article's table, with an interval and whether the data are enough."""
    heads = words(lang)["tasks"]["heads"]
    rows = [row_of(line, lang) for line in made.lines if line.group != "features"]
    return Table((heads["metric"], "A", "B", heads["difference"], heads["interval"], heads["enough"]), tuple(rows))


def main_lines(made: Comparison, lang: Lang) -> Iterator[str]:
    """The line that decides, once more in a sentence: a narrow screen shows a table's first columns only."""
    line = main_line(made)
    if line is not None:
        yield words(lang)["tasks"]["main"].format(
            metric=metric_text(line.metric, lang),
            a=figure_text(line, line.a),
            b=figure_text(line, line.b),
            relative=relative_text(line.relative),
            interval=interval_text(line, lang),
        )


def row_of(line: Line, lang: Lang) -> tuple[str, ...]:
    """A line of the table."""
    return (
        metric_text(line.metric, lang),
        figure_text(line, line.a),
        figure_text(line, line.b),
        relative_text(line.relative),
        interval_text(line, lang),
        enough_text(line, lang),
    )


def metric_text(metric: str, lang: Lang) -> str:
    """A metric's name."""
    return str(words(lang)["tasks"]["metrics"].get(metric, metric))


def figure_text(line: Line, value: float, *, signed: bool = False) -> str:
    """Quality in points of a hundred, as the article has it; other figures as they are."""
    sign = "+" if signed else ""
    if line.group == "quality":
        shown = f"{100 * value:{sign}.1f}"
    else:
        size = abs(value)
        shown = f"{value:{sign},.{0 if size >= 100 else 1 if size >= 10 else 2}f}"
        if 0 < size < 0.1:
            shown = f"{value:{sign}.2g}"
    return shown.replace("-", "−")


def relative_text(share: float | None) -> str:
    """``−2.8%``."""
    return "–" if share is None else f"{100 * share:+.1f}%".replace("-", "−")


def interval_text(line: Line, lang: Lang) -> str:
    """``−4.1 … +0.3 pts``, of B − A."""
    if line.low is None or line.high is None:
        return "–"
    unit = words(lang)["tasks"]["points"] if line.group == "quality" else ""
    return f"{figure_text(line, line.low, signed=True)} … {figure_text(line, line.high, signed=True)}{unit}"


def enough_text(line: Line, lang: Lang) -> str:
    """Whether the data say whether there is a difference that matters."""
    said = words(lang)["tasks"]["enough"]
    if line.group != "quality":
        return str(said["plain"])
    if line.enough:
        return str(said["yes"])
    more = more_cases(line)
    return str(said["more"].format(count=f"{more:,}") if more else said["no"])


def more_cases(line: Line) -> int:
    """How many cases more would show the gap; 0 where that is not known."""
    return max(0, (line.needed or 0) - line.cases)


def decision_lines(found: Compared, request: Request, mark: Mark, *, prefix: str) -> Iterator[str]:
    """What to take, and why."""
    made, ruling, lang = found.comparison, found.ruling, request.lang
    said, names = words(lang)["tasks"], names_of(made, mark)
    if ruling.why == "more":
        yield from _more_lines(made, said)
    else:
        asked = {"a": mark(made.a), "b": mark(made.b), "task": mark(made.task), "p": prefix}
        yield said["why"][ruling.why].format(**{**asked, "take": names[ruling.take] if ruling.take else ""})
    for side, rows in ruling.fails.items():
        for name, most, measured in rows:
            demand = said["demands"][name]
            yield said["fails"].format(
                name=names[side], demand=demand, measured=seconds_text(measured), most=seconds_text(most)
            )
    for reason in ruling.rules:
        yield f"• {reason.get(lang) or reason.get('en') or ''}"


def omission_lines(made: Comparison, lang: Lang, mark: Mark) -> Iterator[str]:
    """What each of the two left out, a few by name."""
    said, names = words(lang)["tasks"], names_of(made, mark)
    comma, comma_ = ("；", "、") if lang == "zh" else ("; ", ", ")
    for side in _SIDES:
        mine = [one for one in made.omissions if one.side == side]
        if not mine:
            continue
        cases: dict[str, list[str]] = {}
        for one in mine:
            cases.setdefault(_short(one.point, _POINT), []).append(one.case)
        ranked = sorted(cases.items(), key=lambda item: -len(item[1]))
        told = [
            said["omitted_some"].format(
                point=mark(point),
                case=comma_.join(mark(case) for case in of[:_CASES]) + ("" if len(of) <= _CASES else " …"),
            )
            for point, of in ranked[:_SOME]
        ]
        more = "" if len(ranked) <= _SOME else " …"
        yield said["omitted_line"].format(name=names[side], count=len(mine), some=comma.join(told) + more)
    if not made.omissions and made.asked:
        yield said["omitted_none"]


def feature_lines(made: Comparison, lang: Lang) -> Iterator[str]:
    """How the two answer: lengths and the like, as lines, which fit a narrow screen."""
    said = words(lang)["tasks"]
    for line in made.lines:
        if line.group != "features":
            continue
        known = line.low is not None and line.high is not None
        share = said["feature_relative"].format(relative=relative_text(line.relative))
        yield said["feature"].format(
            metric=metric_text(line.metric, lang),
            a=figure_text(line, line.a),
            b=figure_text(line, line.b),
            relative=share if line.relative is not None else "",
            interval=said["feature_interval"].format(interval=interval_text(line, lang)) if known else "",
        )


def footer_lines(found: Compared, lang: Lang, mark: Mark) -> Iterator[str]:
    """What it took, what failed, and how it was tested."""
    made, said = found.comparison, words(lang)["tasks"]
    names = names_of(made, mark)
    if made.agreement is not None:
        weak = " " + said["judge_weak"] if made.agreement < _WEAK else ""
        yield said["agreement"].format(share=f"{made.agreement:.0%}") + weak
    for note in made.notes:
        yield note_text(note, names, lang, mark)
    taken = [_cost_text(names[side], made.cost[side], said) for side in _SIDES if made.cost.get(side)]
    if taken:
        yield said["cost"].format(sides=("；" if lang == "zh" else "; ").join(taken))
    line = main_line(made)
    if line is not None and line.p is not None:
        p = said["p_small"] if line.p < 0.001 else said["p"].format(p=f"{line.p:.3f}")
        yield f"{said['method']} {metric_text(line.metric, lang)}: {p}"


def note_text(note: str, names: Mapping[Side, str], lang: Lang, mark: Mark) -> str:
    """A note of the engine's, such as ``failed_a:3``, in words; one that is not known as it stands."""
    said = words(lang)["tasks"]
    code, _, count = note.partition(":")
    kind, _, side = code.partition("_")
    if kind not in said["notes"] or not count.isdigit():
        return str(said["note"].format(note=mark(note)))
    return str(said["notes"][kind].format(name=names.get("b" if side == "b" else "a"), count=f"{int(count):,}"))


def article_part(lang: Lang) -> Part:
    """The article's table, computed again, for orientation."""
    said = words(lang)["tasks"]["article"]
    heads = said["heads"]
    rows = [
        (metric_text(line.metric, lang), f"{line.full:g}", f"{line.distilled:g}", relative_text(line.relative), f"{line.printed}%".replace("-", "−"))
        for line in ARTICLE
    ]  # fmt: skip
    last = ARTICLE[-1]
    note = said["note"].format(last=f"{100 * last.relative:.1f}", printed=last.printed.lstrip("+"))
    columns = (heads["metric"], heads["full"], heads["distilled"], heads["difference"], heads["printed"])
    return Part((), said["title"], table=Table(columns, tuple(rows)), after=(note,))


def again_text(request: Request, lang: Lang, *, prefix: str) -> str:
    """How to go on where a comparison was broken off."""
    return str(words(lang)["tasks"]["going"]["kept"].format(line=f"{prefix}{line_of(request)}"))


def _more_lines(made: Comparison, said: Mapping[str, Any]) -> Iterator[str]:
    line = main_line(made)
    more = more_cases(line) if line is not None else 0
    if more:
        yield said["why"]["more"].format(count=f"{more:,}", gap=f"{100 * made.gap:g}")
    else:
        yield said["why"]["more_unknown"]
    if made.asked >= made.cases:
        yield said["why"]["more_all"]


def _cost_text(name: str, cost: Mapping[str, float], said: Mapping[str, Any]) -> str:
    tokens = cost.get("tokens", cost.get("prompt_tokens", 0) + cost.get("completion_tokens", 0))
    known = cost.get("cached", 0)
    money = cost.get("money")
    extra = said["cost_cached"].format(count=f"{known:,.0f}") if known else ""
    extra += said["cost_money"].format(money=dollars_text(money)) if money is not None else ""
    text = str(
        said["cost_side"].format(
            name=name,
            requests=f"{cost.get('requests', 0):,.0f}",
            tokens=f"{tokens:,.0f}",
            seconds=f"{cost.get('seconds', 0):,.0f}",
        )
    )
    return text + extra


def _name(spec: str) -> str:
    if "://" not in spec and spec.startswith(("/", "~", ".")):
        return spec.rstrip("/").rpartition("/")[2] or spec
    return _short(spec, _NAME)


def _short(text: str, longest: int) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= longest else flat[: longest - 1] + "…"
