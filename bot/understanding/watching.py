"""Messages that ask to look again and again, or no more → requests for watches."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta

from bot.requests import Request, Schedule
from bot.understanding.heard import NAME, POLITE, Heard, only_told, targets, without_targets
from bot.understanding.lexicon import lexicon
from bot.understanding.scene import near_name
from bot.understanding.schedules import read_schedule
from engine.errors import UsageError

_WATCHED = re.compile(
    rf"{POLITE}(?:watch|monitor|keep an eye on|.{{0,16}}?(?:监控|监视|盯|查|看)(?:一下|着|住)?) ?(?P<name>{NAME})(?![a-z])",
    re.A,
)
_LASTING = re.compile(
    r"(?:\bfor |静音 ?(?:⊙|它)? ?)(?P<n>an?|one|two|three|four|[0-9]{1,3}|[一两二三四]) ?个?(?P<unit>day|week|month|天|日|周|星期|礼拜|月)"
)
_UNTIL_CHANGE = re.compile(
    r"\b(?:until|till) (?:it|⊙|something|anything|the (?:next|model)|that)? ?(?:next |really )?chang|(?:到|至|等)[^,，。]{0,6}(?:变|换)"
)
_NUMBERS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "一": 1, "两": 2, "二": 2, "三": 3, "四": 4}
_DAYS = {"day": 1, "week": 7, "month": 30, "天": 1, "日": 1, "周": 7, "星期": 7, "礼拜": 7, "月": 30}
_MOST_DAYS = 366


def watches(heard: Heard) -> Request | None:
    scene = heard.scene
    if scene.has("elsewhere"):
        return None
    watch = replace(heard.blank, verb="watch")
    found = targets(heard, verbed=True)
    target = found[0].spec if found else next((one.spec for one in scene.mentions if one.kind == "verdict"), None)
    if scene.has("watch_list"):
        return replace(watch, action="list", target=target)
    for action in ("accept", "unmute", "mute"):
        if scene.has(f"watch_{action}"):
            if action == "mute" and _UNTIL_CHANGE.search(scene.sketch):
                return replace(watch, action="mute_change", target=target, ask=None if target else "target")
            muted = Schedule(until=_muted_until(heard)) if action == "mute" else Schedule()
            schedule = muted if muted != Schedule() else None
            return replace(watch, action=action, target=target, schedule=schedule, ask=None if target else "target")
    if scene.has("watch_end"):
        pauses = scene.has("watch_pause")
        until = when(heard)[0] if pauses else None
        action = "pause" if pauses else "remove"
        return replace(watch, action=action, target=target, schedule=until, ask=None if target else "target")  # type: ignore[arg-type]
    if scene.has("watch_resume"):
        return replace(watch, action="resume", target=target, ask=None if target else "target")
    if scene.has("past_tense", "hypothetical") and not scene.has("watch_notify"):
        return None
    return _new_watch(heard, watch, target)


def _muted_until(heard: Heard) -> date | None:
    """The last day on which nobody is to be told; ``None`` where none is said."""
    lasting = _LASTING.search(heard.scene.sketch)
    if lasting is None:
        schedule = when(heard)[0]
        return schedule.until if schedule is not None else None
    number = _NUMBERS.get(lasting["n"]) or int(lasting["n"])
    return heard.today + timedelta(days=min(number * _DAYS[lasting["unit"]], _MOST_DAYS))


def _new_watch(heard: Heard, watch: Request, target: str | None) -> Request | None:
    scene = heard.scene
    watches, tells = scene.says("watch"), scene.says("watch_notify")
    if (not tells and only_told(heard)) or (
        scene.has("check", "watch") and not scene.says("check", "watch") and not tells
    ):
        return replace(heard.blank, verb="help") if watches else None
    if not (watches or tells or target) or (scene.has("denied_watch") and not watches):
        return None
    schedule, rest = (
        when(heard, certain=watches or tells or bool(target and scene.says("check") and scene.has("often")))
        if scene.has("time") or watches
        else (None, "")
    )
    often = schedule is not None and _often(schedule)
    checks = often and (scene.says("check") or (bool(schedule and schedule.every) and little(rest)))
    if not (watches or tells or (checks and target)):
        return None
    if target is None and (watches or tells):
        target = near_name(scene.sketch, heard.names) or _named_after(_WATCHED, scene.sketch)
    if target is None and not watches:
        return None
    if target is None and len(scene.sketch) > 40 and not scene.has("endpoint_noun", "domain"):
        return None
    return replace(watch, action="add", target=target, schedule=schedule, ask=None if target else "target")


def _named_after(pattern: re.Pattern[str], sketch: str) -> str | None:
    """A name nobody registered, where it can be nothing else; the answer says that it is unknown."""
    match = pattern.match(sketch)
    return match["name"] if match and match["name"] not in lexicon().no_names else None


def when(heard: Heard, *, certain: bool = False) -> tuple[Schedule | None, str]:
    """The schedule that is said, and the rest of the text.

    Raises:
        UsageError: a watch is asked for, ``certain``, at times that cannot be.
    """
    text = without_targets(heard)
    try:
        read = read_schedule(text, heard.today)
    except UsageError:
        if certain:
            raise
        return None, text
    return read.schedule, read.rest


def _often(schedule: Schedule) -> bool:
    return bool(schedule.every or schedule.once or schedule.at or schedule.days)


def little(rest: str, *cues: str) -> bool:
    """Whether nothing is said beside when, and of what: "gw, every 30 min", and not "gw is slow every day". ``cues``:
    what may be said too."""
    left = re.sub("[⊙❝◇▣]", " ", rest.lower())
    for cue in (*cues, "filling"):
        left = lexicon().cues[cue].sub(" ", left)
    return not re.search(r"\w", left)
