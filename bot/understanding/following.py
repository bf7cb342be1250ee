"""A message in a thread → what it makes of the question before: goes on with it, confirms it, calls it off."""

from __future__ import annotations

import re
from dataclasses import asdict, replace
from typing import Any

from bot.requests import Earlier, Request, Schedule, about_a_model
from bot.understanding.deciding import decide
from bot.understanding.demands import OF_SIZE, as_text, quantization_in, read, settled
from bot.understanding.heard import Heard, checked, targets
from bot.understanding.lexicon import lexicon
from bot.understanding.pointing import pointed, pointed_back
from bot.understanding.schedules import read_schedule
from bot.understanding.watching import little, when

_NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "ten": 10, "sixteen": 16,
            "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9, "十": 10, "十六": 16}  # fmt: skip
_PEOPLE = re.compile(
    r"(?<![\w.])(?P<n>\d{1,6})\s?(?:users?|people|persons?|seats|agents|requests|clients|人|个人|位|个用户|用户|并发|路)(?![a-z])",
    re.ASCII,
)
_TOKENS = re.compile(
    r"^\W{0,4}(?:and |with |at |那 ?|换成 ?|改成 ?)?(?P<n>\d{1,4})\s?k(?: ?tokens?)?\s?(?:呢|吧|then|instead|context|ctx)?\W{0,4}$"
)
_BARE = re.compile(
    r"^(?:and |how about |what about |with |or |then |make it |use |on |for |just |only |那么? ?|换成? ?|改成? ?|用 ?){1,2}(?P<n>[1-9]\d?|one|two|three|four|five|six|seven|eight|ten|[二两三四五六七八九十])(?: then| instead|呢|个呢?)?[?. !]{0,3}$"
)
_LASTING = re.compile(
    r"(?:(?<![\d.])\d{1,3} ?(?:h|hours?|hrs?|m|mins?|minutes?|d|days?|weeks?)(?![a-z0-9])|(?P<zh>(?:\d{1,3}|[一二两三四五六七八九十半]{1,3}) ?个?(?:小时|分钟|天|周|星期)))",
    re.IGNORECASE,
)
_BITS = re.compile(r"\d{1,2}[- ]?bits?\b|\d{1,2} ?比特|量化|quanti[sz]")
_CHANGE = re.compile(
    r"\b(?:make|change|move|only|just|instead|rather|not|no|but)\b|改|换|成|只|到|还是|不|呢", re.I | re.A
)
_HALVES = {"double": 2.0, "triple": 3.0, "half": 0.5}
_FIELDS = ("budget", "concurrency", "context", "throughput", "prompt", "output", "memory", "ttft", "tpot")


def follow(heard: Heard, earlier: Earlier | None) -> Request:
    """The request that a message makes after ``earlier``; on its own where there is none, or it begins anew."""
    talk = _talk(heard, earlier)
    if talk is not None:
        return talk
    alone = decide(heard)
    if earlier is None:
        return alone
    talked = earlier.request.verb in ("help", "other", "refused", "cancel", "forget")
    gone_on = None if talked else _gone_on(heard, alone, earlier.request)
    if earlier.subject() is None or about_a_model(earlier.request):
        return (None if talked else pointed(heard, alone, earlier)) or gone_on or alone
    return gone_on or pointed_back(heard, alone, earlier) or alone


_OF_A_WATCH = ("pause", "resume", "remove", "accept", "mute", "unmute")
"""What is done with the watch that was asked about or told of just before."""


def waits(earlier: Earlier | None) -> bool:
    """Whether the question before was shown to be confirmed."""
    return earlier is not None and not earlier.request.sure and earlier.request.ask is None


def _talk(heard: Heard, earlier: Earlier | None) -> Request | None:
    """Yes, no, and thanks."""
    scene, said = heard.scene, heard.scene.sketch.strip()
    if scene.mentions or scene.models or scene.hardware or len(said) > 80:
        return None
    if scene.has("confirm") and not scene.has("assent_no_more"):
        if earlier is None or not waits(earlier):
            return None if scene.has("compare_verb", "check", "watch", "endpoint_remove") else heard.blank
        kept = replace(earlier.request, text=heard.blank.text, lang=heard.blank.lang, free=True)
        return replace(kept, sure=True, confirms=earlier.id)
    if scene.has("cancel"):
        pending = earlier.id if earlier is not None and waits(earlier) else None
        return replace(heard.blank, verb="cancel", confirms=pending)
    return heard.blank if scene.has("small", "assent_no_more") else None


