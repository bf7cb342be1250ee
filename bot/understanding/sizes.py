"""Questions whether a model runs on some hardware: which model, and where the hardware is named. Pure."""

from __future__ import annotations

import re

_RUNS = re.compile(
    r"\b(?:fits?|runs?|holds?|hosts?|serves?|enough|what (?:hardware|gpus?)|how (?:fast|much (?:memory|vram|ram)|many (?:gpus?|cards?|tokens?)))\b"
    r"|能跑|跑得[动了起]|跑不跑|带得动|能带|能装|装得下|放得下|放不放|能放|够不够|够吗|够用|撑得住|能部署|需要多少|要多少|几张",
    re.IGNORECASE | re.ASCII,
)
_CHOICE = re.compile(
    r"\b(?:which|or|choose|recommend|better|versus|vs|should)\b|还是|哪个|哪种|哪一|选|推荐|建议|更好|更合适",
    re.IGNORECASE | re.ASCII,
)
_NAMED = re.compile(r"deepseek-r1(?:-\w+)*:[\w.-]*\w", re.IGNORECASE | re.ASCII)
_SIZE = re.compile(r"(?<![\w.])(?P<size>1\.5|7|8|14|32|70|671)\s?b(?![\w-])", re.IGNORECASE | re.ASCII)
_DISTILL = re.compile(r"distil|蒸馏", re.IGNORECASE)
_FULL = re.compile(r"满血|\bfull\b|\bdeepseek[ -]?r1\b|(?<![\w-])R1\b", re.IGNORECASE | re.ASCII)


def model_to_size(text: str) -> str | None:
    """The model that a text asks about the needs of, by its name at Ollama; ``None`` where it asks for a choice, or
    names no one model."""
    if not _RUNS.search(text) or _CHOICE.search(text):
        return None
    if named := _NAMED.search(text):
        return named[0].lower()
    sizes = {match["size"] for match in _SIZE.finditer(text)}
    if len(sizes) == 1:
        return f"deepseek-r1:{sizes.pop()}b"
    if sizes or _DISTILL.search(text) or not _FULL.search(text):
        return None
    return "deepseek-r1:671b"
