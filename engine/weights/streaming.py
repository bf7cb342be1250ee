"""A true forward pass on whatever memory there is: all layers at once, one at a time, or on the CPU.

A model of any size runs on one device. Its modules are built on ``meta``; one layer's tensors are read and unpacked,
every prompt goes through it, its memory is given to the next. While a layer computes, the disk brings the next one
into the system's page cache (``page_cache``). Each tensor is read once, in the order it lies on disk.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch

from engine.errors import TargetError, UsageError
from engine.units import bytes_text
from engine.weights.attention_maps import HeadMaps, OnMaps
from engine.weights.layers import Layers, Plan, plan_of
from engine.weights.passing import Way, enter, leave, through
from engine.weights.peak_memory import PeakMemory, is_full, release
from engine.weights.prompts import Batch, Prompt, batches
from engine.weights.skeleton import build, dtype_named, quiet
from engine.weights.store import TensorStore

__all__ = ["HeadMaps", "Passed", "Prompt", "forward"]

Placement = Literal["whole", "streamed"]
Notes = tuple[tuple[str, Mapping[str, Any]], ...]
_SLACK = 1.3
"""A streamed pass takes one layer and at most this much of it: staging, unpacking, what the allocator rounds up."""


@dataclass(frozen=True, slots=True)
class Passed:
    """What a forward pass gave, and what it took.

    Attributes:
        logits: by prompt id, float32 on the CPU: ``[vocab]`` of the last position, or ``[tokens, vocab]``. Empty for
            an encoder.
        peak_bytes: memory above what was in use before: the device's, or the process's anonymous pages on the CPU.
        layer_bytes: the largest layer, in the types it computes in.
        bytes_read: off the disk or the wire.
        notes: what was given up on the way: codes under ``findings``, with their values.
    """

    logits: Mapping[str, torch.Tensor]
    placement: Placement
    device: str
    peak_bytes: int
    layer_bytes: int
    bytes_read: int
    seconds: float
    notes: Notes


@dataclass(frozen=True, slots=True)
class _Asked:
    store: TensorStore
    prompts: Sequence[Prompt]
    dtype: str | None
    on_maps: OnMaps | None
    all_positions: bool
    report: Callable[[int, int], None] | None
    read_ahead: bool


def forward(
    store: TensorStore,
    prompts: Sequence[Prompt],
    *,
    device: str = "cpu",
    budget: int | None = None,
    dtype: str | None = None,
    on_maps: OnMaps | None = None,
    all_positions: bool = False,
    report: Callable[[int, int], None] | None = None,
    read_ahead: bool = True,
) -> Passed:
    """Run every prompt through the model, once.

    Args:
        device: by torch's name.
        budget: bytes of its memory that may be used; ``None``: what is free, less a margin.
        dtype: to compute in, by torch's name; ``None``: the checkpoint's own, bfloat16 where it is quantised.
        on_maps: called with each layer's attention over each prompt; each once, also where memory ran out between.
        all_positions: logits of every position, not of the last alone.
        report: called after each layer with how many are done, and of how many.
        read_ahead: bring the next layer into the page cache while one computes.

    Raises:
        UsageError: no prompts, a token outside the vocabulary, a dtype or device that does not exist.
        TargetError: an architecture that cannot be run, or a layer that fits nowhere.
        CorruptTarget: tensors are missing, misshapen or no numbers.
    """
    if dtype is not None:
        dtype_named(dtype)
    once = None if on_maps is None else _once(on_maps)
    asked = _Asked(store, prompts, dtype, once, all_positions, report, read_ahead)
    began, read = time.monotonic(), store.bytes_read
    where = _device(device)
    notes: list[tuple[str, Mapping[str, Any]]] = []
    placements: tuple[Placement, ...] = ("whole", "streamed")
    ways = [(where, placement) for where in dict.fromkeys((where, torch.device("cpu"))) for placement in placements]
    plan: Plan | None = None
    for number, (on, placement) in enumerate(ways):
        plan = plan or plan_of(store, build(store, dtype))
        groups = batches(prompts, plan.skeleton.embedding.num_embeddings)
        needed = plan.whole_bytes if placement == "whole" else int(plan.layer_bytes * _SLACK)
        needed += activations(plan, groups)
        room = budget if budget is not None and on == where else _free(on)
        if full := needed <= room:
            try:
                logits, peak = _attempt(asked, plan, groups, on, stay=placement == "whole")
            except (RuntimeError, MemoryError) as error:
                if not is_full(error):
                    raise
            else:
                took = time.monotonic() - began
                bytes_read = store.bytes_read - read
                return Passed(logits, placement, str(on), peak, plan.layer_bytes, bytes_read, took, tuple(notes))
            plan = None  # with what it had loaded
            release(on)
        sizes = {"needed": bytes_text(needed), "budget": bytes_text(room)}
        if number + 1 < len(ways):
            then = "streamed" if placement == "whole" else "cpu"
            notes.append((f"{'oom' if full else 'too_large'}_{then}", {"device": str(on), **sizes}))
    raise TargetError("layer_too_large", name=store.name, **sizes)


def _attempt(
    asked: _Asked, plan: Plan, groups: Sequence[Batch], device: torch.device, *, stay: bool
) -> tuple[Mapping[str, torch.Tensor], int]:
    """Logits, and the bytes they took at the highest."""
    peak = PeakMemory(device)
    tokens: torch.Tensor = torch.unique(torch.cat([batch.ids.flatten() for batch in groups]))
    with Layers(asked.store, plan, device, tokens, stay=stay, read_ahead=asked.read_ahead) as layers:
        logits = _run(asked, plan, groups, layers, peak)
    return logits, peak.bytes


@torch.inference_mode()
def _run(
    asked: _Asked, plan: Plan, groups: Sequence[Batch], layers: Layers, peak: PeakMemory
) -> Mapping[str, torch.Tensor]:
    skeleton, count = plan.skeleton, len(plan.layers)
    with quiet():
        with layers.embedding():
            ways: list[Way] = [enter(skeleton, batch, layers.device) for batch in groups]
        for number in range(count):
            with layers.filled(number):
                peak.look()
                for way in ways:
                    through(skeleton, number, way, asked.on_maps)
                    peak.look()
            if asked.report is not None:
                asked.report(number + 1, count)
        if skeleton.head is None:
            return {}
        logits = leave(skeleton, ways, layers.head, all_positions=asked.all_positions)
        peak.look()
    return logits


def activations(plan: Plan, groups: Sequence[Batch]) -> int:
    """An estimate, upwards: what the largest batch takes within a layer, and the hidden states of all."""
    config = plan.skeleton.model.config
    hidden = int(getattr(config, "hidden_size", 0) or 0)
    wide = max(int(getattr(config, "intermediate_size", 0) or 0), 4 * hidden)
    heads = int(getattr(config, "num_attention_heads", 1) or 1)
    size = plan.skeleton.dtype.itemsize
    within = max(
        batch.ids.numel() * (6 * hidden + 3 * wide) * size
        + 2 * heads * batch.ids.numel() * batch.ids.shape[1] * (size + 4)
        for batch in groups
    )
    return within + sum(batch.ids.numel() for batch in groups) * hidden * size


def _once(on_maps: OnMaps) -> OnMaps:
    """Where a pass begins anew on less memory, what was handed over is not handed over again."""
    given: set[tuple[int, str]] = set()

    def hand_over(seen: HeadMaps) -> None:
        if (seen.layer, seen.prompt) not in given:
            on_maps(seen)
            given.add((seen.layer, seen.prompt))

    return hand_over


def _device(name: str) -> torch.device:
    try:
        return torch.device(name)
    except RuntimeError as error:
        raise UsageError("device_unknown", name=name[:40], known="cpu") from error


def _free(device: torch.device) -> int:
    from engine.weights.devices import chosen

    return chosen(str(device))[0].budget
