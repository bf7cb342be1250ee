"""The nodes of a Ray cluster, and the places on them where a job can run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import engine
from engine.backends.placing import Seat
from engine.errors import UsageError
from engine.weights.devices import Device, seen

_RESOURCES: Mapping[str, str] = {"cuda": "GPU", "xpu": "GPU", "npu": "NPU"}
"""What Ray calls the accelerators of each kind (docs.ray.io, "Accelerator Support"). It knows none on a Mac."""
_SEE_ALL = {
    f"RAY_EXPERIMENTAL_NOSET_{name}": "1"
    for name in ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ASCEND_RT_VISIBLE_DEVICES", "ZE_AFFINITY_MASK")
}
"""Ray hides accelerators from a task that asks for none; with these it leaves them in sight."""


@dataclass(frozen=True, slots=True)
class Node:
    """A node that is up.

    Attributes:
        id: Ray's.
        host: its name.
        resources: what Ray may give away of it, by name.
    """

    id: str
    host: str
    resources: Mapping[str, float]
    devices: tuple[Device, ...]


def nodes() -> list[Node]:
    """Every node that is up, with its devices, as a task there sees them now.

    Raises:
        UsageError: a node cannot run our code, or runs another version of it.
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    asked = []
    for node in ray.nodes():
        if not node["Alive"]:
            continue
        options: dict[str, Any] = {"num_cpus": 0}
        if set(_RESOURCES.values()) & set(node["Resources"]):
            # In a process of its own, which ends with it: to look at an accelerator takes some of its memory.
            options |= {"max_calls": 1, "runtime_env": {"env_vars": _SEE_ALL}}
        there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        asked.append((node, ray.remote(**options, scheduling_strategy=there)(_report).remote()))
    found = []
    for node, answer in asked:
        host = str(node["NodeManagerHostname"])
        try:
            version, devices = ray.get(answer)
        except ray.exceptions.RayError as error:
            problem = str(error).strip().splitlines()[-1][:160]
            raise UsageError("ray_node", node=host, problem=problem, version=engine.__version__) from error
        if version != engine.__version__:
            raise UsageError("ray_node", node=host, problem=f"r1-detective {version}", version=engine.__version__)
        placed = tuple(replace(device, where=host) for device in devices)
        found.append(Node(node["NodeID"], host, node["Resources"], placed))
    return found


def _report() -> tuple[str, tuple[Device, ...]]:
    """Runs on the node."""
    return engine.__version__, seen()


def seats_of(found: Sequence[Node], wanted: Callable[[str], bool], jobs: int) -> tuple[list[Seat], list[Seat]]:
    """Where jobs can run: accelerators, and CPUs.

    Args:
        wanted: whether a kind of accelerator may be used.
        jobs: how many there are at most; what is free on a node is shared among its CPUs as far as these fill them.

    Raises:
        UsageError: there is nothing of either.
    """
    accelerators: list[Seat] = []
    cpus: list[Seat] = []
    for node in found:
        left = {name: int(node.resources.get(name, 0)) for name in (*_RESOURCES.values(), "CPU")}
        # Which of its accelerators Ray gives a task is its own choice; the freest are counted on.
        for device in sorted(node.devices, key=lambda device: -device.memory_free):
            resource = _RESOURCES.get(device.kind, "CPU")
            number = len(accelerators) + len(cpus)
            if resource != "CPU" and wanted(device.kind) and left[resource]:
                left[resource] -= 1
                accelerators.append(Seat(number, device.id, device.memory_free, device.budget, node.id))
            elif device.kind == "cpu" and left["CPU"]:
                share = min(left["CPU"], jobs)
                cpus += [
                    Seat(number + more, device.id, device.memory_free, device.budget // share, node.id)
                    for more in range(left["CPU"])
                ]
    if not accelerators and not cpus:
        raise UsageError("ray_no_room")
    return accelerators, cpus


def requirements(seat: Seat) -> dict[str, Any]:
    """What a task in a seat asks Ray for."""
    kind = seat.device.partition(":")[0]
    resource = _RESOURCES.get(kind)
    if resource == "GPU":
        return {"num_cpus": 0, "num_gpus": 1}
    if resource is not None:
        return {"num_cpus": 0, "resources": {resource: 1}}
    return {"num_cpus": 1, "num_gpus": 0}
