"""Free questions in English and Chinese → what is asked. Deterministic; never guesses a target."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date

from bot.requests import Earlier, Lang, Request
from bot.understanding.sizes import model_to_size
from bot.understanding.targets import find_mentions

_CHOICE = re.compile(
    r"\b(?:which|should|choose|recommend|better|suit|fit|need)\b|推荐|建议|选哪|该用|应该用|哪个好|选型|适合|需要"
    r"|\b(?:full|671b)\b.*\b(?:or|vs|versus)\b.*\bdistil|\bdistil.*\b(?:or|vs|versus)\b.*\b(?:full|671b)\b"
    r"|满血.*还是|蒸馏.*还是|用哪[个种]|哪个版本",
    re.IGNORECASE | re.ASCII,
)


def understand(
    words: str,
    *,
    text: str,
    lang: Lang,
    names: Collection[str] = (),
    earlier: Earlier | None = None,
    today: date | None = None,
) -> Request:
    """What a message without a typed command asks for."""
    from engine.hardware import find_hardware

    plain = Request(verb="other", text=text, lang=lang, free=True)
    mentions = find_mentions(words, names)
    if mentions:
        first = mentions[0]
        rest = f"{words[: first.start]} {words[first.end :]}"
        return Request(
            verb="identify", text=text, lang=lang, target=first.spec, scenario=" ".join(rest.split()), free=True
        )
    hardware = " + ".join(words[found.start : found.end] for found in find_hardware(words))
    model = model_to_size(words)
    if model is not None and hardware:
        return Request(verb="size", text=text, lang=lang, target=model, scenario=hardware, free=True)
    if _CHOICE.search(words) or hardware:
        return Request(verb="recommend", text=text, lang=lang, scenario=words, free=True)
    return plain
