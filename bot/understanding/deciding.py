"""A message, laid out → what it asks, whatever was said before. The first rule that applies decides."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from bot.requests import Request
from bot.understanding.acting import about_commands, comparison, devices, endpoints, person
from bot.understanding.demands import OF_SIZE, as_text, quantization_in, read, token_budget
from bot.understanding.heard import QUESTION, Heard, only_told, targets
from bot.understanding.past import past
from bot.understanding.scene import near_name
from bot.understanding.targets import Mention
from bot.understanding.watching import watches
from engine.constraints.reading import TEXT_LIMIT, read_text
from engine.errors import UsageError


def decide(heard: Heard) -> Request:
    """The request that a message makes on its own; ``other`` where no rule applies."""
    for rule in _RULES:
        found = rule(heard)
        if found is not None:
            return found
    return heard.blank


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
    denied = scene.has("identify_verb", "check") and not scene.says("identify_verb", "check")
    if denied and not is_asked and not scene.says("size", "look"):
        return heard.blank
    sized = scene.says("size_strong") or (scene.says("size") and not scene.says("look"))
    if sized and not is_asked and one.kind != "endpoint" and (one.kind != "url" or "/v1" not in one.spec):
        return _sized(heard, one.spec.lower() if one.kind == "ollama" else one.spec)
    return _identified(heard, one)


def _is_meant(one: Mention, heard: Heard) -> bool:
    scene = heard.scene
    alone = not re.search(r"\w", re.sub("[⊙❝]", "", scene.sketch))
    doubted = bool(scene.models) and QUESTION.search(scene.sketch) is not None
    asked = scene.says("identify", "look", "size_strong") or (scene.says("size") and bool(scene.hardware)) or doubted
    if one.kind == "endpoint":
        return alone or (
            asked and not (scene.says("choice") and not scene.has("identify_verb", "endpoint_noun", "identify"))
        )
    if one.kind == "url":
        return alone or asked
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
        scenario=_demanding(rest),
        budget_tokens=spent,
        thorough=scene.says("thorough") and not only_told(heard),
        fresh=scene.says("fresh"),
        sure=not scene.has("later"),
        family="article" if scene.has("article") else "deepseek-r1",
    )


def _sized(heard: Heard, model: str) -> Request:
    stated = read(heard.scene.text).stated()
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
    if (
        len(names) != 1
        or (scene.says("choice") and not hardware_is_asked)
        or (scene.has("thing_to_do") and not scene.models)
    ):
        if not names and scene.has("too_vague") and not scene.hardware:
            return replace(heard.blank, verb="size", ask="target")
        return None
    if all(one.weak for one in scene.models) and scene.has("distil"):
        return None
    asks = bool(QUESTION.search(scene.sketch) or scene.hardware)
    said = read(scene.text)
    asks = asks or bool(said.stated().keys() & {"context", "concurrency", "memory"})
    if hardware_is_asked or scene.says("size_strong") or (scene.says("size") and asks):
        return _sized(heard, names.pop())
    if (scene.hardware or said.memory) and not scene.says("identify_mine") and not said.task:
        return _sized(heard, names.pop())
    return None


def _unnamed(heard: Heard) -> Request | None:
    """What is this model, without saying which."""
    scene = heard.scene
    near = near_name(scene.sketch, heard.names) if scene.says("identify", "look") else None
    if near is not None:
        return replace(heard.blank, verb="identify", target=near, scenario=_demanding(heard.typed), sure=False)
    if (scene.config and scene.has("identify")) or scene.says("identify_mine"):
        return replace(heard.blank, verb="identify", ask="target")
    if scene.says("identify_verb") and not scene.says("choice") and (scene.has("domain") or len(scene.sketch) <= 24):
        return replace(heard.blank, verb="identify", ask="target")
    return None


def _recommended(heard: Heard) -> Request | None:
    scene = heard.scene
    if scene.has("thing_to_do", "why_first") or (scene.has("others") and not scene.models and not scene.hardware):
        return None
    if any(one.kind == "endpoint" for one in scene.mentions) and not scene.says("choice"):
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


def _demanding(text: str) -> str:
    """Text beside a target, where it demands something of a deployment, or contradicts itself, which the answer says."""
    try:
        said = read_text(text[:TEXT_LIMIT])
    except UsageError:
        return tidy(text)
    return tidy(text) if said.constraints.stated() or said.unread else ""


def tidy(text: str) -> str:
    """Text as a line can hold it: without quotation marks, in one line."""
    return " ".join(text.replace('"', " ").replace("`", " ").split())


_RULES: tuple[Callable[[Heard], Request | None], ...] = (
    about_commands, person, endpoints, watches, comparison, past, devices, _one_target, _size, _unnamed, _recommended,
)  # fmt: skip
