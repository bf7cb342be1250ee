"""Of what kind and language a task is, where its data leave no doubt."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from engine.comparing.fields import several
from engine.comparing.metrics.tokens import CJK, tokens
from engine.comparing.records import Kind, Language

_CHINESE = 0.2  # share of Chinese characters among the letters, from which on a text is Chinese
_SHORT = 12  # tokens of an answer that is looked up rather than written
_FEW = 3  # cases to an answer, on average, that look like labels


def guessed_kind(cases: Sequence[Mapping[str, Any]], header: Mapping[str, Any]) -> Kind | None:
    """The kind that the columns call for; ``None``: several would do.

    Args:
        cases: by meaning, see ``fields.meant``.
        header: what the file says of them all, by the same names.
    """
    if header.get("script") or all("checks" in case for case in cases):
        return "script"
    if header.get("rubric") or all("rubric" in case for case in cases):
        return "rubric"
    signs: dict[Kind, bool] = {
        "terms": all("terms" in case for case in cases),
        "maths": all("steps" in case and "answers" in case for case in cases),
        "classification": bool(header.get("labels")) or all("label" in case for case in cases),
        "summary": all("summary" in case for case in cases),
    }
    found: list[Kind] = [kind for kind, sign in signs.items() if sign]
    if len(found) == 1:
        return found[0]
    return "qa" if not found and _looked_up(cases) else None


def _looked_up(cases: Sequence[Mapping[str, Any]]) -> bool:
    """Questions to documents, with short answers that are no labels and stand in the documents."""
    for case in cases:
        if not {"question", "document", "answers"} <= case.keys():
            return False
        try:
            answers = several(case["answers"])
        except ValueError:
            return False
        document = str(case["document"]).casefold()
        if not all(len(tokens(answer)) <= _SHORT for answer in answers):
            return False
        if not any(answer.casefold() in document for answer in answers):
            return False
    return len({str(case["answers"]) for case in cases}) * _FEW > len(cases)


def guessed_language(texts: Sequence[str]) -> Language:
    """``zh`` where a fifth of the letters are Chinese characters, else ``en``."""
    text = "\n".join(text[:2_000] for text in texts[:200])
    chinese = len(re.findall(f"[{CJK}]", text))
    letters = len(re.findall(r"[^\W\d_]", text))
    return "zh" if letters and chinese >= _CHINESE * letters else "en"
