"""What each attention head does, from its maps: how wide it looks, how far, at what, and whether it matters.

Pure arithmetic on ``HeadMaps``; the layers of a model may come one after another and be forgotten at once.

Per head, averaged over the queries of every prompt:

- *entropy*: -Σ p ln p of a row of the map over ln of the number of keys that the row may see; 0 looks at one
  token, 1 at all alike. Rows that see a single key are left out.
- *distance*: Σ p |i - j| over Σ p, in tokens (Vig & Belinkov 2019, “Analyzing the structure of attention in a
  transformer language model”, §4.3).
- *sink*: mass on the first token (Xiao et al. 2023, “Efficient streaming language models with attention sinks”).
- *previous*: mass on the token before (Voita et al. 2019: positional heads).
- *moved*: what the head adds to the residual stream is W_O^h z_i (Kobayashi et al. 2020, “Attention is not only a
  weight”: the norm of it tells more than the map). Of it, only what differs between positions carries anything from
  one token to another; what is the same everywhere is a bias. So: mean over i of ‖W_O^h (z_i - z̄)‖, over the layer's
  mean of ‖W_O^h z_i‖.

A head *acts* where it moves at least ``ACTS``. Heads that do not are those of Bondarenko et al. 2023 (“Quantizable
transformers: removing outliers by helping attention heads do nothing”): all mass on a token without content, whose
value is nearly zero, or the same wherever one stands. Michel et al. 2019 (“Are sixteen heads really better than
one?”) and Voita et al. 2019 (“Analyzing multi-head self-attention: specialized heads do the heavy lifting, the rest
can be pruned”) show that most heads can be taken out after training; that a head acts does not say it is needed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from engine.attention_profile import ACTS

if TYPE_CHECKING:
    from engine.weights.attention_maps import HeadMaps

ALIKE = 0.2
"""Jensen–Shannon distance (0 to 1) from which two heads count as wholly different. Judged: pairs of heads of trained
models are mostly 0.25 to 0.6 apart; those that both rest on the first token 0.1 to 0.2."""
_CHUNK = 1 << 22  # elements of what heads write that are held at a time: 16 MB
_DIGITS = 3


@dataclass(slots=True)
class _Layer:
    """Sums over prompts, each [heads], on the CPU in float64; ``apart`` is [heads, heads]."""

    rows: int = 0
    narrow: int = 0
    prompts: int = 0
    sums: dict[str, torch.Tensor] = field(default_factory=dict)

    def add(self, **more: torch.Tensor) -> None:
        for name, value in more.items():
            known = self.sums.get(name)
            added = value.detach().to("cpu", torch.float64)
            self.sums[name] = added if known is None else known + added


class Gallery:
    """Takes the maps of a forward pass, layer by layer and prompt by prompt, and keeps their figures only."""

    def __init__(self) -> None:
        self._layers: dict[int, _Layer] = {}

    def hang(self, seen: HeadMaps) -> None:
        """Add what one layer did with one prompt; a prompt of a single token shows nothing, nor does what is NaN."""
        maps, queries = seen.maps.float().nan_to_num(0.0), seen.maps.shape[1]
        if queries < 2:
            return
        layer = self._layers.setdefault(seen.layer, _Layer())
        visible = _visible(maps)
        wide = visible > 1
        entropy = _entropies(maps)[:, wide] / visible[wide].log()
        at = torch.arange(queries, device=maps.device)
        offset = (at[:, None] - torch.arange(maps.shape[2], device=maps.device)).abs()
        wrote, moved = _written(seen)
        layer.rows += int(wide.sum())
        layer.narrow += queries - 1
        layer.prompts += 1
        layer.add(
            entropy=entropy.sum(1),
            mass=maps.sum((1, 2)),
            reach=(maps * offset).sum((1, 2)),
            sink=maps[:, 1:, 0].sum(1),
            previous=maps.diagonal(-1, 1, 2).sum(1),
            wrote=wrote,
            moved=moved,
            apart=jensen_shannon(maps[:, wide]),
        )

    def observation(self) -> dict[str, Any] | None:
        """Everything, JSON-able and rounded: grids by layer and head, means by layer. ``None``: nothing was hung."""
        if not self._layers:
            return None
        found = [_figures(layer) for _, layer in sorted(self._layers.items())]
        grids = {name: [entry[name] for entry in found] for name in ("entropy", "distance", "moved")}
        acting = [sum(value >= ACTS for value in row) for row in grids["moved"]]
        return {
            "layers": len(found),
            "heads": max(len(row) for row in grids["entropy"]),
            "prompts": max(layer.prompts for layer in self._layers.values()),
            "acting": acting,
            "different": [entry["different"] for entry in found],
            "apart": [entry["apart"] for entry in found],
            "sink": [entry["sink"] for entry in found],
            "previous": [entry["previous"] for entry in found],
            **grids,
        }


def acting(observation: dict[str, Any]) -> Iterator[tuple[int, int]]:
    """The heads that act, as (layer, head)."""
    for layer, row in enumerate(observation["moved"]):
        yield from ((layer, head) for head, value in enumerate(row) if value >= ACTS)


def jensen_shannon(maps: torch.Tensor) -> torch.Tensor:
    """Distance between heads by what they look at: the root of the Jensen–Shannon divergence (base 2) of two heads'
    rows, averaged over rows (Clark et al. 2019, “What does BERT look at?”, §5: divergences summed over tokens).

    Args:
        maps: [heads, rows, keys], each row a distribution.

    Returns:
        [heads, heads], 0 (the same) to 1 (no key in common).
    """
    own, count = _entropies(maps), len(maps)
    at_once = max(1, _CHUNK // max(1, maps.numel()))
    distances = []
    for first in range(0, count, at_once):
        some = slice(first, first + at_once)
        between = _entropies((maps[some, None] + maps) / 2) - (own[some, None] + own) / 2
        distances.append((between.clamp_min(0) / math.log(2)).sqrt().mean(2))
    return torch.cat(distances)


def effective(apart: torch.Tensor) -> float:
    """How many different heads a layer has: Σ_i 1 / Σ_j Z_ij with Z_ij = max(0, 1 - distance / ``ALIKE``).

    It is the diversity of order 0 of Leinster & Cobbold 2012 (“Measuring diversity: the importance of species
    similarity”): n heads of k kinds that are alike among themselves and unlike others give k.
    """
    return float((1 / (1 - apart / ALIKE).clamp_min(0).sum(1)).sum())


def _visible(maps: torch.Tensor) -> torch.Tensor:
    """Keys that each row may see, [queries]: in a causal model those up to its own, else all."""
    queries, keys = maps.shape[1:]
    if bool(maps.triu(1).any()):
        return torch.full((queries,), float(keys), device=maps.device)
    return torch.arange(1, queries + 1, device=maps.device).float()


def _entropies(maps: torch.Tensor) -> torch.Tensor:
    """Nats by row: [..., keys] → [...]."""
    logs: torch.Tensor = torch.special.xlogy(maps, maps)
    return -logs.sum(-1)


def _written(seen: HeadMaps) -> tuple[torch.Tensor, torch.Tensor]:
    """Norms of what each head adds, and of what in it differs between positions, averaged over positions: [heads]."""
    heads = seen.heads.float().nan_to_num(0.0)
    queries, count, width = heads.shape
    differing = heads - heads.mean(0)
    at_once = max(1, _CHUNK // max(1, seen.out_weight.shape[0] * max(queries, width)))
    wrote: list[torch.Tensor] = []
    moved: list[torch.Tensor] = []
    for first in range(0, count, at_once):
        some = slice(first, min(first + at_once, count))
        weight = seen.out_weight[:, some.start * width : some.stop * width].to(heads.device, torch.float32)
        weight = weight.reshape(len(weight), -1, width)
        for states, norms in ((heads, wrote), (differing, moved)):
            norms.append(torch.einsum("qhv,dhv->qhd", states[:, some], weight).norm(dim=2).mean(0))
    return torch.cat(wrote), torch.cat(moved)


def _figures(layer: _Layer) -> dict[str, Any]:
    sums = layer.sums
    average = float(sums["wrote"].mean())
    apart = sums["apart"] / layer.prompts
    count = len(apart)
    return {
        "entropy": _rounded(sums["entropy"] / max(1, layer.rows)),
        "distance": _rounded(sums["reach"] / sums["mass"].clamp_min(1e-12)),
        "moved": _rounded(sums["moved"] / average) if average > 0 else [0.0] * count,
        "sink": round(float(sums["sink"].mean()) / max(1, layer.narrow), _DIGITS),
        "previous": round(float(sums["previous"].mean()) / max(1, layer.narrow), _DIGITS),
        "different": round(effective(apart), 2),
        "apart": round(float(apart.sum()) / max(1, count * (count - 1)), _DIGITS),
    }


def _rounded(values: torch.Tensor) -> list[float]:
    """To three digits, as JSON can hold them."""
    return [round(value, _DIGITS) for value in values.nan_to_num(0.0, 0.0, 0.0).tolist()]
