"""`attention`: which heads act, how wide and how far they look, and how alike they are, in one forward pass.

The article (§2.2) holds that a distilled model has fewer heads that act, and takes `last_hidden_state` for
attention weights; those are activations, not maps. Here the maps themselves are read, layer by layer, on the shipped
sentences (engine.weights.heads says what of them, and from which papers). How many heads act tells no full from no
distilled model on its own: it is reported. Compared with a recorded profile, head by head, it shows whether the
weights are those of the reference, also after quantisation and fine-tuning.

Cost: one forward pass over twelve short sentences. How it could be fooled: by weights that compute the same maps,
which are then the model's own in all but form.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from engine.attention_profile import AttentionProfile, apart
from engine.evidence import UNKNOWN, Evidence
from engine.probes.lineage import roots_of
from engine.probes.probe import Hypotheses, Observation, Probe, log_mean

_SPREAD = 0.05
"""Root mean square by which a model's heads differ from its reference. Of all-MiniLM-L6-v2 (tests/benchmarks/heads.py):
0.003 at 8 bits, 0.04 at 4 bits rounded to the nearest, 0.02 with a tenth of the weights' deviation added as noise, 0.07
with three tenths."""
_ANYBODY = 0.25
"""The same for a model of the same shape with weights of its own: 0.24 (all-MiniLM-L6-v2) and 0.28 (Gemma 3 270M)
between a model's heads and the same heads in another order."""
_KIN = 0.1
"""The same for another release from the reference's base: fine-tuning moves heads, and does not replace them. Judged."""
_PRIVATE = 0.05
"""Chance that what the catalog does not know is such a release too. Judged, as in `lineage`."""
_HEADS = 4.0
"""Heads depend on one another: all of them count as so many. Judged."""
_OTHER_SHAPE = math.log(1e-4)
_CUT = 4.0


def observe(seen: Mapping[str, Observation]) -> Observation | None:
    """What a forward pass saw, by probe."""
    return seen.get("attention")


def score(observation: Observation, hypotheses: Hypotheses) -> Evidence:
    """Each variant's likelihood by its recorded profile; variants without one share that of an unknown model, or of a
    relative where they have the nearest reference's base."""
    own = AttentionProfile.of(observation)
    recorded = {entry.variant: entry.attention for entry in hypotheses.references if entry.attention}
    distances = {variant: apart(own, profile) for variant, profile in recorded.items()}
    known = {variant: distance for variant, distance in distances.items() if distance is not None}
    nearest = min(known, key=lambda variant: known[variant], default="")
    likelihood: dict[str, float] = {}
    if recorded:
        nearby = known[nearest] if nearest else _ANYBODY
        anybody, kin = _log_likelihood(nearby, _ANYBODY), _log_likelihood(nearby, _KIN)
        roots = roots_of(hypotheses.variants)
        for variant in hypotheses.ids:
            if variant in known:
                likelihood[variant] = _log_likelihood(known[variant], _SPREAD)
            elif variant in distances:
                likelihood[variant] = anybody + _OTHER_SHAPE
            elif variant == UNKNOWN:
                likelihood[variant] = log_mean(anybody, kin, _PRIVATE if nearest else 0.0)
            else:
                likelihood[variant] = kin if nearest and roots[variant] == roots[nearest] else anybody
    heads = sum(own.shape)
    return Evidence(
        probe="attention",
        group="values",
        observation=observation,
        log_likelihood=likelihood,
        values={
            "layers": observation["layers"],
            "acting": sum(observation["acting"]),
            "heads": heads,
            "different": f"{math.fsum(observation['different']):.0f}",
            "entropy": f"{math.fsum(map(math.fsum, observation['entropy'])) / heads:.2f}",
            "distance": f"{math.fsum(map(math.fsum, observation['distance'])) / heads:.1f}",
            "sink": f"{_mean(observation['sink']):.0%}",
            "nearest": nearest or "–",
            "apart": f"{known[nearest]:.3f}" if nearest else "–",
            "form": "alone" if not recorded else "" if nearest else "shape",
        },
    )


def _log_likelihood(distance: float, spread: float) -> float:
    """Normal log density of the heads' mean distance, tails cut."""
    deviate = min(distance / spread, _CUT)
    return _HEADS * (-0.5 * deviate**2 - math.log(spread))


def _mean(values: list[float]) -> float:
    return math.fsum(values) / len(values)


PROBE = Probe("attention", observe, score)
