"""Asking the same again and again: is every request answered by the same model?"""

from __future__ import annotations

import asyncio
from random import Random

from engine.probes.probe import Hypotheses
from engine.probes.routing import observe, share_of
from engine.probes.token_ids import repeats
from engine.questions.asking import forced_ask, repeat_ask
from engine.targets.endpoint import Ask, Conversation
from engine.targets.talk import Talk

ENOUGH = 60
"""Requests after which a tenth would have shown itself with 99.8 % (1 - 0.9^60)."""
_LITTLE, _PAST_HIDDEN_THOUGHT = 12, 220
"""Characters that show no tokenizer; and tokens that suffice to answer after a thought that is kept hidden."""
MEASURED = 30
"""Replies from which its share is known to some 15 points either way."""


async def look_for_mixture(talk: Talk, hypotheses: Hypotheses, random: Random, *, most: int = ENOUGH) -> None:
    """Put the cheapest telling ask until a mixture is clear and measured, ``most`` replies were seen, the budget is
    spent, or what comes back shows nothing."""
    before = -1
    while True:
        seen = observe(talk.conversation)
        count = len(seen["replies"]) if seen else 0
        if seen is not None and count >= min(most, MEASURED) and share_of(seen, hypotheses).clear:
            return
        if count >= most or count == before:
            return
        before = count
        batch = [
            _ask(talk.conversation, random) for _ in range(min(talk.conversation.endpoint.concurrency, most - count))
        ]
        if not talk.affords(batch[0], len(batch)):
            return
        replies = await asyncio.gather(*(talk.ask(ask) for ask in batch))
        if all(reply.refused for reply in replies):
            return


def _ask(conversation: Conversation, random: Random) -> Ask:
    """A forced token where that works; else a text to repeat, since digits to continue part no Llama from DeepSeek."""
    if any(reply.forced and repeats(reply.generated) for reply in conversation.of("long")):
        return forced_ask(random)
    shown = [len(reply.generated.strip()) for reply in conversation.of("repeat")]
    hidden = sum(length < _LITTLE for length in shown) > len(shown) / 2
    return repeat_ask(random, tokens=_PAST_HIDDEN_THOUGHT) if hidden else repeat_ask(random)
