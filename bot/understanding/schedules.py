"""When to look again and whom to tell, in free English and Chinese words → Schedule. Pure.

Each part takes the words it understands out of the text, the most telling first: "no pings between 10pm and 8am" must
be gone before "10pm" is read as a time to look at. What nothing took is the rest.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from bot.requests import Day, Schedule
from bot.understanding.clocks import BARE, PART, TIME, WINDOW, ZONE, clock, clocks, zone
from bot.understanding.days import DATE, DAYS, day, months_on
from bot.understanding.frequency import NUMBER, ONCE, ZH_UNIT, amount, often, unit_of
from bot.understanding.scheduled import DIGEST_AT, people
from bot.understanding.telling import CHANNEL, CHANNEL_ID, PEOPLE, digest_at, quiet_hours
from bot.understanding.weekly import BUT, RECURS, SPANS, listed, recurring
from engine.constraints.values import WIDE
from engine.errors import UsageError

_TAKEN, _DAY_TAKEN = "\x1f", "\x1e"
"""Stand for what was understood; the second for words after which a bare "9" is a time."""
_TRADITIONAL = str.maketrans("個週點時兩後號鐘為", "个周点时两后号钟为")
_FLAGS = re.IGNORECASE | re.ASCII
_UNTIL = re.compile(
    r"(?:\b(?:and )?(?:between now and|(?:from )?now (?:until|till|through|to)|un?till?l?|till?|'til|through|thru|up to|ending(?: on)?|ends?(?: on)?|stop(?:ping)?(?: (?:on|after|at))?|not after)\b ?(?:the (?=[a-z]))?"
    rf"|(?:一?直?到|截止到?|截至|至) ?|\bfor (?=the rest)){DATE}(?: ?(?:at |,)? ?{TIME}| (?:morning|noon|afternoon|evening|night)\b| ?{PART})? ?(?:为止|止|那天|之前|前|结束|inclusive)?",
    _FLAGS,
)
_UNTIL_BEHIND = re.compile(rf"{DATE} ?(?:为止|截止|结束|之前)", _FLAGS)
_FOREVER = re.compile(
    r"\buntil (?:further notice|i (?:say|tell you to) (?:stop|so))|\bforever\b|\bindefinitely\b|一直(?=[盯查看监])",
    _FLAGS,
)
_LASTS = re.compile(
    rf"\b(?:for|over|during|within) (?:the )?(?:next |coming |another |about )?(?P<n>{NUMBER}) ?(?P<unit>[a-z]{{1,7}})\b"
    rf"|\b(?:the )?next (?P<next>{NUMBER}) (?P<nextunit>[a-z]{{3,6}})\b|\b(?:for|over|during) the (?:next|coming) (?P<one>week|month)\b"
    rf"|(?:连续|持续|连着|为期|坚持|接下来的?|未来|往后|之后的?)[查看跑盯测]? ?(?P<zh>{NUMBER}) ?个?(?P<zhunit>{ZH_UNIT})(?:之?内)?"
    rf"|(?:查|看|跑|盯|测|监控|监测|观察|测试|检查)[上个它满够]? ?(?P<long>{NUMBER}) ?个?(?P<longunit>天|周|星期|礼拜|月)(?![一二三四五六日])"
    rf"|(?P<within>{NUMBER}) ?个?(?P<withinunit>天|周|星期|礼拜|月)之?内",
    _FLAGS,
)
_ONCE = re.compile(
    rf"(?:\bon )?(?<!first )(?<!last )(?<!second )(?<!third )(?<!starting )(?<!from )(?<![从自]){DATE}", _FLAGS
)
_PART_BEHIND = re.compile(r"(?:tonight|this [a-z]+|[早晚])$", _FLAGS)
_PARTS = re.compile(
    rf"\b(?:(?P<every>every|each|evry) |on |in the |this )?(?P<part>morning|afternoon|evening|night)s?\b|(?P<nightly>\bnightly\b)|(?P<tonight>\btonight\b)"
    rf"|(?P<zh>(?<![一二三四五六七八九十0-9]){PART})(?! ?[0-9零一二两三四五六七八九十]|[上晨间里])",
    _FLAGS,
)
_USUAL = {"morning": "09:00", "noon": "12:00", "afternoon": "15:00", "evening": "18:00", "night": "22:00"}
_PART_OF = {"早": "morning", "上": "morning", "清": "morning", "一": "morning", "大": "morning", "下": "afternoon", "午": "afternoon", "中": "noon",
            "傍": "evening", "晚": "evening", "深": "night", "夜": "night", "半": "night"}  # fmt: skip
_AT = rf"(?:{TIME}|{BARE})"
_CLOCKS = re.compile(
    rf"(?:\bat(?: about| around)? |@ ?|{_DAY_TAKEN} ?,? ?(?:at )?)(?P<list>{_AT}(?: ?(?:, ?and |,|/|、|and|&|\+|和) ?{_AT})*)"
    rf"|[在于]? ?(?P<sure>(?<![\w./-]){TIME})",
    _FLAGS,
)
_A_LITTLE = re.compile(r"[一1]点")
_BAD_CLOCK = re.compile(r"\bat (?P<time>[0-9]{1,3}:[0-9]{1,3}|[3-9][0-9](?= |$|,))", _FLAGS)
_TAIL = re.compile(rf"(?<=[{_TAKEN}{_DAY_TAKEN}]) ?(?:,? ?{ONCE})", _FLAGS)
_LOOSE = re.compile(r"\s*(?:[,;，；、]\s*)+")


@dataclass(frozen=True, slots=True)
class ReadSchedule:
    """``schedule``: ``None`` where nothing was said of when, or whom to tell. ``rest``: the text without the words that
    say it. ``channel_id``: where Slack wrote the channel as a link."""

    schedule: Schedule | None
    rest: str
    channel_id: str | None = None


@dataclass(slots=True)
class _Left:
    """A text of which pieces are taken; ``plain`` is as long as what was typed."""

    plain: str

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Blanks the first match."""
        match = pattern.search(self.plain)
        if match is not None:
            self.blank(*match.span())
        return match

    def blank(self, start: int, end: int, sign: str = _TAKEN) -> None:
        self.plain = self.plain[:start] + sign * (end - start) + self.plain[end:]


