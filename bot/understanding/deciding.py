"""A message, laid out → what it asks, whatever was said before. The first rule that applies decides."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import date

from bot.requests import Request, Schedule
from bot.understanding.demands import OF_SIZE, as_text, quantization_in, read, token_budget
from bot.understanding.lexicon import lexicon
from bot.understanding.past import past
from bot.understanding.scene import Scene, near_name
from bot.understanding.schedules import read_schedule
from bot.understanding.targets import Mention
from engine.errors import UsageError

_COMMAND = re.compile(
    r"--[a-z]{3,20}|[`\"「“/](?:/?r1 )?(?:identify|recommend|compare|watch|size|explain|report|endpoint|forget|history|devices|鉴定|识别|推荐|对比|监控|估算|解释|报告|接口|忘记|历史)\b",
    re.I,
)
_QUESTION = re.compile(
    r"[?？]|^(?:hey |so |and |ok |hi |please )?(?:is|are|do|does|did|can|could|will|would|should|which|what|how|why|who|when|where)\b|[吗么呢]|多少|几|哪|什么|啥|够不够|能不能|行不行|是不是|不$"
)

_NAME = r"[a-z][a-z0-9_.-]{0,40}[a-z0-9]"
_POLITE = r"^(?:please |pls |can you |could you |hey,? |请|帮我|帮忙|麻烦){0,2}"
_WATCH_NAME = re.compile(
    rf"{_POLITE}(?:watch|monitor|keep an eye on|.{{0,16}}?(?:监控|监视|盯|查|看)(?:一下|着|住)?) ?(?P<name>{_NAME})(?![a-z])",
    re.A,
)
_PAIR = re.compile(
    rf"{_POLITE}(?:compare|diff|对比|比较)(?:一下)? ?(?P<one>{_NAME}) ?(?: and | with | to | against | vs\.? |,|和|跟|与|同) ?(?P<two>{_NAME})(?: please| pls|谢谢|吧)?[?.! 。]{{0,3}}$",
    re.A,
)


@dataclass(frozen=True, slots=True)
class Heard:
    """What a rule may look at. ``blank``: the request without what was understood."""

    scene: Scene
    typed: str
    names: Collection[str]
    today: date
    blank: Request


def decide(heard: Heard) -> Request:
    """The request that a message makes on its own; ``other`` where no rule applies."""
    for rule in _RULES:
        found = rule(heard)
        if found is not None:
            return found
    return heard.blank


def checked(request: Request) -> Request:
    """The request, to be confirmed first where it is expensive."""
    spends = (
        request.verb == "compare"
        or (request.verb == "watch" and request.action in ("add", "resume"))
        or (request.verb == "endpoint" and request.action == "remove")
        or (request.verb == "identify" and request.thorough)
    )
    return replace(request, sure=not spends or request.ask is not None)


def targets(heard: Heard, *, verbed: bool = False) -> tuple[Mention, ...]:
    """Models' addresses and endpoints that are meant. ``verbed``: something is asked to be done to them, so that a
    word which is an endpoint's name too ("prod") is that."""
    scene = heard.scene
    found = tuple(one for one in scene.mentions if one.kind != "verdict")
    if verbed or scene.has("endpoint_noun", "identify"):
        return found if not scene.has("no_endpoint") else tuple(one for one in found if not _loose(one))
    alone = not re.search(r"\w", re.sub("[⊙❝]", "", scene.sketch))
    looks = scene.has("look") and not scene.has("no_endpoint")
    return tuple(one for one in found if not one.weak or alone or looks)


def _loose(one: Mention) -> bool:
    return one.weak and one.kind == "endpoint"


