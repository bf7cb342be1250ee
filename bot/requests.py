"""What somebody asked, and where the answer goes: the records every surface shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from typing import Any, Literal

Lang = Literal["en", "zh"]
Verb = Literal[
    "identify", "recommend", "compare", "size", "watch", "history", "explain", "report", "endpoint", "devices", "help",
    "forget", "cancel", "other", "refused",
]  # fmt: skip
Action = Literal[
    "add", "list", "remove", "pause", "resume", "run", "accept", "mute", "mute_change", "unmute", "export"
]  # fmt: skip
Ask = Literal["target", "constraints"]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
MOST_TOKENS = 10_000_000
"""What one identification of an endpoint may be allowed to spend, whoever asks."""
Surface = Literal["slash", "mention", "dm", "button", "modal", "shortcut", "watch", "cli"]


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a watch looks, and whom it tells how.

    Attributes:
        every: ``30m``, ``6h``, ``1d``, ``1w``.
        once: the day, where it looks no second time.
        at: times of day, ``09:00``, in ``timezone``.
        days: of the week; empty for all.
        until: the last day.
        channel: where notices go, ``#ops`` or a channel's id; ``None``: where the watch was asked for.
        quiet: when nobody is told, ``22:00-08:00``.
        timezone: as in the IANA database; ``None``: the person's own.
        notify: ids of people who are mentioned in notices.
        digest: the time of day, ``09:00``, at which all that need not be told at once is told together; ``None``: each
            change is told when it is found.
    """

    every: str | None = None
    once: date | None = None
    at: tuple[str, ...] = ()
    days: tuple[Day, ...] = ()
    until: date | None = None
    channel: str | None = None
    quiet: str | None = None
    timezone: str | None = None
    notify: tuple[str, ...] = ()
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class OnTask:
    """How well two models do on a task, as against what they are.

    Attributes:
        name: of a task that ships, or of a file as its owner named it.
        file: where that file is: its path, typed in a terminal, or its id in Slack; ``None`` for a task that ships.
        kind: how its answers are scored, where the file does not say.
        gap: the smallest difference of the main metric that matters, 0 to 1; ``None`` for the usual one.
        judge: the registered endpoint that judges answers by a rubric.
        price_a, price_b: US dollars for a million prompt tokens and a million generated ones, ``0.55/2.19``.
    """

    name: str
    file: str | None = None
    kind: str | None = None
    gap: float | None = None
    judge: str | None = None
    price_a: str | None = None
    price_b: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """A question, understood.

    Attributes:
        text: as the person wrote it.
        target: what to identify, size or watch; of two to compare the first; for ``history`` a part of target names to
            look for; for ``endpoint`` its name; for ``explain`` and ``report`` the target whose latest verdict is meant,
            where no id was given.
        other: the second target of ``compare``.
        on_task: for ``compare``, the task on which the two are compared; ``None``: by what they are.
        constraints: deployment constraints by name, values as typed.
        scenario: free words about the deployment; for ``size`` the hardware, where it is not a constraint.
        quantization: for ``size``, the only one that is asked about.
        refusal: for the verb ``refused``, the error's code and values.
        budget_tokens: what an endpoint may be asked for at most, in tokens.
        thorough: ask an endpoint on after the verdict.
        fresh: look again, though a verdict was just given.
        action: for ``endpoint`` and ``watch``, what to do; for ``forget``, ``list`` what there is or ``remove`` it; for
            ``history``, ``export`` it as a table; for ``compare``, ``list`` the tasks that there are.
        schedule: for ``watch``; ``None`` for the usual one.
        ask: what is missing, and has to be asked for; nothing runs before.
        sure: ``False``: what was understood from free words is expensive, and is shown to be confirmed before it runs.
        free: understood from free words; the reply shows the line that says the same.
        confirms: the id of the question that this one confirms; it is answered once, however often it is confirmed.
        private: whether only the person sees the answer; ``None``: as they and the workspace chose.
        usual: what of the person's defaults was put in, as ``task=code``; the reply says so.
        watch: the id of the watch whose look or notice this is.
        notice: what a notice tells, see ``bot.watches.notices``.
    """

    verb: Verb
    text: str
    lang: Lang
    target: str | None = None
    family: str = "deepseek-r1"
    constraints: Mapping[str, str] = field(default_factory=dict)
    scenario: str = ""
    verdict_id: str | None = None
    limit: int = 10
    refusal: tuple[str, Mapping[str, Any]] | None = None
    budget_tokens: int | None = None
    thorough: bool = False
    action: Action | None = None
    quantization: str | None = None
    other: str | None = None
    fresh: bool = False
    schedule: Schedule | None = None
    ask: Ask | None = None
    sure: bool = True
    free: bool = False
    confirms: str | None = None
    private: bool | None = None
    usual: str = ""
    watch: str | None = None
    notice: Mapping[str, Any] | None = None
    on_task: OnTask | None = None


