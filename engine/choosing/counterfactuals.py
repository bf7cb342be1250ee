"""What would change the choice: a demand let go a little, other hardware, a rule that would not hold. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.choosing.deciding import Decision
from engine.choosing.reasons import as_value
from engine.constraints.record import Constraints
from engine.identification import Option, Said

_MOST, _NEAR = 4, 2
_RELAXED = 10.0
"""A demand that must be let go by more than this factor is no advice where something else can be had. Judged."""


def counterfactuals(
    decision: Decision, constraints: Constraints, elsewhere: Iterable[Option], *, ruled: Said | None, there: int
) -> tuple[Said, ...]:
    """At most four, the most useful first.

    Args:
        elsewhere: options on usual hardware, each with what it fails of the demands, where the hardware was named.
        ruled: what would be chosen without the rule that decided.
        there: devices that were named.
    """
    said = [*_relaxed(decision), *_elsewhere(decision, elsewhere), *([ruled] if ruled else []),
            *_spare(decision, there)]  # fmt: skip
    if decision.option is None and constraints.privacy != "on-premise" and not _too_slow(decision):
        said.append(Said("would.api", {}))
    return tuple(said[:_MOST])


def _too_slow(decision: Decision) -> bool:
    """Whether something fits and is only too slow: then nobody's hardware can be promised to be quick enough."""
    return any(
        said.code in ("fails.ttft", "fails.tpot")
        for option in decision.options
        for said in option.fails
        if option.sizing.fits
    )


def _relaxed(decision: Decision) -> Iterator[Said]:
    """Better models that miss one demand only, by little: at what value they would meet it."""
    chosen = decision.option
    least = chosen.quality if chosen is not None else 0.0
    near: dict[str, tuple[float, Option]] = {}
    for option in decision.options:
        if len(option.fails) != 1 or option.quality <= least or (chosen and chosen.variant == option.variant):
            continue
        factor = _factor(option.fails[0])
        if factor is None or (chosen is not None and factor > _RELAXED):
            continue
        known = near.get(option.variant)
        if known is None or factor < known[0]:
            near[option.variant] = (factor, option)
    full_told = False
    for _, option in sorted(near.values(), key=lambda entry: entry[0])[:_NEAR]:
        if option.kind == "full" and full_told:
            continue
        full_told = full_told or option.kind == "full"
        yield Said("would.relax", {"title": dict(option.title), "quantization": option.sizing.quantization,
                                   "hardware": hardware_value(option), "why": as_value(option.fails[0])})  # fmt: skip


def _factor(said: Said) -> float | None:
    """By what factor a demand must be let go; ``None`` for one that cannot be."""
    for unit in ("s", "usd", "rate", "tokens", "count"):
        needed, has = said.values.get(f"needed_{unit}"), said.values.get(f"has_{unit}")
        if needed and has:
            return float(max(needed / has, has / needed))
    return None


def _elsewhere(decision: Decision, elsewhere: Iterable[Option]) -> Iterator[Said]:
    """The cheapest usual hardware on which the other kind, or anything at all, would meet every demand."""
    passing = [option for option in elsewhere if not option.fails]
    chosen = decision.option
    kinds = ("distilled", "full") if chosen is None else ("full",) if chosen.kind == "distilled" else ()
    for kind in kinds:
        of_kind = [option for option in passing if option.kind == kind]
        if chosen is not None:
            of_kind = [option for option in of_kind if option.quality > chosen.quality]
        if of_kind and not any(option.kind == kind for option in decision.passing):
            cheapest = min(of_kind, key=lambda option: (_price(option), -option.quality))
            yield Said("would.hardware", {"title": dict(cheapest.title), "quantization": cheapest.sizing.quantization,
                                          "hardware": hardware_value(cheapest), "cost_usd": _known_price(cheapest)})  # fmt: skip


def _price(option: Option) -> float:
    return option.sizing.cost.value if option.sizing.cost is not None else float("inf")


def _known_price(option: Option) -> float | None:
    return option.sizing.cost.value if option.sizing.cost is not None else None


def _spare(decision: Decision, there: int) -> Iterator[Said]:
    if decision.option is not None and there > decision.option.sizing.count:
        used = decision.option.sizing.count
        yield Said("would.spare", {"used_count": used, "there_count": there, "spare_count": there - used})


def hardware_value(option: Option) -> dict[str, object]:
    """Devices and their number, as a value of something that is said."""
    return {"device": option.sizing.device, "count": option.sizing.count}
