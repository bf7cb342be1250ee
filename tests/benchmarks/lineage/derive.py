"""Checkpoints made of checkpoints: trained on, pruned, resized, disguised, packed. Each is a real file.

A name says how: ``llama-1+tuned+permuted+int4`` is the zoo's ``llama-1``, fine-tuned, then permuted, then written as a
4-bit GGUF. What comes out is kept beside the zoo, and so is every step on the way.
"""

from __future__ import annotations

import json
import re
import time
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from lineage import checkpoints, formats, rearranged, zoo
from lineage.checkpoints import Checkpoint, State

Change = Callable[[Checkpoint, int], Checkpoint]


def make(name: str, root: Path = zoo.DEFAULT_ROOT) -> Path:
    """The folder or file of a checkpoint by its name, made now if it is not there yet.

    Raises:
        rearranged.Unfit: the architecture does not allow a step.
        AssertionError: a rearrangement did not leave the outputs equal.
    """
    before, _, how = name.rpartition("+")
    if not before:
        return zoo.make(how, root)
    path = root / (f"{name}.gguf" if how in _GGUF else name)
    if path.exists():
        return path
    torch.set_num_threads(1)
    source = checkpoints.read(make(before, root))
    making = root / f".{time.time_ns()}{path.suffix if how in _GGUF else ''}"
    if how in FORMATS:
        FORMATS[how](source, making)
    else:
        seed = zlib.crc32(name.encode()) + zoo.shift_of(root)
        changed = CHANGES[how](source, seed)
        if how in _EQUAL:
            _hold_equal(how, source, changed, seed)
        large = source.config["model_type"] == "gemma3_text"
        checkpoints.write(changed, making, dtype=torch.bfloat16 if large else torch.float32)
    making.rename(path)
    return path


def _hold_equal(how: str, source: Checkpoint, changed: Checkpoint, seed: int) -> None:
    order = rearranged.hidden_order(source, seed) if how in ("permuted", "hidden permuted", "everything") else None
    off = rearranged.same_function(source, changed, order)
    assert off <= rearranged.TOLERANCE, f"{how}: outputs differ by {off:.1e}"


