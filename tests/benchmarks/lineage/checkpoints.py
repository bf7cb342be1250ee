"""A checkpoint folder as a state dict and its small files, read and written back."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

State = dict[str, torch.Tensor]
_SMALL = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt", "generation_config.json")


@dataclass(frozen=True)
class Checkpoint:
    """Tensors under Hugging Face's names in float32, config.json, the folder the small files come from, and the text of
    those that differ."""

    config: dict[str, Any]
    state: State
    small: Path | None = None
    changed: dict[str, str] = field(default_factory=dict)

    def with_state(self, state: State, **config: Any) -> Checkpoint:
        """The same checkpoint with other tensors, and config keys replaced."""
        return replace(self, state=state, config={**self.config, **config})

    @property
    def layers(self) -> int:
        """How many transformer blocks."""
        return int(self.config["num_hidden_layers"])


def read(folder: Path) -> Checkpoint:
    """All safetensors of a folder, as float32."""
    state: State = {}
    for path in sorted(folder.glob("*.safetensors")):
        state.update({name: value.float() for name, value in load_file(path).items()})
    return Checkpoint(json.loads((folder / "config.json").read_text()), state, folder)


def write(checkpoint: Checkpoint, folder: Path, *, dtype: torch.dtype | None = torch.float32, shards: int = 1) -> Path:
    """Write as it is published: config.json, safetensors (with an index where sharded), the tokenizer's files.

    Args:
        dtype: of floating tensors; ``None`` keeps each tensor's own (packed formats).
    """
    folder.mkdir(parents=True, exist_ok=True)
    values = checkpoint.state.items()
    state = {k: (v.to(dtype) if dtype and v.is_floating_point() else v).contiguous().clone() for k, v in values}
    names = list(state)
    parts = [names[number::shards] for number in range(shards)]
    files = (
        ["model.safetensors"]
        if shards == 1
        else [f"model-{n:05}-of-{shards:05}.safetensors" for n in range(1, shards + 1)]
    )
    for file, part in zip(files, parts, strict=True):
        save_file({name: state[name] for name in part}, folder / file, metadata={"format": "pt"})
    if shards > 1:
        where = {name: file for file, part in zip(files, parts, strict=True) for name in part}
        size = sum(value.numel() * value.element_size() for value in state.values())
        index = {"metadata": {"total_size": size}, "weight_map": where}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    config = dict(checkpoint.config)
    if dtype is not None:
        config.pop("torch_dtype", None)
        config["dtype"] = str(dtype).removeprefix("torch.")
    (folder / "config.json").write_text(json.dumps(config, indent=1))
    for name in _SMALL if checkpoint.small else ():
        if (checkpoint.small / name).exists():
            shutil.copy(checkpoint.small / name, folder / name)
    for name, text in checkpoint.changed.items():
        (folder / name).write_text(text, "utf-8")
    return folder


def model_of(checkpoint: Checkpoint) -> Any:
    """The checkpoint as a transformers model in float32, eager attention, for logits and further training.

    Raises:
        ValueError: tensors missing or left over.
    """
    from transformers import AutoConfig, AutoModel, AutoModelForCausalLM

    given = {key: value for key, value in checkpoint.config.items() if key not in ("dtype", "torch_dtype")}
    config = AutoConfig.for_model(**given)
    kind = AutoModel if given["model_type"] == "bert" else AutoModelForCausalLM
    model = kind.from_config(config, dtype=torch.float32, attn_implementation="eager")
    missing, extra = model.load_state_dict(_laid_out(checkpoint.state, model), strict=False)
    missing = [name for name in missing if name != "lm_head.weight" or not config.tie_word_embeddings]
    if missing or [name for name in extra if "position_ids" not in name]:
        raise ValueError(f"missing {missing[:4]}, left over {extra[:4]}")
    return model.eval()


def _laid_out(state: State, model: Any) -> State:
    """Experts, published one by one, as transformers stacks them: gate_up [experts, 2 × inner, hidden], down."""
    wanted = set(model.state_dict())
    if not any(".experts.gate_up_proj" in name for name in wanted):
        return state
    rest = {name: value for name, value in state.items() if ".mlp.experts." not in name}
    for name in wanted:
        block = name.rpartition(".experts.")[0]
        if name.endswith((".experts.gate_up_proj", ".experts.down_proj")):
            rest[name] = stacked(state, block, "down" if name.endswith("down_proj") else "gate_up")
    return rest


def stacked(state: State, block: str, which: str) -> torch.Tensor:
    """The experts of a block as one tensor: ``gate_up`` [experts, 2 × inner, hidden] or ``down``."""
    count = sum(name.startswith(f"{block}.experts.") and name.endswith(".down_proj.weight") for name in state)
    parts = ("gate", "up") if which == "gate_up" else (which,)
    each = [[state[f"{block}.experts.{n}.{part}_proj.weight"] for part in parts] for n in range(count)]
    return torch.stack([torch.cat(pieces) for pieces in each])


def state_of(model: Any) -> State:
    """A model's tensors under the names that are published (experts one by one, tied heads left out)."""
    state: State = {}
    tied = getattr(model.config, "tie_word_embeddings", False)
    for name, value in model.state_dict().items():
        value = value.detach().clone().float()
        if name.endswith(".experts.gate_up_proj"):
            block = name.removesuffix(".gate_up_proj")
            for number, both in enumerate(value):
                gate, up = both.chunk(2)
                state[f"{block}.{number}.gate_proj.weight"], state[f"{block}.{number}.up_proj.weight"] = gate, up
        elif name.endswith(".experts.down_proj"):
            for number, down in enumerate(value):
                state[f"{name.removesuffix('.down_proj')}.{number}.down_proj.weight"] = down
        elif not (tied and name == "lm_head.weight"):
            state[name] = value
    return state
