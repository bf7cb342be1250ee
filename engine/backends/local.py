"""This machine's devices. One device: everything runs in this process. Several: a worker process for each."""

from __future__ import annotations

import queue
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from engine.backends.jobs import Job, OnJob, Outcome, Task, gave_up, measure, retried, tasks_of
from engine.backends.placing import Seat, in_order, place
from engine.backends.process import Inbox, Message, WorkerProcess
from engine.weights.devices import Device, chosen, seen
from engine.weights.host import cores


class LocalBackend:
    """Backend on this machine; see ``engine.backends.Backend``. Workers start when first needed, and are kept."""

    name = "local"

    def __init__(self, devices: str = "", budget: int | None = None) -> None:
        """A backend on some devices of this machine.

        Args:
            devices: ids such as ``cuda:0,cuda:1``; ``cpu,cpu`` makes two workers on the CPU. Empty: what there is.
            budget: bytes each worker may use, instead of its share of what is free.

        Raises:
            UsageError: there is no such device.
        """
        self._wanted, self._budget = devices, budget
        self._devices = self._now()
        self._workers: dict[int, WorkerProcess] = {}
        self._inbox: Inbox = queue.SimpleQueue()

    def devices(self) -> tuple[Device, ...]:
        """Those that were named, else all there are."""
        return self._now() if self._wanted else tuple(replace(device, allowed=self._budget) for device in seen())

    def run(self, jobs: Sequence[Job], on_progress: OnJob | None = None) -> list[Outcome]:
        """See ``engine.backends.Backend.run``."""
        tasks, report = tasks_of(jobs), on_progress or (lambda job, done, total: None)
        if len(self._devices) == 1 or not tasks:
            return [self._here(task, report) for task in tasks]
        return self._among(tasks, report)

    def close(self) -> None:
        """End the workers."""
        for seat in list(self._workers):
            self._workers.pop(seat).stop()

    def _now(self) -> tuple[Device, ...]:
        """The devices to use, with what is free on them now."""
        return tuple(replace(device, allowed=self._budget) for device in chosen(self._wanted))

    def _here(self, task: Task, report: OnJob) -> Outcome:
        """In this process. What ``report`` raises passes through the work, whatever that catches."""
        steps = [1]

        def step(done: int, total: int) -> None:
            steps[0] = total
            try:
                report(task.job, done, total)
            except Exception as error:
                raise _Cancelled(error) from error

        device = self._now()[0]
        report(task.job, 0, 1)
        try:
            outcome = measure(task.job, device.id, step, kind=task.kind, budget=device.budget)
        except _Cancelled as cancelled:
            raise cancelled.reason from None
        report(task.job, steps[0], steps[0])
        return outcome

    def _among(self, tasks: list[Task], report: OnJob) -> list[Outcome]:
        """By workers. A worker that is gone takes its seat with it until the next task placed there starts another."""
        seats, round_ = self._seats(len(tasks)), _Round(in_order(tasks), report)
        try:
            while len(round_.outcomes) < len(tasks):
                while placed := place(round_.waiting, seats, [seats[number] for number in round_.doing]):
                    task, seat = placed
                    self._worker(seat).give(replace(task, budget=seat.budget))
                    round_.begin(task, seat.number)
                worker, message = self._inbox.get()
                seat_number = next((number for number, one in self._workers.items() if one is worker), None)
                if seat_number is None:  # stopped in an earlier round
                    continue
                if message is None:
                    self._workers.pop(seat_number).stop()
                if seat_number in round_.doing:
                    round_.hear(seat_number, message)
        except BaseException:
            for seat_number in round_.doing:
                if worker_at := self._workers.pop(seat_number, None):
                    worker_at.stop()
            raise
        return [round_.outcomes[task.number] for task in tasks]

    def _seats(self, jobs: int) -> list[Seat]:
        """One for each device named. What is free on a device is shared by its seats, as far as jobs will fill them."""
        devices = self._now()
        sharing = Counter(device.id for device in devices)

        def budget(device: Device) -> int:
            return device.budget if device.allowed is not None else device.budget // min(sharing[device.id], jobs)

        return [Seat(number, device.id, device.memory_free, budget(device)) for number, device in enumerate(devices)]

    def _worker(self, seat: Seat) -> WorkerProcess:
        if seat.number not in self._workers:
            threads = max(1, cores() // len(self._devices))
            self._workers[seat.number] = WorkerProcess(seat.device, threads, self._inbox)
        return self._workers[seat.number]


class _Cancelled(BaseException):
    """Carries what ``on_progress`` raised through work that catches every ``Exception``."""

    def __init__(self, reason: Exception) -> None:
        super().__init__(reason)
        self.reason = reason


class _Round:
    """One call of ``run``: what waits, which seat does what, and what came of it."""

    def __init__(self, waiting: list[Task], report: OnJob) -> None:
        self.waiting, self.report = waiting, report
        self.doing: dict[int, Task] = {}
        self.outcomes: dict[int, Outcome] = {}
        self._begun: Counter[int] = Counter()
        self._steps: dict[int, int] = {}

    def begin(self, task: Task, seat: int) -> None:
        """A seat has been given a task."""
        self.waiting.remove(task)
        self.doing[seat] = task
        self._begun[task.number] += 1
        self.report(task.job, 0, 1)

    def hear(self, seat: int, message: Message) -> None:
        """What the worker at a seat says of its task; ``None``: it died."""
        task = self.doing[seat]
        if isinstance(message, tuple):
            self._steps[task.number] = message[1]
            self.report(task.job, *message)
            return
        del self.doing[seat]
        again = self._begun[task.number] > 1
        if message is None and not again:
            self.waiting.insert(0, task)
            return
        outcome = message or gave_up(task.job)
        self.outcomes[task.number] = retried(outcome, task.job) if again else outcome
        total = self._steps.get(task.number, 1)
        self.report(task.job, total, total)
