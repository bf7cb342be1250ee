"""The tokens that weights are compared by, and where they are in a vocabulary that was renumbered or cut."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from engine.errors import R1Error
from engine.targets.gguf_header import read_gguf
from engine.targets.source import FileSource
from engine.targets.target import ANCHORS, Target
from engine.targets.vocabulary import parse_texts

FEWEST = 24
_LIMIT = 100_000_000
_IN_PLACE, _FOUND = 0.9, 0.5
"""Share of a reference's tokens at the same ids from which on a vocabulary is taken for the reference's own; and found
elsewhere, for that vocabulary renumbered or cut. Another vocabulary may share as many common words, which costs three
layers to be read and changes nothing: another model's tokens meet by chance. Judged."""


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


def anchor_texts(target: Target) -> tuple[str, ...]:
    """The anchors' texts, as a reference keeps them; empty where they are not known."""
    known = target.vocabulary.anchors if target.vocabulary is not None else {}
    return tuple(known.get(token, "") for token in ANCHORS) if known else ()


def renumbered(target: Target, references: Iterable[Sequence[str]]) -> dict[int, int] | None:
    """Where a reference's anchors are: the place of each among ``ANCHORS``, and its id here.

    ``None`` where they are at their own ids, or the vocabulary is another one altogether.
    """
    own, texts = anchor_texts(target), None
    for reference in references:
        known = {place: text for place, text in enumerate(reference[: len(ANCHORS)]) if text}
        if not own or not known or sum(own[place] == text for place, text in known.items()) >= _IN_PLACE * len(known):
            continue
        if texts is None:
            texts = {text: token for token, text in texts_of(target).items()}
        found = {place: texts[text] for place, text in known.items() if text in texts}
        if len(found) >= max(FEWEST, _FOUND * len(known)):
            return found
    return None
