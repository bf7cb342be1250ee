"""Needles: one sentence to find again in a long text that is about nothing.

What a model advertises as its context and what it attends to are two things, and servers cut silently: a needle
that is not found says that the text was not read as a whole. The filler is sentences of our own, with names and
numbers in them, five-digit ones too, so that the needle does not stand out by its form.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import NamedTuple

from engine.catalog.schema import Record
from engine.catalog.yaml_file import read_records

CHARACTERS_PER_TOKEN = {"en": 4.2, "zh": 1.44}
"""Of this filler, by DeepSeek-V3's tokenizer. Qwen2.5 needs 9 % (en) and 17 % (zh) more tokens, Llama 3 1 % and 29 %."""

_SENTENCES_A_PARAGRAPH = (4, 9)


class Wording(Record):
    """How filler and needle are worded in one language: templates, and the words that fill them."""

    space: str
    needle: str
    question: str
    places: tuple[str, ...]
    words: dict[str, tuple[str, ...]]
    templates: tuple[str, ...]


class Filler(Record):
    en: Wording
    zh: Wording


class Needle(NamedTuple):
    """``text`` has neither nonce nor question; ``depth`` is where the needle lies, from 0 (start) to 1 (end)."""

    text: str
    question: str
    answer: int
    place: str
    depth: float


def ask(needle: Needle, nonce: str) -> str:
    """The one user message: ``nonce``, the long text, the question."""
    return f"{nonce}\n{needle.text}\n{needle.question}"


def haystack(seed: int, tokens: int, lang: str) -> Needle:
    """About ``tokens`` tokens of filler in ``lang`` (``en`` or ``zh``) around a needle at a depth of the seed's.

    The same for the same arguments. From 500 tokens on, the length is within 10 % by DeepSeek-V3's tokenizer.
    """
    lang = "zh" if lang == "zh" else "en"
    wording = load_filler().zh if lang == "zh" else load_filler().en
    random = Random(f"needle-{seed}-{tokens}-{lang}")
    place, code, depth = random.choice(wording.places), random.randint(10_000, 99_999), random.random()
    needle = wording.needle.format(place=place, code=code)
    sentences = filler_sentences(random, wording, round(tokens * CHARACTERS_PER_TOKEN[lang]) - len(needle))
    sentences.insert(round(depth * len(sentences)), needle)
    text = paragraphs(random, sentences, wording.space)
    return Needle(text, wording.question.format(place=place), code, place, depth)


@cache
def load_filler() -> Filler:
    """The filler that ships. Raises CatalogError: the file is invalid."""
    return read_records(Path(str(files(__package__).joinpath("filler.yaml"))), Filler)


def filler_sentences(random: Random, wording: Wording, characters: int) -> list[str]:
    """Sentences of at least so many ``characters``, about nothing."""
    sentences: list[str] = []
    while characters > 0:
        sentences.append(_sentence(random, wording))
        characters -= len(sentences[-1]) + len(wording.space)
    return sentences


def _sentence(random: Random, wording: Wording) -> str:
    words = {name: random.choice(choices) for name, choices in wording.words.items()}
    return random.choice(wording.templates).format(
        **words,
        day=random.randint(4, 19),
        few=random.randint(3, 19),
        many=random.randint(120, 980),
        ledger=random.randint(10_000, 99_999),
        year=random.randint(1871, 1989),
    )


def paragraphs(random: Random, sentences: list[str], space: str) -> str:
    """``sentences`` in paragraphs of four to nine, a line each."""
    lines, start = [], 0
    while start < len(sentences):
        size = random.randint(*_SENTENCES_A_PARAGRAPH)
        lines.append(space.join(sentences[start : start + size]))
        start += size
    return "\n".join(lines)
