"""Evidence → posterior over hypotheses, in log space, with one spoofing chance per group."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.evidence import CLIMB_DOWN, CLIMB_UP, FORGED_DOWN, FORGED_UP, LADDER, UNKNOWN, Evidence, Group

if TYPE_CHECKING:
    from engine.catalog.schema import VariantKind
    from engine.probes.probe import Hypotheses

_UNKNOWN_PRIOR = 3.0
"""Weight of "no model the catalog knows" beside 1.0 for an ordinary variant. Judged."""


@dataclass(frozen=True, slots=True)
class Support:
    """What one group says: likelihood per hypothesis relative to the best one, before spoofing."""

    group: Group
    relative: Mapping[str, float]
    spoofability: float | None = None

    @property
    def votes(self) -> bool:
        """Whether the group tells any two hypotheses apart."""
        return min(self.relative.values()) < 0.5


def supports(evidence: Iterable[Evidence], ids: Sequence[str]) -> tuple[Support, ...]:
    """Join the probes of each group: their log likelihoods add up, as facts read from one source."""
    summed: dict[Group, dict[str, float]] = {}
    known: dict[Group, float] = {}
    for row in evidence:
        if row.log_likelihood:
            total = summed.setdefault(row.group, dict.fromkeys(ids, 0.0))
            if row.spoofability is not None:
                known[row.group] = min(row.spoofability, known.get(row.group, 1.0))
            for variant in ids:
                total[variant] += row.log_likelihood.get(variant, 0.0)
    joined = []
    for group, total in summed.items():
        best = max(total.values())
        relative = {variant: math.exp(value - best) for variant, value in total.items()}
        joined.append(Support(group, relative, known.get(group)))
    return tuple(joined)


def posterior(groups: Iterable[Support], hypotheses: Hypotheses) -> dict[str, float]:
    """P(variant | evidence), summing to 1.

    Each group is a two-component mixture: with chance ε what it shows was made to look like its
    best-fitting hypothesis whatever the model is, otherwise it is honest:
    P(group | variant) ∝ (1 - ε) · L(variant) / max L + ε. So no group can speak louder than 1/ε.
    ε is ``FORGED_UP`` for a variant worth less than what is shown, ``FORGED_DOWN`` for one worth more.
    The groups of ``LADDER`` are forged together, from the lowest rung up to some height.
    """
    groups = tuple(groups)
    worth = {variant.id: _WORTH[variant.kind] for variant in hypotheses.variants} | {UNKNOWN: _WORTH["other"]}
    log_weight = {variant.id: math.log(variant.prior) for variant in hypotheses.variants}
    log_weight[UNKNOWN] = math.log(_UNKNOWN_PRIOR)
    shown = {support.group: _shown(support, worth) for support in groups}
    rungs = [support for group in LADDER for support in groups if support.group == group]
    for support in groups:
        if support.group in LADDER:
            continue
        # Nobody rebuilds headers to sell one small model as another: tensors are forged towards full size.
        floor = _WORTH["relative"] if support.group == "weights" else 0
        for variant in log_weight:
            up = worth[variant] < shown[support.group] and shown[support.group] >= floor
            forged = support.spoofability or (FORGED_UP if up else FORGED_DOWN)[support.group]
            log_weight[variant] += math.log((1 - forged) * support.relative[variant] + forged)
    if rungs:
        for variant in log_weight:
            log_weight[variant] += math.log(_climbed(variant, worth[variant], rungs, shown))
    best = max(log_weight.values())
    weight = {variant: math.exp(value - best) for variant, value in log_weight.items()}
    total = sum(weight.values())
    return {variant: value / total for variant, value in weight.items()}


_RELATIVE_DISGUISED = 0.2
"""A relative has the full model's vocabulary: whoever sells V3 as R1 has next to nothing to disguise. Judged."""


def _shown(support: Support, worth: Mapping[str, int]) -> int:
    """What the best-fitting hypothesis is worth."""
    return max(worth[name] for name, value in support.relative.items() if value >= 0.5)


def _climbed(variant: str, own: int, rungs: Sequence[Support], shown: Mapping[Group, int]) -> float:
    """P(all rungs | variant): the sum over how many of them, from the bottom, were forged."""
    total, reached, below = 0.0, 1.0, 0
    honest = [math.prod(support.relative[variant] for support in rungs[height:]) for height in range(len(rungs) + 1)]
    for height, support in enumerate(rungs):
        climb = CLIMB_UP if own < shown[support.group] else CLIMB_DOWN
        # A rung that nobody saw still has to be climbed.
        chance = math.prod(climb[group] for group in LADDER[below : LADDER.index(support.group) + 1])
        if own == _WORTH["relative"] < shown[support.group]:
            chance *= _RELATIVE_DISGUISED
        below = LADDER.index(support.group) + 1
        total += reached * (1 - chance) * honest[height]
        reached *= chance
    return total + reached * honest[len(rungs)]


_WORTH: Mapping[VariantKind, int] = {"full": 3, "relative": 2, "distilled": 1, "other": 0}
"""What a seller gains by: forgeries go upwards."""
