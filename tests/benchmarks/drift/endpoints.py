"""Endpoints by the logits of their model: what a check would see of them, without a server.

A model is, for each prompt, the logits of its candidates; a swap moves each by a normal amount of a standard deviation
``delta`` (nats). Servers are not deterministic at temperature 0: who else is in the batch moves the sums a little, in a few
discrete ways (Yuan et al., "Understanding and Mitigating Numerical Sources of Nondeterminism in LLM Inference",
arXiv 2506.09501); here one of some batch shapes, each with a shift of its own, and rarely a larger one. Which shape it is
follows the load, so answers are not quite exchangeable over a day. ``tiny_change.py`` measured these sizes with Gemma 3 270M on
llama.cpp: two to four shapes a prompt, 0.003 to 0.01 nats apart; 8-bit weights move logits by a standard deviation of 0.09,
4-bit ones (Q4_0, rounded to nearest) by 0.67, two of 18 layers left out by 0.69, 64 steps of training by 0.84. Larger models
lose less by coarser weights, so ``DELTAS`` are half of what was measured: harder to find; that of a distill, whose likeliest
tokens are others altogether, is assumed.
Load: a daily cycle and bursts multiply the time to the first token; a failed request is asked again, and only takes longer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import numpy as np

from engine.behaviour.asking import prompt
from engine.behaviour.records import Prompt
from engine.drift.records import Seen

DELTAS = {"int8": 0.04, "int4": 0.3, "distill": 2.5}
TOP, BATCHES, TEXT = 20, 4, 32
COST = {"first": 21, "border": 21, "text": 20 + TEXT}


@dataclass(frozen=True, slots=True)
class Nature:
    """What kind of endpoint it is: ``logprobs`` offered or only text; ``noise`` of a batch in nats; ``busy`` hours."""

    logprobs: bool
    noise: float
    busy: float


@dataclass(frozen=True, slots=True)
class Swap:
    """What an endpoint is swapped for: by how much its logits move; ``share`` of the requests that reach the other model;
    whether its tokenizer counts otherwise."""

    name: str
    delta: float
    share: float = 1.0
    counts: bool = False


SWAPS = (
    Swap("distill", DELTAS["distill"], counts=True),
    Swap("distill, counts kept", DELTAS["distill"]),
    Swap("FP8 to INT4", DELTAS["int4"]),
    Swap("20 % distill", DELTAS["distill"], share=0.2),
    Swap("20 % INT4", DELTAS["int4"], share=0.2),
)


class Endpoint:
    """One endpoint, from before a swap to after it."""

    def __init__(self, nature: Nature, seed: int, swap: Swap | None = None) -> None:
        self.random, draw = Random(seed), np.random.default_rng(seed)
        self.nature, self.swap, self.swapped, self.hour = nature, swap, False, 0.0
        ways = ["first"] * 12 if nature.logprobs else ["border"] * 24
        self.prompts: tuple[Prompt, ...] = tuple(
            _made(number, way) for number, way in enumerate([*ways, *["text"] * 5])
        )
        delta = swap.delta if swap is not None else 0.0
        self.logits: dict[str, tuple[list[float], list[float]]] = {}
        self.shifts: dict[str, list[list[float]]] = {}
        for number, one in enumerate(self.prompts):
            size = TEXT if one.way == "text" else TOP
            if one.way == "text":
                base = draw.exponential(1.5, size)  # how far each token is ahead of the next best
            else:
                ahead = draw.uniform(0, 0.05) if number % 3 == 0 else draw.exponential(1.5)
                base = np.concatenate([[0.0], -ahead - np.cumsum(draw.exponential(0.4, size - 1))])
            moved = base + draw.normal(0, delta * (math.sqrt(2) if one.way == "text" else 1.0), size)
            self.logits[one.id] = (base.tolist(), moved.tolist())
            scale = nature.noise * (math.sqrt(2) if one.way == "text" else 1.0)
            self.shifts[one.id] = draw.normal(0, scale, (BATCHES, size)).tolist()
        self.told: dict[tuple[str, bool, int, float], Seen] = {}
        self.counts = {one.id: int(draw.integers(18, 40)) for one in self.prompts}

    def seen(self, one: Prompt) -> list[Seen]:
        """What a reply to a prompt shows."""
        random = self.random
        other = self.swapped and self.swap is not None and random.random() < self.swap.share
        load = 1 + math.sin(self.hour / 24 * 2 * math.pi)
        # One batch shape is the usual one; busy hours bring others.
        batch = 0 if random.random() > 0.3 * self.nature.busy * load else random.randrange(1, BATCHES)
        more = 5.0 if random.random() < 0.002 else 1.0
        count = self.counts[one.id] + (3 if other and self.swap is not None and self.swap.counts else 0)
        case = (one.id, other, batch, more)
        if case not in self.told:
            self.told[case] = _told(one, self.logits[one.id][other], self.shifts[one.id][batch], more)
        found = [self.told[case], Seen(f"count:{one.id}", "identity", str(count))]
        busy = 1 + self.nature.busy * load
        wait = 0.25 * busy * (1 + random.expovariate(3)) + (2.0 if random.random() < 0.02 * busy else 0.0)
        return [*found, Seen("seconds:first", "service", math.log(wait))]


def _told(one: Prompt, logits: Sequence[float], shift: Sequence[float], more: float) -> Seen:
    if one.way == "text":
        lost = (at for at, (ahead, by) in enumerate(zip(logits, shift, strict=True)) if ahead + by * more < 0)
        at = next(lost, None)
        return Seen(f"text:{one.id}", "distribution", "=" if at is None else str(4 * at))
    found = [logit + by * more for logit, by in zip(logits, shift, strict=True)]
    if one.way == "border":
        return Seen(f"border:{one.id}", "distribution", str(max(range(TOP), key=found.__getitem__)))
    top = max(found)
    norm = top + math.log(math.fsum(math.exp(value - top) for value in found))
    return Seen(f"first:{one.id}", "distribution", {str(at): value - norm for at, value in enumerate(found)})


def _made(number: int, way: str) -> Prompt:
    return prompt(f"{way} {number}", way, "chat", TEXT if way == "text" else 1)  # type: ignore[arg-type]


def stable(seed: int) -> Nature:
    """The nature of the endpoint with this number: they differ in what they offer, how noisy and how busy they are."""
    random = Random(seed)
    return Nature(seed % 2 == 0, random.choice((0.0, 0.01, 0.03)), random.uniform(0, 1))
