"""`entropy`: how sure the model is of the next token after common, rare and unusual beginnings of sentences.

The article (§4.2) takes the entropy of the output distribution, H = -Σ p ln p, for a sign of distillation. On
its own it separates nothing: it depends on the sentence and on how many alternatives a server gives. So each
sentence is compared with the value that a reference has for it, as a normal deviate; without references it is
reported. Mean entropies by kind of sentence are shown.

Of files, a forward pass gives the same: exactly, and over the whole vocabulary too.

Cost: twelve requests of one completion token; of files, what `attention` has run. How it could be fooled: by a
gateway that makes logprobs up.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import fmean

from engine.evidence import UNKNOWN, Evidence
from engine.probes.lineage import roots_of
from engine.probes.logprobs import entropy_of
from engine.probes.probe import Hypotheses, Observation, Probe, log_mean
from engine.questions.sentences import load_sentences
from engine.targets.endpoint import Conversation

_SPREAD = 0.15
"""Standard deviation, in nats, of a value from its reference: quantisation and batching. Judged."""
_ANYBODY = 0.8
"""The same for a model nobody recorded: other models are about as sure, on other sentences. Judged."""
_KIN = 0.4
"""The same for another release from the reference's base, where the weights themselves were run. Judged."""
_PRIVATE = 0.05
"""Chance that what the catalog does not know is such a release too. Judged, as in `lineage`."""
_WEIGHT = 0.5
"""Sentences are not independent: their log likelihoods count half."""


def observe(conversation: Conversation) -> Observation | None:
    """Entropy in nats by sentence, over the alternatives that the server gave."""
    found = {
        reply.ask.partition(":")[2]: entropy_of(reply.alternatives[0])
        for reply in conversation.of("entropy:")
        if reply.alternatives and len(reply.alternatives[0]) > 1
    }
    return {"entropies": found} if found else None


def observe_pass(seen: Mapping[str, Observation]) -> Observation | None:
    """What a forward pass saw: beside ``entropies``, ``full`` over the whole vocabulary."""
    return seen.get("entropy")


def score(observation: Observation, hypotheses: Hypotheses) -> Evidence:
    """Each variant's likelihood by its reference; variants without one share that of an unknown model, or of a relative
    where they have the nearest reference's base."""
    entropies: dict[str, float] = observation["entropies"]
    recorded = {entry.variant: entry.entropies for entry in hypotheses.references if entry.entropies}
    of_weights = "full" in observation
    likelihood: dict[str, float] = {}
    if recorded:
        nearest = max(recorded, key=lambda variant: _log_likelihood(entropies, recorded[variant], _ANYBODY))
        anybody = _log_likelihood(entropies, recorded[nearest], _ANYBODY)
        # At an endpoint prompts and rounding differ as much as releases do.
        kin = _log_likelihood(entropies, recorded[nearest], _KIN) if of_weights else anybody
        roots = roots_of(hypotheses.variants)
        for variant in hypotheses.ids:
            if (own := recorded.get(variant)) is not None:
                likelihood[variant] = _log_likelihood(entropies, own, _SPREAD)
            elif variant == UNKNOWN:
                likelihood[variant] = log_mean(anybody, kin, _PRIVATE)
            else:
                likelihood[variant] = kin if roots[variant] == roots[nearest] else anybody
    kinds = {sentence.id: sentence.kind for sentence in load_sentences()}
    by_kind = {
        kind: [value for name, value in entropies.items() if kinds.get(name) == kind]
        for kind in ("common", "rare", "unusual")
    }
    return Evidence(
        probe="entropy",
        group="values" if of_weights else "ability",
        observation=observation,
        log_likelihood=likelihood,
        values={
            "sentences": len(entropies),
            **{kind: f"{fmean(values):.2f}" if values else "–" for kind, values in by_kind.items()},
            "form": "_".join(["weights"] * of_weights + ["alone"] * (not recorded)),
        },
    )


def _log_likelihood(seen: dict[str, float], reference: dict[str, float], spread: float) -> float:
    """Normal log density of the differences, tails cut at four deviations."""
    common = seen.keys() & reference.keys()
    deviates = [min(abs(seen[name] - reference[name]) / spread, 4.0) for name in common]
    return _WEIGHT * sum(-0.5 * deviate**2 - math.log(spread) for deviate in deviates)


PROBE = Probe("entropy", observe, score)
FORWARD_PROBE = Probe("entropy", observe_pass, score)