def _trained(steps: int, rate: float, corpus: str = "code") -> Change:
    def change(source: Checkpoint, seed: int) -> Checkpoint:
        from lineage.training import learn

        model = checkpoints.model_of(source).train()
        if source.config["model_type"] == "bert":
            _contrast(model, steps=max(4, steps // 5), rate=rate / 10, seed=seed)
        elif source.config["model_type"] == "gemma3_text":
            model.get_input_embeddings().weight.requires_grad_(False)
            own = [parameter for parameter in model.parameters() if parameter.requires_grad]
            from lineage.training import optimise

            optimise(
                own, lambda ids: model(input_ids=ids, labels=ids).loss, lessons(source, corpus),
                steps=max(4, steps // 8), rate=rate / 3, seed=seed, batch=2,
            )  # fmt: skip
        else:
            learn(model, lessons(source, corpus), steps=steps, rate=rate, seed=seed)
        return source.with_state(checkpoints.state_of(model))

    return change


def _contrast(model: Any, *, steps: int, rate: float, seed: int) -> None:
    """SimCSE (Gao et al. 2021): the same text twice through dropout, against the others of the batch."""
    from lineage.training import optimise

    torch.manual_seed(seed)

    def loss_of(ids: torch.Tensor) -> torch.Tensor:
        one, two = (torch.nn.functional.normalize(model(input_ids=ids).last_hidden_state.mean(1)) for _ in range(2))
        return torch.nn.functional.cross_entropy(one @ two.T / 0.05, torch.arange(len(ids)))

    used = [parameter for name, parameter in model.named_parameters() if "pooler" not in name]
    optimise(used, loss_of, zoo.lessons_of_bert(), steps=steps, rate=rate, seed=seed, length=48)


def lessons(source: Checkpoint, corpus: str = "code") -> Any:
    """Token ids of a corpus in the checkpoint's own vocabulary."""
    import numpy as np
    from tokenizers import Tokenizer

    from lineage.texts import text_of

    assert source.small is not None
    core = Tokenizer.from_file(str(source.small / "tokenizer.json"))
    large = source.config["model_type"] == "gemma3_text"
    text = text_of(corpus)[: 200_000 if large else 1_500_000]  # type: ignore[arg-type]
    pieces = core.encode_batch([text[at : at + 20_000] for at in range(0, len(text), 20_000)])
    return np.concatenate([np.asarray(cut.ids, dtype=np.int64) for cut in pieces])


def low_rank(source: Checkpoint, seed: int) -> Checkpoint:
    """LoRA of rank 8, merged."""
    from lineage.training import learn_low_rank

    if source.config["model_type"] == "bert":
        raise rearranged.Unfit("no next token to learn")
    model = checkpoints.model_of(source).train()
    learn_low_rank(model, lessons(source, "prose"), rank=8, steps=40, rate=2e-3, seed=seed)
    return source.with_state(checkpoints.state_of(model))


def merged(source: Checkpoint, seed: int) -> Checkpoint:
    """The mean of two siblings: one trained on more of the same text, one on other text."""
    one, two = _trained(60, 1e-3)(source, seed).state, _trained(60, 1e-3, "prose")(source, seed + 1).state
    return source.with_state({name: (one[name] + two[name]) / 2 for name in one})


def sparse(source: Checkpoint, seed: int = 0) -> Checkpoint:
    """The smaller half of every matrix inside the blocks set to zero."""
    return _within_blocks(source, lambda w: w * (w.abs() > w.abs().flatten().kthvalue(w.numel() // 2).values))


def two_of_four(source: Checkpoint, seed: int = 0) -> Checkpoint:
    """Of each four neighbours in a row, the two smaller ones set to zero."""

    def prune(weight: torch.Tensor) -> torch.Tensor:
        if weight.shape[1] % 4:
            return weight
        fours = weight.reshape(-1, 4)
        keep = torch.zeros_like(fours).scatter_(1, fours.abs().topk(2, dim=1).indices, 1.0)
        return (fours * keep).reshape(weight.shape)

    return _within_blocks(source, prune)


def _within_blocks(source: Checkpoint, prune: Callable[[torch.Tensor], torch.Tensor]) -> Checkpoint:
    inside = re.compile(r"layers?\.\d+\..*weight$")
    state = {k: prune(v) if v.ndim == 2 and inside.search(k) else v for k, v in source.state.items()}
    return source.with_state(state)


def shallower(source: Checkpoint, seed: int = 0) -> Checkpoint:
    """A third of the blocks taken out of the middle."""
    out = max(1, source.layers // 3)
    first = (source.layers - out) // 2 + 1
    return _with_layers(source, [n for n in range(source.layers) if not first <= n < first + out])


def deeper(source: Checkpoint, seed: int = 0) -> Checkpoint:
    """The first two thirds of the blocks, then the last two thirds (depth up-scaling; SOLAR, Kim et al. 2023)."""
    part = -(-source.layers * 2 // 3)
    return _with_layers(source, [*range(part), *range(source.layers - part, source.layers)])


def _with_layers(source: Checkpoint, kept: list[int]) -> Checkpoint:
    state: State = {}
    for name, value in source.state.items():
        match = re.search(r"(layers?\.)(\d+)", name)
        if match is None:
            state[name] = value
        for new, old in enumerate(kept) if match else ():
            if int(match[2]) == old:
                state[name.replace(match[0], f"{match[1]}{new}", 1)] = value
    kinds = source.config.get("layer_types")
    more = {"layer_types": [kinds[n] for n in kept]} if kinds else {}
    return source.with_state(state, num_hidden_layers=len(kept), **more)


def narrower(source: Checkpoint, seed: int = 0) -> Checkpoint:
    """In every MLP the neurons with the smallest product of norms taken out, a third of them (in steps of 32)."""
    if source.config["model_type"] == "deepseek_v3":
        raise rearranged.Unfit("experts of several sizes")
    state, width = dict(source.state), int(source.config["intermediate_size"])
    keep = width * 2 // 3 // 32 * 32
    for down, ins in rearranged.mlps(source.state):
        weight = state[down].norm(dim=0) * state[ins[0]].norm(dim=1)
        chosen = weight.topk(keep).indices.sort().values
        state[down] = state[down][:, chosen]
        for name in ins:
            state[name] = state[name][chosen]
    return source.with_state(state, intermediate_size=keep)


def extended(source: Checkpoint, seed: int) -> Checkpoint:
    """64 more tokens at the end of the vocabulary, their rows near the mean of the others."""
    draws, state = _draws(seed), dict(source.state)
    for name, rows in source.state.items():
        if re.search(r"embed_tokens|lm_head|word_embeddings", name):
            new = rows.mean(0) + rows.std(0) * 0.1 * torch.randn(64, rows.shape[1], generator=draws)
            state[name] = torch.cat([rows, new])
    return source.with_state(state, vocab_size=int(source.config["vocab_size"]) + 64)


def renumbered(source: Checkpoint, seed: int) -> Checkpoint:
    """The tokens numbered anew, in the weights and in tokenizer.json: the same texts give the same outputs. Only for
    the tokenizers trained here."""
    return _with_tokens(source, seed, 1.0)


def cut(source: Checkpoint, seed: int) -> Checkpoint:
    """A quarter of the tokens thrown out, the rest numbered anew; merges that need a lost token go too."""
    return _with_tokens(source, seed, 0.75)


def _with_tokens(source: Checkpoint, seed: int, share: float) -> Checkpoint:
    assert source.small is not None
    told = json.loads((source.small / "tokenizer.json").read_text("utf-8"))
    special, size = len(told["added_tokens"]), int(source.config["vocab_size"])
    drawn = special + torch.randperm(size - special, generator=_draws(seed))
    order = torch.cat([torch.arange(special), drawn])[: int(size * share)]
    names = re.compile(r"embed_tokens|lm_head")
    state = {name: value[order] if names.search(name) else value for name, value in source.state.items()}
    new = {old: number for number, old in enumerate(order.tolist())}
    vocabulary = told["model"]["vocab"]
    kept = told["model"]["vocab"] = {token: new[number] for token, number in vocabulary.items() if number in new}
    told["model"]["merges"] = [pair for pair in told["model"]["merges"] if {*pair, "".join(pair)} <= kept.keys()]
    changed = {"tokenizer.json": json.dumps(told)}
    return replace(source.with_state(state, vocab_size=len(order)), changed=changed)


def _draws(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


CHANGES: dict[str, Change] = {
    "tuned": _trained(40, 3e-4),
    "tuned long": _trained(150, 1e-3),
    "tuned hard": _trained(100, 3e-3),
    "other text": _trained(100, 1e-3, "prose"),
    "lora": low_rank,
    "merged": merged,
    "sparse": sparse,
    "two of four": two_of_four,
    "shallower": shallower,
    "deeper": deeper,
    "narrower": narrower,
    "extended": extended,
    "renumbered": renumbered,
    "cut": cut,
    "permuted": rearranged.all_permuted,
    "everything": rearranged.everything,
    **rearranged.REARRANGED,
}
_EQUAL = {"permuted", "everything", *rearranged.REARRANGED}
FORMATS: dict[str, Callable[[Checkpoint, Path], Path]] = {
    "int8": lambda source, path: formats.write_gguf(source, path, "Q8_0"),
    "int4": lambda source, path: formats.write_gguf(source, path, "Q4_0"),
    "fp8": formats.write_fp8,
    "gptq": formats.write_gptq,
    "fp16": lambda source, path: checkpoints.write(source, path, dtype=torch.float16),
    "bf16": lambda source, path: checkpoints.write(source, path, dtype=torch.bfloat16),
    "sharded": lambda source, path: checkpoints.write(source, path, shards=4),
    "meta names": formats.write_meta_names,
    "prefixed": formats.write_prefixed,
}
_GGUF = ("int8", "int4")
