"""A judge model that says which of two answers is better, asked twice with the answers in both places.

Judges prefer what they read first, or last (Zheng et al., "Judging LLM-as-a-judge", NeurIPS 2023): a preference counts by
half where it changes with the place, and how often it does not is shown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from engine.comparing.asking import Asker
from engine.comparing.records import Case, Task

JUDGE_TOKENS = 2_048
_SAID = re.compile(r"\[\[\s*(A|B|C|TIE)\s*\]\]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Judged:
    """How much of a case each side won, together 1; and whether the judge said the same with the answers in both places."""

    scores: tuple[float, float]
    agreed: bool


async def judge(asker: Asker, task: Task, case: Case, first: str, second: str) -> Judged | None:
    """What a judge says of two answers; ``None`` where it says nothing that can be read.

    Raises:
        TargetError: the judge is out of reach.
    """
    found = [await _won(asker, task, case, *order) for order in ((first, second), (second, first))]
    if found[0] is None or found[1] is None:
        return None
    straight, swapped = found[0], 1 - found[1]
    won = (straight + swapped) / 2
    return Judged((won, 1 - won), straight == swapped)


async def _won(asker: Asker, task: Task, case: Case, first: str, second: str) -> float | None:
    """How much the first of two answers won: 1, 0, or a half for a tie."""
    words = _words()[task.language]
    rubric = str(case.given.get("rubric") or task.rubric or words["rubric"])
    text = words["prompt"].format(rubric=rubric, question=case.prompt, first=first, second=second)
    asked = Case(case.id, text)
    task = Task(f"judge:{task.name}", "rubric", task.language, (asked,), max_tokens=JUDGE_TOKENS)
    answer = await asker.answer(task, asked)
    said = _SAID.findall(answer.text or answer.reasoning)
    return {"A": 1.0, "B": 0.0}.get(said[-1].upper(), 0.5) if said else None


@cache
def _words() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "judge.yaml").read_text("utf-8"))
    return found
