"""Disguises that leave what a model computes as it is: the same function from other-looking weights.

Each takes a checkpoint and a seed and returns another; ``same_function`` holds it to equal outputs. Where an
architecture does not allow one (RMSNorm on queries and keys, LayerNorm), ``Unfit`` is raised.
Sources: permutations and V/O, Q/K rotations (HuRef, Zeng et al. 2024, appendix on attacks; AWM, 2025), folding of norms
and rotation of the residual stream (SliceGPT, Ashkboos et al. 2024; QuaRot, Ashkboos et al. 2024).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import torch

from lineage.checkpoints import Checkpoint, State, model_of

Rearrange = Callable[[Checkpoint, int], Checkpoint]
TOLERANCE = 1e-3
"""Largest difference of outputs, relative to the largest output."""
_READS = re.compile(
    r"(?:[qkv]_proj|q_a_proj|kv_a_proj_with_mqa|gate_proj|up_proj|mlp\.gate|embed_tokens|lm_head"
    r"|query|key|value|intermediate\.dense|_embeddings|pooler\.dense)\.weight$"
)
_WRITES = re.compile(r"(?:o_proj|down_proj|output\.dense|pooler\.dense)\.(?:weight|bias)$")
_NORMS = re.compile(
    r"(?:input_layernorm|attention_layernorm|feedforward_layernorm|model\.norm|LayerNorm)\.(?:weight|bias)$"
)


class Unfit(ValueError):
    """The architecture does not allow this rearrangement."""


def same_function(before: Checkpoint, after: Checkpoint, order: torch.Tensor | None = None) -> float:
    """The largest difference of outputs relative to the largest output, on fixed ids.

    Args:
        order: for encoders, in which order the hidden dimensions come now.
    """
    ids = torch.randint(5, 1000, (2, 24), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        outputs = [_output(model_of(checkpoint), ids) for checkpoint in (before, after)]
    first = outputs[0] if order is None or before.config["model_type"] != "bert" else outputs[0][..., order]
    second = outputs[1][..., : first.shape[-1]]
    return float((first - second).abs().max() / first.abs().max())


def _output(model: Any, ids: torch.Tensor) -> torch.Tensor:
    said = model(input_ids=ids)
    return said.logits if hasattr(said, "logits") else said.last_hidden_state


def hidden_permuted(source: Checkpoint, seed: int) -> Checkpoint:
    """The dimensions of the residual stream in another order."""
    order = hidden_order(source, seed)
    return source.with_state(_along_hidden(source.state, lambda w: w[:, order], lambda w: w[order], lambda w: w[order]))


def hidden_order(source: Checkpoint, seed: int) -> torch.Tensor:
    """The order that ``hidden_permuted`` uses."""
    return torch.randperm(source.config["hidden_size"], generator=_draws(seed))


def residual_rotated(source: Checkpoint, seed: int) -> Checkpoint:
    """Norm weights folded away, then the residual stream turned by a random orthogonal matrix."""
    folded = norms_folded(source, seed)
    if source.config["model_type"] == "gemma3_text":
        raise Unfit("norms after the blocks")
    turn = _orthogonal(source.config["hidden_size"], _draws(seed))
    return folded.with_state(_along_hidden(folded.state, lambda w: w @ turn, lambda w: turn.T @ w, lambda w: w))


def _along_hidden(state: State, reads: Any, writes: Any, norms: Any) -> State:
    changed = {}
    for name, value in state.items():
        if _NORMS.search(name):
            changed[name] = norms(value)
            continue
        if _READS.search(name):
            value = reads(value)
        changed[name] = writes(value) if _WRITES.search(name) else value
    return changed


def norms_folded(source: Checkpoint, seed: int = 0) -> Checkpoint:
    """Every norm weight before a projection multiplied into it; a tied head becomes one of its own."""
    kind, state = source.config["model_type"], dict(source.state)
    if kind == "bert":
        raise Unfit("LayerNorm feeds the residual stream")
    shift = 1.0 if kind == "gemma3_text" else 0.0
    for name in [name for name in state if name.endswith("norm.weight")]:
        readers = list(_readers(name, state, kind))
        for reader in readers:
            state[reader] = state[reader] * (state[name] + shift)
        if readers:
            state[name] = torch.full_like(state[name], 1.0 - shift)
    return source.with_state(state)


def _readers(norm: str, state: State, kind: str) -> Iterator[str]:
    """The matrices whose input is what this norm gives out."""
    block = norm.rpartition(".")[0].rpartition(".")[0]
    before_mlp = "pre_feedforward_layernorm" if kind == "gemma3_text" else "post_attention_layernorm"
    if norm == "model.norm.weight":
        yield from ["lm_head.weight"] if "lm_head.weight" in state else []
    elif norm.endswith("input_layernorm.weight"):
        parts = ("q_proj", "k_proj", "v_proj", "q_a_proj", "kv_a_proj_with_mqa")
        names = (f"{block}.self_attn.{part}.weight" for part in parts)
        yield from (name for name in names if name in state)
    elif norm.endswith(f"{before_mlp}.weight"):
        yield from (
            name
            for name in state
            if name.startswith(f"{block}.mlp.") and re.search(r"(gate|gate_proj|up_proj)\.weight$", name)
        )
    elif norm.endswith(("q_a_layernorm.weight", "kv_a_layernorm.weight")):
        yield norm.replace("_a_layernorm", "_b_proj")


def neurons_permuted(source: Checkpoint, seed: int) -> Checkpoint:
    """The inner dimension of every MLP in another order, of each expert its own; experts in another order within
    and between their routing groups."""
    draws, state = _draws(seed), dict(source.state)
    for down, ins in mlps(state):
        order = torch.randperm(state[down].shape[1], generator=draws)
        state[down] = state[down][:, order]
        for name in ins:
            state[name] = state[name][order]
    for router in [name for name in state if name.endswith("mlp.gate.weight")]:
        _shuffle_experts(state, router, source.config["n_group"], draws)
    return source.with_state(state)


def mlps(state: State) -> Iterator[tuple[str, list[str]]]:
    """Each MLP: its matrix out of the inner dimension, and the tensors whose rows are that dimension."""
    for name in state:
        if name.endswith("down_proj.weight"):
            yield name, [name.replace("down_proj", part) for part in ("gate_proj", "up_proj")]
        elif re.search(r"layer\.\d+\.output\.dense\.weight$", name):
            inner = name.replace("output.dense.weight", "intermediate.dense.")
            yield name, [inner + "weight", inner + "bias"]


def _shuffle_experts(state: State, router: str, groups: int, draws: torch.Generator) -> None:
    block, count = router.removesuffix(".gate.weight"), len(state[router])
    each = torch.arange(count).reshape(groups, -1)[torch.randperm(groups, generator=draws)]
    order = torch.cat([group[torch.randperm(len(group), generator=draws)] for group in each])
    state[router] = state[router][order]
    bias = f"{block}.gate.e_score_correction_bias"
    state[bias] = state[bias][order]
    parts = ("gate_proj", "up_proj", "down_proj")
    old = {(n, part): state[f"{block}.experts.{n}.{part}.weight"] for n in range(count) for part in parts}
    for new, was in enumerate(order.tolist()):
        for part in parts:
            state[f"{block}.experts.{new}.{part}.weight"] = old[was, part]


def neurons_scaled(source: Checkpoint, seed: int) -> Checkpoint:
    """Each row of ``up`` times a factor from ½ to 2, and the column of ``down`` divided by it."""
    if source.config["model_type"] == "bert":
        raise Unfit("no gate")
    draws, state = _draws(seed), dict(source.state)
    for down, (_, up) in mlps(state):
        factor = torch.exp2(torch.rand(state[down].shape[1], generator=draws) * 2 - 1)
        state[up], state[down] = state[up] * factor[:, None], state[down] / factor
    return source.with_state(state)


def heads_permuted(source: Checkpoint, seed: int) -> Checkpoint:
    """Attention heads in another order: groups, and query heads within their group."""
    draws, state = _draws(seed), dict(source.state)
    heads, groups = _heads(source.config)
    for part in _attention(source):
        of_groups = torch.randperm(groups, generator=draws)
        members = torch.arange(heads).reshape(groups, -1)[of_groups]
        of_heads = torch.cat([group[torch.randperm(len(group), generator=draws)] for group in members])
        for name, count, axis in part.headed(state):
            order = of_heads if count == heads else of_groups
            state[name] = _by_head(state[name], count, axis, lambda w, order=order: w[order])
    return source.with_state(state)


def values_rotated(source: Checkpoint, seed: int) -> Checkpoint:
    """In each head, the value space turned by a random orthogonal matrix, and turned back by the output matrix."""
    draws, state = _draws(seed), dict(source.state)
    heads, groups = _heads(source.config)
    for part in _attention(source):
        turns = torch.stack([_orthogonal(part.value_width, draws) for _ in range(groups)])
        for name in [part.value, part.value.replace("weight", "bias")]:
            if name in state:
                state[name] = _turn_rows(state[name], turns, part.value_from)
        back = turns.repeat_interleave(heads // groups, 0)
        out = state[part.out].reshape(len(state[part.out]), heads, -1)
        state[part.out] = torch.einsum("dhj,hij->dhi", out, back).reshape(state[part.out].shape)
    return source.with_state(state)


def queries_rotated(source: Checkpoint, seed: int) -> Checkpoint:
    """Queries and keys turned alike within each rotary pair (any way where there are no positions in them), keys
    made longer and queries shorter."""
    kind = source.config["model_type"]
    if kind in ("qwen3", "gemma3_text"):
        raise Unfit("queries and keys are normalised")
    draws, state = _draws(seed), dict(source.state)
    heads, groups = _heads(source.config)
    for part in _attention(source):
        if kind == "deepseek_v3":
            _rotate_latent(state, part, source.config, draws)
            continue
        width = source.config["hidden_size"] // heads
        free = (
            [_orthogonal(width, draws) for _ in range(groups)]
            if kind == "bert"
            else [_in_pairs(width, draws) for _ in range(groups)]
        )
        turns, longer = torch.stack(free), torch.exp2(torch.rand(groups, 1, 1, generator=draws) - 0.5)
        for name in [part.key, part.key.replace("weight", "bias")]:
            if name in state:
                state[name] = _turn_rows(state[name], turns * longer, 0)
        wide = (turns / longer).repeat_interleave(heads // groups, 0)
        for name in [part.query, part.query.replace("weight", "bias")]:
            if name in state:
                state[name] = _turn_rows(state[name], wide, 0)
    return source.with_state(state)


def _rotate_latent(state: State, part: _Part, config: dict[str, Any], draws: torch.Generator) -> None:
    """MLA: the part without positions freely per head; the rotary part, whose key all heads share, pair by pair."""
    plain, rotary, heads = config["qk_nope_head_dim"], config["qk_rope_head_dim"], config["num_attention_heads"]
    free = torch.stack([_orthogonal(plain, draws) for _ in range(heads)])
    pairs = _in_pairs(rotary, draws, neighbours=True)
    state[part.query] = _turn_rows(state[part.query], free, 0)
    state[part.query] = _turn_rows(state[part.query], pairs.expand(heads, -1, -1), plain)
    state[part.value] = _turn_rows(state[part.value], free, 0)
    shared = f"{part.prefix}kv_a_proj_with_mqa.weight"
    latent = config["kv_lora_rank"]
    state[shared] = torch.cat([state[shared][:latent], pairs @ state[shared][latent:]])


class _Part:
    """The attention tensors of one block, by what they are."""

    def __init__(self, prefix: str, source: Checkpoint) -> None:
        config, self.prefix = source.config, prefix
        heads, groups = _heads(config)
        self.value_from = 0
        if config["model_type"] == "bert":
            self.query, self.key, self.value = (f"{prefix}self.{part}.weight" for part in ("query", "key", "value"))
            self.out, self.value_width = f"{prefix}output.dense.weight", config["hidden_size"] // heads
        elif config["model_type"] == "deepseek_v3":
            low = f"{prefix}q_b_proj.weight" in source.state
            self.query, self.key = f"{prefix}q_b_proj.weight" if low else f"{prefix}q_proj.weight", ""
            self.value, self.out = f"{prefix}kv_b_proj.weight", f"{prefix}o_proj.weight"
            self.value_width, self.value_from = config["v_head_dim"], config["qk_nope_head_dim"]
        else:
            self.query, self.key, self.value = (f"{prefix}{part}_proj.weight" for part in "qkv")
            self.out, self.value_width = f"{prefix}o_proj.weight", len(source.state[self.value]) // groups
        self._heads, self._groups = heads, groups

    def headed(self, state: State) -> Iterator[tuple[str, int, int]]:
        """Every tensor that has heads on an axis: name, number of heads, axis."""
        for name, count in ((self.query, self._heads), (self.key, self._groups), (self.value, self._groups)):
            yield from ((each, count, 0) for each in (name, name.replace("weight", "bias")) if each in state)
        yield self.out, self._heads, 1


def _attention(source: Checkpoint) -> Iterator[_Part]:
    between = "encoder.layer.{}.attention." if source.config["model_type"] == "bert" else "model.layers.{}.self_attn."
    for number in range(source.layers):
        yield _Part(between.format(number), source)


def _heads(config: dict[str, Any]) -> tuple[int, int]:
    heads = config["num_attention_heads"]
    return heads, config.get("num_key_value_heads") or heads


def _by_head(value: torch.Tensor, count: int, axis: int, change: Any) -> torch.Tensor:
    moved = value.movedim(axis, 0)
    return change(moved.reshape(count, -1, *moved.shape[1:])).reshape(moved.shape).movedim(0, axis)


def _turn_rows(value: torch.Tensor, turns: torch.Tensor, first: int) -> torch.Tensor:
    """Rows ``first…`` of each head multiplied by the head's matrix from the left; turns [heads, width, width]."""
    flat = value.reshape(len(turns), -1, *(value.shape[1:] or (1,))).clone()
    part = slice(first, first + turns.shape[1])
    flat[:, part] = torch.einsum("hij,hjd->hid", turns, flat[:, part])
    return flat.reshape(value.shape)