def _about_commands(heard: Heard) -> Request | None:
    """What a command does, how one does something, what it would cost: answered with help, and not done."""
    scene = heard.scene
    named = _COMMAND.search(heard.typed) is not None
    if named and scene.has("about") and not scene.says("identify_verb", "watch") and not _asks_model(heard):
        return replace(heard.blank, verb="help")
    if scene.has("how_to") and not scene.models and not scene.has("identify_mine"):
        return replace(heard.blank, verb="help")
    if (
        scene.has("hypothetical")
        and scene.has("costs")
        and scene.has("watch", "compare_verb", "identify_verb", "check")
    ):
        return replace(heard.blank, verb="help") if not scene.hardware and not scene.models else None
    if scene.has("helps") and not scene.models and not scene.hardware:
        return replace(heard.blank, verb="help")
    return replace(heard.blank, verb="help") if re.fullmatch(r"[?？\s]{1,10}", heard.typed) else None


def _asks_model(heard: Heard) -> bool:
    """Whether a model is asked about beside a command that is quoted."""
    return any(one.kind in ("hub", "url", "path", "file") for one in heard.scene.mentions) and heard.scene.has(
        "identify"
    )


def _person(heard: Heard) -> Request | None:
    if heard.scene.says("my_data") and not heard.scene.has("not_me"):
        return replace(heard.blank, verb="forget", action="list")
    return None


def _endpoints(heard: Heard) -> Request | None:
    scene = heard.scene
    if not scene.has("endpoint_noun") or scene.has("elsewhere"):
        return None
    named = [one for one in scene.mentions if one.kind == "endpoint"]
    if scene.has("past_question") and scene.has("endpoint_remove", "endpoint_add"):
        return heard.blank
    if scene.has("endpoint_remove") and not scene.says("endpoint_remove"):
        return heard.blank
    if scene.says("endpoint_remove") and not scene.has("watch", "hypothetical"):
        target = named[0].spec if len(named) == 1 else None
        return replace(heard.blank, verb="endpoint", action="remove", target=target, ask=None if target else "target")
    if scene.has("endpoint_list") and not named:
        return replace(heard.blank, verb="endpoint", action="list")
    if scene.says("endpoint_add") and not named and not scene.has("hypothetical"):
        return replace(heard.blank, verb="endpoint", action="add")
    return None


def _watches(heard: Heard) -> Request | None:
    scene = heard.scene
    if scene.has("elsewhere"):
        return None
    watch = replace(heard.blank, verb="watch")
    found = targets(heard, verbed=True)
    target = found[0].spec if found else next((one.spec for one in scene.mentions if one.kind == "verdict"), None)
    if scene.has("watch_list"):
        return replace(watch, action="list", target=target)
    if scene.has("watch_end"):
        pauses = scene.has("watch_pause")
        until = _when(heard)[0] if pauses else None
        action = "pause" if pauses else "remove"
        return replace(watch, action=action, target=target, schedule=until, ask=None if target else "target")  # type: ignore[arg-type]
    if scene.has("watch_resume"):
        return replace(watch, action="resume", target=target, ask=None if target else "target")
    if scene.has("past_tense", "hypothetical") and not scene.has("watch_notify"):
        return None
    return _new_watch(heard, watch, target)


def _new_watch(heard: Heard, watch: Request, target: str | None) -> Request | None:
    scene = heard.scene
    watches, tells = scene.says("watch"), scene.says("watch_notify")
    if not (watches or tells or target) or (scene.has("denied_watch") and not watches):
        return None
    schedule, rest = _when(heard, certain=watches or tells) if scene.has("time") or watches else (None, "")
    often = schedule is not None and _often(schedule)
    checks = often and (scene.says("check") or (bool(schedule and schedule.every) and _little(rest)))
    if not (watches or tells or (checks and target)):
        return None
    if target is None and (watches or tells):
        target = near_name(scene.sketch, heard.names) or _named_after(_WATCH_NAME, scene.sketch)
    if target is None and not watches:
        return None
    if target is None and len(scene.sketch) > 40 and not scene.has("endpoint_noun", "domain"):
        return None
    return replace(watch, action="add", target=target, schedule=schedule, ask=None if target else "target")


def _when(heard: Heard, *, certain: bool = False) -> tuple[Schedule | None, str]:
    """The schedule that is said, and the rest of the text.

    Raises:
        UsageError: a watch is asked for, ``certain``, at times that cannot be.
    """
    text = _without_targets(heard)
    try:
        read = read_schedule(text, heard.today)
    except UsageError:
        if certain:
            raise
        return None, text
    return read.schedule, read.rest