@dataclass(frozen=True, slots=True)
class Earlier:
    """What was last asked in the same thread (or in a direct message just before), and the verdict it got.

    Attributes:
        about: the latest question before it that was about a model, where this one is about none.
    """

    id: str
    request: Request
    verdict_id: str | None = None
    about: Earlier | None = None

    def subject(self) -> Earlier | None:
        """The latest question that was about a model: this one, or one before."""
        if about_a_model(self.request):
            return replace(self, about=None)
        other = self.request.verdict_id is not None and self.about and self.about.verdict_id != self.request.verdict_id
        return None if other else self.about  # another verdict may be of another model


NAMED_BY_SIZE = "deepseek-r1:"
"""How a model begins that is named by its size alone: what it takes may be asked of it, and not what it is."""
ABOUT_A_MODEL = ("identify", "explain", "report", "watch", "compare", "size")
"""Verbs of questions about a model, where they have a target."""


def about_a_model(request: Request) -> bool:
    """Whether "it" in a later message may mean what the request is about."""
    named_by_size = request.verb == "size" and (request.target or "").startswith(NAMED_BY_SIZE)
    return request.verb in ABOUT_A_MODEL and bool(request.target) and not named_by_size


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from and its answer goes. ``response_url`` is Slack's, for commands and buttons."""

    surface: Surface
    team: str = ""
    channel: str = ""
    user: str = ""
    thread_ts: str | None = None
    response_url: str | None = None


def request_to_json(request: Request) -> dict[str, Any]:
    """A JSON-able mapping; ``request_from_json`` gives the equal record back."""
    payload = asdict(request)
    if request.schedule is not None:
        payload["schedule"] = schedule_to_json(request.schedule)
    return payload


def request_from_json(payload: Mapping[str, Any]) -> Request:
    """The request that ``request_to_json`` wrote."""
    refusal, schedule, on_task = payload.get("refusal"), payload.get("schedule"), payload.get("on_task")
    return Request(
        **{
            **payload,
            "refusal": (refusal[0], refusal[1]) if refusal else None,
            "schedule": schedule_from_json(schedule) if schedule else None,
            "on_task": OnTask(**on_task) if on_task else None,
        }
    )


def schedule_to_json(schedule: Schedule) -> dict[str, Any]:
    """A JSON-able mapping of what is set; days as ``2026-12-31``."""
    set_ = {name: value for name, value in asdict(schedule).items() if value not in (None, ())}
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in set_.items()}


def schedule_from_json(payload: Mapping[str, Any]) -> Schedule:
    """The schedule that ``schedule_to_json`` wrote."""
    days = {name: date.fromisoformat(payload[name]) for name in ("once", "until") if payload.get(name)}
    lists = {name: tuple(payload[name]) for name in ("at", "days", "notify") if payload.get(name)}
    return Schedule(**{**payload, **days, **lists})
