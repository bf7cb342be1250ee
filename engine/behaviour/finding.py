"""Finding what to ask an endpoint: prompts at which it is undecided, so that any change shows, and that cost next to nothing.

Where logprobs are offered, one token in and one out tells how the model weighs all its answers (log probability tracking,
Chauvin et al., arXiv 2512.03816). Where only text comes back: prompts whose two best next tokens are nearly tied, for these
turn over first (border inputs, Chauvin et al., arXiv 2602.11083); some that the model is sure of, whose answer changes only
with the model; and greedy texts of some tens of tokens, which pass many a near tie on their way.

A model that thinks before it answers begins every answer alike: where the server allows, its thinking is closed for it, or
the text is continued without a chat; else its first thoughts are looked at.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

from engine.behaviour.asking import ask_of, candidates, counted, plain, prompt, seen_in, usual_of
from engine.behaviour.records import Form, Prompt
from engine.drift.records import Seen
from engine.errors import TargetError
from engine.targets.endpoint import Budget, Reply
from engine.targets.talk import Talk

OnStep = Callable[[int, int], None]
FIRST = Budget(tokens=16_000, requests=700, seconds=1_200.0)
"""What finding prompts, and knowing how an endpoint usually answers them, may take. Where it may take less, fewer prompts are
tried and kept; each of them is known as well as ever."""
TRIED, TRIED_ALIKE = 60, 3
"""Short prompts that are tried, and how often each where only text comes back."""
UNDECIDED, SURE = 8, 16
"""Prompts that are kept: where answers vary, and where they do not; of logprobs those with the least margins."""
FIRST_KEPT = 12
MUTE = 4
"""Prompts that are kept where no words come back, as where thoughts are hidden: tokens are counted, and a name is told."""
REPEATS = 16
"""How often each prompt that is kept is put, to know what is usual there."""
TEXT_TOKENS, TEXTS_KEPT = 32, 5
TEXT_TRIED, TEXT_REPEATS = 6, 10
"""How often a text is made to find how it always begins, and then how often to know how often it does."""
_THOUGHTS = 6
_SHORTEST_USUAL, _LONGEST_USUAL = 12, 240
"""Characters; servers that write on whatever they are allowed would fill what is remembered."""
_THINKING = ("<think", "[THINK]", "<|channel|>")
_TRIALS: tuple[Form, ...] = ("chat", "closed_think", "raw")


@dataclass(frozen=True, slots=True)
class Found:
    """Prompts, what they showed so far in the order in which it came, and what the server does not offer."""

    prompts: tuple[Prompt, ...]
    seen: tuple[Seen, ...]
    lacks: tuple[str, ...]


async def find(talk: Talk, random: Random, on_step: OnStep) -> Found:
    """Find prompts for an endpoint, and put each often enough to know it.

    Raises:
        TargetError: it cannot be asked, or says nothing to go by.
    """
    form, logprobs, thinks = await _offered(talk)
    lacks = [] if logprobs else ["logprobs"]
    lacks += ["closed_think"] if thinks and form == "chat" else []
    length = _THOUGHTS if thinks and form == "chat" else 1
    share = min(1.0, talk.budget.tokens / FIRST.tokens, talk.budget.requests / FIRST.requests)
    shorts = random.sample(candidates()["short"], _part(TRIED, share))
    tried = [prompt(text, "first" if logprobs else "border", form, length) for text in shorts]
    short = await (_by_margin if logprobs else _by_answers)(talk, tried, share, random, on_step)
    long = [prompt(text, "text", form, TEXT_TOKENS) for text in candidates()["texts"]]
    long = random.sample(long, _part(len(long), share)) if length == 1 else []
    texts = await _texts(talk, long, share, random, on_step)
    lacks += [] if texts or length > 1 else ["texts"]
    learned, seen = await learn(talk, [*short * REPEATS, *texts * TEXT_REPEATS], random, on_step)
    if all(one.signal == "service" for one in seen):
        raise TargetError("behaviour_nothing", host=talk.wire.host)
    lacks += [] if any(one.stream.startswith("count:") for one in seen) else ["usage"]
    return Found(learned, seen, tuple(lacks))


def _part(of: int, share: float) -> int:
    return max(1, round(of * share))


async def learn(
    talk: Talk, order: Sequence[Prompt], random: Random, on_step: OnStep
) -> tuple[tuple[Prompt, ...], tuple[Seen, ...]]:
    """Put prompts in a random order; returns each once, with the tokens that the server counts, and all that they showed.
    As many as the budget allows."""
    replies = await put(talk, random.sample(order, len(order)), on_step, random)
    known = {one.id: counted(one, reply) for one, reply in replies}
    return tuple(known.values()), tuple(seen for one, reply in replies for seen in seen_in(one, reply))


async def put(
    talk: Talk, prompts: Sequence[Prompt], on_step: OnStep, random: Random | None = None
) -> list[tuple[Prompt, Reply]]:
    """The replies to prompts, without those that failed; as many as the budget allows, as many at once as the endpoint takes.

    Args:
        random: draws how many are put at once. Requests that a server computes together round otherwise than one alone, and
            a check may find it idle or not.
    """
    found: list[tuple[Prompt, Reply]] = []
    most, at = talk.conversation.endpoint.concurrency, 0
    while at < len(prompts):
        on_step(at, len(prompts))
        batch = list(prompts[at : at + (random.randint(1, most) if random is not None else most)])
        at += len(batch)
        while batch and not talk.has_left(sum(one.tokens for one in batch), len(batch)):
            batch.pop()
        if not batch:
            break
        replies = await asyncio.gather(*(talk.ask(ask_of(one)) for one in batch), return_exceptions=True)
        failures = [reply for reply in replies if isinstance(reply, BaseException)]
        if len(failures) == len(batch) and not found:
            raise failures[0]
        found += [
            (one, reply)
            for one, reply in zip(batch, replies, strict=True)
            if isinstance(reply, Reply) and reply.refused is None
        ]
    return found


async def _offered(talk: Talk) -> tuple[Form, bool, bool]:
    """How to put prompts so that what comes first is an answer; whether logprobs come with it; whether the model thinks."""
    trials = [prompt("Say one word.", "first", form, 2) for form in _TRIALS]
    reply = await talk.ask(ask_of(trials[0]))
    if reply.refused is not None:
        raise TargetError("behaviour_nothing", host=talk.wire.host)
    if not _thinks(reply):
        return "chat", _has_logprobs(reply), False
    for trial in trials[1:]:
        other = await talk.ask(ask_of(trial))
        if other.refused is None and other.generated and not _thinks(other):
            return trial.form, _has_logprobs(other), True
    return "chat", False, True


def _thinks(reply: Reply) -> bool:
    """Whether it begins with thoughts, shown or, where nothing comes back, hidden."""
    return bool(reply.reasoning) or not reply.generated.strip() or reply.text.lstrip().startswith(_THINKING)


def _has_logprobs(reply: Reply) -> bool:
    return bool(reply.alternatives and len(reply.alternatives[0]) > 1)


async def _by_margin(
    talk: Talk, tried: list[Prompt], share: float, random: Random, on_step: OnStep
) -> tuple[Prompt, ...]:
    """Those at which the two best tokens are nearest to each other, most of them; and some of the others."""
    margins: dict[Prompt, float] = {}
    for one, reply in await put(talk, tried, on_step):
        best = sorted(reply.alternatives[0].values(), reverse=True)[:2] if reply.alternatives else []
        if len(best) > 1:
            margins[one] = best[0] - best[1]
    near = sorted(margins, key=lambda one: (margins[one], one.id))
    kept = _part(FIRST_KEPT, share)
    chosen = near[: (kept * 2 + 2) // 3]
    rest = near[len(chosen) :]
    return (*chosen, *random.sample(rest, min(len(rest), kept - len(chosen))))


async def _by_answers(
    talk: Talk, tried: list[Prompt], share: float, random: Random, on_step: OnStep
) -> tuple[Prompt, ...]:
    """Those whose answer varies, and some of those where it does not."""
    answers: dict[Prompt, Counter[str]] = {}
    order = tried * TRIED_ALIKE
    random.shuffle(order)
    for one, reply in await put(talk, order, on_step):
        answers.setdefault(one, Counter())[reply.generated] += 1
    undecided = [one for one in tried if one in answers and len(answers[one]) > 1]
    sure = [one for one in tried if one in answers and len(answers[one]) == 1]
    if not any(any(said) for said in answers.values()):
        return tuple(sure[:MUTE])
    kept = random.sample(undecided, min(len(undecided), _part(UNDECIDED, share)))
    return (*kept, *random.sample(sure, min(len(sure), _part(UNDECIDED + SURE, share) - len(kept))))


async def _texts(talk: Talk, tried: list[Prompt], share: float, random: Random, on_step: OnStep) -> tuple[Prompt, ...]:
    """Prompts whose texts begin alike each time, with that beginning."""
    order = tried * TEXT_TRIED
    random.shuffle(order)
    replies = await put(talk, order, on_step)
    kept: list[Prompt] = []
    for one in tried:
        said = [plain(reply.generated) for each, reply in replies if each == one]
        usual = usual_of(said)[:_LONGEST_USUAL] if len(said) > 1 else ""
        if len(usual) >= _SHORTEST_USUAL:
            kept.append(replace(one, usual=usual, prompt_tokens=2 * one.prompt_tokens))
    return tuple(kept[: _part(TEXTS_KEPT, share)])
