"""The written scenarios: agreement by language and by theme, and the time a recommendation takes.

    python tests/benchmarks/scenarios.py [--rounds 3] [--wrong]

Times are of a warm process: of questions whose figures no cache holds yet, and of the same questions again. ``--wrong`` prints each disagreement.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[1] / "engine" / "scenarios"))

import written
from written import Case

import engine
from engine.errors import UsageError

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
    """First of questions never asked before: each differs from every other in its context, which sizing has not seen."""
    fresh = [(case, {**case.constraints, "context": 3000 + n}) for n, case in enumerate(cases) if _may_change(case)]
    _show("asked for the first time", [(_timed(case.text, changed), case.id) for case, changed in fresh])
    _show("asked again", [(_timed(case.text, case.constraints), case.id) for _ in range(rounds) for case in cases])


def _may_change(case: Case) -> bool:
    return not case.refused and not {"context", "上下文", "prompt"} & set(case.constraints) and "token" not in case.text


def _timed(text: str, constraints: Mapping[str, Any]) -> tuple[float, float]:
    """Seconds by the clock, and of this process alone."""
    begun, used = time.perf_counter(), time.process_time()
    with contextlib.suppress(UsageError):
        engine.recommend(constraints, scenario=text)
    return time.perf_counter() - begun, time.process_time() - used


def _show(title: str, took: list[tuple[tuple[float, float], str]]) -> None:
    print(f"a recommendation in a warm process, {title} ({len(took)}):")
    for number, clock in enumerate(("by the clock", "of this process")):
        ordered = sorted((entry[number], name) for entry, name in took)
        seconds = [entry for entry, _ in ordered]
        slow = ", ".join(f"{name} {entry * 1000:.0f}" for entry, name in ordered[-3:])
        print(f"  {clock:<16} median {statistics.median(seconds) * 1000:6.1f} ms, 95 % {seconds[int(0.95 * len(seconds))] * 1000:6.1f}, "
              f"max {seconds[-1] * 1000:6.1f} ({slow})")  # fmt: skip


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
