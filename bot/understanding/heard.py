"""A message, laid out, and what every rule asks of it."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date

from bot.requests import Request
from bot.understanding.scene import Scene
from bot.understanding.targets import Mention

QUESTION = re.compile(
    r"[?？]|^(?:hey |so |and |ok |hi |please )?(?:is|are|do|does|did|can|could|will|would|should|which|what|how|why|who|when|where)\b|[吗么呢]|多少|几|哪|什么|啥|够不够|能不能|行不行|是不是|不$"
)
NAME = r"[a-z][a-z0-9_.-]{0,40}[a-z0-9]"
POLITE = r"^(?:please |pls |can you |could you |hey,? |请|帮我|帮忙|麻烦){0,2}"


@dataclass(frozen=True, slots=True)
class Heard:
    """What a rule may look at. ``blank``: the request without what was understood."""

    scene: Scene
    typed: str
    names: Collection[str]
    today: date
    blank: Request


def checked(request: Request) -> Request:
    """The request, to be confirmed first where it is expensive; a watch of nothing asks what of."""
    if request.verb == "watch" and request.action == "add" and request.target is None:
        request = replace(request, ask="target")
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


def only_told(heard: Heard) -> bool:
    """Whether something is asked or told about an action, and nothing to be done."""
    return heard.scene.has("only_asks", "tale")


def without_targets(heard: Heard) -> str:
    """What is said, a sign in place of each target."""
    text = heard.scene.spoken
    for one in sorted(heard.scene.mentions, key=lambda one: -one.start):
        text = f"{text[: one.start]}⊙{text[one.end :]}"
    return text
