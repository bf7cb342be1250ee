"""Free questions in English and Chinese → intent, target, scenario. Deterministic; never guesses a target."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from bot.understanding.sizes import model_to_size

_TARGET = re.compile(
    r"(?P<spec>https?://[\w\[][\w.~:/?#\[\]@!$&*+,;=%-]*|(?:hf://)?[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*"
    r"(?:@[\w./-]+)?(?::[\w.-]+)?|(?:[~.]{0,2}/)[\w./~+-]+|[\w.-]+\.(?:gguf|safetensors))",
    re.ASCII,
)
_CHOICE = re.compile(
    r"\b(?:which|should|choose|recommend|better|suit|fit|need)\b|推荐|建议|选哪|该用|应该用|哪个好|选型|适合|需要"
    r"|\b(?:full|671b)\b.*\b(?:or|vs|versus)\b.*\bdistil|\bdistil.*\b(?:or|vs|versus)\b.*\b(?:full|671b)\b"
    r"|满血.*还是|蒸馏.*还是|用哪[个种]|哪个版本",
    re.IGNORECASE | re.ASCII,
)
_NEEDS = re.compile(
    r"\bhow (?:much|many)\b|\bwhat (?:hardware|gpus?|memory)\b|需要多少|要多少|几张|什么(?:显卡|硬件|卡|配置)",
    re.IGNORECASE | re.ASCII,
)
_BESIDE = r"[\s:：,，\"'“”‘’]{0,3}"
_ENDPOINT_WORD = r"(?:endpoint|api|接口|端点)"
_PROSE = re.compile(
    r"^(?:and/or|full/distill(?:ed)?|distill(?:ed)?/full|he/she|yes/no|on/off|tcp/ip|24/7"
    r"|[\w.]+/(?:s|sec|second|min|minute|h|hr|hour|day|d|mo|month|y|yr|year|tok|token|req|request|user|gpu|card))$",
    re.IGNORECASE,
)
"""Slashes of prose and of units ("20 tokens/s", "$5/hour")."""


@dataclass(frozen=True, slots=True)
class Understood:
    """What a message without a verb asks for; ``other`` is answered with help. For ``size`` the scenario is the
    hardware that was named, if any."""

    intent: Literal["identify", "recommend", "size", "other"]
    target: str | None = None
    scenario: str = ""


def understand(words: Sequence[str], names: Collection[str] = ()) -> Understood:
    """A target named makes it ``identify``; whether one model runs on hardware, ``size``; words of choosing, or
    hardware in a question, make it ``recommend``; else ``other``.

    Args:
        names: of registered endpoints, which are targets too.
    """
    text = " ".join(words)
    found = [span for span in (_target(text), _registered(text, names)) if span is not None]
    if found:
        start, end = min(found)
        rest = f"{text[:start]} {text[end:]}"
        return Understood("identify", text[start:end], " ".join(rest.split()))
    hardware = _hardware(text)
    model = model_to_size(text)
    if model is not None and (hardware or _NEEDS.search(text)):
        return Understood("size", model, hardware)
    if _CHOICE.search(text) or hardware:
        return Understood("recommend", scenario=text)
    return Understood("other")


def _hardware(text: str) -> str:
    """The hardware that a text names, as it is written there."""
    from engine.hardware import find_hardware

    return " + ".join(text[found.start : found.end] for found in find_hardware(text))


def _target(text: str) -> tuple[int, int] | None:
    """Where the first path, Hub id or URL is."""
    for match in _TARGET.finditer(text):
        spec = match["spec"].rstrip(".,;:!?")
        if not _PROSE.match(spec):
            return match.start(), match.start() + len(spec)
    return None


def _registered(text: str, names: Collection[str]) -> tuple[int, int] | None:
    """Where the first name of an endpoint is. One that may be any word ("prod") counts beside the word
    endpoint only, or alone."""
    spans = []
    for name in names:
        word = rf"(?<![\w./-])(?P<name>{re.escape(name)})(?![\w/-]|\.\w)"
        beside = (rf"{word}{_BESIDE}{_ENDPOINT_WORD}", rf"{_ENDPOINT_WORD}{_BESIDE}{word}", rf"^\W*{word}\W*$")
        for pattern in beside if name.isalpha() else (word,):
            spans += [match.span("name") for match in re.finditer(pattern, text, re.IGNORECASE | re.ASCII)]
    return min(spans, default=None)