def _named_after(pattern: re.Pattern[str], sketch: str) -> str | None:
    """A name nobody registered, where it can be nothing else; the answer says that it is unknown."""
    match = pattern.match(sketch)
    return match["name"] if match and match["name"] not in lexicon().no_names else None


def _often(schedule: Schedule) -> bool:
    return bool(schedule.every or schedule.once or schedule.at or schedule.days)


def _little(rest: str) -> bool:
    """Whether next to nothing is said beside when, and of what."""
    return len(re.findall(r"[a-z]+|[\u4e00-\u9fff]", re.sub("[⊙❝◇▣]", " ", rest.lower()))) <= 6


def _without_targets(heard: Heard) -> str:
    """What is said, a sign in place of each target."""
    text = heard.scene.spoken
    for one in sorted(heard.scene.mentions, key=lambda one: -one.start):
        text = f"{text[: one.start]}⊙{text[one.end :]}"
    return text


def _comparison(heard: Heard) -> Request | None:
    scene = heard.scene
    verb = scene.says("compare_verb")
    found = targets(heard, verbed=verb or scene.says("compare"))
    compare = replace(heard.blank, verb="compare")
    if len(found) >= 2 and scene.has("compare_verb") and not verb:
        return heard.blank
    if len(found) >= 2:
        beside = re.search(
            r"⊙(?: ?endpoint)?(?: ?(?:,|/|、|\band\b|\bor\b|\bwith\b|\bto\b|\bfrom\b|\bthan\b|和|跟|与|还是|或|同|比) ?)⊙",
            scene.sketch,
        )
        if verb or scene.says("compare") or (beside and _QUESTION.search(scene.sketch)):
            first, second = sorted(found[:2], key=lambda one: one.start)
            return replace(compare, target=first.spec, other=second.spec)
        return None
    if not verb or scene.models or scene.hardware or scene.has("past_question", "elsewhere"):
        return None
    pair = _PAIR.match(scene.sketch)
    if pair is not None and not {pair["one"], pair["two"]} & lexicon().no_names:
        return replace(compare, target=pair["one"], other=pair["two"])
    if found or scene.has("unknown_second", "domain", "endpoint_noun") or len(scene.sketch) <= 16:
        return replace(compare, target=found[0].spec if found else None, ask="target")
    return None


def _devices(heard: Heard) -> Request | None:
    scene = heard.scene
    return replace(heard.blank, verb="devices") if scene.has("devices") and not scene.models else None


def _one_target(heard: Heard) -> Request | None:
    """A model's address: what it is, or what it takes."""
    scene = heard.scene
    found = targets(heard)
    if scene.has("elsewhere") and not scene.has("identify"):
        return None
    strong = sorted((one for one in found if _is_meant(one, heard)), key=lambda one: one.weak)
    if not strong:
        return None
    one = strong[0]
    is_asked = scene.says("identify")
    sized = scene.says("size_strong") or (scene.says("size") and not scene.says("look"))
    if sized and not is_asked and one.kind != "endpoint" and (one.kind != "url" or "/v1" not in one.spec):
        return _sized(heard, one.spec.lower() if one.kind == "ollama" else one.spec)
    return _identified(heard, one)


def _is_meant(one: Mention, heard: Heard) -> bool:
    scene = heard.scene
    if one.kind == "endpoint":
        return not (one.weak and scene.says("choice") and not scene.has("identify_verb", "endpoint_noun"))
    alone = not re.search(r"\w", re.sub("[⊙❝]", "", scene.sketch))
    asked = scene.says("identify", "look", "size_strong") or (scene.says("size") and bool(scene.hardware))
    if one.kind == "url":
        return alone or asked or not one.weak
    return not one.weak or alone or (asked and not (scene.says("choice") and one.kind == "hub"))


