"""What a backend is asked for and what it gives back, and the one function that does it, wherever that runs."""

from __future__ import annotations

import importlib
import inspect
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine.errors import R1Error
from engine.targets.target import Finding

log = logging.getLogger("r1.backends")

OnStep = Callable[[int, int], None]
"""Told how many steps of how many are done."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of work.

    Attributes:
        work: ``module:function``. It is called with the job's spec and its options by keyword; with ``device``,
            ``budget`` (bytes) and ``report`` (an ``OnStep``) too, where it has such parameters.
        computes: whether it runs on an accelerator; else it reads and counts, and a CPU core will do.
        probe: whose observation it returns; empty where it returns observations by probe name.
    """

    work: str
    computes: bool
    probe: str = ""

    def __call__(self, job: Job, device: str, report: OnStep | None, budget: int | None) -> Outcome:
        """Do ``job``; raises what the work raises."""
        module, _, name = self.work.partition(":")
        work = getattr(importlib.import_module(module), name)
        given = {"device": device, "budget": budget, "report": report}
        known = inspect.signature(work).parameters
        with _alike(self):
            found = work(job.spec, **job.options, **{key: value for key, value in given.items() if key in known})
        if isinstance(found, Outcome):
            return found
        observations = {self.probe: found} if self.probe else found
        read = sum(int(seen.get("bytes_read", 0)) for seen in observations.values())
        return Outcome(observations=observations, bytes_read=read)


@contextmanager
def _alike(kind: Kind) -> Iterator[None]:
    """One thread for numpy's products where nothing large is computed: sums then come out the same to the last bit
    however many cores there are, and do not wait for cores that others use."""
    if kind.computes:
        yield
        return
    import numpy  # noqa: F401  # only libraries that are loaded can be held to it
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        yield


KINDS: dict[str, Kind] = {
    "sanity": Kind("engine.probes.sanity:measure", computes=False, probe="sanity"),
    "lineage": Kind("engine.probes.lineage:measure", computes=False, probe="lineage"),
    "forward": Kind("engine.weights.looking:look", computes=True),
}
"""Every kind of job by name. A new one is added here; it goes to workers with the job."""


@dataclass(frozen=True, slots=True)
class Job:
    """A piece of work on one target. ``options``: JSON-able; ``bytes_needed``: of device memory, as estimated."""

    kind: str
    spec: str
    options: Mapping[str, Any] = field(default_factory=dict)
    bytes_needed: int = 0


OnJob = Callable[[Job, int, int], None]
"""Told of a job how many steps of how many are done."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job.

    Attributes:
        observations: by probe name, JSON-able; the same on every backend.
        notes: what went otherwise than usual: memory ran out, a worker died.
        error: an ``R1Error``'s code and values, where there are no observations.
        bytes_read: payload bytes off disk or the wire.
    """

    observations: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    notes: tuple[Finding, ...] = ()
    error: tuple[str, Mapping[str, Any]] | None = None
    device: str = ""
    seconds: float = 0.0
    bytes_read: int = 0


@dataclass(frozen=True, slots=True)
class Task:
    """A job on its way to a worker: its kind spelled out, its path absolute, the memory it may use."""

    number: int
    job: Job
    kind: Kind
    budget: int | None = None


def tasks_of(jobs: Sequence[Job]) -> list[Task]:
    """Jobs as tasks, numbered in their order. Paths become absolute: workers may be started elsewhere.

    Raises:
        KeyError: a job's kind is not in ``KINDS``.
    """
    return [Task(number, _absolute(job), KINDS[job.kind]) for number, job in enumerate(jobs)]


def _absolute(job: Job) -> Job:
    path = Path(job.spec).expanduser()
    try:
        return replace(job, spec=str(path.absolute())) if path.exists() else job
    except (OSError, ValueError):  # no path at all; the worker says so
        return job


def measure(
    job: Job, device: str, report: OnStep | None = None, *, kind: Kind | None = None, budget: int | None = None
) -> Outcome:
    """Do a job in this process. Never raises on account of the target or the machine.

    Args:
        device: as torch names it.
        report: called now and then; what it raises ends the work if it is no ``Exception``.
        kind: where it is not that of ``KINDS``.
        budget: bytes of the device's memory that may be used.
    """
    started = time.perf_counter()
    chosen = kind or KINDS[job.kind]
    try:
        found = chosen(job, device, report, budget)
    except Exception as error:
        found = Outcome(error=_told(error, job, device))
    return replace(found, device=found.device or device, seconds=time.perf_counter() - started)


ATTEMPTS = 2
"""How often a job is begun at most: its worker may have died of something else once, hardly twice."""


def retried(outcome: Outcome, job: Job) -> Outcome:
    """The outcome with a note that it took a second attempt."""
    return replace(outcome, notes=(*outcome.notes, Finding("job_retried", {"kind": job.kind})))


def gave_up(job: Job) -> Outcome:
    """What is left to say when a job's workers died as often as it was begun."""
    return Outcome(error=("worker_died", {"kind": job.kind, "name": _name(job), "attempts": ATTEMPTS}))


def _told(error: Exception, job: Job, device: str) -> tuple[str, Mapping[str, Any]]:
    """An exception as an error's code and JSON-able values."""
    if isinstance(error, R1Error):
        return error.code, {name: _plain(value) for name, value in error.values.items()}
    name = _name(job)
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return "out_of_memory", {"name": name, "device": device}
    if isinstance(error, ImportError):
        return "weights_extra", {"module": error.name or "?"}
    if isinstance(error, OSError):
        return "unreadable", {"name": name, "problem": error.strerror or type(error).__name__}
    log.exception("%s of %s failed", job.kind, job.spec)
    return "job_failed", {"kind": job.kind, "name": name, "problem": f"{type(error).__name__}: {error}"[:200]}


def _name(job: Job) -> str:
    return Path(job.spec).name or job.spec


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | float | bool | None) else str(value)
