"""A comparison from its first case to its table: cases by chance, both models at once, until it is known or all are asked."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from engine.comparing import sequential
from engine.comparing.asking import TEMPERATURE, Asker, tokens_in
from engine.comparing.asking import Side as Asked
from engine.comparing.deciding import ALPHA, Price, decision_of, lines_of
from engine.comparing.kept import kept_in
from engine.comparing.measuring import Measured, measured
from engine.comparing.metrics import metrics_of, omitted
from engine.comparing.records import Answer, Answered, Comparison, Ended, Omission, Side, Task
from engine.comparing.scoring import SIDES, Pair, by_script, main_metric, scored
from engine.errors import UsageError

GAP = 0.05
"""The smallest difference of a quality metric that matters, unless told otherwise: the losses with which the source article
takes the smaller model are 2.8 to 4.2 %."""
_LEAST_SPREAD = 0.2
_ROOM = 1.3
"""Cases more than the first few say are needed, as these say it roughly."""
_OMISSIONS = 200

OnAnswered = Callable[[Answered], None]


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms two models are compared; see ``engine.compare``."""

    gap: float
    budget: int | None
    concurrency: int | None
    temperature: float
    prices: Mapping[str, Price]
    seed: int
    cache: Path | None
    on_progress: OnAnswered
    cancelled: Callable[[], bool]


@dataclass(slots=True)
class _Run:
    """A comparison under way.

    Attributes:
        pairs: by place in the order of asking.
        plan: when to look, known once some cases are; ``at``: the next look.
    """

    task: Task
    terms: Terms
    askers: Mapping[Side, Asker]
    judging: Asker | None
    order: list[int]
    pairs: dict[int, Pair] = field(default_factory=dict)
    plan: sequential.Plan | None = None
    at: int = 0
    stopped: tuple[sequential.Plan, int] | None = None
    ended: Ended | None = None
    reserved: int = 0

    def prefix(self, cases: int) -> list[Pair] | None:
        """The first so many pairs in the order of asking, if all of them are there."""
        if any(place not in self.pairs for place in range(cases)):
            return None
        return [self.pairs[place] for place in range(cases)]

    def spent(self) -> int:
        """Tokens so far, the judge's too."""
        asked = [*self.askers.values(), *([self.judging] if self.judging else [])]
        return sum(one.spent.prompt_tokens + one.spent.completion_tokens for one in asked)


def compare(a: Asked, b: Asked, task: Task, judge: Asked | None, terms: Terms) -> Comparison:
    """See ``engine.compare``."""
    if task.kind == "rubric" and judge is None:
        raise UsageError("compare_judge", task=task.name)
    if not task.cases:
        raise UsageError("compare_no_cases", task=task.name)
    return asyncio.run(_compared(a, b, task, judge, terms))


async def _compared(a: Asked, b: Asked, task: Task, judge: Asked | None, terms: Terms) -> Comparison:
    order = list(range(len(task.cases)))
    Random(terms.seed).shuffle(order)  # the first cases have to be like the others, as one may stop after them
    with kept_in(terms.cache) as kept:
        async with AsyncExitStack() as open_:
            askers: dict[Side, Asker] = {}
            for name, side in zip(SIDES, (a, b), strict=True):
                asker = Asker(side, kept, terms.concurrency, terms.temperature)
                askers[name] = await open_.enter_async_context(asker)
            judging = None
            if judge is not None and task.kind == "rubric":
                judging = await open_.enter_async_context(Asker(judge, kept, terms.concurrency, 0.0))
            run = _Run(task, terms, askers, judging, order)
            await _ask_all(run)
    return await _told(run, (a.name, b.name))


