"""What a server answers, asked once for all methods: first tokens with logprobs, greedy texts, texts at temperature 1.

Requests come in an order by chance, one to four at once, as load has it: llama.cpp computes what comes together in one batch,
and begins where a prompt that it still holds ends, so its sums round in several ways, as everywhere.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random

from engine.behaviour.asking import candidates, plain
from engine.behaviour.finding import TEXT_TOKENS
from engine.targets.endpoint import Ask, Budget, Endpoint, Reply
from engine.targets.talk import Talk

ALONE = "x"
"""The prompt of log probability tracking."""
NEAR, KEPT, BORDERS, TEXTS = 8, 12, 5, 4
TOP = 20
SAMPLED, SAMPLE_TOKENS = 6, 12
_PLENTY = Budget(tokens=10**8, requests=10**7, seconds=10**5)


@dataclass(frozen=True, slots=True)
class Questions:
    """What every server is asked.

    Attributes:
        ours: prompts as a first check of ours finds them: most with near ties, some without.
        borders: those of all that were tried whose two best tokens are nearest.
        texts: to be continued greedily; ``sampled``: at temperature 1.
        found_with: tokens that finding them took.
    """

    ours: tuple[str, ...]
    borders: tuple[str, ...]
    texts: tuple[str, ...]
    sampled: tuple[str, ...]
    found_with: int = 0

    @property
    def short(self) -> tuple[str, ...]:
        """All that one token is asked for."""
        return tuple(dict.fromkeys((ALONE, *self.ours, *self.borders)))


@dataclass(frozen=True, slots=True)
class Replies:
    """What one server answered, by prompt, each in the order in which it came.

    Attributes:
        tokens: the prompt's, as the server counts them.
        logprobs: of the likeliest first tokens, nats.
        firsts: the first token.
        texts: greedy continuations.
        samples: the tokens of texts at temperature 1.
    """

    tokens: Mapping[str, int]
    logprobs: Mapping[str, Sequence[Mapping[str, float]]]
    firsts: Mapping[str, Sequence[str]]
    texts: Mapping[str, Sequence[str]]
    samples: Mapping[str, Sequence[Sequence[str]]]


def find(endpoint: Endpoint, seed: int) -> Questions:
    """Prompts to ask, found at the base."""
    return asyncio.run(_find(endpoint, Random(seed)))


def record(endpoint: Endpoint, questions: Questions, seed: int, *, repeats: int, temperature: float = 0.0) -> Replies:
    """Ask each short prompt ``repeats`` times (that of LT twice as often), each text a quarter as often, and draw half as many
    samples.

    Args:
        temperature: of what is asked greedily elsewhere.
    """
    return asyncio.run(_record(endpoint, questions, Random(seed), repeats, temperature))


def kept(path: Path, made: Replies | Questions) -> None:
    """Write to a file."""
    path.write_text(json.dumps(asdict(made), ensure_ascii=False))


def questions_in(path: Path) -> Questions:
    """Read back."""
    given = json.loads(path.read_text())
    return Questions(**{name: tuple(one) if isinstance(one, list) else one for name, one in given.items()})


def replies_in(path: Path) -> Replies:
    """Read back."""
    return Replies(**json.loads(path.read_text()))


async def _find(endpoint: Endpoint, random: Random) -> Questions:
    shorts = [one for one in candidates()["short"] if one != ALONE]
    random.shuffle(shorts)
    texts = random.sample(candidates()["texts"], TEXTS)
    async with Talk(endpoint, _PLENTY) as talk:
        replies = await _put(talk, [_first(text, 0.0) for text in shorts], random)
    margins = {one.prompt: _margin(reply) for one, reply in replies}
    tried = shorts[:60]  # as many as a first check of ours tries
    near = sorted(tried, key=lambda text: margins[text])
    chosen = [*near[:NEAR], *random.sample(near[NEAR:], KEPT - NEAR)]
    spent = sum((reply.prompt_tokens or 0) + 1 for _, reply in replies)
    return Questions(
        ours=tuple(chosen),
        borders=tuple(sorted(shorts, key=lambda text: margins[text])[:BORDERS]),
        texts=tuple(texts),
        sampled=tuple(random.sample(near[NEAR:], SAMPLED)),
        found_with=spent,
    )


async def _record(
    endpoint: Endpoint, questions: Questions, random: Random, repeats: int, temperature: float
) -> Replies:
    greedy = [
        replace(_text(text, TEXT_TOKENS), temperature=temperature)
        for text in questions.texts
        for _ in range(repeats // 4)
    ]
    samples = [
        replace(_text(text, SAMPLE_TOKENS), id="sample", temperature=1.0, logprobs=1)
        for text in questions.sampled
        for _ in range(repeats // 2)
    ]
    firsts = [_first(text, temperature) for text in (ALONE, *questions.short) for _ in range(repeats)]
    asks = [*firsts, *greedy]
    random.shuffle(asks)
    found = Replies({}, {}, {}, {}, {})
    async with Talk(endpoint, _PLENTY) as talk:
        for ask, reply in [*await _put(talk, asks, random), *await _put(talk, samples, random)]:
            found.tokens[ask.prompt] = reply.prompt_tokens or 0  # type: ignore[index]
            if ask.id == "first":
                known = {plain(token): value for token, value in reply.alternatives[0].items()}
                found.logprobs.setdefault(ask.prompt, []).append(known)  # type: ignore[attr-defined]
                found.firsts.setdefault(ask.prompt, []).append(plain(reply.generated))  # type: ignore[attr-defined]
            elif ask.id == "text":
                found.texts.setdefault(ask.prompt, []).append(plain(reply.generated))  # type: ignore[attr-defined]
            else:
                found.samples.setdefault(ask.prompt, []).append([*map(plain, reply.tokens)])  # type: ignore[attr-defined]
    return found


async def _put(talk: Talk, asks: Sequence[Ask], random: Random) -> list[tuple[Ask, Reply]]:
    found, at = [], 0
    most = talk.conversation.endpoint.concurrency
    while at < len(asks):
        batch = asks[at : at + random.randint(1, most)]
        at += len(batch)
        replies = await asyncio.gather(*(talk.ask(one) for one in batch))
        for one, reply in zip(batch, replies, strict=True):
            assert reply.refused is None, reply.refused
            found.append((one, reply))
    return found


def _first(text: str, temperature: float) -> Ask:
    return Ask("first", text, 1, temperature=temperature, logprobs=TOP)


def _text(text: str, length: int) -> Ask:
    return Ask("text", text, length)


def _margin(reply: Reply) -> float:
    best = sorted(reply.alternatives[0].values(), reverse=True)
    return best[0] - best[1]
