"""The models' real vocabularies: text to true ids, and ids to the pieces in which servers stream them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from functools import cache, cached_property
from typing import Literal, NamedTuple

import published_tokenizers
from tokenizers import Tokenizer

from engine.tokenizers import byte_alphabet

Specials = Literal["parsed", "plain", "stripped"]
"""What happens to special tokens that a user writes out: they become the token (vLLM, SGLang, llama.cpp), are
taken as ordinary text, or are removed by a gateway."""

_MARK = re.compile(r"<[｜|][^<>\s]{1,40}?[｜|]>|</?think>|\[/?(?:INST|gMASK)\]|<sop>|</?s>")
_TEKKEN_SPECIALS = 1_000


class Piece(NamedTuple):
    """Text that can be shown, and the tokens it took."""

    text: str
    ids: tuple[int, ...]


class Vocabulary:
    """A published tokenizer."""

    def __init__(self, name: str) -> None:
        self._name = name
        if name == "tekken":
            self._parsed = Tokenizer.from_str(json.dumps(_tekken_with_specials()))
        else:
            self._parsed = published_tokenizers.load(name)
        byte_of = {char: byte for byte, char in byte_alphabet().items()}
        added = self._parsed.get_added_tokens_decoder()
        self.special = frozenset(index for index, token in added.items() if token.special)
        self.marks = {token.content: index for index, token in added.items()}
        self._data = {
            index: bytes(map(byte_of.__getitem__, token))
            for token, index in self._parsed.get_vocab(with_added_tokens=False).items()
            if byte_of.keys() >= set(token)
        }
        self._data |= {index: token.content.encode() for index, token in added.items()}
        self._digits = {data.decode(): index for index, data in self._data.items() if data.isdigit()}
        self.common = [index for index in range(300, 20_000) if index in self._data and index not in added]

    def encode(self, text: str, *, plain: bool = False) -> list[int]:
        """Ids of a text; with ``plain`` special tokens written out in it are ordinary text."""
        found: list[int] = (self._unmarked if plain else self._parsed).encode(text, add_special_tokens=False).ids
        return found

    @cached_property
    def _unmarked(self) -> Tokenizer:
        if self._name == "tekken":
            return Tokenizer.from_str(json.dumps({**_tekken_with_specials(), "added_tokens": []}))
        return published_tokenizers.without_added(self._name)

    def data(self, index: int) -> bytes:
        """A token's bytes; none for ids that pad the embedding."""
        return self._data.get(index, b"")

    def digits(self, text: str) -> int | None:
        """The id of digits that are one token."""
        return self._digits.get(text)

    def text(self, index: int) -> str:
        """A token's text, with U+FFFD for part of a character."""
        return self.data(index).decode("utf-8", "replace")

    def pieces(self, ids: Sequence[int]) -> Iterator[Piece]:
        """What a server shows as it goes: whole tokens, held back until their characters are whole."""
        held: list[int] = []
        data = b""
        for index in ids:
            held.append(index)
            if index in self.special:
                continue
            data += self.data(index)
            text = data.decode("utf-8", "replace")
            if text and not text.endswith("\ufffd"):
                yield Piece(text, tuple(held))
                held, data = [], b""
        if data or held:
            yield Piece(data.decode("utf-8", "replace"), tuple(held))


@cache
def vocabulary(name: str) -> Vocabulary:
    """The vocabulary of a tokenizer; takes about a second the first time."""
    return Vocabulary(name)


def stripped(text: str) -> str:
    """A text less the special tokens written out in it."""
    return _MARK.sub("", text)


def _tekken_with_specials() -> dict[str, object]:
    """Mistral's ids begin with a thousand special tokens, which the published rank file leaves out."""
    document = published_tokenizers.document("tekken")
    named = {0: "<unk>", 1: "<s>", 2: "</s>", 3: "[INST]", 4: "[/INST]", 17: "[SYSTEM_PROMPT]", 18: "[/SYSTEM_PROMPT]"}
    specials = {index: named.get(index, f"<SPECIAL_{index}>") for index in range(_TEKKEN_SPECIALS)}
    words = {word: rank + _TEKKEN_SPECIALS for word, rank in document["model"]["vocab"].items()}
    added = [
        {"id": index, "content": text, "special": True, "single_word": False, "lstrip": False, "rstrip": False,
         "normalized": False}
        for index, text in specials.items()
    ]  # fmt: skip
    model = {**document["model"], "vocab": {**{text: index for index, text in specials.items()}, **words}}
    return {**document, "added_tokens": added, "model": model}
