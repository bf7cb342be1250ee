"""Identify every endpoint of the arena and print how often we are right, wrong and unsure, and what it cost.

    python tests/benchmarks/endpoints.py --honest 300 --disguised 500 --seed 1 [--thorough] [--references]

The arena's models are simulated (tests/benchmarks/arena); tokenizers, HTTP and everything on our side are real.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import itertools

from arena import Arena, Served, disguised, honest, trusted

import engine
from engine.errors import R1Error
from engine.targets.endpoint import THOROUGH, Budget, parse_endpoint

BINS = (0.0, 0.5, 0.7, 0.9, 0.97, 0.99, 0.999, 1.0001)


@dataclass(frozen=True)
class Row:
    """One endpoint, and what was said of it."""

    served: Served
    outcome: str
    grade: str
    leading: str
    title: str
    confidence: float
    reason: str
    requests: int
    prompt_tokens: int
    completion_tokens: int
    seconds: float

    @property
    def right(self) -> bool:
        return self.outcome == self.served.truth

    @property
    def wrong(self) -> bool:
        return not self.right and self.outcome not in ("inconclusive", "refused")


def judge(job: tuple[Served, str], *, thorough: bool, references: Sequence[Path]) -> Row:
    """Identify one endpoint."""
    served, spec = job
    started = time.perf_counter()
    budget = THOROUGH if thorough else Budget()
    try:
        found = engine.identify(spec, endpoint=parse_endpoint(spec), budget=budget, reference_files=references)
    except R1Error as error:
        return Row(served, "refused", "", "", error.sentence(), 0.0, error.code, 0, 0, 0, time.perf_counter() - started)
    verdict, cost = found.verdict, found.target.cost
    kinds = {"full": "full", "distilled": "distilled"}
    from engine.samples import published

    kind = published(verdict.variant).kind if verdict.variant else "other"
    leading = "mixed" if verdict.outcome == "mixed" else kinds.get(kind, "other")
    reason = verdict.reasons[0].code if verdict.reasons else ""
    return Row(
        served, verdict.outcome, verdict.grade, leading, verdict.title, verdict.confidence, reason, cost.requests,
        cost.prompt_tokens, cost.completion_tokens, time.perf_counter() - started,
    )  # fmt: skip


def record(folder: Path) -> list[Path]:
    """References of trusted endpoints, recorded as a user would."""
    variants = [
        "DeepSeek-R1", "DeepSeek-R1-0528", "DeepSeek-V3", "DeepSeek-V3.1", "R1-Distill-Qwen-7B",
        "R1-Distill-Qwen-14B", "R1-Distill-Qwen-32B", "R1-Distill-Llama-8B", "R1-Distill-Llama-70B", "R1-0528-Qwen3-8B",
    ]  # fmt: skip
    people = [trusted(variant) for variant in variants]
    paths = []
    with Arena(people) as arena:
        for served in people:
            path = folder / f"{served.variant}.json"
            path.write_text(json.dumps(engine.record_reference(parse_endpoint(arena.spec(served)), served.variant)))
            paths.append(path)
    return paths


def show(name: str, rows: Sequence[Row], *, verbose: bool) -> None:
    """The figures of one population."""
    count = len(rows)
    right = sum(row.right for row in rows)
    wrong = [row for row in rows if row.wrong]
    confident = [row for row in wrong if row.grade == "confident"]
    unsure = [row for row in rows if row.outcome == "inconclusive"]
    refused = [row for row in rows if row.outcome == "refused"]
    print(f"\n{name}: {count} endpoints")
    print(f"  right {right / count:.2%}, inconclusive {len(unsure) / count:.2%}, refused {len(refused) / count:.2%}, "
          f"wrong {len(wrong) / count:.2%}, confident mistakes {len(confident) / count:.2%}")  # fmt: skip
    print(f"  right or inconclusive with a reason: {1 - len(wrong) / count:.2%}")
    print(f"  expected calibration error of the stated confidence: {calibration(rows):.4f}")
    for label in ("requests", "prompt_tokens", "completion_tokens", "seconds"):
        values = sorted(getattr(row, label) for row in rows)
        print(f"  {label}: median {statistics.median(values):.4g}, p95 {values[int(0.95 * count)]:.4g}")
    full_or_not = [row for row in rows if row.served.truth in ("full", "distilled")]
    if full_or_not:
        told = sum(row.right for row in full_or_not) / len(full_or_not)
        swapped = sum({row.outcome, row.served.truth} == {"full", "distilled"} for row in full_or_not)
        print(f"  full against distilled: {len(full_or_not)} endpoints, {told:.2%} told, {swapped} taken for the other")
    if verbose:
        for low, high in itertools.pairwise(BINS):
            if inside := [row for row in rows if low <= row.confidence < high]:
                hit = statistics.fmean(row.leading == row.served.truth for row in inside)
                stated = statistics.fmean(row.confidence for row in inside)
                print(
                    f"    stated {low:.3f}-{high:.3f}: {len(inside)} endpoints, {stated:.3f} on average, {hit:.3f} true"
                )
        for row in [*wrong, *refused, *unsure]:
            print(f"    {row.served.number} {row.served.variant} as {row.served.name} on {row.served.stack.name} ({row.served.truth}): "
                  f"{row.outcome} {row.grade} {row.title} {row.confidence:.3f} {row.reason} in {row.requests}; {row.served.disguises}")  # fmt: skip
    print("  by truth and outcome:", dict(sorted(Counter(f"{row.served.truth}→{row.outcome}" for row in rows).items())))


def calibration(rows: Sequence[Row]) -> float:
    """Expected calibration error of the leading outcome's stated probability, over the bins of ``BINS``."""
    answered = [row for row in rows if row.outcome != "refused"]
    total = 0.0
    for low, high in itertools.pairwise(BINS):
        inside = [row for row in answered if low <= row.confidence < high]
        if inside:
            hit = sum(row.leading == row.served.truth for row in inside) / len(inside)
            total += len(inside) * abs(hit - statistics.fmean(row.confidence for row in inside))
    return total / max(1, len(answered))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--honest", type=int, default=300)
    options.add_argument("--disguised", type=int, default=500)
    options.add_argument("--thorough", action="store_true")
    options.add_argument("--references", action="store_true")
    options.add_argument("--verbose", action="store_true")
    options.add_argument("--processes", type=int, default=2)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        references = record(Path(folder)) if given.references else []
        work = partial(judge, thorough=given.thorough, references=references)
        for name, people in (
            ("honest", honest(given.seed, given.honest)),
            ("disguised", disguised(given.seed, given.disguised)),
        ):
            if not people:
                continue
            started = time.perf_counter()
            with Arena(people) as arena, ProcessPoolExecutor(given.processes, mp_context=get_context("spawn")) as pool:
                rows = list(pool.map(work, [(served, arena.spec(served)) for served in people], chunksize=4))
            show(name, rows, verbose=given.verbose)
            print(f"  took {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