async def _ask_all(run: _Run) -> None:
    """Put cases for as long as it is worth it, so many at once that neither model waits for the other."""
    going: dict[asyncio.Task[Pair], int] = {}
    next_, window = 0, 2 * max(asker.concurrency for asker in run.askers.values())
    try:
        while (next_ < len(run.order) or going) and run.ended is None:
            while next_ < len(run.order) and len(going) < window and run.ended is None:
                most = _most(run, next_)
                if run.terms.budget is not None and run.spent() + run.reserved + most > run.terms.budget:
                    if not going:
                        run.ended = "budget"
                    break
                run.reserved += most
                going[asyncio.create_task(_pair(run, next_, most))] = next_
                next_ += 1
            if run.terms.cancelled():
                run.ended = "cancelled"
                break
            if going:
                done, _ = await asyncio.wait(going, timeout=0.5, return_when=asyncio.FIRST_COMPLETED)
                for one in done:
                    run.pairs[going.pop(one)] = one.result()
                if done:
                    run.terms.on_progress(Answered(len(run.pairs), len(run.order), run.spent()))
                    await _look(run)
    finally:
        for one in going:
            one.cancel()
        await asyncio.gather(*going, return_exceptions=True)


async def _pair(run: _Run, place: int, reserved: int) -> Pair:
    case = run.task.cases[run.order[place]]
    try:
        found = await asyncio.gather(*(run.askers[side].answer(run.task, case) for side in SIDES))
        answers = dict(zip(SIDES, found, strict=True))
        return await scored(run.task, Pair(case, answers), run.judging)
    finally:
        run.reserved -= reserved


def _most(run: _Run, place: int) -> int:
    """Tokens that the answers to a case may cost: none of those that are known already."""
    case = run.task.cases[run.order[place]]
    prompt = tokens_in(case.prompt)
    each = [prompt + run.task.max_tokens for side in SIDES if run.askers[side].known(run.task, case) is None]
    judged = 2 * (prompt + 2 * run.task.max_tokens) if run.judging is not None else 0
    return sum(each) + judged


async def _look(run: _Run) -> None:
    """Whether it is known already, wherever all cases up to a look are answered."""
    cases = run.plan.cases[run.at] if run.plan is not None else min(sequential.FIRST, len(run.order))
    while (pairs := run.prefix(cases)) is not None:
        pairs = await _by_script(run, pairs)
        found = measured(main_metric(run.task), pairs, seed=run.terms.seed)
        if run.plan is None:
            run.plan = _plan(run, found)
            cases = run.plan.cases[0]
            continue
        if found is not None:
            step = sequential.decide(run.plan, run.at, found.z, found.middle, found.error)
            if step == "spent" or (step != "go_on" and not _is_known(run, cases)):
                run.stopped = (run.plan, run.at)
                run.pairs = dict(enumerate(pairs))
                run.ended = (
                    "all" if cases == len(run.order) else "hopeless" if step in ("hopeless", "spent") else "decided"
                )
                return
        run.at += 1
        if run.at == len(run.plan.cases):
            run.ended = "all"
            return
        cases = run.plan.cases[run.at]


def _is_known(run: _Run, since: int) -> bool:
    """Whether all answers that are left are known already: then stopping saves nothing."""
    left = [run.task.cases[at] for at in run.order[since:]]
    return all(asker.known(run.task, case) is not None for asker in run.askers.values() for case in left)


def _plan(run: _Run, found: Measured | None) -> sequential.Plan:
    """When to look, by how much the first cases' differences differ, whichever side they favour."""
    spread = max(found.spread if found is not None else 0.0, _LEAST_SPREAD)
    return sequential.plan(run.terms.gap, spread * math.sqrt(_ROOM), alpha=ALPHA, most=len(run.order))


def _broken_off(run: _Run) -> tuple[sequential.Plan, int] | None:
    """The looks that were had at what there is, where asking ended between two; ``None`` where it was not looked at before."""
    if run.plan is None or run.at == 0:
        return None
    looked, boundaries = run.plan.cases[: run.at], run.plan.boundaries
    if len(run.pairs) <= looked[-1]:
        return sequential.Plan(looked, boundaries[: run.at], run.terms.gap, ALPHA), run.at - 1
    now = (*looked, len(run.pairs))
    return sequential.Plan(now, boundaries[: run.at + 1], run.terms.gap, ALPHA), run.at


async def _by_script(run: _Run, pairs: Sequence[Pair]) -> list[Pair]:
    if run.task.kind != "script":
        return list(pairs)
    found = await by_script(run.task, pairs)
    run.pairs.update(enumerate(found))
    return found


