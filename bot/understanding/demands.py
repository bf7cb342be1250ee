"""What a text demands, as a request carries it: constraints as text, a quantisation, a budget of tokens."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from bot.requests import MOST_TOKENS
from engine.constraints.reading import TEXT_LIMIT, read_text
from engine.constraints.record import UNITS, Constraints
from engine.constraints.settling import settle
from engine.errors import UsageError

OF_SIZE = ("hardware", "memory", "context", "prompt", "output", "concurrency", "ttft", "tpot", "throughput")
"""What a question about one model's size may say of where it runs, and for whom."""
_QUANTIZATIONS = (
    (r"fp8|8[- ]?bit float", "fp8"), (r"bf16|fp16|16[- ]?bits?|bfloat16|half precision|半精度", "bf16"), (r"int8|w8a8", "int8"),
    (r"awq(?:[- ]?int4)?|int4|w4a16", "awq-int4"), (r"gptq(?:[- ]?int4)?", "gptq-int4"), (r"nvfp4|fp4", "nvfp4"),
    (r"q8_0|q8", "Q8_0"), (r"q6_k|q6", "Q6_K"), (r"q5_k_m|q5", "Q5_K_M"), (r"q4_k_m|q4", "Q4_K_M"), (r"q3_k_m|q3", "Q3_K_M"), (r"q2_k", "Q2_K"),
    (r"ud-q2_k_xl", "UD-Q2_K_XL"), (r"(?:ud-)?iq1_s|1\.58[- ]?bits?", "UD-IQ1_S"),
)  # fmt: skip
_QUANTIZATION = tuple(
    (re.compile(rf"(?<![\w./-])(?:{pattern})(?![\w-])", re.IGNORECASE | re.ASCII), name)
    for pattern, name in _QUANTIZATIONS
)
_COUNT = r"(?P<n{0}>\d{{1,3}}(?:,\d{{3}}){{1,2}}|\d{{1,8}}(?:\.\d{{1,3}})?)\s?(?P<s{0}>[km千万]?)\s?(?:个\s?)?tokens?(?![\w/])(?! ?(?:/|per|a) ?s)"
_SPEND = re.compile(
    rf"(?:\b(?:spend\w{{0,3}}|us(?:e|es|ing)|cost\w{{0,3}}|burn\w{{0,3}}|wast\w{{1,3}}|budget\w{{0,3}}|limit\w{{0,3}}|cap\w{{0,4}}|within)\b|花|消耗|耗|费|预算|别超|不超|上限)[^.;!?。；！？\n]{{0,24}}?(?<![\d.]){_COUNT.format(0)}(?: (?:at most|max\w{{0,4}}|budget|or less))?"
    rf"|(?:\b(?:at most|max(?:imum)?(?: of)?|no more than|up to|under)|最多(?:用)?|至多|不超过)\s?(?<![\d.]){_COUNT.format(1)}(?! ?(?:context|of context|long|prompt|output|input|上下文|输入|输出))",
    re.IGNORECASE,
)
_SCALE = {"": 1, "k": 1_000, "千": 1_000, "万": 10_000, "m": 1_000_000}


@lru_cache(maxsize=64)
def read(text: str) -> Constraints:
    """What a text demands; nothing where it contradicts itself, which the answer says."""
    try:
        return read_text(text[:TEXT_LIMIT]).constraints
    except UsageError:
        return Constraints()


def settled(constraints: Mapping[str, str], scenario: str) -> Constraints:
    """What an earlier question demanded."""
    try:
        return settle(constraints, scenario)[0]
    except UsageError:
        return Constraints()


def as_text(stated: Mapping[str, Any]) -> dict[str, str]:
    """Constraints by name as people type them: ``engine.constraints.values`` reads the same."""
    found: dict[str, str] = {}
    for name, value in stated.items():
        if name == "hardware":
            found[name] = " + ".join(f"{part['count']}x {part['device']}" for part in value)
        elif name in UNITS:
            found[name] = f"{value:.12g} {UNITS[name]}".replace("request", "").replace(" token", " tokens", 1).strip()
        else:
            found[name] = str(value)
    return found


def quantization_in(text: str) -> str | None:
    """The only quantisation that a text names."""
    names = {name for pattern, name in _QUANTIZATION if pattern.search(text)}
    return names.pop() if len(names) == 1 else None


def token_budget(text: str) -> tuple[int | None, str]:
    """How many tokens may be spent at most, and the text without that."""
    match = _SPEND.search(text)
    if match is None:
        return None, text
    number, scale = match["n0"] or match["n1"], match["s0"] or match["s1"] or ""
    tokens = int(float(number.replace(",", "")) * _SCALE[scale.lower()])
    if not 1 <= tokens <= MOST_TOKENS:
        return None, text
    return tokens, f"{text[: match.start()]} {text[match.end() :]}"
