"""Times of day as people write them in English and Chinese, ranges of them, and time zones. Pure."""

from __future__ import annotations

import re

from bot.zones import timezones
from engine.errors import UsageError

_HOURS = {word: hour for hour, word in enumerate(
    ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"], start=1)}  # fmt: skip
_SIGNS = {sign: value for value, sign in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
NUMERAL = r"(?:[二三四五六七八九]?十[一二三四五六七八九]?|[零〇一二两三四五六七八九])"
"""A Chinese numeral below a hundred."""
PART = r"(?:一?大早上?|清晨|清早|早上|早晨|上午|中午|午后|下午|傍晚|晚上|晚间|深夜|夜里|夜间|半夜|凌晨|早|晚|夜)"
_EN = (
    r"(?:(?:half past|quarter (?:past|to)) (?:[0-9]{1,2}|" + "|".join(_HOURS) + r")(?: ?[ap]\.?m\.?(?![a-z]))?"
    r"|(?<![0-9.:])[0-9]{1,2}(?:[:.][0-9]{2})? ?[ap]\.?m\.?(?![a-z])|(?<![0-9.:-])[0-9]{1,2}:[0-9]{2}(?![0-9:])"
    r"|(?<![0-9.:-])[0-9]{1,2} (?:in the (?:morning|afternoon|evening)|at night)|(?:"
    + "|".join(_HOURS)
    + r") (?:[ap]\.?m\b|o'?clock)|[0-9]{1,2} ?o'?clock|\b(?:noon|midday|midnight)\b)"
    r"(?: (?:in the (?:morning|afternoon|evening)|at night))?"
)
_ZH = (
    rf"(?:{PART} ?)?(?:[0-9]{{1,2}}:[0-9]{{2}}|(?:[0-9]{{1,2}}|{NUMERAL}) ?(?:点钟?整?|时(?!区|段|间|候))"
    rf"(?:半|[一三]刻|(?:[0-9]{{1,2}}|{NUMERAL}) ?分|零?(?:[0-9]{{2}}|{NUMERAL})(?![0-9点时个次遍回小天台张卡周月号日人十]))?)"
    rf"|(?:早上?|上午|下午|晚上?|凌晨|中午|傍晚)(?:[0-9]{{1,2}}|{NUMERAL})(?![0-9十个小天次周月年分秒百千万台张卡点时:])|正午|午夜|中午|零点"
)
TIME = rf"(?:{_EN}|{_ZH})"
"""A time of day that can be nothing else. "一点" alone is a little of something."""
BARE = r"[0-9]{1,2}(?![0-9]|[.:/][0-9]|[a-z\u4e00-\u9fff×%]| ?(?:[x×*%]|k\b|[gmt]i?b\b|ms\b|s\b|tok|req|users?\b|gpus?\b|cards?\b|usd\b|per\b|hours?\b|hrs?\b|h\b|min|days?\b|times\b|weeks?\b|models?\b|张|块|卡|台))"
"""An hour without a word for it: only where something beside it says that it is one."""
_TO = r" ?(?:-|–|—|~|～|to|until|till|through|到|至) ?"
_SEPARATOR = r" ?(?:-|–|—|~|～|to|and|until|till|through|到|至|和) ?"
RANGE = rf"(?:{TIME}|{BARE}){_SEPARATOR}(?:{TIME}|[0-9]{{1,2}}(?![0-9:.]))"
WINDOW = re.compile(
    rf"\b(?:between|from|during) {RANGE}|(?:{TIME}|{BARE}){_TO}(?:{TIME}|[0-9]{{1,2}}(?![0-9:.]))|(?:\b(?:until|till?|before|after|by|starting at)|[到至]) ?(?:{TIME}|{BARE})|{TIME} ?(?:之?前|之?后|以[前后])",
    re.IGNORECASE | re.ASCII,
)
"""Times between which, or up to which, something is: at none of them a watch looks."""
_EITHER = re.compile(rf"{TIME}|[0-9]{{1,2}}(?![0-9])", re.IGNORECASE | re.ASCII)
_CLOCK = re.compile(
    rf"(?P<part>{PART})? ?(?:(?P<past>half past|quarter past|quarter to) )?"
    rf"(?:(?P<hour>[0-9]{{1,2}})|(?P<word>{'|'.join(_HOURS)})\b|(?P<numeral>{NUMERAL}))"
    rf"(?:[:.](?P<minute>[0-9]{{2}}))? ?(?:点钟?整?|时|o'?clock)?"
    rf"(?:(?P<half>半)|(?P<quarters>[一三])刻|零?(?P<minutes>[0-9]{{1,2}}|{NUMERAL}) ?分?)?"
    r" ?(?:(?P<half_day>[ap])\.?m\.?)?(?: (?P<when>in the (?:morning|afternoon|evening)|at night))?",
    re.IGNORECASE | re.ASCII,
)
_NAMED = {
    "noon": "12:00",
    "midday": "12:00",
    "midnight": "00:00",
    "正午": "12:00",
    "中午": "12:00",
    "午夜": "00:00",
    "零点": "00:00",
}
_LATE = re.compile(r"下午|午后|傍晚|晚|夜|afternoon|evening|night")
_NIGHT = re.compile(r"半夜|深夜|夜|night")
_ZONES = {
    r"(?:北京|中国|上海|东八区)(?:标准)?时间?|(?:beijing|china|shanghai)(?: standard)? time": "Asia/Shanghai",
    r"东八区": "Asia/Shanghai",
    r"(?:us )?pacific(?: standard| daylight)? time|太平洋时间|西海岸时间|加州时间|\bp[sd]t\b|(?<=m )pt\b|\bpacific\b": "America/Los_Angeles",
    r"(?:us )?eastern(?: standard| daylight)? time|美东时间|纽约时间|new york time|\be[sd]t\b|(?<=m )et\b": "America/New_York",
    r"(?:us )?central(?: standard| daylight)? time|美中时间|芝加哥时间|chicago time": "America/Chicago",
    r"(?:us )?mountain(?: standard| daylight)? time": "America/Denver",
    r"(?:london|uk|british) time|伦敦时间|英国时间|\bbst\b": "Europe/London",
    r"(?:berlin|german|central european|frankfurt) time|柏林时间|德国时间|\bcet\b|\bcest\b": "Europe/Berlin",
    r"(?:paris|french) time|巴黎时间": "Europe/Paris",
    r"(?:tokyo|japan) time|东京时间|日本时间|\bjst\b": "Asia/Tokyo",
    r"(?:seoul|korean?) time|首尔时间|\bkst\b": "Asia/Seoul",
    r"singapore time|新加坡时间|\bsgt\b": "Asia/Singapore",
    r"hong kong time|香港时间|\bhkt\b": "Asia/Hong_Kong",
    r"taipei time|台北时间": "Asia/Taipei",
    r"(?:india|indian)(?: standard)? time|印度时间": "Asia/Kolkata",
    r"sydney time|悉尼时间": "Australia/Sydney",
}  # fmt: skip
_OFFSET = r"\b(?:utc|gmt) ?(?P<sign>[+-]) ?(?P<hours>[0-9]{1,2})(?::00)?(?![0-9:])"
_IANA = r"(?:(?<=tz )|(?<=timezone )|(?<![\w./-])(?=[a-z]{2,12}/))(?P<iana>[a-z][\w+-]{1,20}(?:/[\w+-]{1,20}){0,2})(?![\w/])"
ZONE = re.compile(
    rf"[(（]? ?(?:\b(?:in |tz[ :=]|time ?zone[ :=]?)|时区[ :]?(?:是|为|用)?|按)? ?(?:{_OFFSET}|{_IANA}"
    rf"|(?P<utc>\b(?:utc|gmt)\b(?: time)?|世界时|协调世界时|格林尼治时间)|(?P<named>{'|'.join(_ZONES)})"
    r"|(?P<unclear>(?<=[0-9m点:] )(?:cst|ist)\b)) ?[)）]?",
    re.IGNORECASE | re.ASCII,
)
_BY_NAME = {name.lower(): name for name in timezones()}


def clock(text: str, part: str = "") -> str:
    """``HH:MM`` of a time; ``part``: what was said of the day elsewhere, as in "every evening at 7".

    Raises:
        UsageError: no day has such a time.
    """
    said = text.strip().lower()
    if said in _NAMED:
        return _NAMED[said]
    match = _CLOCK.fullmatch(said)
    if match is None:
        raise UsageError("schedule_time", time=text.strip()[:40])
    hour, minute = _hour(match), _minute(match)
    if match["past"] == "quarter to":
        hour, minute = (hour - 1) % 24, 45
    if match["half_day"] and not 1 <= hour <= 12:
        raise UsageError("schedule_time", time=text.strip()[:40])
    hour = _of_day(hour, match["half_day"], f"{match['part'] or ''}{match['when'] or ''}" or part)
    if (hour, minute) == (24, 0):
        hour = 0
    if hour > 23 or minute > 59:
        raise UsageError("schedule_time", time=text.strip()[:40])
    return f"{hour:02}:{minute:02}"


def clocks(text: str, part: str = "") -> tuple[str, ...]:
    """Every time in a list of them; bare hours count. Raises as ``clock``."""
    return tuple(clock(match[0], part) for match in _EITHER.finditer(text))


def zone(match: re.Match[str]) -> str | None:
    """The name in the IANA database of what ``ZONE`` matched; ``None`` where it is none ("org/name").

    Raises:
        UsageError: an abbreviation that two countries use.
    """
    if match["unclear"]:
        raise UsageError("schedule_zone", zone=match["unclear"])
    if match["utc"]:
        return "UTC"
    if match["hours"]:
        # POSIX counts westwards; the database keeps its sign.
        hours = int(match["hours"])
        name = f"Etc/GMT{'-' if match['sign'] == '+' else '+'}{hours}" if hours else "UTC"
        return _BY_NAME.get(name.lower())
    if match["iana"]:
        return _BY_NAME.get(match["iana"].lower())
    said = match["named"].lower()
    said = {"pt": "pst", "et": "est"}.get(said, said)
    return next((name for pattern, name in _ZONES.items() if re.fullmatch(pattern, said, re.ASCII)), None)


def numeral(text: str) -> int:
    """A number below a hundred in digits or of ``NUMERAL``."""
    if text.isdigit() and text.isascii():
        return int(text)
    tens, ten, ones = text.rpartition("十")
    return (_SIGNS.get(tens, 1) * 10 if ten else 0) + (_SIGNS[ones] if ones else 0)


def _hour(match: re.Match[str]) -> int:
    return _HOURS[match["word"]] if match["word"] else numeral(match["hour"] or match["numeral"])


def _minute(match: re.Match[str]) -> int:
    if match["past"]:
        return 30 if match["past"] == "half past" else 15
    if match["half"]:
        return 30
    if match["quarters"]:
        return 15 if match["quarters"] == "一" else 45
    return numeral(match["minute"] or match["minutes"] or "0")


def _of_day(hour: int, half_day: str | None, part: str) -> int:
    if half_day:
        return hour % 12 + (12 if half_day == "p" else 0)
    if not _LATE.search(part):
        return hour + 12 if part == "中午" and hour < 3 else hour
    if _NIGHT.search(part) and hour < 6:
        return hour
    if hour == 12:
        return 24 if "晚" in part or _NIGHT.search(part) else 12
    return hour + 12 if 1 <= hour < 12 else hour
