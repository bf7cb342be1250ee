"""How much a check asks: little where all is as usual, more while it is not. Pure.

The test may be looked at after every answer, so asking on as long as the evidence is unusual costs no certainty: what a
chance outlier brought is lost again within a few answers, and a change is certain within some tens.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random

from engine.behaviour.records import Prompt
from engine.drift import monitor
from engine.drift.records import Monitor

QUIET = 2
QUIET_TOKENS = 200
_TEXTS_TOO, _TEXTS_EACH = 0.25, 4
BEGIN, CALM = 3.0, 0.3
"""Recent evidence for a change, in nats: from which a check asks on, and below which it is content."""
MOST_REQUESTS, MOST_TOKENS = 200, 5_000
"""What one check asks at most, whatever it sees."""


def quiet(prompts: Sequence[Prompt], random: Random) -> tuple[Prompt, ...]:
    """What a check asks first. With logprobs two short prompts, now and then a text instead of one, which shows how fast
    tokens come. Without them texts, which nearly any change of the weights turns aside somewhere. Drawn by chance, as the
    ranks want it."""
    ways = {way: [one for one in prompts if one.way == way] for way in ("first", "text", "border")}
    if ways["first"] and random.random() < _TEXTS_TOO:
        chosen = [*_drawn(ways["first"], 1, random), *_drawn(ways["text"] or ways["first"], 1, random)]
    else:
        chosen = _drawn(ways["first"] or ways["text"] or ways["border"], QUIET, random)
    if len(chosen) < QUIET:
        chosen += _drawn([one for one in prompts if one not in chosen], QUIET - len(chosen), random)
    return tuple(chosen) if sum(one.tokens for one in chosen) <= QUIET_TOKENS else tuple(chosen[:1])


def _drawn(prompts: Sequence[Prompt], most: int, random: Random) -> list[Prompt]:
    return random.sample(prompts, min(len(prompts), most))


def further(
    prompts: Sequence[Prompt], asked: Sequence[Prompt], random: Random, *, turned: bool = False
) -> Prompt | None:
    """What it asks next, each prompt as often as the others of its kind: logprobs where there are any; else short prompts and
    texts by turns, for a change may show in the one and hardly in the other.

    Args:
        turned: a text became another than usual: texts are asked first, for logprobs show no change of sampling.
    """
    counts = Counter(one.id for one in asked)
    texts = [one for one in prompts if one.way == "text" and counts[one.id] < _TEXTS_EACH]
    firsts = [one for one in prompts if one.way == "first"]
    borders = [one for one in prompts if one.way == "border"]
    kind = (texts if turned else []) or firsts or (texts if len(asked) % 2 == 0 else borders) or borders or texts
    fewest = min((counts[one.id] for one in kind), default=0)
    least = [one for one in kind if counts[one.id] == fewest]
    return random.choice(least) if least else None


def asks_on(monitors: Sequence[Monitor], asked: Sequence[Prompt], *, escalated: bool) -> bool:
    """Whether what was seen is worth asking more.

    Args:
        escalated: it asked on already.
    """
    if len(asked) >= MOST_REQUESTS or sum(one.tokens for one in asked) >= MOST_TOKENS:
        return False
    if any(monitor.is_changed(one) for one in monitors):
        return False
    return max(monitor.recent(one) for one in monitors) >= (CALM if escalated else BEGIN)