def read_schedule(text: str, today: date) -> ReadSchedule:
    """What ``text`` says of when a watch looks, and who is told.

    Raises:
        UsageError: what nobody can mean: every 5 seconds, until a day that has passed, at 25:00.
    """
    left = _Left(text.translate(WIDE).translate(_TRADITIONAL))
    notify = _notified(left)
    channel, channel_id = _channel(left)
    digest = _digest(left)
    timezone = _zone(left)
    quiet = _quiet(left)
    kept = _left_out(left)
    days, weekly = _days(left, SPANS, kept, False)
    until = _until(left, today)
    every, times = _every(left)
    if not weekly and days == kept:
        days, weekly = _days(left, RECURS, kept, (every or "").endswith("w"))
    once = _once(left, today) if every is None and not days else None
    parts, daily = _parts(left)
    at = _at(left, parts)
    if times and at:
        every = "1d"
    if every is None and once is None and (days or at or daily):
        every = "1w" if weekly else "1d"
    left.take(_FOREVER)
    for match in _TAIL.finditer(left.plain):
        left.blank(*match.span())
    found = Schedule(every, once, at, days, until, channel, quiet, timezone, notify, digest)
    return ReadSchedule(found if found != Schedule() else None, _rest(text, left.plain), channel_id)


def schedule_line(schedule: Schedule) -> str:
    """One line that says the same, and that ``read_schedule`` reads back: ``every 6h until 2026-12-15 in #ops``."""
    pieces = (
        f"every {schedule.every}" if schedule.every else "",
        f"on {schedule.once.isoformat()}" if schedule.once else "",
        f"at {','.join(schedule.at)}" if schedule.at else "",
        f"days {','.join(schedule.days)}" if schedule.days else "",
        f"until {schedule.until.isoformat()}" if schedule.until else "",
        f"in {schedule.channel}" if schedule.channel else "",
        f"quiet {schedule.quiet}" if schedule.quiet else "",
        f"tz {schedule.timezone}" if schedule.timezone else "",
        f"notify {','.join(schedule.notify)}" if schedule.notify else "",
        f"digest at {schedule.digest}" if schedule.digest else "",
    )
    return " ".join(piece for piece in pieces if piece)


def _channel(left: _Left) -> tuple[str | None, str | None]:
    if match := left.take(CHANNEL):
        name = match["shown"] or match["name"]
        return f"#{name}" if name else match["id"], match["id"]
    if match := left.take(CHANNEL_ID):
        return match["id"], match["id"]
    return None, None


def _notified(left: _Left) -> tuple[str, ...]:
    match = left.take(PEOPLE)
    return people(match["who"]) if match is not None else ()


