"""Constraints that cannot hold together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.constraints.record import Constraints
from engine.errors import UsageError

_NEAR = 0.1
"""Share by which two statements of one memory or bandwidth may differ: 24 GB, 24 GiB and 25.8 GB are the same card."""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two (or three) ``fields`` that cannot all hold, and the sentence that says so."""

    fields: tuple[str, ...]
    error: UsageError


def check(constraints: Constraints, hardware_files: tuple[Path, ...] = ()) -> Iterator[Contradiction]:
    """Every contradiction, one after the other."""
    yield from _lengths(constraints)
    if constraints.hardware and (constraints.memory or constraints.bandwidth or constraints.device):
        yield from _hardware(constraints, hardware_files)


def _lengths(constraints: Constraints) -> Iterator[Contradiction]:
    prompt, output, context = constraints.prompt, constraints.output, constraints.context
    if context is not None and (prompt or 0) + (output or 0) > context:
        names = tuple(name for name, value in (("prompt", prompt), ("output", output)) if value)
        needed = f"{(prompt or 0) + (output or 0):,.0f}"
        error = UsageError(
            "constraints_request_context", names=" + ".join(names), needed=needed, context=f"{context:,.0f}"
        )
        yield Contradiction((*names, "context"), error)


def _hardware(constraints: Constraints, hardware_files: tuple[Path, ...]) -> Iterator[Contradiction]:
    from engine.hardware import load_hardware

    devices = load_hardware(hardware_files)
    known = [(part, devices[part.device]) for part in constraints.hardware if part.device in devices]
    if len(known) < len(constraints.hardware):
        return  # of a file that is not given here
    named = ", ".join(f"{part.count}×{device.id}" for part, device in known)
    if constraints.memory is not None and all(device.kind != "cpu" for _, device in known):
        totals = [device.memory * part.count for part, device in known]
        likely = [*totals, sum(totals), *(device.usable * part.count for part, device in known)]
        if not any(_close(constraints.memory, total) for total in likely):
            values = {"memory": f"{constraints.memory:g}", "hardware": named, "total": f"{sum(totals):g}"}
            yield Contradiction(("memory", "hardware"), UsageError("constraints_memory_hardware", **values))
    if constraints.bandwidth is not None and not any(
        _close(constraints.bandwidth, device.bandwidth) for _, device in known
    ):
        has = ", ".join(f"{device.bandwidth:g}" for _, device in known)
        values = {"bandwidth": f"{constraints.bandwidth:g}", "hardware": named, "has": has}
        yield Contradiction(("bandwidth", "hardware"), UsageError("constraints_bandwidth_hardware", **values))
    if constraints.device in ("mobile", "embedded") and all(device.place == "server" for _, device in known):
        error = UsageError("constraints_device_hardware", device=constraints.device, hardware=named)
        yield Contradiction(("device", "hardware"), error)


def _close(first: float, second: float) -> bool:
    return abs(first - second) <= _NEAR * second
