"""Beginnings of sentences, by how usual they are, to see how sure a model is of the next token."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

from engine.catalog.schema import Record
from engine.catalog.yaml_file import read_records
from engine.targets.endpoint import Ask

ALTERNATIVES = 5
"""Alternatives asked for at the position; OpenAI's completions allow no more."""


class Sentence(Record):
    """A beginning, and whether its words are common, rare, or common in an unusual sense."""

    id: str
    kind: Literal["common", "rare", "unusual"]
    text: str


class Sentences(Record):
    """All of them."""

    sentences: tuple[Sentence, ...]


@cache
def load_sentences() -> tuple[Sentence, ...]:
    """The sentences that ship. Raises CatalogError: the file is invalid."""
    return read_records(Path(str(files(__package__).joinpath("sentences.yaml"))), Sentences).sentences


def sentence_asks() -> list[Ask]:
    """One raw request a sentence: a chat template would have the model answer instead of going on."""
    return [
        Ask(f"entropy:{sentence.id}", sentence.text, 1, raw=True, logprobs=ALTERNATIVES, prompt_tokens=20)
        for sentence in load_sentences()
    ]
