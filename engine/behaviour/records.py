"""What an endpoint is asked in a check, and what a check comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from engine.drift.records import Bag, Change, LookRecord, Monitor
from engine.targets.target import Cost

Way = Literal["logprobs", "border", "text", "count"]
"""How a prompt tells: by the first token's logprobs; by which of two nearly tied tokens comes first; by the words that
come at the usual temperature; by how many tokens the server counts in it."""
Form = Literal["chat", "prefill", "closed_think", "raw"]
"""How it is put: as a message; with the answer begun for it; with the thinking closed for it; as text to continue."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A question that a check puts.

    Attributes:
        id: of its streams, made from all the rest: the same question asked the same way has the same id.
        temperature: ``None`` where the server takes none.
        prompt_tokens: as the server counted them.
    """

    id: str
    text: str
    way: Way
    form: Form = "chat"
    temperature: float | None = 0.0
    max_tokens: int = 1
    logprobs: int = 0
    prompt_tokens: int = 20


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a trusted endpoint behaves at fixed prompts: the part of a reference that drift is tested against."""

    prompts: tuple[Prompt, ...]
    bags: Mapping[str, Bag]
    looks: int = 0


@dataclass(frozen=True, slots=True)
class Watched:
    """All that is remembered of an endpoint between two checks.

    Attributes:
        prompts: what it is asked, in turn.
        turn: which of them is next.
        past, reference: the tests against its own past, and against a reference where there is one.
        before: what it showed before a change that was told, for as long as that is not accepted.
        change: that change.
        recent: the latest checks, the oldest first: those since which a change may lie.
        reasons: ways of asking that the server does not offer, as codes.
        model: which model of the server it is.
    """

    prompts: tuple[Prompt, ...]
    past: Monitor
    turn: int = 0
    reference: Monitor | None = None
    before: Mapping[str, Bag] = field(default_factory=dict)
    change: Change | None = None
    recent: tuple[LookRecord, ...] = ()
    reasons: tuple[str, ...] = ()
    model: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """What one check of an endpoint came to: ``engine.check``.

    Attributes:
        watched: to be kept for the next one.
        look: the check in brief, for history.
        change: where the state is ``changed``, ``still`` or ``replaced``.
        escalated: it asked more than usual, as what it saw was unusual.
    """

    watched: Watched
    look: LookRecord
    change: Change | None = None
    escalated: bool = False
    cost: Cost = field(default_factory=Cost)
