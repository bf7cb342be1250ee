"""`reasoning`: whether the model thinks before it answers, and how that shows.

R1 and its distills always do; V3, Qwen2.5 and Llama never; Qwen3 and V3.1 by a switch. So it parts R1 from V3
where both share shape and tokenizer, and a distill from its base.

Cost: the first tokens of an answer that other probes read too. Source: model cards and chat templates.
How it could be fooled: by a prompt that tells a model to think aloud, or by a gateway that hides the thinking;
a model that is cut off while it thinks unseen shows nothing at all, which is telling too.
"""

from __future__ import annotations

import math
import re

from engine.catalog.schema import Variant
from engine.evidence import UNKNOWN, Evidence
from engine.probes.probe import Hypotheses, Observation, Probe
from engine.targets.endpoint import Conversation, Reply

_OPENING = re.compile(
    r"\s*(?:okay|ok|alright|hmm+|hm|so,? the user|the user|first,? the user|let me (?:see|think)|i need to"
    r"|嗯|好的?，|首先，?用户|用户(?:让|发|要|给|问)|我(?:现在)?需要|让我)",
    re.IGNORECASE,
)
_SHARES = {
    "field": {"always": 1.0, "optional": 0.6, "never": 0.01},
    "inline": {"always": 1.0, "optional": 0.6, "never": 0.01},
    "unopened": {"always": 1.0, "optional": 0.5, "never": 0.01},
    "style": {"always": 1.0, "optional": 0.5, "never": 0.05},
    "hidden": {"always": 1.0, "optional": 0.5, "never": 0.1},
    "none": {"always": 0.03, "optional": 0.5, "never": 1.0},
}
"""P(what is seen | how the model thinks), relative to the best. Judged: R1 itself skips its thinking now and
then (its card says so), gateways strip it, and no template makes V3 emit the markers."""
_UNPUBLISHED = 0.4


def observe(conversation: Conversation) -> Observation | None:
    """How thinking showed, and how the answer began."""
    replies = [reply for reply in conversation.replies if reply.refused is None and not reply.forced and not reply.raw]
    seen = [(how(reply), reply) for reply in replies if reply.generated or reply.finish == "length"]
    if not seen:
        return None
    order = list(_SHARES)
    shown, reply = min(seen, key=lambda entry: order.index(entry[0]))
    return {"how": shown, "begins": reply.generated[:120], "replies": len(seen)}


def how(reply: Reply) -> str:
    """The way in which a reply shows thinking."""
    text = reply.text.lstrip()
    if reply.reasoning:
        return "field"
    if text.startswith("<think>"):
        return "inline"
    if "</think>" in text:
        return "unopened"
    if not text:
        return "hidden"
    return "style" if _OPENING.match(text) else "none"


def score(observation: Observation, hypotheses: Hypotheses) -> Evidence:
    """Each variant's likelihood by how it is published to think."""
    shares = _SHARES[observation["how"]]
    likelihood = {variant.id: _log_share(variant, shares) for variant in hypotheses.variants}
    likelihood[UNKNOWN] = math.log(_UNPUBLISHED)
    return Evidence(
        probe="reasoning",
        group="behaviour",
        observation=observation,
        log_likelihood=likelihood,
        expected={variant.id: variant.thinks for variant in hypotheses.family() if variant.thinks},
        values={"begins": observation["begins"] or "–", "form": observation["how"]},
    )


def _log_share(variant: Variant, shares: dict[str, float]) -> float:
    return math.log(shares[variant.thinks] if variant.thinks else _UNPUBLISHED)


PROBE = Probe("reasoning", observe, score)
