"""Constraints that were given by name and value, as with ``--constraint name=value``: checked, each in its unit."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from engine.constraints.bounds import AT_LEAST, EXAMPLES, TARGETS, bounded, finite, short
from engine.constraints.checking import check
from engine.constraints.lexicon import lexicon
from engine.constraints.quantities import Quantity, convert, quantity
from engine.constraints.record import NAMES, UNITS, WORDS, Constraints, Installed
from engine.errors import UsageError

VALUE_LIMIT = 200
"""Characters of a value: the longest list of hardware that makes sense is shorter."""
_MAY_BE_BARE = frozenset(("memory", "bandwidth", "context", "prompt", "output", "concurrency", "availability"))
"""Numbers that everybody writes in one unit. Of times, speeds and money a bare number says too little."""
_BESIDE = re.compile(
    r"^(?:(?P<most><=?|≤|at most|up to|under|below|within|不超过|最多|小于)|(?P<least>>=?|≥|at least|over|至少|不低于|大于)"
    r"|~|≈|about|around|大概|大约|约)\s*",
    re.IGNORECASE,
)
_NEVER_MOST = frozenset(("throughput", "availability"))
_NEVER_LEAST = frozenset(("ttft", "budget"))
"""Of a limit "at least" makes no sense, of a demand "at most"."""
_BAD = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]")
WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20, 0xA0: 0x20}
"""Full-width letters, digits and signs → ASCII, one for one."""


def parse_constraints(given: Mapping[str, object], hardware_files: tuple[Path, ...] = ()) -> Constraints:
    """Checked constraints. Names as in ``Constraints``, or an alias; a number without text is in the record's unit;
    a list of values means that the same constraint was given several times (hardware may be). ``hardware_files`` hold
    devices beside those that ship.

    Raises:
        UsageError: an unknown name, a value that makes no sense, or values that contradict each other; the
            sentence names the constraint.
    """
    found: dict[str, Any] = {}
    texts: dict[str, str] = {}
    for typed, values in given.items():
        name = name_of(str(typed))
        for value in _several(name, values):
            try:
                read = _hardware(value, hardware_files) if name == "hardware" else _read(name, value, given)
            except UsageError as error:
                raise _as_typed(error, name, str(typed)) from None
            if name == "hardware" and name in found and read != found[name]:
                found[name] = tuple(dict.fromkeys((*found[name], *read)))
            elif name in found and not _same(found[name], read):
                twice = UsageError("constraint_twice", name=name, first=texts[name], second=short(value))
                raise _as_typed(twice, name, str(typed))
            else:
                found[name], texts[name] = read, short(value)
    constraints = Constraints(**found)
    for problem in check(constraints, hardware_files):
        raise problem.error
    return constraints


def _as_typed(error: UsageError, name: str, typed: str) -> UsageError:
    """``error`` with the name as it was typed beside the record's: people know "latency", and learn "ttft"."""
    if error.values.get("name") != name or typed.strip().lower() == name:
        return error
    return UsageError(error.code, **{**error.values, "name": f"{short(typed.strip())} ({name})"})


def from_stated(stored: Mapping[str, Any]) -> Constraints:
    """What ``Constraints.stated()`` wrote, also with the names of older versions (``latency``); hardware by id as it
    is, so that a verdict stays readable without the hardware file it was made with.

    Raises:
        UsageError: a name or value that no version wrote.
    """
    found: dict[str, Any] = {}
    for typed, value in stored.items():
        if typed in ("scenario", "unread"):
            continue
        name = name_of(str(typed))
        if name == "hardware" and isinstance(value, (list, tuple)):
            found[name] = tuple(part if isinstance(part, Installed) else _installed(part) for part in value)
        else:
            found[name] = _read(name, value, stored)
    return Constraints(**found)


