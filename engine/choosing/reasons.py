"""Why this choice, in three reasons, and what may go wrong with it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from engine.catalog.schema import Variant
from engine.choosing.deciding import Decision, best
from engine.choosing.demands import cost_of, needs_spare, throughput_of
from engine.choosing.quality import lacks_chinese, loss_of, stands_in
from engine.constraints.record import Constraints
from engine.identification import Option, RuleHit, Said
from engine.sized import Range, Workload
from engine.sizing import quantizations

_REASONS = 3
_TOLD_BY_SIZING = frozenset(("weights-do-not-fit",))
"""Rules that say roughly what sizing has said exactly."""
_NOTICEABLE_LOSS = 0.015
"""Share of benchmark scores that a quantisation may lose before it is worth a warning. Judged."""


def reasons_for(
    decision: Decision, hits: tuple[RuleHit, ...], constraints: Constraints, workload: Workload
) -> tuple[Said, ...]:
    """The three weightiest reasons."""
    if decision.option is None:
        return ()
    return tuple(_reasons(decision, decision.option, hits, constraints, workload))[:_REASONS]


def _reasons(
    decision: Decision, option: Option, hits: tuple[RuleHit, ...], constraints: Constraints, workload: Workload
) -> Iterator[Said]:
    other = best(decision.options, lambda entry: entry.kind != option.kind and bool(entry.fails))
    passing_other = best(decision.passing, lambda entry: entry.kind != option.kind)
    if decision.overruled == "worse" and passing_other is not None:
        values = {"quantization": passing_other.sizing.quantization, "has_score": passing_other.quality,
                  "needed_score": option.quality}  # fmt: skip
        yield Said("reason.overruled_worse", values)
    elif passing_other is None and other is not None:
        yield Said(f"reason.{other.kind}_fails", {"why": as_value(nearest_failure(decision, other.kind))})
    told = _TOLD_BY_SIZING if passing_other is None and other is not None else frozenset()
    rule = next((hit for hit in hits if hit.effect == option.kind and hit.id not in told), None)
    if rule is not None and decision.overruled is None:
        yield Said("reason.rule", {"reason": dict(rule.reason), "rule": rule.id})
    yield from _demands_met(option, constraints)
    yield _quality(decision, option)
    memory = option.sizing.memory
    yield Said("reason.fits", {"weights_bytes": memory.weights, "cache_bytes": memory.kv_cache,
                               "needed_bytes": memory.needed, "has_bytes": memory.capacity})  # fmt: skip
    cost = cost_of(option, constraints)
    if cost is not None:
        yield Said("reason.cost", {"cost_usd": cost.value})


def nearest_failure(decision: Decision, kind: str) -> Said:
    """Why no option of a kind passes: by the one that is nearest to passing."""
    failing = [option for option in decision.options if option.kind == kind and option.fails]
    return min(failing, key=nearness).fails[0]


_STAGES = ("fails.concurrency", "fails.context", "fails.memory")
"""What an option that does not fit fails at: the later, the further from running."""


def nearness(option: Option) -> tuple[int, int, float, float]:
    """How near a failing option comes, nearest first: what fits, then what holds one request, then what holds its weights;
    then fewest demands missed, then by how much."""
    first = option.fails[0]
    stage = (
        0
        if option.sizing.fits
        else 1 + max((_STAGES.index(said.code) for said in option.fails if said.code in _STAGES), default=0)
    )
    return stage, len(option.fails), _distance(first), -option.score


def _distance(said: Said) -> float:
    """How far what there is lies from what is needed, as a factor."""
    for unit in ("bytes", "tokens", "count", "s", "rate", "usd"):
        needed, has = said.values.get(f"needed_{unit}"), said.values.get(f"has_{unit}")
        if needed and has:
            return float(max(needed / has, has / needed))
    return 1e9


def _demands_met(option: Option, constraints: Constraints) -> Iterator[Said]:
    """Demands with a limit that are met, the tightest first."""
    sizing, cost = option.sizing, cost_of(option, constraints)
    demands: tuple[tuple[str, str, float | None, float | None, bool], ...] = (
        ("ttft", "s", sizing.ttft.value, constraints.ttft, True),
        ("tpot", "s", sizing.tpot.value, constraints.tpot, True),
        ("budget", "usd", cost.value if cost is not None else None, constraints.budget, True),
        ("throughput", "rate", throughput_of(option, constraints).value, constraints.throughput, False),
        ("concurrency", "count", sizing.max_concurrency, constraints.concurrency, False),
        ("context", "tokens", sizing.max_context, constraints.context, False),
    )
    met = []
    for name, unit, has, needed, at_most in demands:
        used = 2.0 if not has or not needed else has / needed if at_most else needed / has
        if used <= 1:
            met.append((used, Said(f"reason.{name}", {f"has_{unit}": has, f"needed_{unit}": needed})))
    yield from (said for _, said in sorted(met, key=lambda entry: -entry[0]))


def _quality(decision: Decision, option: Option) -> Said:
    values = {"has_score": option.quality, "benchmarks": dict(option.benchmarks)}
    if decision.runner_up is None:
        return Said("reason.quality_only", values)
    other = decision.runner_up
    values |= {"other": dict(other.title), "other_score": other.quality}
    return Said("reason.quality" if option.quality >= other.quality else "reason.quality_near", values)


def risks_of(
    option: Option,
    variant: Variant,
    constraints: Constraints,
    workload: Workload,
    *,
    named: bool,
    runner_up: Option | None,
) -> tuple[Said, ...]:
    """What may go wrong with an option."""
    later = _compared_by_later_problems(option, runner_up)
    return (
        *_risks(option, variant, constraints, workload, named),
        *([Said("risk.later_problems", {})] if later else []),
    )


def _compared_by_later_problems(option: Option, runner_up: Option | None) -> bool:
    """Whether one LiveCodeBench is that of R1-0528's card (problems to 2025-05) and the other that of R1's (to 2025-01). On
    the later ones R1 itself reaches 63.5 instead of 65.9 (both cards)."""
    if runner_up is None or "livecodebench" not in option.benchmarks:
        return False
    return ("0528" in option.variant) != ("0528" in runner_up.variant)


def _risks(
    option: Option, variant: Variant, constraints: Constraints, workload: Workload, named: bool
) -> Iterator[Said]:
    sizing = option.sizing
    loss = loss_of(variant, quantizations()[sizing.quantization])
    for name, needed in (("ttft", constraints.ttft), ("tpot", constraints.tpot)):
        estimate: Range = getattr(sizing, name)
        if needed is not None and estimate.value > needed:
            yield Said(f"risk.{name}_missed", {"has_s": estimate.value, "needed_s": needed})
        elif needed is not None and estimate.high > needed:
            yield Said(f"risk.{name}", {"high_s": estimate.high, "needed_s": needed})
    if (
        constraints.throughput is not None
        and (least := throughput_of(option, constraints).low) < constraints.throughput
    ):
        yield Said("risk.throughput", {"low_rate": least, "needed_rate": constraints.throughput})
    cost = cost_of(option, constraints)
    if constraints.budget is not None and cost is None:
        yield Said("risk.no_price", {"needed_usd": constraints.budget})
    elif constraints.budget is not None and cost is not None and cost.high > constraints.budget:
        yield Said("risk.budget", {"low_usd": cost.low, "high_usd": cost.high, "needed_usd": constraints.budget})
    if loss >= _NOTICEABLE_LOSS:
        yield Said("risk.quantization", {"quantization": sizing.quantization, "loss_share": loss})
    if constraints.language == "zh" and lacks_chinese(variant):
        yield Said("risk.chinese", {})
    if needs_spare(constraints) and named:
        yield Said("risk.one_machine", {"availability_share": constraints.availability})
    if variant.thinks == "always":
        seconds = sizing.ttft.value + workload.output * sizing.tpot.value
        yield Said("risk.thinking", {"seconds_s": seconds, "output_tokens": workload.output})
    if stands_in(constraints.task):
        yield Said("risk.stands_in", {"task": constraints.task})
    if constraints.critical is None:
        yield Said("risk.ab_test", {})


def as_value(said: Said) -> dict[str, object]:
    """Something said, as a value of something else that is said."""
    return {"code": said.code, "values": dict(said.values)}
