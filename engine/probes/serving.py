"""`serving`: what the server says of the model it serves: lists, paths, dimensions, counts, limits.

Routes: OpenAI `/models` (vLLM adds ``root`` and ``max_model_len``, llama.cpp ``meta`` with its counts), vLLM
`/version`, SGLang `/get_model_info`, llama.cpp `/props`, TGI `/info`, Ollama `/api/show` (architecture, block
count, parameter size).

Cost: a few requests without tokens. Source of the expected values: the catalog.
How it could be fooled: a gateway writes what it likes; so it speaks loudly only against what is claimed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from engine.catalog.schema import Variant
from engine.claim import read_variants
from engine.dimensions import from_gguf
from engine.evidence import UNKNOWN, Evidence
from engine.probes.config import describe, dimension_likelihood
from engine.probes.probe import Hypotheses, Observation, Probe
from engine.targets.endpoint import Conversation
from engine.units import billions

_OTHER_NAME, _SHORTENED = math.log(0.02), math.log(0.3)
_OTHER_COUNT = math.log(0.01)
_BEYOND = math.log(0.2)
"""A context longer than a model was published with: some operators stretch it."""
_FLOOR = math.log(1e-4)
_CHANCE = math.log(0.05)
_COUNT_TOLERANCE = 0.03
_SERVERS = (
    ("/get_model_info", "model_path", "SGLang"),
    ("/props", "default_generation_settings", "llama.cpp"),
    ("/info", "model_id", "TGI"),
    ("/version", "version", "vLLM"),
    ("/api/show", "details", "Ollama"),
)
"""Routes by which software is known, and a key that their documents have."""
_NAMES = {
    "/props": ("model_path", "model_alias"),
    "/get_model_info": ("model_path", "tokenizer_path"),
    "/info": ("model_id",),
}


def observe(conversation: Conversation) -> Observation | None:
    """Names, dimensions, parameter count and context length, wherever the server states them."""
    known = conversation.metadata
    entry = _entry(known.get("/models"), conversation.endpoint.model)
    meta, show = _mapping(entry.get("meta")), _mapping(known.get("/api/show"))
    stated = [entry.get("root"), entry.get("parent"), *_stated(known), *_stated_by_ollama(show)]
    names = [text[:200] for text in stated if isinstance(text, str) and text]
    info = _mapping(show.get("model_info"))
    shape = from_gguf(info) if info else {}
    observation = {
        "names": list(dict.fromkeys(names))[:8],
        "dimensions": shape,
        "parameters": _number(meta.get("n_params")) or _number(info.get("general.parameter_count")),
        "context": _number(entry.get("max_model_len")) or _number(meta.get("n_ctx_train")),
        "server": _server(conversation),
    }
    return observation if any(observation.values()) else None


def listed_models(listing: Any) -> list[str]:
    """The ids that `/models` lists."""
    data = listing.get("data") if isinstance(listing, Mapping) else listing
    entries = data if isinstance(data, list) else []
    ids = [entry.get("id") for entry in entries[:500] if isinstance(entry, Mapping)]
    return [name for name in ids if isinstance(name, str) and 0 < len(name) <= 200]


def _entry(listing: Any, model: str) -> Mapping[str, Any]:
    """What `/models` says of our model."""
    data = listing.get("data") if isinstance(listing, Mapping) else listing
    entries = [entry for entry in data if isinstance(entry, Mapping)] if isinstance(data, list) else []
    return next((entry for entry in entries if entry.get("id") == model), entries[0] if len(entries) == 1 else {})


def _stated(known: Mapping[str, Any]) -> list[Any]:
    return [
        document.get(key)
        for path, keys in _NAMES.items()
        if isinstance(document := known.get(path), Mapping)
        for key in keys
    ]


def _stated_by_ollama(show: Mapping[str, Any]) -> list[Any]:
    info = _mapping(show.get("model_info"))
    return [info.get("general.basename"), info.get("general.name")] if info else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e15 else None


def _server(conversation: Conversation) -> str:
    """Which software answers, where it says so."""
    known = conversation.metadata
    for path, key, name in _SERVERS:
        if key in _mapping(known.get(path)):
            return name
    return str(conversation.headers.get("server", ""))[:40]


def score(observation: Observation, hypotheses: Hypotheses) -> Evidence:
    """Each variant's likelihood: named, shaped and sized as the server says."""
    named = [read_variants(text, hypotheses.variants) for text in observation["names"]]
    named = [variants for variants in named if variants]
    telling = bool(named or observation["dimensions"] or observation["parameters"] or observation["context"])
    likelihood: dict[str, float] = {}
    if telling:
        full = {variant.id for variant in hypotheses.variants if variant.kind == "full"}
        for variant in hypotheses.variants:
            value = _names(variant, named, full) + _size(variant, observation)
            likelihood[variant.id] = max(_FLOOR, value)
        # Any model may have any context length; names, dimensions and counts it would have to share.
        likelihood[UNKNOWN] = _CHANCE if named or observation["dimensions"] or observation["parameters"] else 0.0
    shape = describe(observation["dimensions"]) if observation["dimensions"] else ""
    count = billions(observation["parameters"]) if observation["parameters"] else ""
    limit = f"context {observation['context']:,}" if observation["context"] else ""
    said = [*observation["names"], shape, count, limit]
    return Evidence(
        probe="serving",
        group="service",
        observation=observation,
        log_likelihood=likelihood,
        expected={variant.id: describe(variant.shape.model_dump()) for variant in hypotheses.family()},
        values={
            "server": observation["server"] or "?",
            "said": " · ".join(text for text in said if text) or "–",
            "form": "" if telling else "nothing",
        },
    )


def _names(variant: Variant, named: Iterable[tuple[str, ...]], full: set[str]) -> float:
    total = 0.0
    for variants in named:
        if variant.id not in variants:
            shortened = bool(full & set(variants)) and variant.kind in ("full", "distilled")
            total = min(total, _SHORTENED if shortened else _OTHER_NAME)
    return total


def _size(variant: Variant, observation: Observation) -> float:
    total = 0.0
    if observation["dimensions"]:
        total += dimension_likelihood(observation["dimensions"], variant)
    count = observation["parameters"]
    published = (variant.parameters.main, variant.parameters.stored)
    if count and all(abs(count - known) > _COUNT_TOLERANCE * known for known in published):
        total += _OTHER_COUNT
    longest = variant.shape.max_position_embeddings
    if observation["context"] and longest and observation["context"] > longest * 1.05:
        total += _BEYOND
    return total


PROBE = Probe("serving", observe, score)
