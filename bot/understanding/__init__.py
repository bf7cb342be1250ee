"""Free questions in English and Chinese → intent, target, scenario. Deterministic; never guesses a target."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

_TARGET = re.compile(
    r"(?P<spec>(?:hf://)?(?:https?://(?:huggingface\.co|hf\.co|hf-mirror\.com)/)?[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*"
    r"(?:@[\w./-]+)?(?::[\w.-]+)?|(?:[~.]{0,2}/)[\w./~+-]+|[\w.-]+\.(?:gguf|safetensors))",
    re.ASCII,
)
_CHOICE = re.compile(
    r"\b(?:which|should|choose|recommend|better|suit|fit|need)\b|推荐|建议|选哪|该用|应该用|哪个好|选型|适合|需要",
    re.IGNORECASE | re.ASCII,
)
_PROSE = re.compile(r"^(?:and/or|full/distilled|distilled/full|he/she|yes/no|on/off|tcp/ip)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Understood:
    """What a message without a verb asks for; ``other`` is answered with help."""

    intent: Literal["identify", "recommend", "other"]
    target: str | None = None
    scenario: str = ""


def understand(words: Sequence[str]) -> Understood:
    """A target named makes it ``identify``; words of choosing make it ``recommend``; else ``other``."""
    text = " ".join(words)
    for match in _TARGET.finditer(text):
        spec = match["spec"].rstrip(".,;:!?")
        if not _PROSE.match(spec):
            rest = f"{text[: match.start()]} {text[match.start() + len(spec) :]}"
            return Understood("identify", spec, " ".join(rest.split()))
    if _CHOICE.search(text):
        return Understood("recommend", scenario=text)
    return Understood("other")