def _orthogonal(size: int, draws: torch.Generator) -> torch.Tensor:
    turn, upper = torch.linalg.qr(torch.randn(size, size, generator=draws, dtype=torch.float64))
    return (turn * upper.diagonal().sign()).float()


def _in_pairs(width: int, draws: torch.Generator, neighbours: bool = False) -> torch.Tensor:
    """A rotation of each rotary pair: (i, i + width / 2), or neighbours where the layout is interleaved."""
    angle = torch.rand(width // 2, generator=draws) * 6.283
    first = torch.arange(0, width, 2) if neighbours else torch.arange(width // 2)
    second = first + (1 if neighbours else width // 2)
    turn = torch.zeros(width, width)
    turn[first, first] = turn[second, second] = angle.cos()
    turn[first, second], turn[second, first] = -angle.sin(), angle.sin()
    return turn


def _draws(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


REARRANGED: dict[str, Rearrange] = {
    "hidden permuted": hidden_permuted,
    "neurons permuted": neurons_permuted,
    "heads permuted": heads_permuted,
    "values rotated": values_rotated,
    "queries rotated": queries_rotated,
    "neurons scaled": neurons_scaled,
    "norms folded": norms_folded,
    "residual rotated": residual_rotated,
}


def all_permuted(source: Checkpoint, seed: int) -> Checkpoint:
    """Hidden dimensions, neurons and heads in another order, at once."""
    return heads_permuted(neurons_permuted(hidden_permuted(source, seed), seed + 1), seed + 2)


def everything(source: Checkpoint, seed: int) -> Checkpoint:
    """Every rearrangement that the architecture allows, one after another."""
    for number, change in enumerate(REARRANGED.values()):
        try:
            source = change(source, seed + number)
        except Unfit:
            continue
    return source
