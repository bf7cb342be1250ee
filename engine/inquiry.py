"""Asking an endpoint until the verdict is decided or the budget spent: question → evidence → next question."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from random import Random

from engine import tokenizers
from engine.errors import TargetError, UsageError
from engine.evidence import Evidence
from engine.identification import OnProgress, Progress
from engine.planner import decided, plan
from engine.probes import ENDPOINT_PROBES, Hypotheses
from engine.probes.serving import listed_models
from engine.questions.asking import QUESTIONS, Question
from engine.questions.deep import facts_asks, problems_ask, put_long_texts, telling_facts
from engine.questions.routing import look_for_mixture
from engine.questions.sentences import sentence_asks
from engine.targets.endpoint import Ask, Budget, Conversation, Endpoint
from engine.targets.talk import Talk
from engine.targets.target import Finding
from engine.verdict import Verdict

Conclude = Callable[[Sequence[Evidence]], Verdict]
_SUSPICIOUS = 24
"""Replies looked at where signs of the tokenizer contradict each other, though nobody asked to be thorough."""
_FACTS, _PROBLEMS = 20, 4
_NEAR = math.log(20)


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What was said, and what it shows."""

    conversation: Conversation
    rows: tuple[Evidence, ...]


def inquire(
    endpoint: Endpoint,
    hypotheses: Hypotheses,
    conclude: Conclude,
    *,
    budget: Budget,
    seed: int | None = None,
    on_progress: OnProgress | None = None,
) -> Inquiry:
    """Ask until it is decided.

    Raises:
        TargetError: the endpoint cannot be reached, refuses, or answers no chat request at all.
        UsageError: it serves several models and none was named.
    """
    report = on_progress or (lambda progress: None)
    return asyncio.run(_inquire(endpoint, hypotheses, conclude, budget, Random(seed), report))


async def _inquire(
    endpoint: Endpoint, hypotheses: Hypotheses, conclude: Conclude, budget: Budget, random: Random, report: OnProgress
) -> Inquiry:
    async with Talk(endpoint, budget) as talk:
        if not endpoint.model:
            await choose_model(talk)
        steps = _Steps(report)
        await _identify(talk, hypotheses, conclude, random, steps)
        rows = steps.read(talk, hypotheses)
        if budget.thorough or _suspicious(rows, hypotheses):
            steps.next("routing")
            most = 60 if budget.thorough else _SUSPICIOUS
            await look_for_mixture(talk, hypotheses, random, most=most)
        rows = steps.read(talk, hypotheses)
        if budget.thorough or (hypotheses.references and not decided(conclude(rows), rows)):
            await _ask_deeply(talk, hypotheses, conclude, random, steps, thorough=budget.thorough)
        rows = steps.read(talk, hypotheses)
        _say_what_is_left(talk, rows, conclude(rows), hypotheses)
        return Inquiry(talk.conversation, tuple(rows))


async def _identify(talk: Talk, hypotheses: Hypotheses, conclude: Conclude, random: Random, steps: _Steps) -> None:
    """Put the most telling question for its cost, over and over."""
    while True:
        rows = steps.read(talk, hypotheses)
        verdict = conclude(rows)
        if decided(verdict, rows):
            return
        shallow = [question for question in QUESTIONS if not question.deep]
        chosen = plan(shallow, talk.conversation, rows, verdict, hypotheses)
        if chosen is None or not talk.has_left(chosen.tokens):
            return
        steps.next(chosen.question.name)
        if not await _put(chosen.question, talk, random):
            return


async def _put(question: Question, talk: Talk, random: Random) -> bool:
    """Put a question; whether the budget was enough for it."""
    try:
        await question.put(talk, random)
    except TargetError as error:
        # What is optional may fail, and what was allowed may be spent; that nothing answers at all may not.
        if not any(reply.refused is None for reply in talk.conversation.replies):
            raise
        return error.code != "endpoint_budget"
    return True


