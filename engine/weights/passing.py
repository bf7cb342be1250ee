"""Prompts on their way through a model whose layers come and go: into the first, through one at a time, out of the
last.

What happens before the first layer and after the last is transformers' own code. The model's ``forward`` is run with
each layer's replaced: the first time it notes what every layer is given (masks, rotary angles) and stops, the last
time it hands on what the last layer made. Nothing is patched for one architecture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from engine.errors import R1Error, TargetError
from engine.weights.attention_maps import OnMaps, watched
from engine.weights.peak_memory import is_full
from engine.weights.prompts import Batch
from engine.weights.skeleton import Skeleton, unsupported

_AT_ONCE = 256
"""Positions sent through the head at once: their logits, in a vocabulary of 129 280, take 66 MB in bfloat16."""

HeadRows = Callable[[torch.Tensor], torch.Tensor]


@dataclass(slots=True)
class Way:
    """A batch between two layers. ``hidden``: ``[prompts, tokens, hidden]``; ``calls``: what each layer is given
    beside it."""

    batch: Batch
    hidden: torch.Tensor
    calls: list[tuple[tuple[Any, ...], dict[str, Any]]]


class _LastLayerReached(Exception):
    """Ends the first run: what lies behind the layers is not loaded yet."""


def enter(skeleton: Skeleton, batch: Batch, device: torch.device) -> Way:
    """A batch before the first layer. The embedding must have its weights.

    Raises:
        TargetError: the model does something to the hidden states between its layers.
    """
    calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
    first: list[torch.Tensor] = []

    def note(*args: Any, **kwargs: Any) -> torch.Tensor:
        kwargs.pop("hidden_states", None)
        hidden: torch.Tensor = args[0]
        if first and first[0] is not hidden:
            raise _unsupported(skeleton, "hidden states are changed between layers")
        first.append(hidden)
        calls.append((args[1:], kwargs))
        if len(calls) == len(skeleton.layers):
            raise _LastLayerReached
        return hidden

    given: dict[str, Any] = {"input_ids": batch.ids.to(device)}
    given |= {"use_cache": False} if skeleton.causal else {"attention_mask": batch.mask.to(device)}
    with _layers_doing(skeleton.layers, [note] * len(skeleton.layers)):
        try:
            with _by_transformers(skeleton):
                skeleton.model(**given)
        except _LastLayerReached:
            return Way(batch, first[0], calls)
    raise _unsupported(skeleton, "not every layer is run")


def through(skeleton: Skeleton, number: int, way: Way, on_maps: OnMaps | None) -> None:
    """One layer. It must have its weights.

    Raises:
        TargetError: what comes out is no numbers.
    """
    layer = skeleton.layers[number]
    args, kwargs = way.calls[number]
    with watched(layer, number, way.batch, on_maps), _by_transformers(skeleton):
        made = layer(way.hidden, *args, **kwargs)
    way.hidden = made[0] if isinstance(made, tuple) else made
    if not bool(way.hidden.isfinite().all()):
        raise TargetError("forward_not_finite", layer=number, dtype=str(skeleton.dtype).removeprefix("torch."))


def leave(
    skeleton: Skeleton, ways: Sequence[Way], head_rows: HeadRows, *, all_positions: bool
) -> dict[str, torch.Tensor]:
    """Logits by prompt, float32 on the CPU: ``[vocab]`` of the last position, or ``[tokens, vocab]``."""
    found: dict[str, list[torch.Tensor]] = {}
    places = [
        (prompt.id, way.hidden[row, position])
        for way in ways
        for row, prompt in enumerate(way.batch.prompts)
        for position in range(len(prompt.token_ids))[0 if all_positions else -1 :]
    ]
    for first in range(0, len(places), _AT_ONCE):
        some = places[first : first + _AT_ONCE]
        hidden = torch.stack([vector for _, vector in some])[None]
        logits = _logits(skeleton, hidden, head_rows).float().cpu()
        for (name, _), row in zip(some, logits, strict=True):
            found.setdefault(name, []).append(row)
    return {name: torch.stack(rows) if all_positions else rows[0] for name, rows in found.items()}


def _logits(skeleton: Skeleton, hidden: torch.Tensor, head_rows: HeadRows) -> torch.Tensor:
    """What the model makes of what its last layer made, ``[positions, vocab]``: each position goes its own way."""
    assert skeleton.head is not None
    count = len(skeleton.layers)
    doing: list[Callable[..., torch.Tensor]] = [lambda given, *_, **__: given] * (count - 1)
    doing += [lambda *_, **__: hidden, head_rows]
    with _layers_doing((*skeleton.layers, skeleton.head), doing), _by_transformers(skeleton):
        made = skeleton.model(inputs_embeds=hidden, use_cache=False)
    logits: torch.Tensor = made.logits[0]
    return logits


@contextmanager
def _layers_doing(modules: Sequence[nn.Module], doing: Sequence[Callable[..., torch.Tensor]]) -> Iterator[None]:
    """Other functions in place of the modules' ``forward`` within."""
    for module, instead in zip(modules, doing, strict=True):
        module.forward = instead
    try:
        yield
    finally:
        for module in modules:
            del module.forward


@contextmanager
def _by_transformers(skeleton: Skeleton) -> Iterator[None]:
    """Its errors, but for memory that ran out and our own, mean that it cannot run this."""
    try:
        yield
    except (R1Error, _LastLayerReached):
        raise
    except Exception as error:
        if is_full(error):
            raise
        raise _unsupported(skeleton, error) from error


def _unsupported(skeleton: Skeleton, problem: Exception | str) -> TargetError:
    return unsupported(type(skeleton.model).__name__, problem)