def _digest(left: _Left) -> str | None:
    found = digest_at(left.plain)
    if found is None:
        return None
    left.blank(found.start, found.end)
    return found.at or DIGEST_AT


def _zone(left: _Left) -> str | None:
    for match in ZONE.finditer(left.plain):
        if name := zone(match):
            left.blank(*match.span())
            return name
    return None


def _quiet(left: _Left) -> str | None:
    if found := quiet_hours(left.plain):
        left.blank(found.start, found.end)
        return found.hours
    return None


def _left_out(left: _Left) -> tuple[Day, ...]:
    """The days that remain where some are said to be left out."""
    out: set[str] = set()
    for match in BUT.finditer(left.plain):
        left.blank(*match.span())
        out.update(listed(next(value for value in match.groups() if value)))
    return tuple(one for one in DAYS if one not in out) if out else ()


def _until(left: _Left, today: date) -> date | None:
    for pattern in (_UNTIL, _UNTIL_BEHIND):
        for match in pattern.finditer(left.plain):
            last = day(match, today)
            if last is None:
                raise UsageError("schedule_no_day", day=match[0].strip())
            if last < today:
                raise UsageError("schedule_past", day=last.isoformat())
            left.blank(*match.span())
            return last
    for match in _LASTS.finditer(left.plain):
        groups = [value for value in match.groups() if value]
        number, unit = (1.0, groups[0]) if match["one"] else (amount(groups[0]), groups[1])
        known = unit_of(unit)
        if known in ("d", "w", "month") or (known == "h" and number >= 24):
            left.blank(*match.span())
            return _later(today, number, known)
    return None


def _later(today: date, number: float, unit: str) -> date:
    if unit == "month":
        return months_on(today, round(number))
    return today + timedelta(days=min(3660, int(number * {"h": 1 / 24, "d": 1, "w": 7}[unit])))


def _every(left: _Left) -> tuple[str | None, bool]:
    found = often(left.plain)
    if found is None:
        return None, False
    left.blank(found.start, found.end, _DAY_TAKEN)
    return found.every, found.times


def _days(left: _Left, pattern: re.Pattern[str], kept: tuple[Day, ...], of_week: bool) -> tuple[tuple[Day, ...], bool]:
    """The days, and whether it is one of the week."""
    for match in pattern.finditer(left.plain):
        days = recurring(match, of_week)
        if days:
            left.blank(*match.span(), _DAY_TAKEN)
            days = tuple(one for one in days if not kept or one in kept)
            return days, len(days) == 1
    return kept, False


def _once(left: _Left, today: date) -> date | None:
    for match in _ONCE.finditer(left.plain):
        found = day(match, today)
        if found is None:
            continue
        if found < today:
            raise UsageError("schedule_past", day=found.isoformat())
        part = _PART_BEHIND.search(match[0])  # read with the time
        left.blank(match.start(), match.start() + part.start() if part else match.end(), _DAY_TAKEN)
        return found
    return None


def _parts(left: _Left) -> tuple[tuple[str, ...], bool]:
    """The parts of the day that are named, and whether every day is meant."""
    found: list[str] = []
    daily = False
    for match in _PARTS.finditer(left.plain):
        left.blank(*match.span(), _DAY_TAKEN)
        part = "night" if match["nightly"] or match["tonight"] else (match["part"] or "").lower()
        found.append(part or _PART_OF[match["zh"][0]])
        daily = daily or bool(match["every"] or match["nightly"])
    return tuple(dict.fromkeys(found)), daily


def _at(left: _Left, parts: tuple[str, ...]) -> tuple[str, ...]:
    if bad := _BAD_CLOCK.search(left.plain):
        clock(bad["time"])
    windows = [match.span() for match in WINDOW.finditer(left.plain)]
    found: list[str] = []
    for match in _CLOCKS.finditer(left.plain):
        said = match["list"] or match["sure"]
        inside = any(
            start < match.end("list" if match["list"] else "sure") and match.start() < end for start, end in windows
        )
        if inside or _A_LITTLE.fullmatch(said):
            continue
        found += clocks(said, parts[0] if len(parts) == 1 else "")
        left.blank(*match.span(), _DAY_TAKEN)
    return tuple(sorted(set(found))) or (() if windows else tuple(sorted(_USUAL[part] for part in parts)))


def _rest(text: str, plain: str) -> str:
    kept = "".join(" " if sign in (_TAKEN, _DAY_TAKEN) else char for char, sign in zip(text, plain, strict=True))
    return _LOOSE.sub(", ", " ".join(kept.split())).strip(" ,;.，。；、")
