"""`card`: what the target's name and model card say it is.

Cost: one small file. Source: Hugging Face model card metadata (front matter ``base_model``, ``tags``).
How it could be fooled: by typing another name; it separates only what headers cannot (R1 from V3, a
distill from its base) and never decides alone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from engine.catalog.schema import VariantKind
from engine.claim import read_variants, statements
from engine.evidence import UNKNOWN, Evidence
from engine.probes.probe import Hypotheses, Observation, Probe
from engine.targets.endpoint import Conversation
from engine.targets.target import Target
from engine.text import parse_yaml

_NOT_NAMED = math.log(0.02)
_SHORTENED = math.log(0.3)
"""Sellers and Ollama tags call a distill plainly "DeepSeek-R1", and R1-0528 too: three in ten, judged."""
_CONFUSED = math.log(0.06)
"""At endpoints V3 and its successors are called R1 too, by mistake or not: six in a hundred, judged."""
_DERIVED = math.log(0.3)
"""Derivatives that the catalog does not know keep their parent's name: three in ten, judged."""
_MODEST = {"other": 1e-4, "distilled": 5e-3, "relative": 0.02}
"""Chance that an endpoint is called by this very name of a model that few would pay extra for, and is another."""
_OFFICIAL = 0.001
"""Chance that the publisher's own repository is not what it says (a mirror that lies)."""
_FRONT_MATTER_LIMIT = 64_000


def observe(target: Target) -> Observation | None:
    """Name, base models, title and tags, as found."""
    front_matter, title = _read_card(target.card or "")
    gguf = target.gguf or {}
    if not front_matter and isinstance(base := gguf.get("general.base_model.0.name"), str):
        front_matter = {"base_model": base}
    if not title and isinstance(general := gguf.get("general.name"), str):
        title = general
    observation = statements(target.name, front_matter, title, target.config or {})
    observation["repo"] = target.name if target.kind == "hub" else None
    return observation if any(observation[key] for key in ("name", "base_model", "title", "config")) else None


def observe_endpoint(conversation: Conversation) -> Observation | None:
    """The name of the model as it is asked for, which is what it is sold as."""
    observation = statements(conversation.endpoint.model, {}, "", {})
    return {**observation, "repo": None, "served": True} if observation["name"] else None


def _read_card(card: str) -> tuple[Mapping[str, Any], str]:
    front: Mapping[str, Any] = {}
    body = card
    if card.startswith("---") and (end := card.find("\n---", 3)) > 0:
        front, body = _front_matter(card[3:end]), card[end + 4 :]
    heading = re.search(r"^#\s+(.+)$", body[:20_000], re.MULTILINE)
    return front, heading[1].strip() if heading else ""


def _front_matter(text: str) -> Mapping[str, Any]:
    import yaml

    # Aliases could blow a few bytes up to gigabytes; real cards have none.
    if len(text) > _FRONT_MATTER_LIMIT or re.search(r"(?:^|[\s\[,:-])[&*]\w", text):
        return {}
    try:
        loaded = parse_yaml(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    return loaded if isinstance(loaded, Mapping) else {}


def score(observation: Observation, hypotheses: Hypotheses) -> Evidence:
    """Variants that name and card mean are as likely as can be; the others carry such a name seldom."""
    kinds = {variant.id: variant.kind for variant in hypotheses.variants}
    likelihood: dict[str, float] = {}
    meant: dict[str, tuple[str, ...]] = {}
    for where in ("name", "base_model", "title", "config"):
        named = {variant for text in observation[where] for variant in read_variants(text, hypotheses.variants)}
        # Distills ship the full model's README: a heading counts only where nothing better speaks.
        if not named or (where in ("title", "config") and meant):
            continue
        meant[where] = tuple(sorted(named))
        called_full = any(kinds[variant] == "full" for variant in named)
        for variant in hypotheses.ids:
            shortened = called_full and kinds.get(variant) in ("full", "distilled")
            confused = called_full and kinds.get(variant) == "relative" and observation.get("served")
            miss = _DERIVED if variant == UNKNOWN else _SHORTENED if shortened else _NOT_NAMED
            miss = _CONFUSED if confused else miss
            term = 0.0 if variant in named else miss
            # Name, title and card repeat one statement: the worst of them, not their sum.
            likelihood[variant] = min(likelihood.get(variant, 0.0), term)
    named = {variant for variants in meant.values() for variant in variants}
    modest = _modest({kinds[variant] for variant in named}) if observation.get("served") else None
    if modest is not None:
        likelihood = {variant: 0.0 if variant in named else math.log(modest) for variant in hypotheses.ids}
    official = [variant.id for variant in hypotheses.family() if observation["repo"] in variant.repos]
    if official:
        likelihood = {variant: 0.0 if variant in official else math.log(_OFFICIAL) for variant in hypotheses.ids}
    return Evidence(
        probe="card",
        group="statement",
        observation=observation,
        log_likelihood=likelihood,
        expected={variant.id: ", ".join(variant.repos) for variant in hypotheses.family() if variant.repos},
        values={
            "name": ", ".join(observation["name"]) or "–",
            "base_model": ", ".join(observation["base_model"]) or "–",
            "title": ", ".join(observation["title"]) or "–",
            "form": _form(observation, named=bool(meant)),
            "means": ", ".join(meant.get("name") or next(iter(meant.values()), ())) or "–",
        },
        spoofability=_OFFICIAL if official else modest,
    )


def _modest(kinds: set[VariantKind]) -> float | None:
    """Chance of a false claim where it does not flatter; ``None`` for claims to be the full model, or no claim."""
    return None if not kinds or "full" in kinds else max(_MODEST[kind] for kind in kinds)


def _form(observation: Observation, *, named: bool) -> str:
    if observation.get("served"):
        return "served" if named else "served_nothing"
    return "nothing" if not named else "base" if observation["base_model"] else ""


PROBE = Probe("card", observe, score)
ENDPOINT_PROBE = Probe("card", observe_endpoint, score)
