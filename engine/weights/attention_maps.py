"""What a layer's attention did with each prompt, caught while the layer runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from engine.weights.prompts import Batch

_ATTENTION = ("self_attn", "attention.self", "attn", "attention", "self_attention")
_OUTPUT = ("self_attn.o_proj", "attention.output.dense", "attn.c_proj", "self_attn.out_proj", "attention.dense",
           "self_attn.dense", "attn.out_proj")  # fmt: skip


@dataclass(frozen=True, slots=True)
class HeadMaps:
    """One layer's attention over one prompt.

    Attributes:
        maps: ``[heads, queries, keys]`` float32, after the softmax, on the device.
        heads: ``[queries, heads, value width]``: what the output projection is given.
        out_weight: ``[hidden, heads × value width]``. Valid during the call only: its memory is the next layer's.
    """

    layer: int
    prompt: str
    maps: torch.Tensor
    heads: torch.Tensor
    out_weight: torch.Tensor


OnMaps = Callable[[HeadMaps], None]


@contextmanager
def watched(layer: nn.Module, number: int, batch: Batch, on_maps: OnMaps | None) -> Iterator[None]:
    """Run the layer once within; its maps are handed over when it is done, prompt by prompt.

    A layer without softmax attention (a state-space or linear one) hands over nothing.
    """
    attention, output = _find(layer, _ATTENTION), _find(layer, _OUTPUT)
    if on_maps is None or attention is None or output is None:
        yield
        return
    seen: dict[str, torch.Tensor] = {}

    def keep_maps(_: nn.Module, __: Any, found: Any) -> None:
        if isinstance(found, tuple) and len(found) > 1 and isinstance(found[1], torch.Tensor) and found[1].dim() == 4:
            seen["maps"] = found[1].detach()

    def keep_heads(_: nn.Module, given: tuple[Any, ...]) -> None:
        seen["heads"] = given[0].detach()

    hooks = (attention.register_forward_hook(keep_maps), output.register_forward_pre_hook(keep_heads))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
    if len(seen) == 2:
        _hand_over(seen["maps"], seen["heads"], output.weight, number, batch, on_maps)


def _hand_over(
    maps: torch.Tensor, heads: torch.Tensor, weight: Any, number: int, batch: Batch, on_maps: OnMaps
) -> None:
    for place, prompt in enumerate(batch.prompts):
        length, count = len(prompt.token_ids), maps.shape[1]
        on_maps(
            HeadMaps(
                layer=number,
                prompt=prompt.id,
                maps=maps[place, :, :length, :length].float(),
                heads=heads[place, :length].reshape(length, count, -1),
                out_weight=weight.detach(),
            )
        )


def _find(layer: nn.Module, names: tuple[str, ...]) -> nn.Module | None:
    for name in names:
        try:
            return layer.get_submodule(name)
        except AttributeError:
            continue
    return None
