"""Asking the model who it is, and reading the answer.

The oldest check there is; Cai et al. (arXiv 2504.04715) evaluate it as identity prompting, and Huang et al. as
querying the identity. Left open, and chosen in the method's favour: it is asked four times, in English and Chinese,
at temperatures 0 and 1, and the majority of the readings is the answer. It is sure when all readings agree and no
honest endpoint of another outcome was heard to say the same, since distilled models call themselves DeepSeek-R1 too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx

from engine.catalog import load_family
from peers.guess import Guess, Outcome, outcome_of
from peers.traffic import Traffic, fresh

QUESTIONS = (
    ("Which model are you, and who made you? Answer in one sentence.", 0.0),
    ("你是什么模型，由谁开发？用一句话回答。", 0.0),
    ("Which model are you, and who made you? Answer in one sentence.", 1.0),
    ("你是什么模型，由谁开发？用一句话回答。", 1.0),
)
MAX_TOKENS = 400
"""Enough for a model that thinks before it answers."""
_OTHERS = re.compile(
    r"qwen|通义|千问|llama|\bglm|智谱|chatgpt|gpt-?\d|openai|claude|anthropic|gemini|gemma|kimi|moonshot|mistral|"
    r"minimax|\bphi-?\d|\byi-|grok|doubao|豆包|ernie|文心|hunyuan|混元|baichuan|internlm",
    re.IGNORECASE,
)
_DISTILL = re.compile(r"distill?|蒸馏", re.IGNORECASE)
_OURS = re.compile(r"deepseek[\s-]*(r1|v\d(?:\.\d)?)?[\s-]*(0528|0324|zero|\d(?=\b))?|深度求索", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reading:
    """What an answer names."""

    outcome: Outcome
    variant: str | None


@dataclass(frozen=True, slots=True)
class References:
    """Outcomes of the honest endpoints that were heard to say each reading."""

    said_by: Mapping[Reading, frozenset[Outcome]]


def record(client: httpx.Client, endpoints: Mapping[str, tuple[str, str]]) -> References:
    """Asks the honest endpoint of each variant."""
    said_by: dict[Reading, frozenset[Outcome]] = {}
    for variant, (url, model) in endpoints.items():
        for reading in ask(Traffic(client, url, model)):
            said_by[reading] = said_by.get(reading, frozenset()) | {outcome_of(variant)}
    return References(said_by)


def identify(client: httpx.Client, url: str, model: str, references: References) -> Guess:
    """Asks, and believes."""
    traffic = Traffic(client, url, model)
    return traffic.guess(*conclude(ask(traffic), references))


def ask(traffic: Traffic) -> list[Reading]:
    """What each answer names."""
    answers = [traffic.ask(fresh(text), max_tokens=MAX_TOKENS, temperature=heat) for text, heat in QUESTIONS]
    return [read(answer.text) for answer in answers if answer is not None]


def conclude(readings: Sequence[Reading], references: References) -> tuple[Outcome, str | None, bool]:
    """The majority."""
    named = [reading for reading in readings if reading.outcome != "inconclusive"]
    if not named:
        return "inconclusive", None, False
    (most, times) = Counter(named).most_common(1)[0]
    sure = times == len(readings) and references.said_by.get(most, frozenset()) <= {most.outcome}
    return most.outcome, most.variant, sure


def read(text: str) -> Reading:
    """The last model that the text names; thinking comes before the answer."""
    last = next((part for part in reversed(re.split(r"(?<=[。！!\n])|(?<=\.)\s+", text)) if _names(part)), "")
    if _DISTILL.search(last):
        squeezed = re.sub(r"[^a-z0-9.]", "", last.lower())
        for variant in load_family("deepseek-r1").variants:
            if variant.kind == "distilled" and re.sub(r"[^a-z0-9.]", "", variant.id.lower()) in squeezed:
                return Reading("distilled", variant.id)
        return Reading("distilled", None)
    ours = [match for match in _OURS.finditer(last) if match[1]]
    if ours:
        series, version = ours[-1][1].upper(), ours[-1][2]
        variant = f"DeepSeek-{series}" + (f"-{version.capitalize()}" if version else "")
        return Reading(outcome_of(variant), variant)
    if _OTHERS.search(last):
        return Reading("other", None)
    return Reading("full", None) if _OURS.search(last) else Reading("inconclusive", None)


def _names(text: str) -> bool:
    return bool(_OURS.search(text) or _OTHERS.search(text) or _DISTILL.search(text))
