"""What an endpoint is asked in a check, and what a check comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from engine.drift.records import Bag, Change, LookRecord, Monitor
from engine.targets.target import Cost

Way = Literal["first", "border", "text"]
"""How a prompt tells: by the first token's logprobs; by which token comes first; by where some tens of tokens, of which each
is the most probable, become others than they were."""
Form = Literal["chat", "closed_think", "raw"]
"""How it is put: as a message; with the thinking begun and closed for the model; as text to continue."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A question that a check puts.

    Attributes:
        id: of its streams, made from all the rest: the same question asked the same way has the same id.
        usual: for ``text``: how the answer begins each time.
        prompt_tokens: as the server counted them, or an estimate.
    """

    id: str
    text: str
    way: Way
    form: Form = "chat"
    max_tokens: int = 1
    usual: str = ""
    prompt_tokens: int = 20

    @property
    def tokens(self) -> int:
        """What it costs at most."""
        return self.prompt_tokens + self.max_tokens


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a trusted endpoint behaves at fixed prompts: the part of a reference that drift is tested against."""

    prompts: tuple[Prompt, ...]
    bags: Mapping[str, Bag]


@dataclass(frozen=True, slots=True)
class Watched:
    """All that is remembered of an endpoint between two checks.

    Attributes:
        prompts: what it is asked, drawn by chance.
        past, reference: the tests against its own past, and against a reference where there is one.
        before: what it showed before a change that was told, for as long as that is not accepted.
        change: that change.
        differs: that it is not as the reference was told.
        recent: the latest checks, the oldest first: those since which a change may lie.
        lacks: ways of asking that the server does not offer: ``logprobs``, ``closed_think``, ``usage``, ``texts``.
        model: which model of the server it is.
        refused: fields of a request that the server does not take: sent again, they would cost a request each time.
    """

    prompts: tuple[Prompt, ...]
    past: Monitor
    reference: Monitor | None = None
    before: Mapping[str, Bag] = field(default_factory=dict)
    change: Change | None = None
    differs: bool = False
    recent: tuple[LookRecord, ...] = ()
    lacks: tuple[str, ...] = ()
    model: str = ""
    refused: tuple[str, ...] = ()


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
