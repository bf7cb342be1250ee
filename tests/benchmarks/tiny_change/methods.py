"""Published methods and ours on recorded replies: each gives a number for one check, larger where more has changed.

Statistics are those of ``drift.methods``. LT: samples of one token at one prompt. B3IT: first tokens at border inputs, which are
taken from all prompts that were tried by logprobs that the method itself would not see, in its favour. MMD: texts at temperature
1; fewer, shorter and at fewer prompts than published, so that they can be sampled on a machine without an accelerator. Ours: the
evidence of ``engine.drift.monitor`` after one quiet check, of two requests, or after some.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
from drift.methods import _apart, _Compared, _far

from engine.behaviour import escalating
from engine.behaviour.asking import parting, prompt, usual_of
from engine.behaviour.finding import REPEATS, TEXT_REPEATS, TEXT_TOKENS
from engine.behaviour.records import Prompt
from engine.drift import monitor as test
from engine.drift.records import Monitor, Seen
from tiny_change.recording import ALONE, BORDERS, SAMPLE_TOKENS, Questions, Replies

_ANSWER = 1


class Dealt:
    """What a server answers, dealt as cards are: all that was recorded comes once before any of it comes again."""

    def __init__(self, replies: Replies, seed: int) -> None:
        self.replies, self.random = replies, Random(seed)
        self.left: dict[tuple[str, str], list[int]] = {}

    def one(self, of: str, text: str) -> Any:
        """The next of ``logprobs``, ``firsts``, ``texts`` or ``samples`` at a prompt."""
        given: Sequence[Any] = getattr(self.replies, of)[text]
        left = self.left.setdefault((of, text), [])
        if not left:
            left.extend(self.random.sample(range(len(given)), len(given)))
        return given[left.pop()]


class Watching:
    """An endpoint as ``drift.ours.Watched`` asks it: prompts, and what a reply to each shows."""

    def __init__(self, questions: Questions, base: Replies, *, logprobs: bool) -> None:
        short = questions.ours if logprobs else (*questions.borders, *questions.ours)
        way = "first" if logprobs else "border"
        made = [prompt(text, way, "chat", _ANSWER) for text in dict.fromkeys(short)]  # type: ignore[arg-type]
        for text in questions.texts:
            usual = usual_of(base.texts[text])[:240]
            if len(usual) >= 12:
                made.append(replace(prompt(text, "text", "chat", TEXT_TOKENS), usual=usual))
        self.prompts: tuple[Prompt, ...] = tuple(replace(one, prompt_tokens=base.tokens[one.text]) for one in made)
        self.hour, self.dealt = 0.0, Dealt(base, 0)

    def seen(self, one: Prompt) -> list[Seen]:
        """What the next reply to a prompt shows."""
        if one.way == "first":
            return [Seen(f"first:{one.id}", "distribution", self.dealt.one("logprobs", one.text))]
        if one.way == "border":
            return [Seen(f"border:{one.id}", "distribution", self.dealt.one("firsts", one.text))]
        return [Seen(f"text:{one.id}", "distribution", parting(one.usual, self.dealt.one("texts", one.text)))]

    def learned(self, seed: int) -> Monitor:
        """As after a first check."""
        order = [one for one in self.prompts for _ in range(TEXT_REPEATS if one.way == "text" else REPEATS)]
        Random(seed).shuffle(order)
        return test.learn(test.begin(seed), [seen for one in order for seen in self.seen(one)])


class Method:
    """A statistic of one check, and what a check costs in requests and tokens."""

    def __init__(self, requests: int, tokens: float, check: Callable[[Dealt], float]) -> None:
        self.requests, self.tokens, self.check = requests, round(tokens), check


def lt(base: Replies, samples: int = 10) -> Method:
    """Log probability tracking."""
    known = sorted({token for one in base.logprobs[ALONE] for token in one})

    def row(one: Mapping[str, float]) -> np.ndarray:
        floor = min(one.values())
        return np.array([one.get(token, floor) for token in known])

    compared = _Compared([row(one) for one in base.logprobs[ALONE]], samples, _far)
    return Method(
        samples,
        samples * (base.tokens[ALONE] + 1),
        lambda dealt: compared([row(dealt.one("logprobs", ALONE)) for _ in range(samples)]),
    )


def b3it(base: Replies, questions: Questions, prompts: int = BORDERS, samples: int = 3) -> Method:
    """Border inputs."""
    texts = questions.borders[:prompts]
    record = [list(row) for row in zip(*(base.firsts[text] for text in texts), strict=True)]
    return Method(
        prompts * samples,
        samples * sum(base.tokens[text] + 1 for text in texts),
        lambda dealt: _apart([[dealt.one("firsts", text) for text in texts] for _ in range(samples)], record),
    )


def mmd(base: Replies, questions: Questions, samples: int = 6) -> Method:
    """Texts at temperature 1, token by token."""
    numbers: dict[str, int] = {}

    def row(texts: Sequence[Sequence[str]]) -> np.ndarray:
        said = [[*text, *[""] * SAMPLE_TOKENS][:SAMPLE_TOKENS] for text in texts]
        return np.array([[numbers.setdefault(token, len(numbers)) for token in text] for text in said])

    record = [row(texts) for texts in zip(*(base.samples[text] for text in questions.sampled), strict=True)]
    compared = _Compared(record, samples, _mmd)
    return Method(
        samples * len(questions.sampled),
        samples * sum(base.tokens[text] + SAMPLE_TOKENS for text in questions.sampled),
        lambda dealt: compared(
            [row([dealt.one("samples", text) for text in questions.sampled]) for _ in range(samples)]
        ),
    )


def ours(base: Replies, questions: Questions, *, logprobs: bool, checks: int) -> Method:
    """The evidence after so many quiet checks."""
    watching = Watching(questions, base, logprobs=logprobs)
    learned, random = watching.learned(1), Random(2)
    drawn = [one for _ in range(1_000) for one in escalating.quiet(watching.prompts, random)]

    def check(dealt: Dealt) -> float:
        watching.dealt, monitor = dealt, learned
        for _ in range(checks):
            monitor = test.new_look(monitor)
            for one in escalating.quiet(watching.prompts, random):
                for seen in watching.seen(one):
                    monitor, _ = test.take(monitor, seen)
        return test.log_e(monitor)["distribution"]

    return Method(escalating.QUIET * checks, checks * sum(one.tokens for one in drawn) / 1_000, check)


def _mmd(samples: Sequence[np.ndarray], record: Sequence[np.ndarray]) -> float:
    """The squared maximum mean discrepancy of a kernel that counts equal tokens, mean over prompts; for many tokens."""
    now, before = np.stack(samples), np.stack(record)
    return _alike(now, now) + _alike(before, before) - 2 * _alike(now, before)


def _alike(one: np.ndarray, other: np.ndarray) -> float:
    return float((one[:, None] == other[None]).sum(axis=3).mean())
