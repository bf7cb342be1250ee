"""Measured metrics → the table, and what it means: which of the two, or that it is not known yet. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from engine.comparing import sequential, statistics
from engine.comparing.measuring import Measured, measured, of_scores
from engine.comparing.metrics import Metric
from engine.comparing.metrics.features import sentences
from engine.comparing.records import Answer, Decision, Group, Line
from engine.comparing.scoring import Pair

ALPHA = 0.05
NOTABLE = 0.5
"""How much faster the other has to be, relatively, to make a better answer a matter of price."""
Price = tuple[float, float]
"""Money for a million prompt tokens, and for a million that are generated."""
_FASTER: Mapping[str, bool] = {"sentences_per_second": True, "tokens_per_second": True, "ttft": False, "seconds": False}


def lines_of(
    metrics: Sequence[Metric],
    pairs: Sequence[Pair],
    gap: float,
    stopped: tuple[sequential.Plan, int] | None,
    prices: Mapping[str, Price],
    seed: int,
) -> tuple[Line, ...]:
    """The table: quality first, the main metric at its head.

    Args:
        stopped: the plan and the stage by which asking ended, by which the main metric's interval goes.
        prices: by side, where they are known.
    """
    found = {one.name: (one, got) for one in metrics if (got := measured(one, pairs, seed=seed)) is not None}
    quality = [name for name, (metric, _) in found.items() if metric.group == "quality"]
    lines: list[Line] = []
    for name, (metric, got) in found.items():
        if stopped is not None and name == metrics[0].name:
            low, high = sequential.interval(*stopped, got.z, got.middle, got.error)
            got = replace(got, low=low, high=high, p=sequential.p_value(*stopped, got.z))
        lines.append(_line(name, metric.group, got, metric.better, gap if metric.group == "quality" else None))
    corrected = statistics.holm([line.p or 0.0 for line in lines if line.metric in quality])
    by_name = dict(zip(quality, corrected, strict=True))
    lines = [_judged(replace(line, p=by_name.get(line.metric)), gap) for line in lines]
    return (*lines, *_speed(pairs, prices))


def decision_of(lines: Sequence[Line], main: str, gap: float) -> Decision:
    """Which of the two, by the main metric; speed and price where quality is no reason, or one has to be paid for it."""
    line = next((one for one in lines if one.metric == main), None)
    if line is None or line.low is None or line.high is None:
        return "more_data"
    if line.low <= 0 <= line.high:
        return "alike" if -gap < line.low and line.high < gap else "more_data"
    if -gap < line.low and line.high < gap:
        return "alike"
    better: Decision = "b" if line.low > 0 else "a"
    return "trade" if _is_dearer(lines, better) else better


def _line(name: str, group: Group, got: Measured, better: bool | None, gap: float | None) -> Line:
    needed = None
    if gap is not None and got.spread:
        needed = statistics.cases_needed(gap, got.spread)
    relative = statistics.relative(got.a, got.b)
    return Line(name, group, got.a, got.b, got.low, got.high, relative, got.p, got.effect, better, got.cases, needed)


def _judged(line: Line, gap: float) -> Line:
    """With whether the data are enough: of quality whether the gap is shown, or ruled out."""
    if line.group != "quality" or line.low is None or line.high is None:
        return line
    ruled_out = -gap < line.low and line.high < gap
    shown = (line.p is not None and line.p < ALPHA) and not line.low <= 0 <= line.high
    return replace(line, enough=ruled_out or shown)


def _speed(pairs: Sequence[Pair], prices: Mapping[str, Price]) -> tuple[Line, ...]:
    found: list[Line] = []
    for name, better in _FASTER.items():
        values = [_values(pair, _RATES[name]) for pair in pairs]
        known = [(a, b) for a, b in values if a is not None and b is not None]
        if len(known) > 1:
            found.append(_line(name, "speed", of_scores(known), better, None))
    if all(prices.get(side) for side in ("a", "b")):
        known = [(_money(pair.answers["a"], prices["a"]), _money(pair.answers["b"], prices["b"])) for pair in pairs
                 if not any(one.failed for one in pair.answers.values())]  # fmt: skip
        if len(known) > 1:
            found.append(_line("money", "speed", of_scores(known), False, None))
    return tuple(replace(line, p=None) for line in found)


def _values(pair: Pair, rate: Callable[[Answer], float | None]) -> tuple[float | None, float | None]:
    return rate(pair.answers["a"]), rate(pair.answers["b"])


def _per_second(count: Callable[[Answer], float]) -> Callable[[Answer], float | None]:
    def rate(answer: Answer) -> float | None:
        return count(answer) / answer.seconds if answer.seconds > 0 and not answer.failed else None

    return rate


_RATES: Mapping[str, Callable[[Answer], float | None]] = {
    "sentences_per_second": _per_second(lambda answer: len(sentences(answer.text))),
    "tokens_per_second": _per_second(lambda answer: answer.completion_tokens),
    "ttft": lambda answer: answer.first,
    "seconds": lambda answer: answer.seconds if answer.seconds > 0 and not answer.failed else None,
}


def _money(answer: Answer, price: Price) -> float:
    return (answer.prompt_tokens * price[0] + answer.completion_tokens * price[1]) / 1e6


def _is_dearer(lines: Sequence[Line], better: Decision) -> bool:
    """Whether the better one is notably slower, or costs notably more."""
    for line in lines:
        if (
            line.metric not in ("seconds", "money")
            or line.low is None
            or line.high is None
            or not min(line.a, line.b) > 0
        ):
            continue
        more = line.b / line.a if better == "b" else line.a / line.b
        sure = line.low > 0 if better == "b" else line.high < 0
        if sure and more > 1 + NOTABLE:
            return True
    return False