def _identified(heard: Heard, one: Mention) -> Request:
    scene = heard.scene
    parts, at = [], 0
    for start, end in sorted([*scene.quoted, *((m.start, m.end) for m in scene.mentions)]):
        if start >= at:
            parts.append(heard.typed[at:start])
        at = max(at, end)
    spent, rest = token_budget(" ".join("".join([f"{part} " for part in [*parts, heard.typed[at:]]]).split()))
    return replace(
        heard.blank,
        verb="identify",
        target=one.spec,
        scenario=tidy(rest),
        budget_tokens=spent,
        thorough=one.kind in ("endpoint", "url") and scene.says("thorough"),
        fresh=scene.says("fresh"),
        family="article" if scene.has("article") else "deepseek-r1",
    )


def _sized(heard: Heard, model: str) -> Request:
    stated = read(_without_targets(heard) if not heard.scene.pasted else heard.scene.text).stated()
    given = {name: value for name, value in stated.items() if name in OF_SIZE}
    return replace(
        heard.blank,
        verb="size",
        target=model,
        constraints=as_text(given),
        quantization=quantization_in(heard.scene.text),
    )


def _size(heard: Heard) -> Request | None:
    """One model that is named by its size, and whether it runs, or what it takes."""
    scene = heard.scene
    names = {one.name for one in scene.models if not one.weak} or {one.name for one in scene.models}
    hardware_is_asked = scene.has("which_hardware")
    if len(names) != 1 or (scene.says("choice") and not hardware_is_asked) or scene.has("thing_to_do"):
        if not names and scene.has("too_vague") and not scene.hardware:
            return replace(heard.blank, verb="size", ask="target")
        return None
    if all(one.weak for one in scene.models) and scene.has("distil"):
        return None
    asks = _QUESTION.search(scene.sketch) or scene.hardware
    if hardware_is_asked or scene.says("size_strong") or (scene.says("size") and asks):
        return _sized(heard, names.pop())
    said = read(scene.text)
    if (scene.hardware or said.memory) and not scene.says("identify_mine") and not said.task:
        return _sized(heard, names.pop())
    return None


def _unnamed(heard: Heard) -> Request | None:
    """What is this model, without saying which."""
    scene = heard.scene
    near = near_name(scene.sketch, heard.names) if scene.says("identify", "look") else None
    if near is not None:
        return replace(heard.blank, verb="identify", target=near, scenario=tidy(heard.typed), sure=False)
    if (scene.config and scene.has("identify")) or scene.says("identify_mine"):
        return replace(heard.blank, verb="identify", ask="target")
    if scene.says("identify_verb") and (scene.has("domain") or len(scene.sketch) <= 24):
        return replace(heard.blank, verb="identify", ask="target")
    return None


def _recommended(heard: Heard) -> Request | None:
    scene = heard.scene
    if scene.has("thing_to_do") or (scene.has("others") and not scene.models and not scene.hardware):
        return None
    stated = read(scene.text).stated()
    recommend = replace(heard.blank, verb="recommend", scenario=tidy(heard.typed))
    several = len({one.name for one in scene.models}) > 1
    choice, domain = scene.says("choice"), scene.has("domain")
    if scene.has("bare_choice") or (scene.says("choice_to_run") and not stated and not scene.models):
        return replace(recommend, ask=None if stated else "constraints")
    if several and (choice or stated or scene.says("compare", "compare_verb")):
        return recommend
    if choice and (domain or stated) and not scene.has("elsewhere"):
        return recommend if stated or scene.models else replace(recommend, ask="constraints")
    clear = stated.keys() - {"ttft", "task", "language", "detail", "critical"}
    if scene.hardware or (domain and stated) or len(stated) >= 3 or (clear and len(stated) >= 2):
        return recommend
    return None


def tidy(text: str) -> str:
    """Text as a line can hold it: without quotation marks, in one line."""
    return " ".join(text.replace('"', " ").replace("`", " ").split())


_RULES: tuple[Callable[[Heard], Request | None], ...] = (
    _about_commands, _person, _endpoints, _watches, _comparison, past, _devices, _one_target, _size, _unnamed, _recommended,
)  # fmt: skip
