"""`long_context`: from how long a text the model still recalls one sentence, and where the server's limit lies.

The article (§3.2) has long texts part full from distilled beyond 512 tokens; so the lengths begin there. Every
variant of the family recalls a needle at these lengths by its card, so it is reported and does not vote; a
context far below the claimed model's is worth knowing to whoever pays for it.

Cost: the length of the text, within the budget. How it could be fooled: a gateway may route long texts to another model.
"""

from __future__ import annotations

from engine.evidence import Evidence
from engine.probes.probe import Hypotheses, Observation, Probe
from engine.questions.answer_sheet import read_numbers
from engine.targets.endpoint import Conversation


def observe(conversation: Conversation) -> Observation | None:
    """Lengths in tokens, each with whether the needle was found; the first length that was refused."""
    found: dict[str, bool] = {}
    refused = None
    for reply in conversation.replies:
        if not reply.ask.startswith("needle:"):
            continue
        _, length, answer = reply.ask.split(":")
        if reply.refused is not None:
            refused = min(int(length), refused or int(length))
        else:
            found[length] = read_numbers(reply.text, 1)[0] == int(answer)
    return {"found": found, "refused": refused} if found or refused else None


def score(observation: Observation, hypotheses: Hypotheses) -> Evidence:
    """Reported; no likelihoods."""
    found = observation["found"]
    return Evidence(
        probe="long_context",
        group="ability",
        observation=observation,
        expected={
            variant.id: f"{variant.shape.max_position_embeddings:,}"
            for variant in hypotheses.family()
            if variant.shape.max_position_embeddings
        },
        values={
            "found": ", ".join(f"{int(length):,}" for length, right in found.items() if right) or "–",
            "missed": ", ".join(f"{int(length):,}" for length, right in found.items() if not right) or "–",
            "refused": f"{observation['refused']:,}" if observation["refused"] else "–",
        },
    )


PROBE = Probe("long_context", observe, score)
