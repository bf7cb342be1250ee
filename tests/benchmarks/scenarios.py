"""The written scenarios: agreement by language and by theme, and the time a recommendation takes.

    python tests/benchmarks/scenarios.py [--rounds 3] [--wrong]

Times are of a warm process: every case once before the clock starts. ``--wrong`` prints each disagreement.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[1] / "engine" / "scenarios"))

import written
from written import Case

_ROOT = Path(__file__).parents[2]
_HEAVY = ("torch", "transformers", "matplotlib", "ray", "scipy", "numpy", "tokenizers")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--wrong", action="store_true")
    chosen = parser.parse_args()
    cases = written.cases()
    begun = time.perf_counter()
    wrong = {case.id: _wrong(case) for case in cases}
    print(
        f"{len(cases)} cases, {len(written.pairs())} of them in both languages; first pass {time.perf_counter() - begun:.1f} s"
    )
    _agreement(cases, wrong)
    if chosen.wrong:
        for case in cases:
            if wrong[case.id]:
                print("\n".join(["", *wrong[case.id], written.explained(case, written.answer(case))]))
    _times(cases, chosen.rounds)
    print(
        f"imported after all of it: {', '.join(name for name in _HEAVY if name in sys.modules) or 'none'} of {', '.join(_HEAVY)}"
    )
    assert "torch" not in sys.modules
    _cold()


def _wrong(case: Case) -> list[str]:
    found = written.answer(case)
    wrong = written.disagreements(case, found)
    return wrong if isinstance(found, written.UsageError) else [*wrong, *written.unexplained(found)]


def _agreement(cases: Sequence[Case], wrong: dict[str, list[str]]) -> None:
    print(f"{'theme':<14}{'en':>10}{'zh':>10}")
    for theme in [*dict.fromkeys(case.theme for case in cases), "all"]:
        row = []
        for lang in written.LANGUAGES:
            of = [case for case in cases if case.lang == lang and theme in (case.theme, "all")]
            row.append(f"{sum(not wrong[case.id] for case in of)}/{len(of)}")
        print(f"{theme:<14}{row[0]:>10}{row[1]:>10}")
    kinds = Counter("refused" if case.refused else str(case.choice) for case in cases)
    print("expected: " + ", ".join(f"{count} {kind}" for kind, count in kinds.most_common()))


def _times(cases: Sequence[Case], rounds: int) -> None:
    took = []
    for _ in range(rounds):
        for case in cases:
            begun = time.perf_counter()
            written.answer(case)
            took.append((time.perf_counter() - begun, case.id))
    took.sort()
    seconds = [entry for entry, _ in took]
    middle, late = statistics.median(seconds), seconds[int(0.95 * len(seconds))]
    print(f"a recommendation, warm: median {middle * 1000:.1f} ms, 95 % {late * 1000:.1f} ms, "
          f"max {seconds[-1] * 1000:.1f} ms ({took[-1][1]}); {len(seconds)} timed")  # fmt: skip


def _cold() -> None:
    """The first recommendation of a fresh process, with its imports."""
    code = (
        "import time; t = time.perf_counter(); import engine; engine.recommend({'hardware': '2x4090'}, scenario='customer service');"
        "a = time.perf_counter(); engine.recommend({'hardware': '8xH200'}, scenario='legal'); b = time.perf_counter();"
        "print(f'cold process: first {1000 * (a - t):.0f} ms with imports, second (of other hardware) {1000 * (b - a):.0f} ms')"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=_ROOT, capture_output=True, text=True, check=True)
    print(done.stdout.strip())


if __name__ == "__main__":
    main()
