"""Numbers in free text, and which constraint each is of: by its unit, and by the nearest words beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from engine.constraints.bounds import AT_LEAST, TARGETS
from engine.constraints.lexicon import SCALES, SPELLED, Kind, Lexicon
from engine.constraints.quantities import Quantity, convert, number, quantities
from engine.constraints.record import Installed
from engine.hardware.schema import Device

_WINDOW = 40
"""Characters to each side in which words tell what a number is of."""
_NEXT = re.compile(r"\b(?:and|plus)\b(?=[^,;.]{1,25}?[0-9])|[和与](?=[^,，。]{1,8}?[0-9])", re.IGNORECASE)
"""Where the words of the next number begin."""
_OWN = re.compile(r"[0-9][^,;.]{0,40}(?:\band\b|\bplus\b|[和与])(?=[^0-9]{0,25}$)", re.IGNORECASE)
"""Where those of a number begin, behind another one's."""
_END = re.compile(r"[,;!?\n。；！？，、]|\.(?:\s|$)")
_PERIODS = re.compile(r"\b(?P<month>monthly|per month|a month|each month)\b|\b(?P<hour>hourly|per hour|an hour)\b|(?P<m>[每一]个?月|月(?=预算|度|成本|租|费)|按月)|(?P<h>[每一]个?小时|按小时|时租)", re.IGNORECASE)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Measure:
    """A number at ``start``:``end``; ``field`` and ``value`` (in the record's unit) if it is of a constraint, else the
    ``reason`` why not (a key under ``unread`` in the texts). ``understood``: it says nothing, and may go without a word.
    ``weak``: another number of the same constraint counts before it."""

    start: int
    end: int
    field: str | None = None
    value: float | None = None
    reason: str | None = None
    understood: bool = False
    weak: bool = False


@dataclass(frozen=True, slots=True)
class _Beside:
    """What stands before and after a number in its part of the sentence."""

    before: str
    after: str

    def distance(self, pattern: re.Pattern[str]) -> int | None:
        """Characters to the nearest match; what stands before is a little nearer."""
        ends = [len(self.before) - match.end() for match in pattern.finditer(self.before)]
        starts = [match.start() for match in pattern.finditer(self.after)]
        near = [2 * gap for gap in ends] + [2 * gap + 1 for gap in starts]
        return min(near, default=None)

    def has(self, pattern: re.Pattern[str]) -> bool:
        return bool(pattern.search(self.before) or pattern.search(self.after))


def measures(
    text: str, words: Lexicon, hardware: tuple[Installed, ...], hardware_files: tuple[Path, ...] = ()
) -> Iterator[Measure]:
    """Every number that has a unit, or that words make one of a constraint, from left to right."""
    taken, devices = bytearray(len(text)), _devices(hardware, hardware_files)
    for kind in words.kinds:
        if kind.bare is not None:
            for match in kind.bare.finditer(text):
                measure = _bare(kind, match)
                if not any(taken[measure.start : measure.end]):
                    taken[measure.start : measure.end] = b"\x01" * (measure.end - measure.start)
                    yield measure
    for read in quantities(text):
        if not any(taken[read.start : read.end]):
            yield _measure(read, _beside(text, read), words, devices)


def _devices(hardware: tuple[Installed, ...], hardware_files: tuple[Path, ...]) -> tuple[Device, ...]:
    if not hardware:
        return ()
    from engine.hardware import load_hardware

    known = load_hardware(hardware_files)
    return tuple(known[part.device] for part in hardware if part.device in known)


def _bare(kind: Kind, match: re.Match[str]) -> Measure:
    place = next(name[1:] for name, value in match.groupdict().items() if name[0] == "n" and value)
    scale = match[f"s{place}"].lower()
    binary = TARGETS[kind.rule.field] == "token" and scale in ("k", "m")
    factor = {"k": 1024.0, "m": 1024.0**2}[scale] if binary else SCALES.get(scale, 1.0)
    written = match[f"n{place}"].lower()
    value = SPELLED[written] if written in SPELLED else number(written)
    return Measure(match.start(), match.end(), kind.rule.field, value * factor)


def _beside(text: str, read: Quantity) -> _Beside:
    before, after = text[max(0, read.start - _WINDOW) : read.start], text[read.end : read.end + _WINDOW]
    cut = max((match.end() for match in (*_END.finditer(before), *_OWN.finditer(before))), default=0)
    ends = [match.start() for match in (_END.search(after), _NEXT.search(after)) if match]
    return _Beside(before[cut:], f"{read.kind} {after[: min(ends, default=len(after))]}")


