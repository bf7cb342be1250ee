"""Questions about what was found before: explain, report, history."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from bot.requests import Request

if TYPE_CHECKING:
    from bot.understanding.heard import Heard

_NUMBER = re.compile(
    r"(?:last|recent|latest|past|newest|最近的?|最新的?|前)\s?(?P<n>\d{1,2}|[一二两三四五六七八九十]|two|three|five|ten|four|six)\s?(?!\d|天|周|个?月|days?|weeks?|months?|hours?|小时)"
)
_NUMBERS = {"一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9, "十": 10,
            "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "ten": 10}  # fmt: skip
_ABOUT = re.compile(
    r"(?:\b(?:on|about|of|for|regarding|with|containing|named|called)|关于|有关|问过|查过|鉴定过|测过|看过)\s{0,2}(?:the |any |all |our |models? )?(?P<name>[a-z][\w.-]{1,60})(?:'s)?(?=$|[\s?!,.]|[^\x00-\x7f])",
    re.ASCII,
)
_NOT_NAMES = frozenset(
    ["yesterday", "today", "last", "this", "that", "these", "those", "it", "them", "me", "us", "my", "our", "the", "all",
     "models", "model", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "week", "month",
     "everything", "anything", "endpoints", "endpoint", "results", "verdicts", "now", "checks", "which", "what", "a", "an"]
)  # fmt: skip


def past(heard: Heard) -> Request | None:
    """The request; ``None`` where nothing that was found is asked for."""
    scene = heard.scene
    verdict = next((one.spec for one in scene.mentions if one.kind == "verdict"), None)
    if verdict is not None:
        verb = "report" if scene.has("report", "report_it") else "explain"
        return replace(heard.blank, verb=verb, verdict_id=verdict)  # type: ignore[arg-type]
    if scene.has("thing_to_do", "elsewhere"):
        return None
    named = [one for one in scene.mentions if not (one.weak and one.kind == "hub")]
    asked_anew = scene.says("again") or (scene.says("identify_verb") and not scene.has("history"))
    if scene.has("history") and not asked_anew and not (scene.hardware or scene.says("size_strong")):
        model = next((scene.text[one.start : one.end] for one in scene.models if not one.weak), None)
        return _history(heard, named[0].spec if named else model)
    if scene.says("choice") or scene.hardware or (scene.models and not named):
        return None
    if scene.has("report") and (named or not scene.has("identify")):
        target = named[0].spec if named else None
        return replace(heard.blank, verb="report", target=target, ask=None if target else "target")
    if named and scene.says("explain") and not scene.says("identify_verb", "look", "how_to"):
        return replace(heard.blank, verb="explain", target=named[0].spec)
    if scene.says("explain") and scene.has("verdict_noun"):
        return replace(heard.blank, verb="explain", ask="target")
    return None


def _history(heard: Heard, target: str | None) -> Request:
    sketch = heard.scene.sketch
    if target is None:
        found = (match["name"] for match in _ABOUT.finditer(sketch))
        target = next((name for name in found if name not in _NOT_NAMES), None)
    number = _NUMBER.search(sketch)
    limit = 10
    if number is not None:
        said = number["n"]
        limit = min(50, max(1, _NUMBERS.get(said) or int(said)))
    return replace(heard.blank, verb="history", target=target, limit=limit)
