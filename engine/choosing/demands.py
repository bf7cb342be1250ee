"""Demands that an option must meet: each one that it does not is named, with what it takes and what there is."""

from __future__ import annotations

from collections.abc import Iterator

from engine.catalog.schema import Variant
from engine.constraints.record import Constraints
from engine.identification import Option, Said
from engine.sized import Range, Workload

SPARE_FROM = 0.999
"""Availability from which one more machine must stand by: "three nines" are under nine hours a year, which one machine
with its drivers, updates and faults seldom keeps. Judged."""


def failures(option: Option, variant: Variant, constraints: Constraints, workload: Workload) -> tuple[Said, ...]:
    """What an option falls short of; empty if it meets everything. Estimates count by their value, not their range;
    a budget is held against the cheapest provider."""
    return tuple(_failures(option, variant, constraints, workload))


def _failures(option: Option, variant: Variant, constraints: Constraints, workload: Workload) -> Iterator[Said]:
    sizing = option.sizing
    if constraints.licence == "permissive" and not is_permissive(variant):
        yield Said("fails.licence", {"licence": variant.licence or "?"})
    if not sizing.fits:
        yield _short_of_memory(option, workload)
    if sizing.max_context == 0:
        return
    if sizing.fits and sizing.max_context < workload.context:
        yield Said("fails.context", {"needed_tokens": workload.context, "has_tokens": sizing.max_context})
    if constraints.ttft is not None and sizing.ttft.value > constraints.ttft:
        yield Said("fails.ttft", {"needed_s": constraints.ttft, "has_s": sizing.ttft.value})
    if constraints.tpot is not None and sizing.tpot.value > constraints.tpot:
        yield Said("fails.tpot", {"needed_s": constraints.tpot, "has_s": sizing.tpot.value})
    if (
        constraints.throughput is not None
        and (made := throughput_of(option, constraints).value) < constraints.throughput
    ):
        yield Said("fails.throughput", {"needed_rate": constraints.throughput, "has_rate": made})
    cost = cost_of(option, constraints)
    if constraints.budget is not None and cost is not None and cost.low > constraints.budget:
        yield Said("fails.budget", {"needed_usd": cost.low, "has_usd": constraints.budget})


def _short_of_memory(option: Option, workload: Workload) -> Said:
    memory, sizing = option.sizing.memory, option.sizing
    if sizing.max_context == 0:
        return Said("fails.memory", {"needed_bytes": memory.weights + memory.overhead, "has_bytes": memory.capacity})
    if sizing.max_context < workload.context:
        return Said("fails.context", {"needed_tokens": workload.context, "has_tokens": sizing.max_context})
    return Said("fails.concurrency", {"needed_count": workload.concurrency, "has_count": sizing.max_concurrency})


def is_permissive(variant: Variant) -> bool:
    """Whether the weights, and what they were trained from, come under MIT, Apache-2.0 or alike."""
    licence = (variant.licence or "").lower()
    return bool(licence) and "llama" not in licence and "community" not in licence


def cost_of(option: Option, constraints: Constraints) -> Range | None:
    """US dollars an hour from a cheap to a dear provider, with the spare machine that the availability asks for."""
    cost = option.sizing.cost
    if cost is None or not needs_spare(constraints):
        return cost
    return Range(2 * cost.low, 2 * cost.value, 2 * cost.high)


def throughput_of(option: Option, constraints: Constraints) -> Range:
    """Output tokens per second: saturated, or of as many requests as were said to be in flight, which each wait for
    their tokens."""
    sizing = option.sizing
    if constraints.concurrency is None:
        return sizing.throughput
    count, waits, full = constraints.concurrency, sizing.tpot, sizing.throughput
    return Range(
        min(full.low, count / waits.high), min(full.value, count / waits.value), min(full.high, count / waits.low)
    )


def needs_spare(constraints: Constraints) -> bool:
    return constraints.availability is not None and constraints.availability >= SPARE_FROM
