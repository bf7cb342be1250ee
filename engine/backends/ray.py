"""A Ray cluster: an existing one, or one started on this machine. Every node needs r1-detective and the files.

Ray queues, starts over what a dying worker left, and gives each task accelerators of its own. Which node a job goes
to is decided here, by the memory free on each.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from engine.backends.jobs import ATTEMPTS, Job, OnJob, Outcome, Task, gave_up, measure, retried, tasks_of
from engine.backends.placing import Seat, in_order, place
from engine.backends.ray_cluster import connect, hush
from engine.backends.ray_nodes import nodes, requirements, seats_of
from engine.errors import UsageError
from engine.weights.devices import KINDS, Device, chosen

_POLL_SECONDS = 0.1
_END_SECONDS = 5.0
_HANDED_ON = ("HF_ENDPOINT", "HF_HUB_OFFLINE", "HF_TOKEN")
"""Of this process's environment, what tasks need to find the same repositories. As an argument, not as Ray's
``runtime_env``, which its dashboard shows."""


class RayBackend:
    """Backend on a cluster; see ``engine.backends.Backend``."""

    name = "ray"

    def __init__(self, address: str = "", devices: str = "", budget: int | None = None) -> None:
        """Join the cluster at ``address``, or start one where that is ``local``.

        Args:
            devices: kinds of devices to use; ``cpu`` leaves accelerators alone. Empty: accelerators where there
                are any.
            budget: bytes each job may use, instead of its share of what is free where it runs.

        Raises:
            UsageError: Ray is missing, no cluster answers, or there is no such kind of device.
        """
        self._kinds = {name.strip().partition(":")[0] for name in devices.lower().split(",") if name.strip()}
        if unknown := self._kinds - set(KINDS):
            raise UsageError("device_unknown", name=min(unknown)[:40], known=", ".join(KINDS))
        self._address, self._budget = address, budget
        self._connection = connect(address)
        self._watch: Any = None

    def devices(self) -> tuple[Device, ...]:
        """Those of every node."""
        with self._joined():
            found = [device for node in nodes() for device in node.devices if self._wants(device.kind)]
        return tuple(replace(device, allowed=self._budget) for device in found)

    def run(self, jobs: Sequence[Job], on_progress: OnJob | None = None) -> list[Outcome]:
        """See ``engine.backends.Backend.run``.

        Raises:
            UsageError: the cluster is gone, or has no room.
        """
        tasks = [replace(task, budget=self._budget) for task in tasks_of(jobs)]
        if not tasks:
            return []
        with self._joined():
            return self._run(tasks, on_progress or (lambda job, done, total: None))

    def _run(self, tasks: list[Task], report: OnJob) -> list[Outcome]:
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        accelerators, cpus = seats_of(nodes(), self._wants, len(tasks))
        if self._watch is None:
            # On this process's own node: if another one goes down, its jobs are begun again, and must be counted.
            here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)
            self._watch = ray.remote(num_cpus=0, scheduling_strategy=here)(Watch).remote()
        round_ = _Round(tasks, accelerators, cpus, self._watch, report)
        try:
            return round_.finish()
        finally:
            round_.cancel()

    def close(self) -> None:
        """Leave the cluster; end it where it was started here."""
        self._leave()

    def _leave(self) -> None:
        import ray

        if self._watch is not None and not self._connection.left:
            ray.kill(self._watch)
        self._watch = None
        self._connection.close()

    @contextmanager
    def _joined(self) -> Iterator[None]:
        """In the cluster, which is left again if it is not ours: one that is stopped ends every process in it, a
        minute later, idle ones too."""
        if self._connection.left:
            self._connection = connect(self._address)
        hush()  # somebody may have put another standard output in place since
        try:
            yield
        finally:
            if not self._connection.started_here:
                self._leave()

    def _wants(self, kind: str) -> bool:
        return not self._kinds or kind in self._kinds


class _Round:
    """One call of ``run``: what waits, what runs where, and what came of it."""

    def __init__(
        self, tasks: Sequence[Task], accelerators: Sequence[Seat], cpus: Sequence[Seat], watch: Any, report: OnJob
    ) -> None:
        self._tasks, self._watch, self._report = tasks, watch, report
        self._id = os.urandom(8).hex()
        waiting = in_order(tasks)
        # Only what computes needs an accelerator; the rest must not keep one busy.
        self._queues = [
            ([task for task in waiting if task.kind.computes], accelerators or cpus),
            ([task for task in waiting if not task.kind.computes], cpus or accelerators),
        ]
        self._running: dict[Any, tuple[Task, Seat]] = {}
        self._outcomes: dict[int, Outcome] = {}
        self._steps: dict[int, int] = {}

    def finish(self) -> list[Outcome]:
        """Run everything; outcomes in the order of the tasks."""
        import ray

        while len(self._outcomes) < len(self._tasks):
            self._start()
            over, _ = ray.wait(list(self._running), num_returns=1, timeout=_POLL_SECONDS)
            for number, done, total in ray.get(self._watch.take.remote(self._id)):
                self._steps[number] = total
                self._report(self._tasks[number].job, done, total)
            for ref in over:
                task, _ = self._running.pop(ref)
                self._outcomes[task.number] = _outcome(ref, task)
                total = self._steps.get(task.number, 1)
                self._report(task.job, total, total)
        return [self._outcomes[task.number] for task in self._tasks]

    def cancel(self) -> None:
        """End what runs; returns when it has ended."""
        import ray

        for ref in self._running:
            ray.cancel(ref, force=True)
        if self._running:
            ray.wait(list(self._running), num_returns=len(self._running), timeout=_END_SECONDS)

    def _start(self) -> None:
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        environment = {name: os.environ[name] for name in _HANDED_ON if name in os.environ}
        remote = ray.remote(max_retries=ATTEMPTS - 1)(_do)
        for waiting, seats in self._queues:
            while placed := place(waiting, seats, [seat for _, seat in self._running.values()]):
                task, seat = placed
                waiting.remove(task)
                # Where its node goes down, Ray may begin it again on another.
                there = NodeAffinitySchedulingStrategy(seat.node, soft=True)
                placed_there = remote.options(**requirements(seat), scheduling_strategy=there)
                ref = placed_there.remote(self._id, task, seat, self._watch, environment)
                self._running[ref] = task, seat
                self._report(task.job, 0, 1)


def _outcome(ref: Any, task: Task) -> Outcome:
    import ray

    try:
        outcome: Outcome = ray.get(ref)
    except ray.exceptions.RayTaskError as error:  # `measure` raises nothing: our code could not be run at all
        problem = str(error).strip().splitlines()[-1][:160]
        return Outcome(error=("job_failed", {"kind": task.job.kind, "name": task.job.spec, "problem": problem}))
    except ray.exceptions.RayError:
        return gave_up(task.job)
    return outcome


class Watch:
    """An actor that counts how often each task of a round was begun, and keeps steps until they are fetched."""

    def __init__(self) -> None:
        self._begun: Counter[tuple[str, int]] = Counter()
        self._steps: list[tuple[str, int, int, int]] = []

    def begin(self, round_: str, number: int) -> int:
        """Which attempt at a task this is, from 1."""
        self._begun[round_, number] += 1
        return self._begun[round_, number]

    def step(self, round_: str, number: int, done: int, total: int) -> None:
        """A task has come so far."""
        self._steps.append((round_, number, done, total))

    def take(self, round_: str) -> list[tuple[int, int, int]]:
        """Steps of a round since the last time; those of earlier rounds came too late."""
        steps, self._steps = self._steps, []
        return [(number, done, total) for of, number, done, total in steps if of == round_]


def _do(round_: str, task: Task, seat: Seat, watch: Any, environment: Mapping[str, str]) -> Outcome:
    """Runs on a node, in a process to which Ray shows only the accelerators it is given."""
    import ray

    os.environ.update(environment)
    attempt = ray.get(watch.begin.remote(round_, task.number))
    if attempt > ATTEMPTS:  # killed for want of memory, Ray would begin it again and again
        return gave_up(task.job)
    kind = seat.device.partition(":")[0]
    device = chosen(kind)[0]
    # A CPU is shared with other seats; an accelerator is its own.
    budget = task.budget or (seat.budget if kind == "cpu" else device.budget)
    outcome = measure(
        task.job,
        device.id,
        lambda done, total: watch.step.remote(round_, task.number, done, total),
        kind=task.kind,
        budget=budget,
    )
    return retried(outcome, task.job) if attempt > 1 else outcome
