"""Recording a reference: the same facts and kinds of problems that identifications will ask, twice over."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime
from random import Random
from typing import Any
from urllib.parse import urlsplit

import engine
from engine.behaviour.checking import record_behaviour
from engine.behaviour.codec import to_json
from engine.behaviour.finding import FIRST
from engine.catalog import family_with
from engine.errors import TargetError
from engine.identification import OnProgress, Progress
from engine.probes import capability, entropy, speed
from engine.probes.knowledge import answers_in
from engine.questions.deep import RECORDED, facts_asks, problems_ask
from engine.questions.sentences import sentence_asks
from engine.references import Reference
from engine.targets.endpoint import Ask, Budget, Conversation, Endpoint
from engine.targets.talk import Talk
from engine.targets.target import Cost

RECORDING = Budget(tokens=400_000, requests=200, seconds=3_600.0)
"""What a recording may spend unless told otherwise; a reasoning model thinks long before it answers ten facts."""
_REPEATS, _PROBLEMS = 2, 8
_FEWEST = 30


def record(
    endpoint: Endpoint, variant: str, *, budget: Budget | None, on_progress: OnProgress | None
) -> dict[str, Any]:
    """See ``engine.record_reference``."""
    family_with(variant)
    report = on_progress or (lambda progress: None)
    said = asyncio.run(_put_all(endpoint, budget or RECORDING, report))
    facts = _facts(said)
    if len(facts) < _FEWEST:
        raise TargetError("reference_too_little", host=urlsplit(endpoint.url).hostname or "?", read=len(facts))
    behaviour, cost = record_behaviour(said.endpoint, _left(budget, said.cost), on_progress)
    levels = (capability.observe(said) or {"levels": {}})["levels"]
    return Reference(
        variant=variant,
        facts=facts,
        problems={level: (entry[0], entry[1]) for level, entry in levels.items()},
        entropies=(entropy.observe(said) or {"entropies": {}})["entropies"],
        behaviour=to_json(behaviour) if behaviour is not None else {},
        speed=speed.observe(said) or {},
        host=urlsplit(endpoint.url).hostname or "",
        created=datetime.now(UTC).date().isoformat(),
        engine_version=engine.__version__,
        requests=said.cost.requests + cost.requests,
        prompt_tokens=said.cost.prompt_tokens + cost.prompt_tokens,
        completion_tokens=said.cost.completion_tokens + cost.completion_tokens,
    ).model_dump(mode="json")


def _left(budget: Budget | None, spent: Cost) -> Budget:
    """What may be spent on how it answers short prompts: no more than is left of what somebody allowed."""
    if budget is None:
        return FIRST
    tokens = budget.tokens - spent.prompt_tokens - spent.completion_tokens
    return Budget(
        tokens=min(tokens, FIRST.tokens),
        requests=min(budget.requests - spent.requests, FIRST.requests),
        seconds=min(budget.seconds - spent.seconds, FIRST.seconds),
    )


async def _put_all(endpoint: Endpoint, budget: Budget, report: OnProgress) -> Conversation:
    random = Random(0)
    asks: list[Ask] = [ask for _ in range(_REPEATS) for ask in facts_asks(RECORDED, random)]
    asks += [problems_ask(level, _PROBLEMS, random) for level in (4, 5, 6)]
    asks += sentence_asks()
    async with Talk(endpoint, budget) as talk:
        for at in range(0, len(asks), endpoint.concurrency):
            report(Progress("facts", at, len(asks)))
            batch = sorted(asks[at : at + endpoint.concurrency], key=lambda ask: ask.prompt_tokens + ask.max_tokens)
            while batch and not talk.affords(batch[-1], len(batch)):
                batch.pop()
            await asyncio.gather(*(talk.ask(ask) for ask in batch))
        report(Progress("verdict", len(asks), len(asks)))
        return talk.conversation


def _facts(said: Conversation) -> dict[str, dict[str, int]]:
    """Answers by fact with how often each came, unreadable ones left out."""
    counts: dict[str, Counter[str]] = {}
    for reply in said.of("facts:"):
        for fact, answer in answers_in(reply):
            if answer is not None:
                counts.setdefault(fact, Counter())[str(answer)] += 1
    return {fact: dict(found) for fact, found in counts.items()}