def _gone_on(heard: Heard, alone: Request, before: Request) -> Request | None:
    """The question before, with what this message changes; ``None`` where it is a question of its own."""
    scene = heard.scene
    if alone.verb == "watch" and alone.action in _OF_A_WATCH:
        ours = alone.target is None and before.verb == "watch" and before.target
        return replace(alone, target=before.target, ask=None) if ours else None
    if _begins_anew(heard, alone, before):
        return None
    if before.ask == "target":
        return _answered(heard, alone, before)
    if before.verb == "watch":
        return _rescheduled(heard, before) if alone.verb in ("other", "watch", "recommend", "help") else None
    found = targets(heard, verbed=True)
    if before.verb == "compare":
        return _compared(heard, before) if found and alone.verb in ("identify", "other", "compare") else None
    if found:
        other = alone.verb not in ("identify", "other", "size", "recommend") or before.verb not in ("identify", "size")
        if other or (alone.verb != before.verb and scene.says("size", "identify")):
            return None
        return replace(
            before, **_said(heard), target=found[0].spec, scenario="", constraints=_changed(heard, before)[0]
        )
    if before.verb not in ("identify", "recommend", "size"):
        return None
    constraints, altered = _changed(heard, before)
    return _same_kind(heard, alone, before, constraints, altered)


def _same_kind(
    heard: Heard, alone: Request, before: Request, constraints: dict[str, str], altered: bool
) -> Request | None:
    scene = heard.scene
    names = {one.name for one in scene.models if not one.weak}
    if len(names) == 1 and not scene.says("choice") and (before.verb != "identify" or scene.hardware):
        given = {name: value for name, value in constraints.items() if name in OF_SIZE}
        return replace(heard.blank, verb="size", target=names.pop(), constraints=given)
    chooses = alone.verb in ("recommend", "other") and (scene.says("choice") or alone.ask is not None)
    if before.verb == "size" and not (alone.verb == "recommend" and scene.says("choice")):
        quantization = quantization_in(scene.text)
        asks = alone.verb == "size" or quantization or _BITS.search(scene.sketch)
        if not altered and not asks and not chooses:
            return None
        if altered or asks:
            given = {name: value for name, value in constraints.items() if name in OF_SIZE}
            kept = quantization or before.quantization
            return replace(before, **_said(heard), constraints=given, scenario="", quantization=kept)
    if not altered and not chooses:
        return None
    return replace(heard.blank, verb="recommend", constraints=constraints, scenario="")


def _begins_anew(heard: Heard, alone: Request, before: Request) -> bool:
    """Whether the message is a whole question of its own."""
    scene = heard.scene
    if alone.verb in ("endpoint", "forget", "devices", "history", "explain", "report"):
        return True
    if before.ask is not None or scene.has("goes_on", "same"):
        return False
    if alone.verb in ("compare", "watch", "identify", "size") and alone.ask is None:
        return True
    own = scene.hardware and scene.says("choice")
    return bool(own) and alone.verb == "recommend" and alone.ask is None


def _answered(heard: Heard, alone: Request, before: Request) -> Request | None:
    """The target that was asked for."""
    found = targets(heard, verbed=True)
    if before.verb == "size" and not found and heard.scene.models:
        spec = heard.scene.models[0].name
    elif found:
        spec = found[0].spec
    else:
        return None
    if alone.verb not in ("identify", "other", "size", before.verb):
        return None
    kept = replace(before, **_said(heard), ask=None)
    if before.verb == "compare" and before.target:
        return checked(replace(kept, other=spec)) if spec != before.target else None
    if before.verb == "compare":
        two = len(found) > 1
        return checked(replace(kept, target=spec, other=found[1].spec if two else None, ask=None if two else "target"))
    return checked(replace(kept, target=spec))


def _compared(heard: Heard, before: Request) -> Request:
    found = sorted(targets(heard, verbed=True)[:2], key=lambda one: one.start)
    if len(found) == 2:
        return replace(before, **_said(heard), target=found[0].spec, other=found[1].spec, confirms=None)
    return replace(before, **_said(heard), other=found[0].spec, confirms=None)


