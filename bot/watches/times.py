"""When a watch looks next, and when people may be told. Pure.

Times of day are those of the schedule's time zone: 09:00 stays 09:00 when clocks are put forward or back. A time that
a day lacks comes as much later as clocks were put forward; one that a day has twice comes once, the first time. Hours
and minutes are counted as they pass, whatever clocks do.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import get_args
from zoneinfo import ZoneInfo

from bot.requests import Day, Schedule
from bot.zones import timezones
from engine.errors import UsageError

SHORTEST = timedelta(minutes=10)
"""Between two looks: what changes faster is not worth an endpoint's tokens."""
MOST_TIMES = 24
_EVERY = re.compile(r"([1-9][0-9]{0,5})([mhdw])")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_STEPS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_SPREAD, _MOST_SPREAD = 0.05, timedelta(minutes=5)
_TRIES = 400


def next_run(schedule: Schedule, after: datetime, timezone: str, *, anchor: datetime | None = None) -> datetime | None:
    """The first time after ``after`` at which a schedule looks, in UTC; ``None`` where it looks no more.

    Missed times are no times: what lies before ``after`` is not made up for.

    Args:
        timezone: where the schedule names none.
        anchor: what "every 6h" and "every 2d" are counted from; ``after`` where it is not given.
    """
    zone, begun = ZoneInfo(schedule.timezone or timezone), anchor or after
    if schedule.once is not None:
        times = _times(schedule, time(9))
        return min((moment for moment in _on(schedule.once, times, zone) if moment > after), default=None)
    if is_clocked(schedule):
        return _next_clocked(schedule, after, begun.astimezone(zone), zone)
    return _next_passed(schedule, after, begun, zone)


def is_clocked(schedule: Schedule) -> bool:
    """Whether it looks at times of day, rather than whenever so many hours or minutes have passed."""
    number, unit = _every(schedule)
    return bool(schedule.at) or number == 0 or unit in "dw"


def usual(schedule: Schedule | None, *, endpoint: bool) -> Schedule:
    """The schedule, with the usual times where it says none: an endpoint can change at any hour."""
    given = schedule or Schedule()
    if given.every or given.at or given.days or given.once:
        return given
    return replace(given, every="6h" if endpoint else "1d")