async def _ask_deeply(
    talk: Talk, hypotheses: Hypotheses, conclude: Conclude, random: Random, steps: _Steps, *, thorough: bool
) -> None:
    """What the model knows, where a reference says what to expect; and all the rest, where it is wanted."""
    if hypotheses.references:
        steps.next("facts")
        for ask in facts_asks(telling_facts(hypotheses.references, _FACTS, random), random):
            if talk.affords(ask):
                await talk.ask(ask)
        steps.read(talk, hypotheses)
    if any(reference.entropies for reference in hypotheses.references):
        steps.next("entropy")
        await _ask_in_turn(talk, sentence_asks())
    if not thorough:
        return
    rows = steps.read(talk, hypotheses)
    if not decided(conclude(rows), rows):
        steps.next("problems")
        for level in (4, 5, 6):
            if talk.affords(ask := problems_ask(level, _PROBLEMS, random)):
                await talk.ask(ask)
        steps.read(talk, hypotheses)
    steps.next("needle")
    await put_long_texts(talk, random)
    steps.read(talk, hypotheses)
    steps.next("self_report")
    for question in QUESTIONS:
        if question.deep and question.open(talk.conversation) and talk.has_left(question.tokens):
            await _put(question, talk, random)


async def _ask_in_turn(talk: Talk, asks: Sequence[Ask]) -> None:
    """Put asks of one kind, until the first that the server does not take."""
    for ask in asks:
        if not talk.affords(ask) or (await talk.ask(ask)).refused:
            return


def read(conversation: Conversation, hypotheses: Hypotheses) -> list[Evidence]:
    """Every probe's row of evidence, from what was said so far."""
    seen = [(probe, probe.observe(conversation)) for probe in ENDPOINT_PROBES]
    return [probe.score(observation, hypotheses) for probe, observation in seen if observation is not None]


def _suspicious(rows: Sequence[Evidence], hypotheses: Hypotheses) -> bool:
    """Whether two signs of the tokenizer plainly fit different vocabularies of those that can be compared."""
    signs = [row for row in rows if row.group in ("pieces", "cut", "tokens") and row.strength not in ("none", "weak")]
    fitting = [_fitting(row, hypotheses) for row in signs]
    return any(not one & other for one, other in combinations(filter(None, fitting), 2))


def _fitting(row: Evidence, hypotheses: Hypotheses) -> set[str]:
    """The candidates' vocabularies that a row finds about as likely as any; none if what it shows is nobody's."""
    near = max(row.log_likelihood.values()) - _NEAR
    fitting = [variant for variant in hypotheses.variants if row.log_likelihood[variant.id] > near]
    found = {vocabulary for variant in fitting if (vocabulary := hypotheses.vocabulary_of(variant))}
    return found if found <= set(tokenizers.CANDIDATES) else set()


async def choose_model(talk: Talk) -> None:
    """Ask for the only model that a server lists.

    Raises:
        TargetError: it lists none.
        UsageError: it lists several.
    """
    names = listed_models(await talk.look("/models"))
    if not names:
        raise TargetError("endpoint_lists_nothing", host=talk.wire.host)
    if len(names) > 1:
        raise UsageError("endpoint_lists_several", host=talk.wire.host, names=", ".join(names[:8]), first=names[0])
    talk.choose(names[0])


def _say_what_is_left(talk: Talk, rows: Sequence[Evidence], verdict: Verdict, hypotheses: Hypotheses) -> None:
    """What the next question would have added, or that the budget did not reach."""
    if decided(verdict, rows):
        return
    left = plan(QUESTIONS, talk.conversation, rows, verdict, hypotheses)
    if left is not None and not talk.has_left(left.tokens):
        talk.find(Finding("budget_spent", {"tokens": talk.budget.tokens, "requests": talk.budget.requests}))
    if left is not None:
        values = {"question": left.question.name, "bits": f"{left.gain:.2f}", "tokens": left.tokens}
        talk.find(Finding("next_would_add", values))
    elif not hypotheses.references:
        talk.find(Finding("no_references"))


class _Steps:
    """Progress: how many questions were put, of those known so far, and what each changed in what is known."""

    def __init__(self, report: OnProgress) -> None:
        self.report, self.done, self.stage = report, 0, "card"  # a name is there before any question
        self.known: dict[str, Evidence] = {}

    def next(self, stage: str) -> None:
        """Say that a question is being put."""
        self.stage = stage
        self.report(Progress(stage, self.done, max(len(QUESTIONS), self.done + 1)))
        self.done += 1

    def read(self, talk: Talk, hypotheses: Hypotheses) -> list[Evidence]:
        """Every probe's row from what was said so far; those that say something new are told."""
        rows = read(talk.conversation, hypotheses)
        for row in rows:
            if row.probe not in self.known or self.known[row.probe].values != row.values:
                self.report(Progress(self.stage, self.done, max(len(QUESTIONS), self.done), row))
        self.known = {row.probe: row for row in rows}
        return rows
