"""Constraints that were given by name and value, as with ``--constraint name=value``: checked, each in its unit."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from engine.constraints.checking import check
from engine.constraints.lexicon import lexicon
from engine.constraints.quantities import Quantity, convert, quantity
from engine.constraints.record import NAMES, UNITS, WORDS, Constraints, Installed
from engine.errors import UsageError

VALUE_LIMIT = 200
"""Characters of a value: the longest list of hardware that makes sense is shorter."""
TARGETS: Mapping[str, str] = {
    "memory": "gigabyte", "bandwidth": "gigabyte / second", "context": "token", "prompt": "token", "output": "token",
    "concurrency": "request", "ttft": "second", "tpot": "second / token", "throughput": "token / second",
    "budget": "usd / hour", "availability": "percent",
}  # fmt: skip
"""``record.UNITS`` in the registry's words; availability in percent until it is stored as a share."""
EXAMPLES: Mapping[str, str] = {
    "memory": "48 GB", "bandwidth": "900 GB/s", "context": "32K tokens", "prompt": "2000 tokens", "output": "500 tokens",
    "concurrency": "50", "ttft": "500 ms", "tpot": "40 ms", "throughput": "2000 tokens/s", "budget": "20 USD/hour",
    "availability": "99.9%",
}  # fmt: skip
_MAY_BE_BARE = frozenset(("memory", "bandwidth", "context", "prompt", "output", "concurrency", "availability"))
"""Numbers that everybody writes in one unit. Of times, speeds and money a bare number says too little."""
AT_LEAST = frozenset(("memory", "bandwidth", "throughput"))
"""Of a range the lower end binds; of the others the upper one (and the slower speed)."""
_LIMITS: Mapping[str, float] = {
    "memory": 1e6, "bandwidth": 1e6, "context": 1e7, "prompt": 1e7, "output": 1e7, "concurrency": 1e7, "ttft": 86_400.0,
    "tpot": 3_600.0, "throughput": 1e9, "budget": 1e7,
}  # fmt: skip
"""Beyond these it is a slip (judged): 1 PB of memory, 1 PB/s, ten million tokens or requests, a day, an hour a token,
a thousand million tokens a second, ten million dollars an hour."""
_BOUND = re.compile(
    r"^(?:<=?|>=?|≤|≥|~|≈|about|around|at most|at least|up to|under|below|within|大概|大约|约|至少|不超过)\s*",
    re.IGNORECASE,
)
_BAD = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]")
WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20, 0xA0: 0x20}
"""Full-width letters, digits and signs → ASCII, one for one."""
_SAYS_PERIOD = {"hour": "hour", "hourly": "hour", "month": "month", "monthly": "month"}


def parse_constraints(given: Mapping[str, object]) -> Constraints:
    """Checked constraints. Names as in ``Constraints``, or an alias; a number without text is in the record's unit;
    a list of values means that the same constraint was given several times (hardware may be).

    Raises:
        UsageError: an unknown name, a value that makes no sense, or values that contradict each other; the
            sentence names the constraint.
    """
    found: dict[str, Any] = {}
    texts: dict[str, str] = {}
    for typed, values in given.items():
        name = name_of(str(typed))
        for value in _several(name, values):
            read = _read(name, value, given)
            if name == "hardware" and name in found and read != found[name]:
                found[name] = tuple(dict.fromkeys((*found[name], *read)))
            elif name in found and not _same(found[name], read):
                raise UsageError("constraint_twice", name=name, first=texts[name], second=short(value))
            else:
                found[name], texts[name] = read, short(value)
    constraints = Constraints(**found)
    for problem in check(constraints):
        raise problem.error
    return constraints


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


def _hardware(value: object) -> tuple[Installed, ...]:
    if isinstance(value, (list, tuple)) and all(isinstance(part, (Installed, Mapping)) for part in value):
        return tuple(part if isinstance(part, Installed) else _installed(part) for part in value)
    if isinstance(value, Installed):
        return (value,)
    from engine.hardware import parse_hardware

    return parse_hardware(_clean("hardware", value))


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
    typed = _BOUND.sub("", text.lower(), count=1)
    read = quantity(typed)
    if read is None:
        said = _said(name, typed)
        if said is None:
            raise _unreadable(name, text)
        return said
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


def finite(name: str, value: float, typed: object) -> float:
    """``value`` without the dust of binary fractions: 1.1 TB are 1100 GB."""
    try:
        number = float(f"{float(value):.12g}")
    except OverflowError:
        number = math.inf
    if not math.isfinite(number) or number <= 0:
        raise UsageError("constraint_number", name=name, value=short(typed), example=EXAMPLES[name])
    return number


def bounded(name: str, value: float, typed: object) -> float:
    if name == "availability":
        share = round(value / 100, 9) if value >= 1 and _percent_meant(typed) else value
        if not 0 < share < 1:
            raise UsageError("availability_range", name=name, value=short(typed))
        return share
    if value > _LIMITS[name]:
        raise UsageError(
            "constraint_absurd", name=name, value=short(typed), limit=f"{_LIMITS[name]:,.0f} {UNITS[name]}"
        )
    if name in ("context", "prompt", "output", "concurrency"):
        if value < 1:
            raise UsageError("constraint_number", name=name, value=short(typed), example=EXAMPLES[name])
        return float(round(value))
    return value


def _percent_meant(typed: object) -> bool:
    """A bare 99.9 can only be a percentage; one with its sign was divided already."""
    return "%" not in str(typed)


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


def short(value: object) -> str:
    """``value`` as a sentence quotes it: the beginning of it, at most 40 characters."""
    simple = isinstance(value, float) or (isinstance(value, int) and abs(value) < 10**40)
    text = value if isinstance(value, str) else str(value) if simple else type(value).__name__
    return text if len(text) <= 40 else text[:39] + "…"
