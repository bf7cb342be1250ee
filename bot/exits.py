"""Exit codes: the same for every verb, and what `r1 --help` says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.jobs import Answer
    from engine.verdict import Verdict

ANSWERED = 0
OURS = 1
"""Something went wrong on our side."""
REFUSED = 2
"""The question, its target or a setting was refused with a sentence; or `doctor`, `rules lint` and `rules test` found
something wrong."""
INCONCLUSIVE = 3
CLAIM_FAILS = 4
"""The model is not what it says it is."""
INTERRUPTED = 130


def code_of(answer: Answer) -> int:
    """The exit code of an answer; of two verdicts the graver."""
    if answer.error is not None:
        return REFUSED
    if answer.comparison is not None:
        sides = (answer.comparison.first, answer.comparison.second)
        return max(_of_verdict(side.identification.verdict) for side in sides)
    if answer.compared is not None:
        return INCONCLUSIVE if answer.compared.comparison.decision == "more_data" else ANSWERED
    return _of_verdict(answer.identification.verdict) if answer.identification is not None else ANSWERED


def _of_verdict(verdict: Verdict) -> int:
    if verdict.claim_check == "misrepresented":
        return CLAIM_FAILS
    return INCONCLUSIVE if verdict.outcome == "inconclusive" else ANSWERED
