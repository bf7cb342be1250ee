"""What somebody asked, and where the answer goes: the records every surface shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Lang = Literal["en", "zh"]
Verb = Literal[
    "identify", "recommend", "history", "explain", "report", "endpoint", "devices", "size", "help", "forget", "refused"
]
Action = Literal["add", "list", "remove"]
MOST_TOKENS = 10_000_000
"""What one identification of an endpoint may be allowed to spend, whoever asks."""
Surface = Literal["slash", "mention", "dm", "cli"]


@dataclass(frozen=True, slots=True)
class Request:
    """A question, understood.

    Attributes:
        text: as the person wrote it.
        target: what to identify or to size; for ``history`` a part of target names to look for; for ``endpoint`` its name.
        constraints: deployment constraints by name, values as typed.
        scenario: free words about the deployment; for ``size`` the hardware, where it is not a constraint.
        quantization: for ``size``, the only one that is asked about.
        refusal: for the verb ``refused``, the error's code and values.
        budget_tokens: what an endpoint may be asked for at most, in tokens.
        thorough: ask an endpoint on after the verdict.
        action: for the verb ``endpoint``, what to do; for ``forget``, ``list`` what there is or ``remove`` it.
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


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from and its answer goes. ``response_url`` is Slack's, for slash commands."""

    surface: Surface
    team: str = ""
    channel: str = ""
    user: str = ""
    thread_ts: str | None = None
    response_url: str | None = None


def request_to_json(request: Request) -> dict[str, Any]:
    """A JSON-able mapping; ``request_from_json`` gives the equal record back."""
    return asdict(request)


def request_from_json(payload: Mapping[str, Any]) -> Request:
    """The request that ``request_to_json`` wrote."""
    refusal = payload.get("refusal")
    return Request(**{**payload, "refusal": (refusal[0], refusal[1]) if refusal else None})
