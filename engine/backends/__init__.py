"""Where weights are opened: this process, this machine's devices, or a Ray cluster. The same job gives the same
evidence on each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from engine.backends.jobs import Job, OnJob, Outcome
from engine.weights.devices import Device

__all__ = ["Backend", "Device", "Job", "Name", "Outcome", "open_backend", "run_on"]

Name = Literal["local", "ray"]


class Backend(Protocol):
    """Devices, and a way to have jobs done on them. Close it when done; it may run many rounds before."""

    name: str

    def devices(self) -> tuple[Device, ...]:
        """The devices it can use."""
        ...

    def run(self, jobs: Sequence[Job], on_progress: OnJob | None = None) -> list[Outcome]:
        """Do the jobs, as many at once as there are devices.

        Args:
            on_progress: told of each job when it begins, on the way, and when it is over. What it raises
                cancels everything that runs, and is raised here.

        Returns:
            What became of each job, in their order. What goes wrong with one is in its outcome.
        """
        ...

    def close(self) -> None:
        """End the workers it started."""
        ...


def run_on(backend: Backend | None, jobs: Sequence[Job], on_progress: OnJob | None = None) -> list[Outcome]:
    """As ``Backend.run``; without a backend on this machine's devices, for the one round."""
    chosen = backend or open_backend()
    try:
        return chosen.run(jobs, on_progress)
    finally:
        if backend is None:
            chosen.close()


def open_backend(name: Name = "local", *, address: str = "", devices: str = "", budget: int | None = None) -> Backend:
    """The backend that a setting names.

    Args:
        address: of the Ray cluster; ``local`` starts one on this machine. Empty: the one that ``RAY_ADDRESS``
            names, or that runs on this machine.
        devices: which to use, e.g. ``cuda:0,cuda:1``; ``cpu,cpu`` makes two workers. In a cluster only the kinds
            count. Empty: what there is.
        budget: bytes of memory that each worker may use, instead of what is found free.

    Raises:
        UsageError: there is no such device; Ray is missing, or no cluster answers.
    """
    if name == "ray":
        from engine.backends.ray import RayBackend

        return RayBackend(address, devices, budget)
    from engine.backends.local import LocalBackend

    return LocalBackend(devices, budget)
