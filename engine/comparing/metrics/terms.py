"""Terminology: which of the terms that have to be said are said. Whether they are used well is not measured."""

from __future__ import annotations

from engine.comparing.metrics.mentions import says
from engine.comparing.records import Answer, Case


def said(case: Case, answer: Answer) -> float | None:
    """The share of the case's terms that the answer says, each in one of its synonyms; 0..1."""
    if answer.failed or not case.terms:
        return None
    return sum(says(answer.text, ways) for ways in case.terms) / len(case.terms)
