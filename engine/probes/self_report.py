"""`self_report`: who the model says it is.

Cost: one short answer. Recorded, never decisive: hidden prompts dictate it, distills call themselves
DeepSeek-R1, and full models call themselves by whatever their training data did.
"""

from __future__ import annotations

from engine.evidence import Evidence
from engine.probes.probe import Hypotheses, Observation, Probe
from engine.targets.endpoint import Conversation


def observe(conversation: Conversation) -> Observation | None:
    """Its answer, without the thinking."""
    said = [reply.text.rpartition("</think>")[2].strip() for reply in conversation.of("self_report")]
    said = [text for text in said if text]
    return {"said": said[0][:400]} if said else None


def score(observation: Observation, hypotheses: Hypotheses) -> Evidence:
    """Reported; no likelihoods."""
    return Evidence("self_report", "statement", observation, values={"said": observation["said"][:200]})


PROBE = Probe("self_report", observe, score)
