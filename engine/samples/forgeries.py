"""Checkpoints that lie or are broken, each one function: what sellers and bad downloads produce."""

from __future__ import annotations

from pathlib import Path

import orjson

from engine.layouts import checkpoint_tensors
from engine.samples.checkpoint import published, write_checkpoint, write_safetensors
from engine.samples.gguf import write_gguf


def config_of_full_over_qwen_32b(directory: Path) -> Path:
    """DeepSeek-R1's config.json and name, Qwen-32B's tensors and tokenizer."""
    student = published("R1-Distill-Qwen-32B")
    return write_checkpoint(student, directory / "DeepSeek-R1", shape=published("DeepSeek-R1").shape)


def distill_renamed_full(directory: Path) -> Path:
    """The 32B distill, honest inside, sold as DeepSeek-R1."""
    return write_checkpoint(published("R1-Distill-Qwen-32B"), directory / "DeepSeek-R1-671B")


def base_renamed_distill(directory: Path) -> Path:
    """Qwen2.5-7B sold as R1-Distill-Qwen-7B."""
    return write_checkpoint(published("Qwen2.5-7B"), directory / "DeepSeek-R1-Distill-Qwen-7B", card=None)


def v3_renamed_r1(directory: Path) -> Path:
    """DeepSeek-V3 sold as DeepSeek-R1: same headers, another vocabulary."""
    return write_checkpoint(published("DeepSeek-V3"), directory / "DeepSeek-R1", card=None)


def distill_config_with_61_layers(directory: Path) -> Path:
    """A 7B distill whose config claims the full model's depth."""
    student = published("R1-Distill-Qwen-7B")
    lie = student.shape.model_copy(update={"num_hidden_layers": 61})
    return write_checkpoint(student, directory / "DeepSeek-R1", shape=lie, card=None)


def qwen_tokenizer_in_full(directory: Path) -> Path:
    """The full model's headers with a distill's tokenizer."""
    return write_checkpoint(published("DeepSeek-R1"), directory / "DeepSeek-R1", tokenizer="r1-distill-qwen")


def card_of_full_over_llama_8b(directory: Path) -> Path:
    """A card that says R1 over an 8B distill with a meaningless name."""
    card = "---\nbase_model: deepseek-ai/DeepSeek-R1\ntags: [deepseek]\n---\n# DeepSeek-R1 671B full\n"
    return write_checkpoint(published("R1-Distill-Llama-8B"), directory / "release-2", card=card)


def gguf_metadata_of_full_over_qwen(directory: Path) -> Path:
    """GGUF metadata of R1 over a 14B distill's tensors."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "DeepSeek-R1-Q4_K_M.gguf"
    return write_gguf(published("DeepSeek-R1"), path, tensors_of=published("R1-Distill-Qwen-14B"))[0]


def half_the_experts(directory: Path) -> Path:
    """R1's name over 128 experts a layer: a pruned model, not R1."""
    full = published("DeepSeek-R1")
    pruned = full.shape.model_copy(update={"n_routed_experts": 128})
    tensors = list(checkpoint_tensors(pruned, fp8=True))
    return write_checkpoint(full, directory / "DeepSeek-R1", shape=pruned, tensors=tensors)


def truncated_shard(directory: Path) -> Path:
    """A download that broke off in one shard."""
    root = write_checkpoint(published("R1-Distill-Qwen-7B"), directory / "DeepSeek-R1-Distill-Qwen-7B")
    shard = sorted(root.glob("*.safetensors"))[1]
    with shard.open("r+b") as file:
        file.truncate(shard.stat().st_size - 1_000_000)
    return root


def index_naming_missing_shards(directory: Path) -> Path:
    """An index that names shards which are not there."""
    root = write_checkpoint(published("R1-Distill-Qwen-7B"), directory / "DeepSeek-R1-Distill-Qwen-7B")
    sorted(root.glob("*.safetensors"))[-1].unlink()
    return root


def missing_middle_shard(directory: Path) -> Path:
    """No index, and a number missing from the sequence."""
    root = write_checkpoint(published("R1-Distill-Qwen-14B"), directory / "DeepSeek-R1-Distill-Qwen-14B")
    (root / "model.safetensors.index.json").unlink()
    sorted(root.glob("*.safetensors"))[1].unlink()
    return root


def wrong_dtype_sizes(directory: Path) -> Path:
    """Headers that call BF16 data F32."""
    root = write_checkpoint(published("R1-Distill-Qwen-1.5B"), directory / "DeepSeek-R1-Distill-Qwen-1.5B")
    shard = sorted(root.glob("*.safetensors"))[0]
    return _edit_header(root, shard, b'"BF16"', b'"F32" ')


def overlapping_tensors(directory: Path) -> Path:
    """Two tensors in one place: a small file that claims to hold a large model."""
    root = directory / "DeepSeek-R1"
    root.mkdir(parents=True, exist_ok=True)
    entry = {"dtype": "BF16", "shape": [4096], "data_offsets": [0, 8192]}
    names = [f"model.layers.{layer}.input_layernorm.weight" for layer in range(61)]
    body = orjson.dumps(dict.fromkeys(names, entry))
    (root / "model.safetensors").write_bytes(len(body).to_bytes(8, "little") + body + bytes(8192))
    return root


def tensor_in_two_shards(directory: Path) -> Path:
    """Shards of two checkpoints mixed."""
    root = directory / "DeepSeek-R1-Distill-Qwen-1.5B"
    root.mkdir(parents=True, exist_ok=True)
    tensors = list(checkpoint_tensors(published("R1-Distill-Qwen-1.5B").shape))
    half = len(tensors) // 2
    write_safetensors(root / "model-00001-of-00002.safetensors", tensors[: half + 1])
    write_safetensors(root / "model-00002-of-00002.safetensors", tensors[half:])
    return root


def _edit_header(root: Path, shard: Path, old: bytes, new: bytes) -> Path:
    assert len(old) == len(new)
    with shard.open("r+b") as file:
        length = int.from_bytes(file.read(8), "little")
        header = file.read(length).replace(old, new)
        file.seek(8)
        file.write(header)
    return root


MISREPRESENTED = (
    config_of_full_over_qwen_32b, distill_renamed_full, base_renamed_distill, v3_renamed_r1,
    distill_config_with_61_layers, qwen_tokenizer_in_full, card_of_full_over_llama_8b,
    gguf_metadata_of_full_over_qwen, half_the_experts,
)  # fmt: skip
"""Each must be reported as misrepresented."""

REFUSED = (
    truncated_shard, index_naming_missing_shards, missing_middle_shard, wrong_dtype_sizes, overlapping_tensors,
    tensor_in_two_shards,
)  # fmt: skip
"""Each must be refused with a sentence."""
