"""What a deployment must meet: a typed record, every quantity in one stated unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

DeviceKind = Literal["server", "workstation", "laptop", "edge", "embedded", "mobile"]
Task = Literal[
    "general", "customer-service", "legal", "research", "summarization", "translation", "writing",
    "math", "code", "science", "extraction", "classification", "agent", "medical", "finance",
]  # fmt: skip
Language = Literal["en", "zh", "other"]


@dataclass(frozen=True, slots=True)
class Installed:
    """So many of a device of the hardware catalog, by its id."""

    device: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Constraints:
    """Everything may be missing (``None``, or empty).

    Attributes:
        hardware: what is there, or what is asked about.
        memory: of all accelerators together, in GB (1e9 bytes), where the hardware is not named.
        bandwidth: memory bandwidth of one accelerator, in GB/s, where the hardware is not named.
        device: what kind of machine it runs on.
        compute: how much of it there is, where nobody gave a number.
        context: longest prompt and answer together, in tokens.
        prompt, output: a usual request's, in tokens.
        concurrency: requests in flight at once.
        ttft: time to first token at most, in seconds.
        tpot: time per output token of one request at most, in seconds.
        throughput: output tokens per second at least, of all requests together.
        task: what it is for.
        detail: how much depends on details.
        language: of prompts and answers.
        budget: for hardware at most, in US dollars an hour.
        privacy: ``on-premise``: no prompt may leave the premises.
        licence: ``permissive``: MIT, Apache-2.0 or alike only, which Llama's licence is not.
        availability: the share of time that it must answer, as 0.999.
        critical: whether the business depends on it.
    """

    hardware: tuple[Installed, ...] = ()
    memory: float | None = None
    bandwidth: float | None = None
    device: DeviceKind | None = None
    compute: Literal["limited", "ample"] | None = None
    context: float | None = None
    prompt: float | None = None
    output: float | None = None
    concurrency: float | None = None
    ttft: float | None = None
    tpot: float | None = None
    throughput: float | None = None
    task: Task | None = None
    detail: Literal["normal", "high"] | None = None
    language: Language | None = None
    budget: float | None = None
    privacy: Literal["on-premise", "any"] | None = None
    licence: Literal["permissive", "any"] | None = None
    availability: float | None = None
    critical: Literal["yes", "no"] | None = None

    def stated(self) -> dict[str, Any]:
        """What was said, JSON-able, by name."""
        said: dict[str, Any] = {}
        for entry in fields(self):
            value = getattr(self, entry.name)
            if entry.name == "hardware":
                value = [{"device": part.device, "count": part.count} for part in value] or None
            if value is not None:
                said[entry.name] = value
        return said


UNITS: Mapping[str, str] = {
    "memory": "GB", "bandwidth": "GB/s", "context": "token", "prompt": "token", "output": "token",
    "concurrency": "request", "ttft": "s", "tpot": "s/token", "throughput": "token/s", "budget": "USD/hour",
    "availability": "",
}  # fmt: skip
"""The unit that each number of ``Constraints`` is in."""
WORDS: Mapping[str, tuple[str, ...]] = {
    "device": get_args(DeviceKind), "compute": ("limited", "ample"), "task": get_args(Task), "detail": ("normal", "high"),
    "language": get_args(Language), "privacy": ("on-premise", "any"), "licence": ("permissive", "any"), "critical": ("yes", "no"),
}  # fmt: skip
"""The words that each of the others may be."""
NAMES: tuple[str, ...] = tuple(entry.name for entry in fields(Constraints))