def name_of(typed: str) -> str:
    """The record's name for a name or alias.

    Raises:
        UsageError: it is neither; with the closest one where there is one.
    """
    names = lexicon().names
    key = " ".join(typed[:VALUE_LIMIT].translate(WIDE).lower().split())
    for spelling in (key, key.replace("-", "_"), key.replace("_", " ")):
        if spelling in names:
            return names[spelling]
    close = difflib.get_close_matches(key[:40], names, 1, 0.6)
    known = ", ".join(NAMES)
    if close:
        raise UsageError("constraint_unknown_near", name=short(typed), known=known, suggestion=close[0])
    raise UsageError("constraint_unknown", name=short(typed), known=known)


def _several(name: str, values: object) -> Iterable[object]:
    if (
        isinstance(values, (list, tuple))
        and values
        and not (name == "hardware" and isinstance(values[0], (Installed, Mapping)))
    ):
        return values
    return (values,)


def _same(first: object, second: object) -> bool:
    if isinstance(first, float) and isinstance(second, float):
        return math.isclose(first, second, rel_tol=1e-6)
    return first == second


def _read(name: str, value: object, given: Mapping[str, object]) -> Any:
    if name == "hardware":
        return _hardware(value)
    if name in WORDS:
        return _word(name, _clean(name, "yes" if value is True else "no" if value is False else value))
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return bounded(name, finite(name, value, value), value)
    return _number(name, _clean(name, value), given)


def _clean(name: str, value: object) -> str:
    """``value`` as one line of ASCII-width text; its length is looked at first."""
    if isinstance(value, (Mapping, list, tuple, set, bytes)) or value is None:
        raise _not_of(name, value)
    text = value if isinstance(value, str) else str(value)
    if len(text) > VALUE_LIMIT:
        raise UsageError("constraint_length", name=name, length=len(text), limit=VALUE_LIMIT)
    if _BAD.search(text.strip()):
        raise UsageError("constraint_characters", name=name, value=short(text))
    return " ".join(text.translate(WIDE).split())


def _not_of(name: str, value: object) -> UsageError:
    if name in UNITS:
        return UsageError("constraint_value", name=name, value=short(value), example=EXAMPLES[name])
    return UsageError("constraint_word", name=name, value=short(value), allowed=", ".join(WORDS.get(name, ())))


def _hardware(value: object, hardware_files: tuple[Path, ...] = ()) -> tuple[Installed, ...]:
    if isinstance(value, (list, tuple)) and all(isinstance(part, (Installed, Mapping)) for part in value):
        return tuple(part if isinstance(part, Installed) else _installed(part) for part in value)
    if isinstance(value, Installed):
        return (value,)
    from engine.hardware import parse_hardware

    return parse_hardware(_clean("hardware", value), hardware_files)


def _installed(part: Any) -> Installed:
    device, count = (part.get("device"), part.get("count", 1)) if isinstance(part, Mapping) else (None, None)
    if (
        not isinstance(device, str)
        or not isinstance(count, int)
        or isinstance(count, bool)
        or not 1 <= count <= 1_000_000
    ):
        raise UsageError("constraint_value", name="hardware", value=short(part), example="8xH200")
    return Installed(device[:VALUE_LIMIT], count)


def _word(name: str, text: str) -> str:
    aliases = lexicon().values[name]
    key = text.lower()
    for spelling in (key, key.replace("_", "-"), key.replace("-", " ")):
        if spelling in aliases:
            return aliases[spelling]
    allowed = ", ".join(WORDS[name])
    close = difflib.get_close_matches(key[:40], aliases, 1, 0.6)
    if close:
        raise UsageError(
            "constraint_word_near", name=name, value=short(text), allowed=allowed, suggestion=aliases[close[0]]
        )
    raise UsageError("constraint_word", name=name, value=short(text), allowed=allowed)


