"""Holds estimates of speed against published measurements: one line a point, medians, coverage, errors by document, and
what the constants do when each document in turn is left out of fitting them.

    python tests/benchmarks/sizing/throughput.py [--points FILE] [--fit]

Bars: time per token with at most 8 requests in flight, median error <= 25 %; tokens per second with everything sent at
once, <= 35 %; the stated 80 % range holds >= 80 % of points. Points that contradict themselves are shown, counted as
stated, and set aside in a count of their own, with the reason.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, exp, log
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))

from engine.sizing.efficiencies import FITTED, Efficiencies
from engine.sizing.spread import widen
from sizing.fitting import fit
from sizing.points import POINTS, Question, read_points
from sizing.predicting import Prediction, predict

FEW = 8
BARS = {"tpot": 0.25, "tokens": 0.35}
COVERAGE = 0.8


@dataclass(frozen=True)
class Compared:
    """A point and what sizing says of it. ``figure``: which of its numbers the bars are about."""

    question: Question
    predicted: Prediction

    @property
    def figure(self) -> str:
        return "tokens" if self.question.burst else "tpot"

    @property
    def ratio(self) -> float:
        """Estimate over measurement, of the figure that counts."""
        return float(getattr(self.predicted, self.figure) / getattr(self.question, self.figure))

    @property
    def error(self) -> float:
        return abs(self.ratio - 1)

    @property
    def covered(self) -> bool:
        name = "throughput" if self.figure == "tokens" else self.figure
        inflight = self.question.requests if self.question.burst else self.question.concurrency or 1
        measured = self.question.device not in ("ascend-910b", "mi300x")
        stated = widen(getattr(self.predicted, self.figure), name, measured=measured, inflight=inflight)
        return bool(stated.low <= getattr(self.question, self.figure) <= stated.high)


def compare(questions: Sequence[Question], efficiencies: Efficiencies = FITTED) -> list[Compared]:
    """Every point with its estimate."""
    return [Compared(question, predict(question, efficiencies)) for question in questions]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=Path, default=POINTS, help="measurements as JSON")
    parser.add_argument("--fit", action="store_true", help="fit the constants anew, and print them")
    arguments = parser.parse_args()
    questions, unread = read_points(arguments.points)
    compared = compare(questions)
    print(f"{'document':28} {'model':20} {'engine':7} {'layout':12} {'weights':8} {'in':>6} {'out':>4} {'sent':>5}"
          f" {'tok/s':>7} {'est.':>7} {'TPOT ms':>8} {'est.':>7} {'TTFT s':>8} {'est.':>8} {'error':>6} in range")  # fmt: skip
    for entry in compared:
        print(_line(entry))
    for sentence in unread:
        print("NOT READ:", sentence)
    _set_aside(compared)
    consistent = [entry for entry in compared if not entry.question.problems]
    met = [_summary("all points, as stated", compared), _summary("without those set aside", consistent)]
    _by_document(compared)
    if arguments.points == POINTS:
        _left_out([entry.question for entry in consistent])
    else:
        print(f"\nthe constants were fitted on {POINTS.name} only")
    if arguments.fit:
        print("\nfitted on the consistent points:", fit([entry.question for entry in consistent]))
    return 0 if met[1] else 1


def _line(entry: Compared) -> str:
    question, predicted = entry.question, entry.predicted
    layout = f"{question.devices}x{question.device.split('-')[0]}" + ("+dp" if question.spread else "")
    layout += "+ep" if question.experts_apart else ""
    sent = "all" if question.concurrency is None else str(question.concurrency)
    return (
        f"{question.doc:28} {question.variant.id:20.20} {question.engine:7} {layout:12} {question.quantization:8.8}"
        f" {question.prompt:6.0f} {question.output:4.0f} {sent:>5} {question.tokens:7.0f} {predicted.tokens:7.0f}"
        f" {question.tpot * 1e3:8.1f} {predicted.tpot * 1e3:7.1f} {question.ttft:8.2f} {predicted.ttft:8.2f}"
        f" {entry.ratio - 1:+6.0%} {'yes' if entry.covered else 'NO '}{' set aside' if question.problems else ''}"
    )


def _set_aside(compared: Sequence[Compared]) -> None:
    print("\nset aside, as they contradict themselves:")
    for entry in compared:
        question = entry.question
        if question.problems:
            print(f"  {question.doc}, {question.tokens:.0f} tok/s: {'; '.join(question.problems)}")
            if not question.burst and question.inflight > 1.5 * (question.concurrency or 1):
                as_burst = predict(question, as_burst=True)
                print(f"    were all sent at once: {as_burst.tokens:.0f} tok/s ({as_burst.tokens / question.tokens - 1:+.0%}), "
                      f"TPOT {as_burst.tpot * 1e3:.0f} ms ({as_burst.tpot / question.tpot - 1:+.0%})")  # fmt: skip


def _summary(title: str, compared: Sequence[Compared]) -> bool:
    """Prints medians and coverage; whether all bars are met."""
    print(f"\n{title}: {len(compared)} points")
    met = True
    for figure, what in (("tpot", f"time per token, at most {FEW} in flight"), ("tokens", "tokens per second, all sent at once")):  # fmt: skip
        errors = [
            entry.error for entry in compared if entry.figure == figure and (entry.question.concurrency or 0) <= FEW
        ]
        if errors:
            met = met and median(errors) <= BARS[figure]
            print(f"  {what:38} {len(errors):3} points, median error {median(errors):4.0%} (bar {BARS[figure]:.0%})")
    share = sum(entry.covered for entry in compared) / max(len(compared), 1)
    print(
        f"  {'inside the stated 80 % range':38} {sum(entry.covered for entry in compared)} of {len(compared)}: {share:.0%}"
    )
    others = [entry for entry in compared if entry.question.burst]
    if others:
        print(f"  beside: bursts' time per token {_median(others, 'tpot'):.0%} off, time to first token {_median(others, 'ttft'):.0%}")  # fmt: skip
    return met and share >= COVERAGE


def _median(compared: Sequence[Compared], figure: str) -> float:
    return median(abs(getattr(entry.predicted, figure) / getattr(entry.question, figure) - 1) for entry in compared)


def _by_document(compared: Sequence[Compared]) -> None:
    print("\nby document, all points as stated: median error, and median of estimate over measurement")
    for doc in sorted({entry.question.doc for entry in compared}):
        of_it = [entry for entry in compared if entry.question.doc == doc]
        print(f"  {doc:28} {len(of_it):3} {median(e.error for e in of_it):5.0%} {median(e.ratio for e in of_it):6.2f}")


def _left_out(questions: Sequence[Question]) -> None:
    """Fits the constants without each document in turn, and holds them against it."""
    print("\nleaving one document out of the fit:")
    unseen: list[Compared] = []
    for doc in sorted({question.doc for question in questions}):
        rest = [question for question in questions if question.doc != doc]
        apart = compare([question for question in questions if question.doc == doc], fit(rest))
        unseen += apart
        print(f"  {doc:28} {len(apart):3} median error {median(entry.error for entry in apart):4.0%}")
    _summary("points as estimated without their own document", unseen)
    for figure in ("tpot", "tokens"):
        off = sorted(abs(log(entry.ratio)) for entry in unseen if entry.figure == figure)
        if off:
            print(f"  {figure}: 80 % within a factor of {exp(off[ceil(0.8 * len(off)) - 1]):.2f}")


if __name__ == "__main__":
    raise SystemExit(main())