def _measure(read: Quantity, beside: _Beside, words: Lexicon, devices: tuple[Device, ...]) -> Measure:
    if read.unit in ("usd", "cny") or read.unit.startswith(("usd /", "cny /")):
        return _money(read, beside, words)
    if read.unit == "" and words.things.match(beside.after.lstrip()):
        return Measure(read.start, read.end, reason="no_unit" if read.scaled else None, understood=not read.scaled)
    if read.unit == "page":
        return Measure(read.start, read.end, reason="pages")
    if convert(1.0, read.unit, "request / second") is not None:
        return Measure(read.start, read.end, reason="requests_per_second")
    candidates = [(kind, value) for kind in words.kinds if (value := _value(kind, read)) is not None]
    best: tuple[int, Kind, float] | None = None
    for kind, value in candidates:
        if kind.never is not None and beside.has(kind.never):
            means = kind.rule.never_means
            return Measure(read.start, read.end, reason=means, understood=means is None)
        gap = beside.distance(kind.near)
        if gap is None and kind.weak is not None and _weakly(kind, read, value):
            weak = beside.distance(kind.weak)
            gap = None if weak is None else 4 * _WINDOW + weak
        if gap is None and _alone(kind, read, value):
            gap = 8 * _WINDOW
        if kind.rule.invert and read.each:
            gap = -1
        if gap is not None and (best is None or gap < best[0]):
            best = (gap, kind, value)
    if best is None or (
        best[1].rule.field == "context" and best[0] >= 8 * _WINDOW and words.limits.search(beside.before)
    ):
        return _unplaced(read)
    measure = _checked(read, best[1], best[2], beside, words, devices)
    return replace(measure, weak=best[1].rule.field == "concurrency" and best[0] >= 4 * _WINDOW)


def _weakly(kind: Kind, read: Quantity, value: float) -> bool:
    units = kind.rule.weak_units
    return (kind.rule.weak_up_to or 0) >= value and (not units or read.word in units)


def _value(kind: Kind, read: Quantity) -> float | None:
    """The number in the record's unit, if its unit is of that kind at all."""
    rule = kind.rule
    if rule.field == "budget":
        return None
    if read.unit == "":
        return read.high if rule.unit == "token" and read.scaled else None
    if rule.unit == "token" and read.unit not in ("token", "hanzi", "word"):
        return None
    value = convert(read.low if rule.field in AT_LEAST or rule.invert else read.high, read.unit, rule.unit)
    if value is None:
        return None
    if rule.field == "availability":
        return round(value / 100, 9)
    if rule.field in ("memory", "bandwidth"):
        return value / 1e9
    return 1 / value if rule.invert and value > 0 else value


def _alone(kind: Kind, read: Quantity, value: float) -> bool:
    rule = kind.rule
    if read.word in rule.alone_units:
        return True
    if read.unit == "":
        return False
    if rule.alone_up_to is not None:
        return read.low <= rule.alone_up_to
    return rule.alone


def _unplaced(read: Quantity) -> Measure:
    if read.spoken:
        return Measure(read.start, read.end, understood=True)
    if read.unit == "user":
        return Measure(read.start, read.end, reason="users")
    if read.unit == "":
        return Measure(read.start, read.end, reason="no_unit" if read.scaled else None, understood=not read.scaled)
    return Measure(read.start, read.end, reason="unknown")


def _checked(
    read: Quantity, kind: Kind, value: float, beside: _Beside, words: Lexicon, devices: tuple[Device, ...]
) -> Measure:
    """Numbers whose words say that they are of something close to a constraint, and not of it."""
    field = kind.rule.field
    if field == "ttft" and _of_whole_answer(beside, words):
        return Measure(read.start, read.end, reason="whole_answer")
    if field == "memory" and devices:
        if all(device.kind == "cpu" for device in devices):
            return Measure(read.start, read.end, field, value)
        if beside.has(words.host_memory):
            return Measure(read.start, read.end, reason="host_memory")
        if beside.has(words.per_device) or any(abs(device.memory - value) <= 0.1 * device.memory for device in devices):
            return Measure(read.start, read.end, understood=True)
    if field == "memory" and (several := _cards(beside, words)):
        return Measure(read.start, read.end, field, value * several)
    if field == "memory" and beside.has(words.per_device):
        return Measure(read.start, read.end, reason="memory_each")
    return Measure(read.start, read.end, field, value)


def _cards(beside: _Beside, words: Lexicon) -> float | None:
    """How many cards have the memory: "5 GPUs of 80 GB", "two 24GB cards"."""
    counted = words.devices_of.search(beside.before)
    if counted is None and words.cards_behind.match(beside.after.lstrip()):
        counted = words.count_before.search(beside.before)
    if counted is None:
        return None
    written = counted["number"].lower()
    return SPELLED[written] if written in SPELLED else number(written)


def _of_whole_answer(beside: _Beside, words: Lexicon) -> bool:
    whole, first = beside.distance(words.whole_answer), beside.distance(words.first_token)
    return whole is not None and (first is None or whole < first)


def _money(read: Quantity, beside: _Beside, words: Lexicon) -> Measure:
    """A budget, if words or a period say so; without a period it has to be asked for."""
    budget = next(kind for kind in words.kinds if kind.rule.field == "budget")
    hourly = convert(read.high, read.unit, "usd / hour")
    if hourly is not None:
        return Measure(read.start, read.end, "budget", hourly)
    worth = convert(read.high, read.unit, "usd")
    if worth is None:
        return Measure(read.start, read.end, reason="unknown")
    period = _PERIODS.search(beside.before) or _PERIODS.search(beside.after)
    if period is not None:
        unit = "month" if period["month"] or period["m"] else "hour"
        return Measure(read.start, read.end, "budget", convert(worth, f"usd / {unit}", "usd / hour"))
    return Measure(read.start, read.end, reason="budget_period" if beside.has(budget.near) else "unknown")
