"""Prompts, and which of them run through a layer together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch

from engine.errors import UsageError

_MOST_TOKENS = 4_096
_MOST_PAIRS = 1 << 20
"""Bounds of a batch: its activations grow with the tokens, its attention maps with batch × length²."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A text, cut into tokens."""

    id: str
    token_ids: tuple[int, ...]


class Batch(NamedTuple):
    """Prompts of like length. ``ids``: ``[prompts, longest]``, filled up on the right."""

    prompts: tuple[Prompt, ...]
    ids: torch.Tensor

    @property
    def mask(self) -> torch.Tensor:
        """1 where there is a token, ``[prompts, longest]``."""
        lengths = torch.tensor([len(prompt.token_ids) for prompt in self.prompts])
        return (torch.arange(self.ids.shape[1])[None] < lengths[:, None]).long()


def batches(prompts: Sequence[Prompt], vocabulary: int) -> tuple[Batch, ...]:
    """Every prompt once, the short ones together. The same prompts always make the same batches.

    Raises:
        UsageError: no prompt, one without tokens, two of one id, or a token outside the vocabulary.
    """
    _check(prompts, vocabulary)
    found: list[list[Prompt]] = []
    for prompt in sorted(prompts, key=lambda prompt: len(prompt.token_ids)):
        length, count = len(prompt.token_ids), len(found[-1]) + 1 if found else 1
        if found and count * length <= _MOST_TOKENS and count * length * length <= _MOST_PAIRS:
            found[-1].append(prompt)
        else:
            found.append([prompt])
    return tuple(Batch(tuple(group), _filled_up(group)) for group in found)


def _check(prompts: Sequence[Prompt], vocabulary: int) -> None:
    if not prompts:
        raise UsageError("prompts_missing")
    if len({prompt.id for prompt in prompts}) < len(prompts):
        raise UsageError("prompt_twice")
    for prompt in prompts:
        if not prompt.token_ids:
            raise UsageError("prompt_empty", prompt=prompt.id[:80])
        if not 0 <= min(prompt.token_ids) <= max(prompt.token_ids) < vocabulary:
            raise UsageError("token_outside", prompt=prompt.id[:80], vocabulary=vocabulary)


def _filled_up(group: Sequence[Prompt]) -> torch.Tensor:
    longest = max(len(prompt.token_ids) for prompt in group)
    # What comes after a prompt's last token cannot reach it; any token will do.
    return torch.tensor([[*prompt.token_ids, *[0] * (longest - len(prompt.token_ids))] for prompt in group])
