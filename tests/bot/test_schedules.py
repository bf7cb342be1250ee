"""When a watch looks and whom it tells, as people write it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import get_args
from zoneinfo import available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.requests import Day, Schedule
from bot.understanding.schedules import read_schedule, schedule_line
from engine.errors import UsageError
from tests.bot.utterances.loading import TODAY, utterances

WORKDAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri")
SAID = {
    "every six hours": Schedule("6h"),
    "evry 2 horus": Schedule("2h"),
    "every 90 minutes": Schedule("90m"),
    "every half hour": Schedule("30m"),
    "every other day at 7:15": Schedule("2d", at=("07:15",)),
    "3x a day": Schedule("8h"),
    "four times per day": Schedule("6h"),
    "once a week": Schedule("1w"),
    "2 times daily, at 9am and 9pm": Schedule("1d", at=("09:00", "21:00")),
    "every evening at 7": Schedule("1d", at=("19:00",)),
    "every night at 11": Schedule("1d", at=("23:00",)),
    "mornings": Schedule("1d", at=("09:00",)),
    "daily at half past nine": Schedule("1d", at=("09:30",)),
    "every day at 6 in the evening": Schedule("1d", at=("18:00",)),
    "each Tuesday and Thursday at noon": Schedule("1d", at=("12:00",), days=("tue", "thu")),
    "Mon-Fri 8am": Schedule("1d", at=("08:00",), days=WORKDAYS),
    "on Sundays at 22:00": Schedule("1w", at=("22:00",), days=("sun",)),
    "every weekday at 9": Schedule("1d", at=("09:00",), days=WORKDAYS),
    "only on weekends, at 10": Schedule("1d", at=("10:00",), days=("sat", "sun")),
    "daily at 9 except Sundays": Schedule("1d", at=("09:00",), days=(*WORKDAYS, "sat")),
    "hourly, skip weekends": Schedule("1h", days=WORKDAYS),
    "every 6h for a week": Schedule("6h", until=date(2026, 12, 3)),
    "hourly over the next three days": Schedule("1h", until=date(2026, 11, 29)),
    "daily until the end of the year": Schedule("1d", until=date(2026, 12, 31)),
    "daily until January 5th": Schedule("1d", until=date(2027, 1, 5)),
    "daily till the 5th of January 2027": Schedule("1d", until=date(2027, 1, 5)),
    "daily until next Friday": Schedule("1d", until=date(2026, 12, 4)),
    "every 4h through 2026-12-24": Schedule("4h", until=date(2026, 12, 24)),
    "daily until 24/12": Schedule("1d", until=date(2026, 12, 24)),
    "daily at 9 Europe/Berlin": Schedule("1d", at=("09:00",), timezone="Europe/Berlin"),
    "every day 9am UTC+8": Schedule("1d", at=("09:00",), timezone="Etc/GMT-8"),
    "every day at 9 Beijing time": Schedule("1d", at=("09:00",), timezone="Asia/Shanghai"),
    "every 2h, don't wake me from 11pm to 7am": Schedule("2h", quiet="23:00-07:00"),
    "every 2h, do not disturb 22-8": Schedule("2h", quiet="22:00-08:00"),
    "every 2h, no alerts at night": Schedule("2h", quiet="22:00-08:00"),
    "every 2h and post to #r1-watch": Schedule("2h", channel="#r1-watch"),
    "on Friday at 9": Schedule(once=date(2026, 11, 27), at=("09:00",)),
    "tonight at 11": Schedule(once=TODAY, at=("23:00",)),
    "next Monday 8:30": Schedule(once=date(2026, 11, 30), at=("08:30",)),
    "on 3 December at 07:00": Schedule(once=date(2026, 12, 3), at=("07:00",)),
    "每两小时": Schedule("2h"),
    "每個小時一次": Schedule("1h"),
    "每隔20分钟看一次": Schedule("20m"),
    "6小时跑一次": Schedule("6h"),
    "隔天早上八点半": Schedule("2d", at=("08:30",)),
    "每天三次": Schedule("8h"),
    "每周两次": Schedule("84h"),
    "每周三上午10点": Schedule("1w", at=("10:00",), days=("wed",)),
    "每周一三五早上9点": Schedule("1d", at=("09:00",), days=("mon", "wed", "fri")),
    "周一到周五每天下午三点": Schedule("1d", at=("15:00",), days=WORKDAYS),
    "每天早八晚六各一次": Schedule("1d", at=("08:00", "18:00")),
    "每晚十一点": Schedule("1d", at=("23:00",)),
    "每天晚上9点半": Schedule("1d", at=("21:30",)),
    "每天零点": Schedule("1d", at=("00:00",)),
    "每小时，除了周末": Schedule("1h", days=WORKDAYS),
    "每天9点，持续两周": Schedule("1d", at=("09:00",), until=date(2026, 12, 10)),
    "每天9点，到下周五": Schedule("1d", at=("09:00",), until=date(2026, 12, 4)),
    "每天一次，到年底": Schedule("1d", until=date(2026, 12, 31)),
    "每天一次，截止到12月3日": Schedule("1d", until=date(2026, 12, 3)),
    "每天一次，夜里别通知": Schedule("1d", quiet="22:00-08:00"),
    "每小时一次，静默时段 23:00-07:30": Schedule("1h", quiet="23:00-07:30"),
    "每天早上八点 美东时间，发到 #ops 频道": Schedule("1d", at=("08:00",), channel="#ops", timezone="America/New_York"),
    "后天下午两点": Schedule(once=date(2026, 11, 28), at=("14:00",)),
    "下周二九点": Schedule(once=date(2026, 12, 1), at=("09:00",)),
    "明晚八点": Schedule(once=date(2026, 11, 27), at=("20:00",)),
    "早晚各查一次": Schedule("1d", at=("09:00", "18:00")),
    "weekly on Friday at 4pm": Schedule("1w", at=("16:00",), days=("fri",)),
    "run it every 3 hours between 9am and 6pm": Schedule("3h"),
    "check it hourly until 10pm": Schedule("1h"),
    "一小时查一次，到晚上十点": Schedule("1h"),
    "这周末看一下": Schedule(once=date(2026, 11, 29)),
    "every 6h, leave me alone from 22:00 until 07:00": Schedule("6h", quiet="22:00-07:00"),
    "watch prod 24/7": None,
    "工作日每天早上8点15看一眼": Schedule("1d", at=("08:15",), days=WORKDAYS),
    "每天九点五十": Schedule("1d", at=("09:50",)),
    "每天九点两次": Schedule("1d", at=("09:00",)),
    "every two hours till Sunday night": Schedule("2h", until=date(2026, 11, 29)),
    "every 3 hours between now and Christmas": Schedule("3h", until=date(2026, 12, 25)),
    "every 6 hours but don't bother me at the weekend": Schedule("6h", days=WORKDAYS),
    "every 6 hours, silence from 11 at night to 7 in the morning": Schedule("6h", quiet="23:00-07:00"),
    "每6小时查一次，晚上11点到早上7点静音": Schedule("6h", quiet="23:00-07:00"),
    "daily at 7:30am PT": Schedule("1d", at=("07:30",), timezone="America/Los_Angeles"),
    "every Sunday 23:00 CET": Schedule("1w", at=("23:00",), days=("sun",), timezone="Europe/Berlin"),
    "快一点": None,
    "watch prod": None,
    "what changed in v2.5 of r1:14b on 8 cards?": None,
}  # fmt: skip
REFUSED = {
    "every 0 minutes": "schedule_often",
    "every 5 seconds": "schedule_often",
    "每5秒": "schedule_often",
    "0 times a day": "schedule_often",
    "every 3000 days": "schedule_seldom",
    "daily at 25:00": "schedule_time",
    "every day at 13pm": "schedule_time",
    "每天25点": "schedule_time",
    "daily until yesterday": "schedule_past",
    "daily until 1 May 2025": "schedule_past",
    "daily until 20 November": "schedule_past",
    "每天一次，到昨天为止": "schedule_past",
    "daily until 2026-02-30": "schedule_no_day",
    "每天，到2月30号": "schedule_no_day",
    "daily until 5/12": "schedule_day_unclear",
    "daily at 9:00 CST": "schedule_zone",
}


@pytest.mark.parametrize("text", SAID)
def test_people_say_when(text: str) -> None:
    assert read_schedule(text, TODAY).schedule == SAID[text]


@pytest.mark.parametrize("text", REFUSED)
def test_what_nobody_can_mean_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        read_schedule(text, TODAY)
    assert refused.value.code == REFUSED[text]
    for lang in ("en", "zh"):
        assert refused.value.sentence(lang).endswith((".", "。"))


def test_every_utterance_with_a_schedule_is_read() -> None:
    told = {said.id: said for _, said in utterances() if said.schedule is not None}
    read = {
        name: replace(read_schedule(said.text, TODAY).schedule or Schedule(), notify=()) for name, said in told.items()
    }
    meant = {name: Schedule(**said.schedule.model_dump()) for name, said in told.items() if said.schedule}
    assert read == {name: replace(one, notify=()) for name, one in meant.items()}  # who is told is read before


def test_no_utterance_of_another_kind_breaks_the_reader() -> None:
    for _, said in utterances():
        if said.intent != "watch":
            try:
                read_schedule(said.text, TODAY)
            except UsageError as error:
                assert error.code.startswith("schedule_")


def test_the_rest_is_the_text_without_the_words_taken() -> None:
    assert read_schedule("watch prod every 6h in #ops until Friday", TODAY).rest == "watch prod"
    assert read_schedule("每天早上九点检查 r1-gateway", TODAY).rest == "检查 r1-gateway"


def test_a_channel_that_slack_wrote_as_a_link_keeps_its_id() -> None:
    read = read_schedule("notify <#C024BE91L|ops> twice a day", TODAY)
    assert read.schedule == Schedule("12h", channel="#ops")
    assert read.channel_id == "C024BE91L"


_CLOCKS = st.builds(lambda hour, minute: f"{hour:02}:{minute:02}", st.integers(0, 23), st.integers(0, 59))
_COMING = st.integers(0, 3000).map(lambda days: TODAY + timedelta(days=days))
_EVERY = st.one_of(
    st.integers(1, 9999).map(lambda n: f"{n}m"), st.integers(1, 999).map(lambda n: f"{n}h"),
    st.integers(1, 366).map(lambda n: f"{n}d"), st.integers(1, 52).map(lambda n: f"{n}w"),
)  # fmt: skip
_OTHERS = st.fixed_dictionaries({
    "at": st.lists(_CLOCKS, max_size=4, unique=True).map(lambda found: tuple(sorted(found))),
    "channel": st.one_of(st.none(), st.from_regex(r"#[a-z][a-z0-9_-]{0,30}", fullmatch=True), st.just("C024BE91L")),
    "quiet": st.one_of(st.none(), st.builds("{}-{}".format, _CLOCKS, _CLOCKS)),
    "timezone": st.none() | st.sampled_from(sorted(available_timezones())),
})  # fmt: skip
_RECURRING = st.builds(
    lambda every, days, until, others: Schedule(every=every, days=days, until=until, **others),
    _EVERY,
    st.sets(st.sampled_from(get_args(Day))).map(lambda found: tuple(day for day in get_args(Day) if day in found)),
    st.none() | _COMING,
    _OTHERS,
)
_SINGLE = st.builds(lambda once, others: Schedule(once=once, **others), _COMING, _OTHERS)


@settings(max_examples=300, deadline=None)
@given(st.one_of(_RECURRING, _SINGLE))
def test_a_schedule_written_as_a_line_is_read_back(schedule: Schedule) -> None:
    read = read_schedule(schedule_line(schedule), TODAY)
    assert (read.schedule, read.rest) == (schedule, "")


@settings(max_examples=200, deadline=None)
@given(
    st.text("0123456789: ,;-/#<>|每天周一二三四五六日末点半早晚上下午到至月号小时次分钟 amptudyhourevny", max_size=60)
)
def test_anything_typed_is_read_or_refused_in_a_sentence(text: str) -> None:
    try:
        read = read_schedule(text, TODAY)
    except UsageError as error:
        assert error.code.startswith("schedule_")
        return
    if read.schedule is not None:
        again = read_schedule(schedule_line(replace(read.schedule, channel=None)), TODAY).schedule or Schedule()
        assert again == replace(read.schedule, channel=None)