def check_schedule(schedule: Schedule) -> None:
    """Refuse schedules that look more often than every ten minutes, or in no time zone.

    Raises:
        UsageError: which part makes no sense.
    """
    number, unit = _every(schedule)
    if number and number * _STEPS[unit] < SHORTEST:
        raise UsageError("watch_often", every=schedule.every)
    if schedule.timezone is not None and schedule.timezone not in timezones():
        raise UsageError("option_value", option="--timezone", example="Asia/Shanghai")
    if schedule.digest is not None and not _CLOCK.fullmatch(schedule.digest):
        raise UsageError("option_value", option="--digest", example="daily 09:00")
    minutes = sorted(clock.hour * 60 + clock.minute for clock in _times(schedule, time()))
    close = any(later - sooner < SHORTEST.seconds // 60 for sooner, later in pairwise(minutes))
    if close or len(minutes) > MOST_TIMES:
        raise UsageError("watch_often", every=", ".join(schedule.at)[:60])


def spread(watch_id: str, schedule: Schedule) -> timedelta:
    """By how much a watch looks later than others made at the same moment, always the same. Times of day that people
    named are kept to."""
    number, unit = _every(schedule)
    if number == 0 or schedule.at or schedule.once:
        return timedelta()
    share = int.from_bytes(hashlib.sha256(watch_id.encode()).digest()[:4], "big") / 2**32
    return timedelta(seconds=int(share * min(number * _STEPS[unit] * _SPREAD, _MOST_SPREAD).total_seconds()))


def quiet_until(schedule: Schedule, moment: datetime, timezone: str) -> datetime | None:
    """When quiet hours end in which a moment lies; ``None`` outside of them."""
    if schedule.quiet is None:
        return None
    zone = ZoneInfo(schedule.timezone or timezone)
    start, end = (time.fromisoformat(part.strip()) for part in schedule.quiet.split("-"))
    local = moment.astimezone(zone)
    clock = local.time()
    within = start <= clock < end if start <= end else clock >= start or clock < end
    if not within:
        return None
    day = local.date() + timedelta(days=int(clock >= end))
    return max(datetime.combine(day, end, zone).astimezone(UTC), moment.astimezone(UTC))


def digest_after(schedule: Schedule, after: datetime, timezone: str) -> datetime:
    """When the next digest is told after ``after``, in UTC: at its time of day, out of quiet hours."""
    return _digest_on(schedule, after, timezone, get_args(Day))


def week_after(schedule: Schedule, after: datetime, timezone: str) -> datetime:
    """The first of those digests that is a week's: Monday's."""
    return _digest_on(schedule, after, timezone, get_args(Day)[:1])


def _digest_on(schedule: Schedule, after: datetime, timezone: str, days: tuple[Day, ...]) -> datetime:
    zone, at = ZoneInfo(schedule.timezone or timezone), time.fromisoformat(schedule.digest or "00:00")
    first = after.astimezone(zone).date() - timedelta(days=1)  # quiet hours may end the day after
    on = (first + timedelta(days=offset) for offset in range(10))
    clocks = (datetime.combine(day, at, zone).astimezone(UTC) for day in on if _name(day) in days)
    told = (quiet_until(schedule, moment, timezone) or moment for moment in clocks)
    return next(moment for moment in told if moment > after)


def _next_clocked(schedule: Schedule, after: datetime, begun: datetime, zone: ZoneInfo) -> datetime | None:
    number, unit = _every(schedule)
    every = number if unit in "dw" and number else 1
    times = _times(schedule, begun.time().replace(second=0, microsecond=0))
    first = after.astimezone(zone).date() - timedelta(days=1)  # what a day lacks may come the day after
    for offset in range(every * (49 if unit == "w" else 7) + 9):
        day = first + timedelta(days=offset)
        if schedule.until is not None and day > schedule.until:
            return None
        if not _is_day(schedule, day, begun.date(), every, weekly=unit == "w"):
            continue
        moments = [moment for moment in _on(day, times, zone) if moment > after]
        if moments:
            return min(moments)
    return None


def _next_passed(schedule: Schedule, after: datetime, begun: datetime, zone: ZoneInfo) -> datetime | None:
    number, unit = _every(schedule)
    step = number * _STEPS[unit]
    for _ in range(_TRIES):
        moment = begun.astimezone(UTC) + ((after - begun) // step + 1) * step
        day = moment.astimezone(zone).date()
        if schedule.until is not None and day > schedule.until:
            return None
        if not schedule.days or _name(day) in schedule.days:
            return moment
        midnight = datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
        after = max(moment, midnight - timedelta(microseconds=1))
    return None


def _is_day(schedule: Schedule, day: date, begun: date, every: int, *, weekly: bool) -> bool:
    if weekly:
        weeks = (_monday(day) - _monday(begun)).days // 7
        return weeks % every == 0 and _name(day) in (schedule.days or (_name(begun),))
    return (day - begun).days % every == 0 and (not schedule.days or _name(day) in schedule.days)


def _on(day: date, times: tuple[time, ...], zone: ZoneInfo) -> Iterator[datetime]:
    return (datetime.combine(day, clock, zone).astimezone(UTC) for clock in times)


def _times(schedule: Schedule, else_: time) -> tuple[time, ...]:
    return tuple(time.fromisoformat(clock) for clock in schedule.at) or (else_,)


def _every(schedule: Schedule) -> tuple[int, str]:
    if schedule.every is None:
        return 0, "d"
    match = _EVERY.fullmatch(schedule.every)
    if match is None:
        raise UsageError("option_value", option="--every", example="6h")
    return int(match[1]), match[2]


def _name(day: date) -> Day:
    return get_args(Day)[day.weekday()]  # type: ignore[no-any-return]


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
