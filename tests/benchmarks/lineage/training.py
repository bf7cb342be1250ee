"""Short seeded trainings on one CPU core: from nothing, further on other text, low-rank, and distilled.

Nothing here depends on the clock: the same seed and steps give the same weights on the same machine.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

TEMPERATURE = 2.0
"""Of the soft targets; DistilBERT's."""


def learn(
    model: nn.Module, tokens: np.ndarray, *, steps: int, rate: float, seed: int, batch: int = 8, length: int = 64
) -> float:
    """Next-token training with AdamW, warm-up and cosine; returns the mean loss in nats of the last tenth."""
    losses: list[float] = []

    def loss_of(ids: torch.Tensor) -> torch.Tensor:
        loss = model(input_ids=ids, labels=ids).loss
        losses.append(float(loss.detach()))
        return loss

    optimise(list(model.parameters()), loss_of, tokens, steps=steps, rate=rate, seed=seed, batch=batch, length=length)
    return float(np.mean(losses[-max(1, steps // 10) :]))


def optimise(
    parameters: Sequence[nn.Parameter],
    loss_of: Callable[[torch.Tensor], torch.Tensor],
    tokens: np.ndarray,
    *,
    steps: int,
    rate: float,
    seed: int,
    batch: int = 8,
    length: int = 64,
) -> None:
    """The loop of every training here: ``loss_of`` takes ids [batch, length]."""
    draws = np.random.default_rng(seed)
    optimizer = torch.optim.AdamW(parameters, lr=rate, weight_decay=0.05, betas=(0.9, 0.95))
    warm = max(1, min(30, steps // 8))
    for step in range(steps):
        pace = min(1.0, (step + 1) / warm) * (0.1 + 0.45 * (1 + math.cos(math.pi * step / steps)))
        for group in optimizer.param_groups:
            group["lr"] = rate * pace
        starts = draws.integers(0, len(tokens) - length, batch)
        ids = torch.from_numpy(np.stack([tokens[start : start + length] for start in starts]))
        loss = loss_of(ids)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)


def learn_low_rank(model: nn.Module, tokens: np.ndarray, *, rank: int, steps: int, rate: float, seed: int) -> None:
    """LoRA (Hu et al. 2021) on every linear layer inside the blocks, merged into the weights at the end."""
    generator = torch.Generator().manual_seed(seed)
    sides: list[tuple[nn.Linear, nn.Parameter, nn.Parameter]] = []
    for name, layer in model.named_modules():
        if isinstance(layer, nn.Linear) and "layers." in name:
            down = nn.Parameter(torch.randn(rank, layer.in_features, generator=generator) / layer.in_features**0.5)
            sides.append((layer, down, nn.Parameter(torch.zeros(layer.out_features, rank))))
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    hooks = [
        layer.register_forward_hook(lambda _, inputs, output, down=down, up=up: output + inputs[0] @ down.T @ up.T)
        for layer, down, up in sides
    ]
    trained = [side for _, *pair in sides for side in pair]
    optimise(trained, lambda ids: model(input_ids=ids, labels=ids).loss, tokens, steps=steps, rate=rate, seed=seed)
    for hook, (layer, down, up) in zip(hooks, sides, strict=True):
        hook.remove()
        layer.weight.data += (up @ down).detach()
    for parameter in model.parameters():
        parameter.requires_grad_(True)


def distil(
    teacher: Any,
    student: Any,
    tokens: np.ndarray,
    *,
    steps: int,
    rate: float,
    seed: int,
    batch: int = 8,
    length: int = 64,
) -> float:
    """Soft targets and features: KL at ``TEMPERATURE`` (Hinton, Vinyals, Dean 2015), and the mean squared error of
    hidden states between each student layer and the teacher layer at the same relative depth (TinyBERT; through a
    learnt projection where widths differ). Encoders without a vocabulary head learn from features alone.

    Returns the KL in nats of the last batch (0 for encoders).
    """
    teacher.eval()
    depth, deep = student.config.num_hidden_layers, teacher.config.num_hidden_layers
    match = [(layer, round(layer * deep / depth)) for layer in range(1, depth + 1)]
    torch.manual_seed(seed)
    widths = student.config.hidden_size, teacher.config.hidden_size
    project = nn.Identity() if widths[0] == widths[1] else nn.Linear(*widths, bias=False)
    last = 0.0

    def loss_of(ids: torch.Tensor) -> torch.Tensor:
        nonlocal last
        with torch.no_grad():
            soft = teacher(input_ids=ids, output_hidden_states=True)
        mine = student(input_ids=ids, output_hidden_states=True)
        loss = torch.zeros(())
        for layer, source in match:
            target = soft.hidden_states[source]
            loss = loss + F.mse_loss(project(mine.hidden_states[layer]), target) / target.pow(2).mean() / depth
        if hasattr(soft, "logits"):
            given = F.log_softmax(soft.logits / TEMPERATURE, -1).flatten(0, 1)
            said = F.log_softmax(mine.logits / TEMPERATURE, -1).flatten(0, 1)
            divergence = F.kl_div(said, given, log_target=True, reduction="batchmean")
            last = float(divergence.detach())
            loss = loss + TEMPERATURE**2 * divergence
        return loss

    parameters = [*student.parameters(), *project.parameters()]
    optimise(parameters, loss_of, tokens, steps=steps, rate=rate, seed=seed, batch=batch, length=length)
    return last
