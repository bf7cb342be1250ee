"""`lineage`: from which base the weights descend, whatever they are called and however they were changed since.

Each recorded reference is compared by ``engine.weights.fingerprint``: what stays of weights through fine-tuning,
pruning, quantisation, conversion, re-sharding and changes of basis. Variants that share a base are told apart only
where the norms are untouched, as in a conversion of one of them.

Cost: the attention of five layers, 0.3 to 1.2 GB of a large model. Without references there is nothing to compare
with: it reports, and does not vote. How it could be fooled: by weights that were trained from the reference's –
which then are a descendant indeed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any

from engine.catalog.schema import Variant
from engine.errors import R1Error
from engine.evidence import UNKNOWN, Evidence
from engine.probes.probe import IMPOSSIBLE, Hypotheses, Observation, Probe
from engine.weights.records import Fingerprint, Relation

_SIBLING_UNTOUCHED = math.log(0.05)
"""Another release from the same base with the very same norms: training in bfloat16 may leave them. Judged."""
_RELEASE_TUNED = math.log(0.2)
"""The release itself, with norms that differ: converted by something unknown. Judged."""
_PRIVATE = math.log(0.05)
"""A descendant that nobody published, against one of those that somebody did. Judged."""
_RESIZED = math.log(0.01)
_UNSTATED = math.log(0.01)
"""A published model whose base the catalog does not name might have this one. Judged."""
_AKIN = math.log(0.02)
"""A release, or one tuned from it, that is no more like it than a student: by training beyond any seen. Judged."""
_FARTHER = math.log(0.1)
"""Of two releases from one base, the one twice as far away. Judged."""
_ROUNDING = 0.002
AGAIN = 3
"""Layers read again where the vocabulary was renumbered."""
_RANK = {"same": 5, "tuned": 4, "resized": 3, "akin": 2, "incomparable": 1, "unrelated": 0}


def measure(
    spec: str,
    *,
    every_layer: bool = False,
    tokens: Sequence[Sequence[str]] = (),
    report: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """The fingerprint of a checkpoint, from a few of its layers or from every one; or why it has none.

    Args:
        tokens: the anchors' texts of references; a second fingerprint is taken where they are there at other ids.
    """
    from engine.weights.anchors import renumbered
    from engine.weights.fingerprint import LOOKED, take_from
    from engine.weights.store import open_store

    with open_store(spec) as store:
        try:
            fingerprint = take_from(store, layers=None if every_layer else LOOKED, report=report)
        except R1Error as error:
            return {"problem": error.code, "values": dict(error.values), "bytes_read": store.bytes_read}
        found: dict[str, Any] = {"fingerprint": fingerprint.model_dump(mode="json")}
        if (moved := renumbered(store.target, tokens)) is not None:
            found["renumbered"] = take_from(store, layers=AGAIN, ids=moved).model_dump(mode="json")
        return {**found, "bytes_read": store.bytes_read}


def observe(seen: Mapping[str, Observation]) -> Observation | None:
    """What a backend measured, by probe."""
    return seen.get("lineage")


def score(observation: Observation, hypotheses: Hypotheses) -> Evidence:
    """Each variant's likelihood by how the weights relate to the references that share its base."""
    relations = relations_of(observation, hypotheses)
    roots = roots_of(hypotheses.variants)
    stated = {variant.id for variant in hypotheses.variants if variant.base or variant.kind != "other"}
    by_root: dict[str, dict[str, Relation]] = {}
    for variant, relation in relations.items():
        by_root.setdefault(roots[variant], {})[variant] = relation
    likelihood: dict[str, float] = {}
    for root, kin in by_root.items():
        for name, value in _of_root(kin, root, roots, stated).items():
            likelihood[name] = likelihood.get(name, 0.0) + value
    return Evidence(
        probe="lineage",
        group="values",
        observation=observation,
        log_likelihood=likelihood,
        values=_values(observation, relations),
    )


def relations_of(observation: Observation, hypotheses: Hypotheses) -> dict[str, Relation]:
    """How the weights relate to each reference's, by variant."""
    if "fingerprint" not in observation or not any(entry.fingerprint for entry in hypotheses.references):
        return {}
    from engine.weights.fingerprint import compare

    own = [
        Fingerprint.model_validate(observation[name]) for name in ("fingerprint", "renumbered") if name in observation
    ]
    return {
        entry.variant: max((compare(one, entry.fingerprint) for one in own), key=lambda relation: relation.score)
        for entry in hypotheses.references
        if entry.fingerprint is not None
    }


def roots_of(variants: tuple[Variant, ...]) -> dict[str, str]:
    """What each variant was first trained as: the end of the chain of bases that the catalog names."""
    bases = {variant.id: variant.base for variant in variants}
    found = {}
    for name in bases:
        root, seen = name, {name}
        while (base := bases.get(root)) and base not in seen:
            root = base
            seen.add(base)
        found[name] = root
    return found


def _of_root(kin: Mapping[str, Relation], root: str, roots: Mapping[str, str], stated: Set[str]) -> dict[str, float]:
    """Log likelihoods by the references that share one base; empty where these leave it open."""
    variant, relation = max(kin.items(), key=lambda pair: (_RANK[pair[1].kind], pair[1].score))
    if relation.kind == "incomparable":
        return {}
    family = [name for name, own in roots.items() if own == root]
    if relation.kind in ("akin", "unrelated"):
        apart = _AKIN if relation.kind == "akin" else IMPOSSIBLE
        return dict.fromkeys(family, apart) | {name: 0.0 for name in (*roots, UNKNOWN) if name not in family}
    likelihood = {name: IMPOSSIBLE if name in stated else _UNSTATED for name in [*roots, UNKNOWN]}
    if relation.kind == "same":
        nearest = [name for name, other in kin.items() if other.kind == "same" and not _farther(other, relation)]
        return (
            likelihood
            | dict.fromkeys(family, _SIBLING_UNTOUCHED)
            | dict.fromkeys([variant, *nearest], 0.0)
            | {UNKNOWN: 2 * _PRIVATE}
        )
    if relation.kind == "resized":
        return likelihood | dict.fromkeys(family, _RESIZED) | {UNKNOWN: 0.0}
    likelihood |= dict.fromkeys(family, 0.0) | {variant: _RELEASE_TUNED, UNKNOWN: _PRIVATE}
    return likelihood | {name: _FARTHER for name, other in kin.items() if _farther(other, relation)}


def _farther(one: Relation, other: Relation) -> bool:
    """Whether one is more than twice as far away, beyond what rounding does."""
    return 1 - one.score > 2 * (1 - other.score) + _ROUNDING


def _values(observation: Observation, relations: Mapping[str, Relation]) -> dict[str, Any]:
    if "fingerprint" not in observation:
        return {"form": "unreadable", "code": observation["problem"], "values": dict(observation["values"])}
    own = observation["fingerprint"]
    shown = {"depth": own["depth"], "read": len(own["layers"])}
    if not relations:
        return shown | {"form": "alone"}
    variant, relation = max(relations.items(), key=lambda pair: (_RANK[pair[1].kind], pair[1].score))
    return shown | {
        "form": relation.kind,
        "variant": variant,
        "score": f"{relation.score:.2f}",
        "count": len(relations),
    }


PROBE = Probe("lineage", observe, score)
