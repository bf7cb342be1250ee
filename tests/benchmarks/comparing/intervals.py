"""Two simulated models with known true gaps: how often intervals hold the truth, and what stopping early saves.

    python -m tests.benchmarks.comparing.intervals [repeats]

Right and wrong answers, scores between 0 and 1, and macro F1 of three labels; gaps of none, of what is looked for, and of twice
that. `fixed` asks as many cases as show the gap in 90 of 100 comparisons; `sequential` stops as `r1 compare --task` does.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable

import numpy as np
from scipy import stats

from engine.comparing import sequential, statistics

Draw = Callable[[np.random.Generator, int, float], np.ndarray]
DISAGREE, SPREAD = 0.2, 0.25
"""Share of cases on which the models that are right or wrong disagree; standard deviation of scored differences."""


def right_or_wrong(random: np.random.Generator, cases: int, gap: float) -> np.ndarray:
    """Differences of right and wrong: 1, 0 or -1."""
    drawn = random.random(cases)
    better, worse = (DISAGREE + gap) / 2, (DISAGREE - gap) / 2
    return np.where(drawn < better, 1.0, np.where(drawn < better + worse, -1.0, 0.0))


def shares(random: np.random.Generator, cases: int, gap: float) -> np.ndarray:
    """Differences of scores between 0 and 1, such as ROUGE-L: two beta variables with a common part of difficulty."""
    hard = random.beta(5, 5, cases)
    noise = SPREAD / math.sqrt(2)
    return np.asarray((hard + gap + random.normal(0, noise, cases)) - (hard + random.normal(0, noise, cases)))


def skewed(random: np.random.Generator, cases: int, gap: float) -> np.ndarray:
    """Differences most of which are none, and some of which are large, as where one model breaks off now and then."""
    large = random.random(cases) < 0.15
    loud = np.where(large, random.exponential(0.6, cases) - 0.6, 0.0)
    return np.asarray(gap + loud + random.normal(0, 0.05, cases))


def run(name: str, draw: Draw, gap: float, spread: float, repeats: int, *, binary: bool) -> None:
    """Print a block of lines for one kind of scores."""
    plan = sequential.plan(gap, spread)
    fixed = math.ceil(((stats.norm.ppf(0.975) + stats.norm.ppf(sequential.POWER)) * spread / gap) ** 2)
    print(f"\n{name}: gap looked for {gap}, fixed {fixed} cases, sequential at most {plan.cases[-1]}")
    print(f"{'true gap':>9}{'fixed: told':>13}{'coverage':>10}{'sequential: told':>18}{'coverage':>10}{'saved':>8}")
    for true in (0.0, gap / 2, gap, 2 * gap):
        random = np.random.default_rng(1)
        told, covered, asked = [0, 0], [0, 0], 0
        for _ in range(repeats):
            drawn = draw(random, max(fixed, plan.cases[-1]), true)
            low, high, z = _fixed(drawn[:fixed], binary)
            told[0] += abs(z) >= stats.norm.ppf(0.975)
            covered[0] += low <= true <= high
            stage, z = _sequential(plan, drawn, binary)
            seen = drawn[: plan.cases[stage]]
            low, high = sequential.interval(plan, stage, z, *statistics.middle_of(seen, binary=binary))
            told[1] += abs(z) >= plan.boundaries[stage]
            covered[1] += low <= true <= high
            asked += seen.size
        figures = [100 * count / repeats for count in (told[0], covered[0], told[1], covered[1])]
        saved = 100 * (1 - asked / repeats / fixed)
        print(
            f"{true:9.3f}{figures[0]:12.1f}%{figures[1]:9.1f}%{figures[2]:17.1f}%{figures[3]:9.1f}%{saved:7.0f}%",
            flush=True,
        )


def _fixed(differences: np.ndarray, binary: bool) -> tuple[float, float, float]:
    middle, error = statistics.middle_of(differences, binary=binary)
    reach = error * float(stats.norm.ppf(0.975) if binary else stats.t.ppf(0.975, differences.size - 1))
    return middle - reach, middle + reach, statistics.deviate(differences, binary=binary)


def _sequential(plan: sequential.Plan, drawn: np.ndarray, binary: bool) -> tuple[int, float]:
    """The stage at which one stops, and the deviate then."""
    for stage, cases in enumerate(plan.cases):
        seen = drawn[:cases]
        z = statistics.deviate(seen, binary=binary)
        if sequential.decide(plan, stage, z, *statistics.middle_of(seen, binary=binary)) != "go_on":
            break
    return stage, z


def main() -> None:
    """Print all."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    begun = time.monotonic()
    print(f"{repeats} repeats; 95 % intervals; alpha 0.05, power {sequential.POWER}")
    run("right or wrong", right_or_wrong, 0.06, math.sqrt(DISAGREE), repeats, binary=True)
    run("scores 0..1", shares, 0.04, SPREAD, repeats, binary=False)
    run("skewed scores", skewed, 0.05, math.sqrt(0.15 * 0.36 + 0.05**2), repeats, binary=False)
    print(f"{time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
