"""One checkpoint as every baseline reads it: tensors by role, under any names and in any format.

That is kinder to the baselines than what was published, which reads plain safetensors under Hugging Face's names:
here each also survives renaming, re-sharding and packing. Bytes and seconds are counted where they arise.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache, cached_property
from pathlib import Path

import numpy as np

from engine.weights.roles import Role, read_parts
from engine.weights.store import open_store
from engine.weights.values import values_of

Matrix = np.ndarray
ATTENTION, MLP = ("q", "k", "v", "o"), ("gate", "up", "down")
LATENT = ("q_a", "q_b", "kv_a", "kv_b")

_NORMS = {
    "0 in": (".input_layernorm", ".attn_norm", ".attention_norm"),
    "1 query": (".q_norm", ".attn_q_norm"),
    "2 key": (".k_norm", ".attn_k_norm"),
    "3 latent": (".q_a_layernorm", ".attn_q_a_norm"),
    "4 latent": (".kv_a_layernorm", ".attn_kv_a_norm"),
    "5 of attention": (".attention.output.LayerNorm", ".attn_output_norm", ".post_attention_norm"),
    "6 between": (".post_attention_layernorm", ".ffn_norm", ".pre_feedforward_layernorm"),
    "7 of mlp": (".output.LayerNorm", ".layer_output_norm", ".post_feedforward_layernorm", ".post_ffw_norm"),
    "8 last": (".model.norm", ".output_norm", ".norm", ".embeddings.LayerNorm", ".token_embd_norm"),
}


class Weights:
    """A checkpoint opened for reading. Every call reads from the files again; nothing is shared between signals."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._store = open_store(str(path))
        self._parts = read_parts(self._store.tensors)

    def close(self) -> None:
        """Close the files."""
        self._store.close()

    @property
    def bytes_read(self) -> int:
        """So far."""
        return self._store.bytes_read

    @property
    def depth(self) -> int:
        """Number of layers."""
        return self._parts.depth

    def matrix(self, layer: int | None, part: str) -> Matrix | None:
        """A part's values as float32, rotary rows in Hugging Face's order; ``None`` where there is none."""
        stem = self._parts.stem(layer, part)
        if stem is None:
            return None
        value = values_of(self._store, stem)
        return self._in_halves(value, part) if part in ("q", "k") and self._interleaved else value

    def layer(self, number: int) -> Iterator[tuple[str, Matrix]]:
        """Every matrix inside a layer, experts too, named by role."""
        for role in sorted((r for r in self._parts.stems if r.layer == number), key=str):
            if "norm" not in role.part:
                value = self.matrix(number, role.part) if role.expert is None else self._expert(role)
                if value is not None and value.ndim >= 2:
                    yield f"{role.part}.{role.expert}", value
        for part in MLP:  # GGUF keeps the experts of a layer in one tensor
            if (name := f"blk.{number}.ffn_{part}_exps.weight") in self._store.tensors:
                yield from ((f"{part}.{n}", value) for n, value in enumerate(values_of(self._store, name)))

    def norms(self) -> Iterator[tuple[str, Matrix]]:
        """Every norm's factors, layer by layer in one order whatever their names, the last one at the end. Gemma's with
        the one added that its GGUF files have in them."""
        gemma = self._store.kind == "safetensors" and "gemma" in str((self._store.config or {}).get("model_type"))
        found = {}
        for name in self._store.tensors:
            block, stem = re.search(r"(?:layers|layer|blk)\.(\d+)\.", name), name.removesuffix(".weight")
            part = next((part for part, ends in _NORMS.items() if f".{stem}".endswith(ends)), None)
            if gemma and stem.endswith("post_attention_layernorm"):
                part = "5 of attention"  # Gemma's is after the attention; others' is before the MLP
            if part and name.endswith("weight"):
                found[int(block[1]) if block else 1 << 20, part] = name
        for (number, part), name in sorted(found.items()):
            yield f"{number}.{part}", values_of(self._store, name).reshape(-1) + gemma

    def latent_attention(self, layer: int) -> tuple[Matrix, Matrix, Matrix, Matrix] | None:
        """Queries, keys, values and output of a layer as plain matrices [heads × size, hidden] (output transposed):
        MLA's low-rank pairs multiplied out, without their rotary part. ``None`` where the layer has no MLA."""
        config = self._dimensions
        if self._parts.stem(layer, "kv_a") is None or self._parts.stem(layer, "kv_b") is None:
            return None
        nope, rank, size = config["nope"], config["rank"], config["value"]
        down, up = self._need(layer, "kv_a")[:rank], self._need(layer, "kv_b")
        up = (up * self._factors(layer, "kv_a_norm", rank)).reshape(-1, nope + size, rank)
        heads = len(up)
        keys = np.einsum("hnr,rd->hnd", up[:, :nope], down).reshape(heads * nope, -1)
        values = np.einsum("hnr,rd->hnd", up[:, nope:], down).reshape(heads * size, -1)
        low = self._need(layer, "q_a")
        query = (self._need(layer, "q_b") * self._factors(layer, "q_a_norm", len(low))) @ low
        query = query.reshape(heads, -1, query.shape[1])[:, :nope].reshape(heads * nope, -1)
        return query, keys, values, self._need(layer, "o")

    @property
    def vocabulary(self) -> dict[str, int]:
        """Token text to id, from tokenizer.json or the GGUF's own list; empty where there is neither."""
        return vocabulary_of(self.path)

    @cached_property
    def heads(self) -> tuple[int, int]:
        """Query heads and key heads, as stated."""
        count = self._number("num_attention_heads", "attention.head_count") or 1
        return count, self._number("num_key_value_heads", "attention.head_count_kv") or count

    def _need(self, layer: int, part: str) -> Matrix:
        found = self.matrix(layer, part)
        assert found is not None, part
        return found

    def _factors(self, layer: int, part: str, size: int) -> Matrix:
        found = self.matrix(layer, part)
        return np.ones(size, np.float32) if found is None else found.reshape(-1)

    def _expert(self, role: Role) -> Matrix:
        return values_of(self._store, self._parts.stems[role])

    def _number(self, name: str, metadata: str) -> int:
        if self._store.kind == "gguf":
            architecture = self._store.metadata.get("general.architecture")
            return int(self._store.metadata.get(f"{architecture}.{metadata}") or 0)
        return int((self._store.config or {}).get(name) or 0)

    @cached_property
    def _dimensions(self) -> dict[str, int]:
        rotary = self._number("qk_rope_head_dim", "rope.dimension_count")
        whole = self._number("qk_nope_head_dim", "attention.key_length")
        return {
            "nope": whole - rotary if self._store.kind == "gguf" else whole,
            "rank": self._number("kv_lora_rank", "attention.kv_lora_rank"),
            "value": self._number("v_head_dim", "attention.value_length"),
        }

    @cached_property
    def _interleaved(self) -> bool:
        meta = any(re.search(r"attention\.wq", name) for name in self._store.tensors)
        return meta or self._store.metadata.get("general.architecture") == "llama"

    def _in_halves(self, value: Matrix, part: str) -> Matrix:
        count = self.heads[0 if part == "q" else 1]
        return value.reshape(count, -1, 2, *value.shape[1:]).swapaxes(1, 2).reshape(value.shape)


@cache
def vocabulary_of(path: Path) -> dict[str, int]:
    """Token text to id, from tokenizer.json or the GGUF's own list; empty where there is neither."""
    if path.suffix == ".gguf":
        import gguf

        field = gguf.GGUFReader(path).fields.get("tokenizer.ggml.tokens")
        return {} if field is None else {str(token): number for number, token in enumerate(field.contents())}
    file = path / "tokenizer.json"
    told = json.loads(file.read_text("utf-8"))["model"]["vocab"] if file.exists() else {}
    return told if isinstance(told, dict) else {entry[0]: number for number, entry in enumerate(told)}
