"""The tokens that weights are compared by, and where they are in a vocabulary that was renumbered or cut."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.errors import R1Error
from engine.targets.gguf_header import read_gguf
from engine.targets.source import FileSource
from engine.targets.target import Target
from engine.targets.vocabulary import parse_texts

ANCHORS: tuple[int, ...] = tuple(range(260, 2260, 50)) + tuple(range(5_000, 101_000, 4_000))
"""Ids of the tokens: a dense head, so that small vocabularies have some, and a sparse tail. Not to be changed:
recorded fingerprints hold these in this order."""
FEWEST = 24
_LIMIT = 100_000_000
_IN_PLACE, _FOUND = 0.9, 0.8
"""Share of a reference's tokens at the same ids from which on a vocabulary is taken for the reference's own; and found
elsewhere, for that vocabulary renumbered. Other vocabularies share common words only. Judged."""


def texts_of(target: Target) -> Mapping[int, str]:
    """The text of each token by id; empty where no tokenizer is at hand, or it cannot be read."""
    if target.root is None:
        return {}
    try:
        if target.gguf is not None:
            with FileSource(target.root / target.weights[0].name) as source:
                tokens = read_gguf(source).tokens
            return {index: token.decode("utf-8", "replace") for index, token in enumerate(tokens)}
        with FileSource(target.root / "tokenizer.json") as source:
            return parse_texts(source.read(0, _LIMIT))
    except R1Error:
        return {}


def anchor_texts(texts: Mapping[int, str]) -> tuple[str, ...]:
    """The anchors' texts, as a reference keeps them; empty where they are not known."""
    return tuple(texts.get(token, "") for token in ANCHORS) if texts else ()


def renumbered(texts: Mapping[int, str], reference: Sequence[str]) -> dict[int, int] | None:
    """Where a reference's anchors are: the place of each among ``ANCHORS``, and its id here.

    ``None`` where they are at their own ids, or the vocabulary is another one altogether.
    """
    known = {place: text for place, text in enumerate(reference[: len(ANCHORS)]) if text}
    if not texts or not known:
        return None
    if sum(texts.get(ANCHORS[place]) == text for place, text in known.items()) >= _IN_PLACE * len(known):
        return None
    ids = {text: token for token, text in texts.items()}
    found = {place: ids[text] for place, text in known.items() if text in ids}
    return found if len(found) >= max(FEWEST, _FOUND * len(known)) else None