async def _told(run: _Run, names: tuple[str, str]) -> Comparison:
    places = sorted(run.pairs)
    run.stopped = run.stopped or _broken_off(run)
    pairs = await _by_script(run, [run.pairs[place] for place in places]) if places else []
    metrics = metrics_of(run.task)
    main, terms = metrics[0].name, run.terms
    lines = lines_of(metrics, pairs, terms.gap, run.stopped, terms.prices, terms.seed)
    agreed = [pair.agreed for pair in pairs if pair.agreed is not None]
    by_case = [pair for _, pair in sorted(zip(places, pairs, strict=True), key=lambda one: run.order[one[0]])]
    return Comparison(
        task=run.task.name,
        kind=run.task.kind,
        a=names[0],
        b=names[1],
        main=main,
        gap=terms.gap,
        lines=lines,
        decision=decision_of(lines, main, terms.gap),
        ended=run.ended or "all",
        asked=len(pairs),
        cases=len(run.task.cases),
        answers={side: tuple(pair.answers[side] for pair in by_case) for side in SIDES},
        scores=_scores(by_case),
        omissions=_omissions(by_case),
        agreement=sum(agreed) / len(agreed) if agreed else None,
        cost=_cost(run, pairs),
        notes=_notes(by_case, run.task),
    )


def _scores(pairs: Sequence[Pair]) -> dict[str, dict[Side, dict[str, float]]]:
    found: dict[str, dict[Side, dict[str, float]]] = {}
    for pair in pairs:
        for metric, both in pair.scores.items():
            sides = found.setdefault(metric, {"a": {}, "b": {}})
            for side, score in zip(SIDES, both, strict=True):
                sides[side][pair.case.id] = score
    return found


def _omissions(pairs: Sequence[Pair]) -> tuple[Omission, ...]:
    found = [one for pair in pairs for one in omitted(pair.case, pair.answers["a"], pair.answers["b"])]
    return tuple(found[:_OMISSIONS])


def _cost(run: _Run, pairs: Sequence[Pair]) -> dict[Side, dict[str, float]]:
    found: dict[Side, dict[str, float]] = {}
    for side in SIDES:
        spent, price = run.askers[side].spent, run.terms.prices.get(side)
        found[side] = {
            "requests": spent.requests,
            "prompt_tokens": spent.prompt_tokens,
            "completion_tokens": spent.completion_tokens,
            "seconds": round(spent.seconds, 3),
            "cached": sum(pair.answers[side].cached for pair in pairs),
        }
        if price is not None:
            money = (spent.prompt_tokens * price[0] + spent.completion_tokens * price[1]) / 1e6
            found[side]["money"] = round(money, 6)
    return found


def _notes(pairs: Sequence[Pair], task: Task) -> tuple[str, ...]:
    """What limits the answers, as codes: ``failed_a``, ``cut_b`` ..., each with how many."""
    counts: dict[str, int] = {}
    for side in SIDES:
        answers: list[Answer] = [pair.answers[side] for pair in pairs]
        counts[f"failed_{side}"] = sum(bool(one.failed) for one in answers)
        counts[f"cut_{side}"] = sum(one.cut for one in answers)
    if task.kind == "rubric":
        counts["unjudged"] = (
            sum("rubric" not in pair.scores for pair in pairs) - counts["failed_a"] - counts["failed_b"]
        )
    return tuple(f"{name}:{count}" for name, count in counts.items() if count > 0)


def terms_of(
    *,
    gap: float | None,
    budget: int | None,
    concurrency: int | None,
    temperature: float | None,
    prices: Mapping[str, Price] | None,
    seed: int,
    cache: Path | None,
    on_progress: OnAnswered | None,
    cancelled: Callable[[], bool] | None,
) -> Terms:
    """Terms with what is usual where nothing is said.

    Raises:
        UsageError: a gap that is none, or out of range.
    """
    if gap is not None and not 0 < gap <= 1:
        raise UsageError("compare_gap", gap=gap)
    return Terms(
        gap if gap is not None else GAP, budget, concurrency, TEMPERATURE if temperature is None else temperature,
        prices or {}, seed, cache, on_progress or (lambda progress: None), cancelled or (lambda: False),
    )  # fmt: skip
