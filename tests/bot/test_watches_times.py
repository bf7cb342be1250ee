"""When watches look: whatever clocks do, at the times that people named, and no time twice."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.requests import Day, Schedule
from bot.watches.times import check_schedule, next_run, quiet_until, spread, usual
from engine.errors import UsageError

ZONES = ("UTC", "Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago",
         "Africa/Cairo", "Pacific/Chatham")  # fmt: skip
"""Clocks put forward by an hour or half an hour, at midnight or in the night, in spring or autumn, or never."""
moments = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))
clocks = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59))
days = st.lists(st.sampled_from(get_args(Day)), unique=True, max_size=6).map(tuple)
clocked = st.builds(Schedule, every=st.sampled_from([None, "1d", "2d", "1w", "3w"]), days=days,
                    at=st.lists(clocks, unique=True, min_size=1, max_size=4).map(tuple))  # fmt: skip
passed = st.builds(Schedule, every=st.sampled_from(["10m", "45m", "1h", "6h", "7h", "36h"]), days=days)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def runs(schedule: Schedule, after: datetime, zone: str, count: int) -> list[datetime]:
    """The next so many times, each asked for after the one before."""
    found: list[datetime] = []
    moment: datetime | None = after
    while len(found) < count and moment is not None:
        moment = next_run(schedule, moment, zone, anchor=after)
        found += [moment] if moment is not None else []
    return found


@settings(max_examples=150, deadline=None)
@given(clocked, moments, st.sampled_from(ZONES))
def test_times_of_day_stay_what_they_are_in_the_persons_zone(schedule: Schedule, after: datetime, zone: str) -> None:
    found = runs(schedule, after, zone, 8)
    assert len(found) == 8 and all(sooner < later for sooner, later in pairwise([after, *found]))
    for moment in found:
        local = moment.astimezone(ZoneInfo(zone))
        named = [datetime.combine(local.date() - timedelta(days=back), datetime.strptime(at, "%H:%M").time(),
                                  ZoneInfo(zone)) for at in schedule.at for back in (0, 1)]  # fmt: skip
        meant = [one for one in named if one.astimezone(UTC) == moment]
        assert meant, "a time that nobody named"
        if schedule.days and (schedule.every or "1d") in ("1d", "1w"):
            assert any(get_args(Day)[one.weekday()] in schedule.days for one in meant)


@settings(max_examples=100, deadline=None)
@given(moments, st.sampled_from(ZONES), st.lists(clocks, unique=True, min_size=1, max_size=3))
def test_each_day_has_its_looks_also_the_days_on_which_clocks_change(after: datetime, zone: str, at: list[str]) -> None:
    schedule = Schedule(every="1d", at=tuple(at))
    begin = after.astimezone(ZoneInfo(zone)).date() + timedelta(days=1)
    until = datetime.combine(begin + timedelta(days=10), datetime.min.time(), ZoneInfo(zone)).astimezone(UTC)
    start = datetime.combine(begin, datetime.min.time(), ZoneInfo(zone)).astimezone(UTC) - timedelta(microseconds=1)
    wanted = {datetime.combine(begin + timedelta(days=offset), datetime.strptime(one, "%H:%M").time(),
                               ZoneInfo(zone)).astimezone(UTC) for offset in range(10) for one in at}  # fmt: skip
    found = [moment for moment in runs(schedule, start, zone, 10 * len(at) + 2) if moment < until + timedelta(hours=2)]
    assert wanted <= set(found)


@settings(max_examples=150, deadline=None)
@given(passed, moments, st.timedeltas(timedelta(), timedelta(days=40)), st.sampled_from(ZONES))
def test_hours_are_counted_as_they_pass_and_missed_ones_are_let_go(
    schedule: Schedule, anchor: datetime, later: timedelta, zone: str
) -> None:
    after = anchor + later
    found = next_run(schedule, after, zone, anchor=anchor)
    step = {"m": timedelta(minutes=1), "h": timedelta(hours=1)}[(schedule.every or "")[-1]] * int(schedule.every[:-1])  # type: ignore[index]
    assert found is not None and found > after
    assert (found - anchor) % step == timedelta()
    if schedule.days:
        assert get_args(Day)[found.astimezone(ZoneInfo(zone)).weekday()] in schedule.days
    else:
        assert found - after <= step


@settings(max_examples=100, deadline=None)
@given(st.one_of(clocked, passed), moments, st.sampled_from(ZONES), st.integers(0, 30))
def test_nothing_is_looked_at_after_the_last_day(schedule: Schedule, after: datetime, zone: str, left: int) -> None:
    last = after.astimezone(ZoneInfo(zone)).date() + timedelta(days=left)
    ending = Schedule(every=schedule.every, at=schedule.at, days=schedule.days, until=last)
    found = next_run(ending, after, zone)
    free = next_run(schedule, after, zone)
    assert found in (None, free)
    if found is None:
        assert free is not None and free.astimezone(ZoneInfo(zone)).date() >= last


@pytest.mark.parametrize(
    ("schedule", "after", "zone", "expected"),
    [
        (Schedule(every="1d", at=("09:00",)), "2026-03-28 08:30", "Europe/Berlin", "2026-03-29 07:00"),
        (Schedule(every="1d", at=("02:30",)), "2026-03-29 00:00", "Europe/Berlin", "2026-03-29 01:30"),
        (Schedule(every="1d", at=("02:30",)), "2026-10-25 00:00", "Europe/Berlin", "2026-10-25 00:30"),
        (Schedule(every="1d", at=("02:30",)), "2026-10-25 00:30", "Europe/Berlin", "2026-10-26 01:30"),
        (Schedule(every="1w", days=("mon",), at=("09:00", "17:30")), "2026-11-27 00:00", "Asia/Shanghai", "2026-11-30 01:00"),
        (Schedule(once=date(2026, 11, 28), at=("07:00",)), "2026-11-27 00:00", "Asia/Shanghai", "2026-11-27 23:00"),
        (Schedule(every="1d", at=("09:00",), timezone="Asia/Shanghai"), "2026-11-27 00:00", "UTC", "2026-11-27 01:00"),
    ],
)  # fmt: skip
def test_times_worked_out_by_hand(schedule: Schedule, after: str, zone: str, expected: str) -> None:
    assert next_run(schedule, utc(after), zone) == utc(expected)


def test_one_look_is_one_and_a_past_day_none() -> None:
    once = Schedule(once=date(2026, 11, 28), at=("07:00",))
    assert next_run(once, utc("2026-11-28 07:00"), "UTC") is None
    assert next_run(Schedule(every="1d", until=date(2026, 11, 1)), utc("2026-11-27 00:00"), "UTC") is None


@settings(max_examples=100, deadline=None)
@given(moments, clocks, clocks, st.sampled_from(ZONES))
def test_quiet_hours_end_and_what_lies_outside_is_told_at_once(
    moment: datetime, start: str, end: str, zone: str
) -> None:
    until = quiet_until(Schedule(quiet=f"{start}-{end}"), moment, zone)
    clock = moment.astimezone(ZoneInfo(zone)).strftime("%H:%M:%S.%f")
    inside = start <= clock < end if start <= end else not end <= clock < start
    assert (until is not None) == inside
    if until is not None:
        assert moment <= until <= moment + timedelta(hours=26)


def test_looks_of_many_watches_are_spread_the_same_way_each_time() -> None:
    schedule = Schedule(every="6h")
    found = [spread(f"watch{number}", schedule) for number in range(200)]
    assert found == [spread(f"watch{number}", schedule) for number in range(200)]
    assert len(set(found)) > 100 and max(found) <= timedelta(minutes=5)
    assert spread("watch1", Schedule(every="1d", at=("09:00",))) == timedelta()


def test_the_usual_times_are_those_of_what_may_change_at_any_hour() -> None:
    assert (
        usual(None, endpoint=True).every == "6h" and usual(Schedule(quiet="22:00-08:00"), endpoint=False).every == "1d"
    )
    assert usual(Schedule(every="1h"), endpoint=False).every == "1h"


@pytest.mark.parametrize(
    "schedule", [Schedule(every="9m"), Schedule(at=("09:00", "09:05")), Schedule(every="1m", days=("mon",)),
                 Schedule(every="1d", timezone="Mars/Olympus"), Schedule(every="often")]
)  # fmt: skip
def test_too_often_or_nowhere_is_refused(schedule: Schedule) -> None:
    with pytest.raises(UsageError):
        check_schedule(schedule)
