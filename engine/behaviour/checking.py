"""One check of an endpoint: what it is asked, and what is remembered for the next one."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from random import Random

from engine.behaviour import escalating
from engine.behaviour.asking import plain, seen_in
from engine.behaviour.finding import FIRST, REPEATS, TEXT_REPEATS, Found, OnStep, find, learn, put
from engine.behaviour.judging import ALPHA, Look, change_seen, compared, differing, state_of
from engine.behaviour.records import Behaviour, Check, Prompt, Watched
from engine.drift import monitor as test
from engine.drift.records import TELLING, LookRecord, Seen, State
from engine.errors import TargetError
from engine.identification import OnProgress, Progress
from engine.inquiry import choose_model
from engine.targets.endpoint import Budget, Endpoint, Reply
from engine.targets.talk import Talk
from engine.targets.target import Cost

AGAIN = Budget(tokens=9_000, requests=400, seconds=600.0)
"""What a check may spend where it finds a change, and has to learn how the endpoint answers now. A quiet one takes two
requests, and less than 200 tokens."""
REMEMBERED = 60
"""Checks among which a change is dated."""
_NOT_OFFERED = (400, 404, 405, 415, 422, 501)
_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)


def check(
    endpoint: Endpoint,
    watched: Watched | None,
    *,
    reference: Behaviour | None,
    budget: Budget | None,
    on_progress: OnProgress | None,
) -> Check:
    """See ``engine.check``."""

    def on_step(done: int, of: int) -> None:
        if on_progress is not None:
            on_progress(Progress("behaviour", done, of))

    if watched is None:
        return asyncio.run(_first(endpoint, reference, budget or FIRST, on_step))
    return asyncio.run(_again(endpoint, watched, budget or AGAIN, on_step))


def record_behaviour(
    endpoint: Endpoint, budget: Budget, on_progress: OnProgress | None
) -> tuple[Behaviour | None, Cost]:
    """How an endpoint answers, to be a part of a reference, and what it took to know; ``None`` where it says nothing to go
    by."""
    try:
        first = check(endpoint, None, reference=None, budget=budget, on_progress=on_progress)
    except TargetError:
        return None, Cost()
    return Behaviour(first.watched.prompts, first.watched.past.bags), first.cost


def accept(watched: Watched) -> Watched:
    """What an endpoint changed into is what it is compared with from now on."""
    reference = None if watched.differs else watched.reference
    return replace(watched, change=None, before={}, differs=False, reference=reference)


async def _first(endpoint: Endpoint, given: Behaviour | None, budget: Budget, on_step: OnStep) -> Check:
    seed, at = secrets.randbits(32), datetime.now(UTC)
    random = Random(seed)
    async with Talk(endpoint, budget) as talk:
        if not endpoint.model:
            await choose_model(talk)
        found = await _as_recorded(talk, given, random, on_step) if given is not None else None
        reference = given if found is not None else None
        lacks = ("reference",) if given is not None and found is None else ()
        found = found or await find(talk, random, on_step)
        alpha = ALPHA if reference is None else ALPHA / 2
        look = Look(
            test.learn(test.begin(seed, alpha, _day(at)), _lasting(found.seen)),
            test.new_look(test.from_bags(reference.bags, seed + 1, alpha)) if reference is not None else None,
        )
        look.reference = compared(look.reference, found.seen)
        differs = look.reference is not None and test.is_changed(look.reference)
        record = _record(look, talk, at, "changed" if differs else "begun", [])
        change = None
        if differs and reference is not None and look.reference is not None:
            change = differing(reference.bags, look.reference, found.seen, [record])
        kept = Watched(
            found.prompts, look.past, look.reference, change=change, differs=differs, recent=(record,),
            lacks=(*lacks, *found.lacks), model=talk.conversation.endpoint.model,
            refused=tuple(sorted(talk.dialect.refused)),
        )  # fmt: skip
        return Check(kept, record, change, cost=talk.cost())


async def _as_recorded(talk: Talk, reference: Behaviour, random: Random, on_step: OnStep) -> Found | None:
    """The prompts of a reference, put as often as a first check puts its own; ``None`` where they cannot be put here."""
    prompts, seen = await learn(talk, _learning(reference.prompts), random, on_step)
    told = {one.stream for one in seen if one.signal == "distribution"}
    return Found(prompts, seen, ()) if 2 * len(told) > len(reference.prompts) else None


async def _again(endpoint: Endpoint, watched: Watched, budget: Budget, on_step: OnStep) -> Check:
    at = datetime.now(UTC)
    random = Random(watched.past.seed * 1_000_003 + watched.past.bets * 31 + watched.past.looks)
    async with Talk(endpoint if endpoint.model else replace(endpoint, model=watched.model), budget) as talk:
        talk.dialect.refused.update(watched.refused)
        reference = watched.reference if not watched.differs else None
        look = Look(test.new_look(watched.past, _day(at)), test.new_look(reference) if reference is not None else None)
        try:
            replies, escalated = await _asked(talk, watched, look, random, on_step)
        except TargetError as error:
            if not _is_not_offered(error):
                raise
            replies, escalated = [], False  # What it offered before, it may offer no longer, and answer all the same.
        state = state_of(watched, look)
        record = _record(look, talk, at, state, replies)
        kept = replace(watched, past=look.past, recent=(*watched.recent, record)[-REMEMBERED:])
        kept = replace(kept, refused=tuple(sorted(talk.dialect.refused)))
        kept = replace(kept, reference=look.reference) if look.reference is not None else kept
        if state not in TELLING:
            if not any(one.signal == "distribution" for one in look.seen):
                kept = await _found_anew(talk, kept, random, on_step)
            return Check(kept, record, watched.change, escalated=escalated, cost=talk.cost())
        change = change_seen(watched, look, kept.recent)
        if change.against == "reference":
            kept = replace(kept, change=change, differs=True)
        elif state == "recovered":
            kept = _as_before(watched, kept, look)
        else:
            kept = await _as_now(talk, watched, kept, look, random, on_step)
            kept = replace(kept, change=change)
        return Check(kept, record, change, escalated=escalated, cost=talk.cost())


async def _asked(talk: Talk, watched: Watched, look: Look, random: Random, on_step: OnStep) -> tuple[list[Reply], bool]:
    """Put two prompts, and more for as long as what they show is unusual."""
    batch: list[Prompt] = list(escalating.quiet(watched.prompts, random))
    asked, replies, escalated = list(batch), list[Reply](), False
    while batch:
        found = await put(talk, batch, on_step)
        for one, reply in found:
            replies.append(reply)
            if one.usual and not plain(reply.generated).startswith(one.usual):
                look.said[one.id] = plain(reply.generated)[: len(one.usual)]
            look.take(seen_in(one, reply))
        if not found or not escalating.asks_on(look.monitors, asked, escalated=escalated):
            break
        escalated, batch = True, []
        for _ in range(talk.conversation.endpoint.concurrency):
            one_more = escalating.further(watched.prompts, asked, random, turned=bool(look.said))
            if one_more is not None:
                batch.append(one_more)
                asked.append(one_more)
    return replies, escalated


def _is_not_offered(error: TargetError) -> bool:
    return error.code == "endpoint_not_found" or error.values.get("status") in _NOT_OFFERED


async def _found_anew(talk: Talk, kept: Watched, random: Random, on_step: OnStep) -> Watched:
    """Other prompts, where those that there are tell no more: no logprobs come any longer, or no text is continued. What
    was seen before goes on being compared with, as far as it is still asked."""
    found = await find(talk, random, on_step)
    known = {one.id: one for one in kept.prompts}
    new = [one for one in _lasting(found.seen) if one.stream not in kept.past.bags]
    return replace(
        kept,
        prompts=tuple(known.get(one.id, one) for one in found.prompts),
        past=test.learn(kept.past, new),
        lacks=found.lacks,
        refused=tuple(sorted(talk.dialect.refused)),
    )


async def _as_now(talk: Talk, watched: Watched, kept: Watched, look: Look, random: Random, on_step: OnStep) -> Watched:
    """A new test, against how the endpoint answers now, which is learned at once. What it was first is not forgotten."""
    _, seen = await learn(talk, _learning(kept.prompts, shared=2), random, on_step)
    past = test.learn(test.begin(look.past.seed + 1, look.past.alpha, look.past.day), _lasting((*look.seen, *seen)))
    before = watched.before or watched.past.bags
    return replace(kept, past=past, before=before, recent=kept.recent[-1:])


def _as_before(watched: Watched, kept: Watched, look: Look) -> Watched:
    """A new test, against what the endpoint was before the change that is over."""
    begun = test.from_bags(watched.before, look.past.seed + 1, look.past.alpha)
    past = replace(test.learn(begun, _lasting(look.seen)), day=look.past.day)
    return replace(kept, past=past, before={}, change=None, recent=kept.recent[-1:])


def _learning(prompts: Sequence[Prompt], shared: int = 1) -> list[Prompt]:
    """Prompts as often as they are put to know what is usual, or a part of that."""
    return [one for one in prompts for _ in range((TEXT_REPEATS if one.way == "text" else REPEATS) // shared)]


def _lasting(seen: Sequence[Seen]) -> list[Seen]:
    """What may be learned at once: how fast an endpoint is differs from day to day."""
    return [one for one in seen if one.signal != "service"]


def _record(look: Look, talk: Talk, at: datetime, state: State, replies: Sequence[Reply]) -> LookRecord:
    cost = talk.cost()
    paces = [(reply.times[-1] - reply.times[0]) / (len(reply.times) - 1) for reply in replies if len(reply.times) > 8]
    return LookRecord(
        at=at.isoformat(timespec="seconds"),
        state=state,
        log_e=_rounded(test.log_e(look.past)),
        p=dict(look.p),
        reference_log_e=_rounded(test.log_e(look.reference)) if look.reference is not None else {},
        requests=cost.requests,
        tokens=cost.prompt_tokens + cost.completion_tokens,
        seconds=round(sum(reply.seconds for reply in replies) / len(replies), 4) if replies else None,
        tokens_per_second=round(1 / max(min(paces), 1e-6), 2) if paces else None,
    )


def _rounded(found: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in found.items()}


def _day(at: datetime) -> int:
    return (at - _EPOCH).days