def _number(name: str, text: str, given: Mapping[str, object]) -> float:
    beside = _BESIDE.match(text)
    typed = text[beside.end() if beside else 0 :].lower()
    read = quantity(typed)
    if read is None:
        said = _said(name, typed)
        if said is None:
            raise _unreadable(name, text)
        return said
    if beside and _wrong_way(name, beside, read):
        raise UsageError("constraint_value", name=name, value=short(text), example=EXAMPLES[name])
    if read.unit == "" or read.unit.startswith("dimensionless"):
        if read.unit == "" and name in _MAY_BE_BARE:
            return bounded(name, finite(name, _end(name, read), text), text)
        raise UsageError("constraint_unit", name=name, value=short(text), example=EXAMPLES[name])
    special = _SPECIAL.get(name)
    value = special(read, text, given) if special else None
    if value is None:
        value = convert(_end(name, read), read.unit, TARGETS[name])
    if value is None:
        found = re.sub(r"^[0-9.,\s]+", "", text) or text
        raise UsageError(
            "constraint_dimension",
            name=name,
            value=short(text),
            found=short(found),
            unit=UNITS[name] or "%",
            example=EXAMPLES[name],
        )
    if name == "availability":
        value /= 100
    return bounded(name, finite(name, value, text), text)


def _wrong_way(name: str, beside: re.Match[str], read: Quantity) -> bool:
    if name == "tpot":
        speed = convert(1.0, read.unit, "token / second") is not None
        return bool(beside["most"] if speed else beside["least"])
    return bool(beside["most"] and name in _NEVER_MOST) or bool(beside["least"] and name in _NEVER_LEAST)


def _said(name: str, text: str) -> float | None:
    """A number that words stand for: "three nines"."""
    for entry, pattern in lexicon().said:
        if name in entry.set and pattern.fullmatch(text):
            return float(entry.set[name])
    return None


def _end(name: str, read: Quantity) -> float:
    return read.low if name in AT_LEAST else read.high


def _unreadable(name: str, text: str) -> UsageError:
    """Which part of what does not read as a number with a unit is wrong."""
    if re.match(r"[-−] ?[.0-9]|[+-]?(?:nan|inf(?:inity)?)\b", text, re.IGNORECASE):
        return UsageError("constraint_number", name=name, value=short(text), example=EXAMPLES[name])
    word = re.fullmatch(r"\+?[0-9][0-9.,]{0,30} ?([^\W\d_][^\d]{0,60})", text)
    if word:
        return UsageError(
            "constraint_unit_unknown", name=name, value=short(text), word=short(word[1]), example=EXAMPLES[name]
        )
    return UsageError("constraint_value", name=name, value=short(text), example=EXAMPLES[name])


def _tpot(read: Quantity, text: str, given: Mapping[str, object]) -> float | None:
    """A time, or a speed of one request turned over; of a range of speeds the slower will do."""
    as_time = convert(read.high, read.unit, "second")
    if as_time is not None:
        return as_time
    speed = convert(read.low, read.unit, "token / second")
    return None if speed is None else (1 / speed if speed > 0 else speed)


def _throughput(read: Quantity, text: str, given: Mapping[str, object]) -> float | None:
    """Of all requests together. Requests a second say it where the tokens of an answer are given."""
    if read.each:
        raise UsageError("throughput_each", name="throughput", value=short(text))
    rate = convert(read.low, read.unit, "request / second")
    if rate is None:
        return None
    for typed, value in given.items():
        if name_of(str(typed)) == "output":
            return rate * float(_read("output", value, {}))
    raise UsageError("throughput_requests", name="throughput", value=short(text))


def _budget(read: Quantity, text: str, given: Mapping[str, object]) -> float | None:
    if convert(1.0, read.unit, "usd") is not None:
        raise UsageError("budget_period", name="budget", value=short(text))
    return None


def _concurrency(read: Quantity, text: str, given: Mapping[str, object]) -> float | None:
    if convert(1.0, read.unit, "request / second") is not None:
        raise UsageError("concurrency_rate", name="concurrency", value=short(text))
    return None


_SPECIAL: Mapping[str, Callable[[Quantity, str, Mapping[str, object]], float | None]] = {
    "tpot": _tpot, "throughput": _throughput, "budget": _budget, "concurrency": _concurrency,
}  # fmt: skip
