"""Identifies every sample checkpoint, forgery and real model; bar: all right, no confident mistake.

Real models are judged twice: as they are, and with their own catalog entry taken away, which is what a
published model that the catalog does not know looks like.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from cases import Case, all_cases

import engine
from engine.catalog import load_family
from engine.errors import R1Error
from engine.identification import Identification
from engine.pipeline import conclude, hypotheses_of
from engine.probes import PROBES, sanity
from engine.verdict import Verdict


@dataclass(frozen=True)
class Row:
    case: str
    expected: str
    got: str
    right: bool
    confident_mistake: bool
    seconds: float


def run(case: Case, root: Path) -> list[Row]:
    path = case.build(root)
    started = time.perf_counter()
    try:
        found = engine.identify(str(path))
    except R1Error as error:
        seconds = time.perf_counter() - started
        return [Row(case.name, case.expected, f"refused: {error}"[:90], case.expected == "refused", False, seconds)]
    seconds = time.perf_counter() - started
    rows = [judge(case, case.name, found.verdict, seconds)]
    if "(real config)" in case.name and case.expected == "other":
        started = time.perf_counter()
        unknown = replace(case, variant=None)
        rows.append(
            judge(
                unknown,
                f"{case.name}, not in catalog",
                without(found, case.variant),
                time.perf_counter() - started,
            )
        )
    return rows


def without(found: Identification, variant: str | None) -> Verdict:
    """The verdict as if the catalog had no entry for ``variant``."""
    hypotheses = hypotheses_of(load_family("deepseek-r1"))
    left = replace(hypotheses, variants=tuple(entry for entry in hypotheses.variants if entry.id != variant))
    scorers = {probe.name: probe.score for probe in (*PROBES, sanity.PROBE)}
    return conclude([scorers[row.probe](row.observation, left) for row in found.evidence], left)


def judge(case: Case, name: str, verdict: Verdict, seconds: float) -> Row:
    got = f"{verdict.outcome} {verdict.variant or verdict.title} {verdict.confidence:.3f} {verdict.claim_check}"
    named = case.variant is None or case.variant in (verdict.variant, *verdict.indistinguishable)
    if case.expected == "misrepresented":
        right = verdict.claim_check == "misrepresented"
    elif case.expected == "refused":
        right = False
    else:
        full_size = any(reason.code == "full_size_shape_is_shared" for reason in verdict.reasons)
        declared = verdict.outcome == "inconclusive" and full_size and named
        right = (verdict.outcome == case.expected and named) or declared
        right = right and verdict.claim_check != "misrepresented"
    wrong = verdict.grade == "confident" and case.expected != "misrepresented" and verdict.outcome != case.expected
    return Row(name, f"{case.expected} {case.variant or ''}".strip(), got, right, wrong, seconds)


def main() -> int:
    rows: list[Row] = []
    for case in all_cases():
        with tempfile.TemporaryDirectory() as root:
            rows += run(case, Path(root))
    for row in rows:
        print(f"{'ok ' if row.right else 'BAD'} {row.case:62} {row.expected:32} {row.got:78} {row.seconds:5.2f} s")
    right = sum(row.right for row in rows)
    mistakes = sum(row.confident_mistake for row in rows)
    passed = right == len(rows) and mistakes == 0
    print(f"\n{right} of {len(rows)} right, {mistakes} confident mistakes - {'PASS' if passed else 'short of the bar'}")
    return not passed


if __name__ == "__main__":
    raise SystemExit(main())
