"""One forward pass over the shipped sentences, and what it shows: attention, and how sure the model is of what comes
next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from engine.backends.jobs import Outcome
from engine.probes.logprobs import entropy_of
from engine.questions.sentences import ALTERNATIVES, load_sentences
from engine.targets import open_target
from engine.targets.target import Finding
from engine.weights.heads import Gallery
from engine.weights.prompts import Prompt
from engine.weights.store import TensorStore
from engine.weights.tokens import cutter

_DIGITS = 4


def look(
    spec: str,
    *,
    device: str = "cpu",
    budget: int | None = None,
    dtype: str | None = None,
    report: Callable[[int, int], None] | None = None,
) -> Outcome:
    """Run the model at ``spec`` over the sentences, once.

    Args:
        device, budget, dtype, report: as ``engine.weights.streaming.forward``.

    Returns:
        Observations of the probes ``attention`` and, where the model predicts tokens, ``entropy``.

    Raises:
        TargetError: it has no weights, no tokenizer, or an architecture that cannot be run.
        CorruptTarget: its files contradict each other.
    """
    from engine.weights.streaming import forward

    target = open_target(spec)
    cut = cutter(target)
    prompts = [Prompt(sentence.id, tuple(cut(sentence.text))) for sentence in load_sentences()]
    gallery = Gallery()
    with TensorStore(target) as store:
        passed = forward(store, prompts, device=device, budget=budget, dtype=dtype, on_maps=gallery.hang, report=report)
    found = {"attention": gallery.observation(), "entropy": entropies(passed.logits)}
    return Outcome(
        observations={probe: seen for probe, seen in found.items() if seen is not None},
        notes=tuple(Finding(code, values) for code, values in passed.notes),
        device=passed.device,
        bytes_read=passed.bytes_read,
    )


def entropies(logits: Mapping[str, torch.Tensor]) -> dict[str, Any] | None:
    """Entropy in nats of the next token, by sentence: over as many of the best alternatives as endpoints are asked
    for, and over the whole vocabulary. ``None``: no sentence has finite logits.

    Args:
        logits: by sentence, [vocabulary], of the last position.
    """
    best, full = {}, {}
    for name, values in sorted(logits.items()):
        if not bool(values.isfinite().all()):
            continue
        logprobs = values.double().log_softmax(0)
        top = logprobs.topk(min(ALTERNATIVES, len(logprobs))).values.tolist()
        best[name] = round(entropy_of({str(place): value for place, value in enumerate(top)}), _DIGITS)
        full[name] = round(float(-(logprobs.exp() * logprobs).sum()), _DIGITS)
    return {"entropies": best, "full": full} if best else None
