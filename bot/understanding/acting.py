"""Messages about commands, people's data, endpoints, devices, and two targets beside each other → requests."""

from __future__ import annotations

import re
from dataclasses import replace

from bot.requests import Request
from bot.understanding.heard import NAME, POLITE, QUESTION, Heard, only_told, targets
from bot.understanding.lexicon import lexicon

_COMMAND = re.compile(
    r"--[a-z]{3,20}|[`\"「“/](?:/?r1 )?(?:identify|recommend|compare|watch|size|explain|report|endpoint|forget|history|devices|鉴定|识别|推荐|对比|监控|估算|解释|报告|接口|忘记|历史)\b",
    re.I,
)
_PAIR = re.compile(
    rf"{POLITE}(?:compare|diff|对比|比较)(?:一下)? ?(?P<one>{NAME}) ?(?: and | with | to | against | vs\.? |,|和|跟|与|同) ?(?P<two>{NAME})(?: please| pls|谢谢|吧)?[?.! 。]{{0,3}}$",
    re.A,
)

_BESIDE = re.compile(
    r"⊙(?: ?endpoint)?(?: ?(?:,|/|、|\band\b|\bor\b|\bwith\b|\bto\b|\bfrom\b|\bthan\b|和|跟|与|还是|或|同|比|={1,2}) ?)⊙"
)


def about_commands(heard: Heard) -> Request | None:
    """What a command does, how one does something, what it would cost: answered with help, and not done."""
    scene = heard.scene
    named = _COMMAND.search(heard.typed) is not None
    if named and scene.has("about") and not scene.says("identify_verb", "watch") and not _asks_model(heard):
        return replace(heard.blank, verb="help")
    if "--" in heard.typed and scene.has("costs") and QUESTION.search(scene.sketch):
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


def person(heard: Heard) -> Request | None:
    if heard.scene.says("my_data") and not heard.scene.has("not_me"):
        return replace(heard.blank, verb="forget", action="list")
    return None


def endpoints(heard: Heard) -> Request | None:
    scene = heard.scene
    if not scene.has("endpoint_noun") or scene.has("elsewhere"):
        return None
    named = [one for one in scene.mentions if one.kind == "endpoint"]
    if scene.has("past_question") and scene.has("endpoint_remove", "endpoint_add"):
        return heard.blank
    if scene.has("endpoint_removed") and not scene.says("endpoint_remove"):
        return heard.blank
    if scene.has("endpoint_remove") and not scene.says("endpoint_remove"):
        return heard.blank
    if scene.has("endpoint_list") and not named:
        return replace(heard.blank, verb="endpoint", action="list")
    if scene.says("endpoint_remove", "endpoint_add") and only_told(heard):
        return replace(heard.blank, verb="help")
    if scene.says("endpoint_remove") and not scene.has("watch", "hypothetical"):
        target = named[0].spec if len(named) == 1 else None
        return replace(heard.blank, verb="endpoint", action="remove", target=target, ask=None if target else "target")
    if scene.says("endpoint_add") and not named and not scene.has("hypothetical"):
        return replace(heard.blank, verb="endpoint", action="add")
    return None


def comparison(heard: Heard) -> Request | None:
    scene = heard.scene
    verb = scene.says("compare_verb")
    beside = _BESIDE.search(scene.sketch) and QUESTION.search(scene.sketch)
    found = targets(heard, verbed=verb or scene.says("compare") or bool(beside))
    compare = replace(heard.blank, verb="compare")
    if not verb and scene.has("tale", "past_tense"):
        return None
    if scene.has("compare_verb") and (
        (len(found) >= 2 and not verb) or (verb and only_told(heard) and not scene.models)
    ):
        return replace(heard.blank, verb="help") if verb else heard.blank
    if len(found) >= 2:
        if verb or scene.says("compare") or beside:
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


def devices(heard: Heard) -> Request | None:
    scene = heard.scene
    return replace(heard.blank, verb="devices") if scene.has("devices") and not scene.models else None
