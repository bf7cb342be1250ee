r"""Checks that a case declares instead of a script: what its answer has to say, in plain data.

``checks:`` of a case is a list of them, or one mapping; each holds or not, and the case scores the share that hold::

    checks:
      - contains: [insulin, HbA1c]         # every one of them, capitals or not; a single text may stand alone
      - contains_any: [mg/dL, mmol/L]
      - not_contains: as an AI
      - equals: "42"                       # the whole answer but for blanks at its ends, or one of a list
      - regex: "\\b[A-Z]{3}-\\d+\\b"       # found somewhere; not_regex: found nowhere
      - number: {value: 9.81, within: 1%}  # the last number said; within is a share or an amount, 0 if left out
      - json: {path: "items[0].name", equals: x}    # of the answer, or of its first block of code; without equals: is there
      - length: {min: 10, max: 200, unit: words}    # characters, words or lines; characters if left out
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Callable, Iterator

TYPE_CHECKING = False  # typing takes as long to load as the rest of this
if TYPE_CHECKING:
    from typing import Any

FORMS = {
    "contains": 'contains: "…" | ["…", "…"]',
    "contains_any": 'contains_any: ["…", "…"]',
    "not_contains": 'not_contains: "…" | ["…", "…"]',
    "equals": 'equals: "…" | ["…", "…"]',
    "regex": 'regex: "…" | ["…", "…"]',
    "not_regex": 'not_regex: "…" | ["…", "…"]',
    "number": "number: 42 | {value: 42, within: 0.5 | 1%}",
    "json": 'json: "a.b[0]" | {path: "a.b[0]", equals: …}',
    "length": "length: {min: 1, max: 200, unit: characters | words | lines}",
}
"""How each check is written."""

_NUMBER = re.compile(r"(?<![\w.])[-+−]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?|(?<![\w.])[-+−]?\.\d+")
_BLOCK = re.compile(r"```[^\n`]*\n(.*?)```", re.DOTALL)
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_UNITS: dict[str, Callable[[str], int]] = {
    "characters": len,
    "words": lambda text: len(text.split()),
    "lines": lambda text: len(text.splitlines()),
}


class NoPattern(Exception):
    """A regular expression that is none, and why."""


def each(checks: Any) -> Iterator[tuple[str, Any]]:
    """Every check by name and what it asks; a name that is no text, or a list's entry that is no mapping, comes as it is."""
    for entry in checks if isinstance(checks, list) else [checks]:
        if isinstance(entry, dict):
            yield from entry.items()
        else:
            yield str(entry), None


def well_formed(name: str, asked: Any) -> bool:
    """Whether ``asked`` is of the form that ``FORMS[name]`` shows. Patterns are not compiled here: that takes a locked process."""
    match name:
        case "number":
            wanted = asked if isinstance(asked, dict) else {"value": asked}
            return (
                set(wanted) <= {"value", "within"} and _is_number(wanted.get("value")) and _within(wanted) is not None
            )
        case "json":
            wanted = asked if isinstance(asked, dict) else {"path": asked}
            return set(wanted) <= {"path", "equals"} and _steps(wanted.get("path")) is not None
        case "length":
            if (
                not isinstance(asked, dict)
                or not set(asked) <= {"min", "max", "unit"}
                or not {"min", "max"} & set(asked)
            ):
                return False
            bounds = [asked[bound] for bound in ("min", "max") if bound in asked]
            return all(_is_number(bound) for bound in bounds) and asked.get("unit", "characters") in _UNITS
        case _:
            texts = _texts(asked)
            return bool(texts) and all(isinstance(text, str | int | float) and str(text) for text in texts)


def share(case: dict[str, Any], answer: str) -> float:
    """Of the case's checks, how many the answer passes, 0..1.

    Raises:
        NoPattern: a regular expression is none.
    """
    try:
        held = [holds(name, asked, answer) for name, asked in each(case["checks"])]
    except (re.error, OverflowError, RecursionError) as problem:
        raise NoPattern(str(problem)) from problem
    return sum(held) / len(held)


def holds(name: str, asked: Any, answer: str) -> bool:
    """Whether an answer passes one well-formed check."""
    match name:
        case "number":
            return _number_is(asked if isinstance(asked, dict) else {"value": asked}, answer)
        case "json":
            return _json_has(asked if isinstance(asked, dict) else {"path": asked}, answer)
        case "length":
            size = _UNITS[asked.get("unit", "characters")](answer.strip())
            return bool(asked.get("min", 0) <= size <= asked.get("max", math.inf))
    texts = [str(text) for text in _texts(asked)]
    said = answer.casefold()
    match name:
        case "contains":
            return all(text.casefold() in said for text in texts)
        case "contains_any":
            return any(text.casefold() in said for text in texts)
        case "not_contains":
            return not any(text.casefold() in said for text in texts)
        case "equals":
            return answer.strip() in [text.strip() for text in texts]
        case "regex":
            return all(re.search(text, answer) for text in texts)
        case "not_regex":
            return not any(re.search(text, answer) for text in texts)
    raise KeyError(name)


def _texts(asked: Any) -> list[Any]:
    return asked if isinstance(asked, list) else [asked]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _within(wanted: dict[str, Any]) -> float | None:
    """The tolerance as an amount; ``None`` if it is none."""
    within = wanted.get("within", 0)
    if isinstance(within, str) and re.fullmatch(r"\d+(\.\d+)?\s*%", within):
        return float(abs(wanted["value"])) * float(within.rstrip("% ")) / 100
    return float(within) if _is_number(within) and within >= 0 else None


def _number_is(wanted: dict[str, Any], answer: str) -> bool:
    said = _NUMBER.findall(unicodedata.normalize("NFKC", answer))
    if not said:
        return False
    number = float(said[-1].replace(",", "").replace("−", "-"))
    tolerance = _within(wanted) or 0.0
    # A tolerance of 0.1 has to admit 0.4 from 0.3, whose difference is 0.10000000000000003.
    return bool(abs(number - wanted["value"]) <= tolerance + 1e-12 * max(1.0, abs(wanted["value"])))


def _steps(path: Any) -> list[str | int] | None:
    """``a.b[0]`` as ``["a", "b", 0]``; ``None`` if it is no path. An empty path is the whole."""
    if not isinstance(path, str) or not re.fullmatch(r"([^.\[\]]+|\[\d+\])?(\.[^.\[\]]+|\[\d+\])*", path):
        return None
    return [name or int(index) for name, index in _STEP.findall(path)]


def _json_has(wanted: dict[str, Any], answer: str) -> bool:
    block = _BLOCK.search(answer)
    try:
        node = json.loads(block[1] if block else answer)
    except (ValueError, RecursionError):
        return False
    for step in _steps(wanted["path"]) or []:
        try:
            node = node[step]
        except (KeyError, IndexError, TypeError):
            return False
    if "equals" not in wanted:
        return True
    equals = wanted["equals"]
    return isinstance(node, bool) == isinstance(equals, bool) and bool(node == equals)  # 1 is not true
