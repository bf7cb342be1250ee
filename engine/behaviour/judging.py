"""What a check's answers come to: the state of an endpoint, and its change. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from engine.behaviour import escalating
from engine.behaviour.records import Watched
from engine.drift import monitor as test
from engine.drift import ranking
from engine.drift.cause import describe
from engine.drift.records import Bag, Change, LookRecord, Monitor, Seen, State

ALPHA = 0.01
"""The chance that an endpoint that stays what it is is ever called changed; halved where a reference is compared with too."""


@dataclass(slots=True)
class Look:
    """A check under way: the tests, what was seen so far, and the texts that became others than usual by their prompts."""

    past: Monitor
    reference: Monitor | None
    seen: list[Seen] = field(default_factory=list)
    p: dict[str, tuple[float, ...]] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)

    @property
    def monitors(self) -> tuple[Monitor, ...]:
        """The test against its own past, and that against a reference."""
        return (self.past,) if self.reference is None else (self.past, self.reference)

    def take(self, found: Iterable[Seen]) -> None:
        """Bet on what a reply showed. What a server calls itself counts once a check: all replies say the same."""
        for one in found:
            if one.stream == "model:served" and any(before.stream == one.stream for before in self.seen):
                continue
            self.seen.append(one)
            self.past, p = test.take(self.past, one)
            if p is not None:
                self.p[one.signal] = (*self.p.get(one.signal, ()), round(p, 6))
            self.reference = compared(self.reference, [one])


def compared(reference: Monitor | None, seen: Iterable[Seen]) -> Monitor | None:
    """The test against a reference after what was seen, as far as the reference was asked the same, until it is decided. How
    fast its own server was, and what that called the model, says nothing here."""
    for one in seen:
        if reference is not None and test.is_changed(reference):
            break
        if (
            reference is not None
            and one.stream in reference.bags
            and one.signal != "service"
            and one.stream != "model:served"
            and _comparable(one.value, reference.bags[one.stream])
        ):
            reference, _ = test.take(reference, one)
    return reference


def _comparable(value: object, bag: Bag) -> bool:
    """Whether a server gives as many alternatives as the one of the reference: vendors give 5 to 20."""
    if not isinstance(value, Mapping) or not isinstance(bag.center, Mapping):
        return True
    return 2 * len(value) > len(bag.center)


def state_of(watched: Watched, look: Look) -> State:
    """What a check comes to."""
    if watched.before:
        if not test.is_changed(look.past):
            return "still"
        return "recovered" if _is_like(watched.before, look.past.bags, look.seen) else "replaced"
    if any(test.is_changed(one) for one in look.monitors):
        return "changed"
    if watched.differs:
        return "still"
    unusual = max(test.log_e(one)["total"] for one in look.monitors) >= -math.log(ALPHA) / 2
    return "suspicious" if unusual or any(test.recent(one) >= escalating.BEGIN for one in look.monitors) else "same"


def change_seen(watched: Watched, look: Look, recent: Sequence[LookRecord]) -> Change:
    """The change that a check shows, of its own past if it shows that."""
    if look.reference is None or watched.reference is None or test.is_changed(look.past):
        change = _described(watched.past.bags, look.past, look.seen, recent)
    else:
        change = differing(watched.reference.bags, look.reference, look.seen, recent)
    usual = {one.id: one.usual for one in watched.prompts}
    texts = tuple((f"text:{name}", usual[name], said) for name, said in look.said.items() if name in usual)
    return replace(change, examples=(*texts[:1], *change.examples))


def differing(
    bags: Mapping[str, Bag], reference: Monitor, seen: Sequence[Seen], recent: Sequence[LookRecord]
) -> Change:
    """That an endpoint is not as the reference."""
    evidence, signals = test.log_e(reference)["total"], test.signals_changed(reference)
    seen = [one for one in seen if one.stream != "model:served"]
    return describe(bags, seen, signals=signals, log_e=evidence, records=recent, against="reference")


def _described(bags: Mapping[str, Bag], past: Monitor, seen: Sequence[Seen], recent: Sequence[LookRecord]) -> Change:
    evidence, signals = test.log_e(past)["total"], test.signals_changed(past)
    return describe(bags, seen, signals=signals, log_e=evidence, records=recent, against="past")


def _is_like(before: Mapping[str, Bag], now: Mapping[str, Bag], seen: Sequence[Seen]) -> bool:
    """Whether what was seen is more like what there was before a change than like what there was since."""
    score = 0.0
    for one in seen:
        if one.stream not in before or one.stream not in now:
            continue
        if isinstance(one.value, str):
            score += math.log(_share(before[one.stream], one.value, 0) / _share(now[one.stream], one.value, 1))
        elif isinstance(one.value, Mapping):
            nearer = _far(now[one.stream], one.value) - _far(before[one.stream], one.value)
            score += math.copysign(1.0, nearer) if nearer else 0.0
    return score > 0


def _share(bag: Bag, value: str, itself: int) -> float:
    return (bag.counts.get(value, 0) - itself + 0.5) / (sum(bag.counts.values()) - itself + 1)


def _far(bag: Bag, value: Mapping[str, float]) -> float:
    return ranking.distance(value, bag.center) if bag.center is not None else math.inf