def _rescheduled(heard: Heard, before: Request) -> Request | None:
    """The watch before, at other times or of another target."""
    found = targets(heard, verbed=True)
    said, rest = when(heard, certain=True) if heard.scene.has("time") or "#" in heard.typed else (None, "")
    asks = heard.scene.has("watch", "check") or little(_CHANGE.sub(" ", rest))
    if said is not None and said == Schedule(once=said.once) and not asks:
        said = None  # "a nice day today"
    lasting = _LASTING.search(heard.scene.spoken)
    if said is None and lasting:
        said = read_schedule(f"每{lasting[0]}" if lasting["zh"] else f"every {lasting[0]}", heard.today).schedule
    if (said is None and not found) or (before.target is None and not found):
        return None
    new = {name: value for name, value in asdict(said or Schedule()).items() if value}
    old = asdict(before.schedule or Schedule())
    if new.get("every") and not new.get("once"):
        old["once"] = None
    schedule = Schedule(**{**old, **new})
    target = found[0].spec if found else before.target
    return replace(before, **_said(heard), action="add", target=target, schedule=schedule, confirms=None)


def _said(heard: Heard) -> dict[str, Any]:
    return {"text": heard.blank.text, "lang": heard.blank.lang, "free": True}


def _changed(heard: Heard, before: Request) -> tuple[dict[str, str], bool]:
    """The constraints before with what the message changes, and whether it changes any."""
    old = settled(before.constraints, before.scenario).stated()
    new = dict(read(heard.scene.text).stated())
    sketch, scene = heard.scene.sketch, heard.scene
    merged = {**old, **new}
    if "hardware" in new:
        merged["hardware"] = _counted(heard, old.get("hardware"), new["hardware"])
        if "memory" not in new:
            merged.pop("memory", None)
    people, tokens = _PEOPLE.search(sketch), _TOKENS.match(sketch)
    if people and "concurrency" not in new:
        merged["concurrency"] = float(people["n"])
    if tokens and "context" not in new:
        merged["context"] = float(tokens["n"]) * 1024
    for cue, factor in _HALVES.items():
        if scene.has(cue):
            _scale(merged, old, new, _field_named(sketch, old), factor)
    if "hardware" not in new and old.get("hardware"):
        merged["hardware"] = _recounted(heard, merged["hardware"])
    for name in _dropped(scene.sketch, old) if scene.has("drop") else ():
        merged.pop(name, None)
    return as_text(merged), merged != old


def _counted(heard: Heard, old: Any, new: Any) -> Any:
    """New hardware in the number of the old, where no number was said."""
    from engine.hardware import find_hardware

    if not old or len(new) != 1 or any(one.counted for one in find_hardware(heard.scene.text)):
        return new
    return [{"device": new[0]["device"], "count": sum(part["count"] for part in old)}]


def _recounted(heard: Heard, parts: Any) -> Any:
    """The same hardware in another number: "with 4 of them", "one more"."""
    if len(parts) != 1:
        return parts
    scene, part = heard.scene, parts[0]
    count = part["count"]
    if scene.has("one_more"):
        count += 1
    elif scene.has("one_less"):
        count = max(1, count - 1)
    elif match := lexicon().cues["count_of"].search(scene.sketch):
        said = match["n"] or match["zh"]
        count = _NUMBERS.get(said) or (int(said) if said.isdigit() and int(said) else count)
    elif match := _BARE.match(scene.sketch):
        count = _NUMBERS.get(match["n"]) or int(match["n"]) or count
    return [{"device": part["device"], "count": count}]


def _scale(merged: dict[str, Any], old: dict[str, Any], new: dict[str, Any], field: str | None, factor: float) -> None:
    """One figure times a factor: the one that is named, else the number of devices, else the only figure there is."""
    if field is not None and field != "hardware":
        if field not in new:
            merged[field] = old[field] * factor
        return
    figures = [name for name in _FIELDS if name in old]
    if old.get("hardware") and "hardware" not in new:
        merged["hardware"] = [
            {"device": part["device"], "count": max(1, round(part["count"] * factor))} for part in old["hardware"]
        ]
    elif len(figures) == 1 and figures[0] not in new:
        merged[figures[0]] = old[figures[0]] * factor


def _field_named(sketch: str, old: dict[str, Any]) -> str | None:
    return next(iter(_dropped(sketch, old)), None)


def _dropped(sketch: str, old: dict[str, Any]) -> list[str]:
    """Constraints of the question before that a message names, in any of their spellings."""
    from engine.constraints.lexicon import lexicon as demands

    found = []
    for alias, name in sorted(demands().names.items(), key=lambda pair: -len(pair[0])):
        plain = alias.isascii()
        pattern = rf"(?<![a-z]){re.escape(alias)}(?![a-z])" if plain else re.escape(alias)
        if name in old and name not in found and re.search(pattern, sketch):
            found.append(name)
            if name == "ttft":
                found += [other for other in ("tpot",) if other in old and other not in found]
    return found
