"""The utterances in the files beside this one, checked as they are read.

They were written before the code that must understand them, and say what a person would expect. An entry is corrected
only where it is itself wrong, never because the code reads it otherwise.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from engine.constraints.record import NAMES, UNITS, WORDS
from engine.hardware import load_hardware

HERE = Path(__file__).parent
TODAY = datetime.date(2026, 11, 26)
"""The day, a Thursday, on which everything is said."""

Intent = Literal[
    "identify", "recommend", "compare", "size", "watch", "history", "explain", "report", "endpoint", "devices", "help",
    "forget", "refused", "confirm", "cancel", "other",
]  # fmt: skip
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Clock = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
_HARDWARE = re.compile(r"(?P<count>[1-9]\d*)×(?P<device>\S+)")


class _Checked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Schedule(_Checked):
    """When it runs. ``every``: ``30m``, ``6h``, ``1d``, ``1w``; ``once``: the day, where it runs no second time. ``notify``: ids of people."""

    every: Annotated[str, StringConstraints(pattern=r"^[1-9]\d*[mhdw]$")] | None = None
    once: datetime.date | None = Field(default=None, ge=TODAY)
    at: tuple[Clock, ...] = ()
    days: tuple[Day, ...] = ()
    until: datetime.date | None = Field(default=None, ge=TODAY)
    channel: Annotated[str, StringConstraints(pattern=r"^#[\w-]+$")] | None = None
    quiet: Annotated[str, StringConstraints(pattern=r"^\d\d:\d\d-\d\d:\d\d$")] | None = None
    timezone: Literal["UTC", "Asia/Shanghai", "America/Los_Angeles"] | None = None
    notify: tuple[Annotated[str, StringConstraints(pattern=r"^U[A-Z0-9]+$")], ...] = ()
    digest: Clock | None = None


class Utterance(_Checked):
    """What somebody wrote, and what it asks for.

    Attributes:
        lang: ``mixed`` is Chinese with English words that carry meaning.
        turns: what the same person said before in the thread, oldest first.
        endpoints: the names registered where it is said.
        intent: ``other`` is small talk or no business of the bot's.
        target: as written, without Slack's decoration; a model that is named by its size only by its name at
            Ollama; two for ``compare``; a verdict's id for ``explain`` and ``report``.
        action: for ``endpoint``, ``forget`` and ``watch``, where something other than the question itself is asked.
        constraints: by name, in the units of ``engine.constraints.record``; hardware as ``2×rtx-4090``.
        also: constraints that may be inferred, and need not be.
        also_intent, also_target: as right as the first.
        ask: what the person has to be asked for.
        expensive: whether deleting, registering, scheduling, comparing or a thorough look is asked for.
        why: the reason for what is expected, where it is not obvious.
    """

    id: str
    lang: Literal["en", "zh", "mixed"]
    text: Annotated[str, StringConstraints(min_length=1, max_length=4000)]
    turns: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()
    intent: Intent
    target: str | tuple[str, str] | None = None
    action: Literal["add", "list", "remove", "mute_change"] | None = None
    constraints: Mapping[str, float | str] = Field(default_factory=dict)
    also: Mapping[str, float | str] = Field(default_factory=dict)
    also_intent: tuple[Intent, ...] = ()
    also_target: tuple[str, ...] = ()
    schedule: Schedule | None = None
    ask: Literal["target", "constraints"] | None = None
    expensive: bool = False
    why: str = ""

    @field_validator("constraints", "also")
    @classmethod
    def _known(cls, given: Mapping[str, float | str]) -> Mapping[str, float | str]:
        for name, value in given.items():
            if name not in NAMES:
                raise ValueError(f"no constraint is called {name}")
            if name == "hardware":
                hardware(str(value))
            elif name in UNITS and (isinstance(value, str) or value <= 0):
                raise ValueError(f"{name} is a number above zero in {UNITS[name] or 'parts of one'}, not {value!r}")
            elif name in WORDS and value not in WORDS[name]:
                raise ValueError(f"{name} is one of {WORDS[name]}, not {value!r}")
        return given

    @model_validator(mode="after")
    def _consistent(self) -> Utterance:
        if self.ask == "target" and self.target is not None:
            raise ValueError("a target that is there needs not be asked for")
        if isinstance(self.target, tuple) != (self.intent == "compare" and self.ask is None):
            raise ValueError("a comparison, and nothing else, has two targets")
        if self.schedule is not None and self.intent != "watch":
            raise ValueError("only a watch has a schedule")
        if self.constraints.keys() & self.also.keys():
            raise ValueError("a constraint is stated or inferred, not both")
        return self


def hardware(text: str) -> tuple[tuple[str, int], ...]:
    """``2×rtx-4090, 8×h20-96gb`` as devices and how many.

    Raises:
        ValueError: it is written otherwise, or a device is not in the catalog.
    """
    found = []
    for part in text.split(", "):
        match = _HARDWARE.fullmatch(part)
        if match is None or match["device"] not in load_hardware():
            raise ValueError(f"{part!r} is no count×device of the hardware catalog")
        found.append((match["device"], int(match["count"])))
    return tuple(sorted(found))


def utterances() -> Iterator[tuple[str, Utterance]]:
    """Each with its theme, the name of its file.

    Raises:
        pydantic.ValidationError: an entry is not of the schema.
    """
    for path in sorted(HERE.glob("*.yaml")):
        rows: list[dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))
        for row in rows:
            yield path.stem, Utterance.model_validate(row)
