"""Reference families, published models and folklore: data, validated on load."""

from __future__ import annotations

import difflib
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path

from pydantic import model_validator

from engine.catalog.schema import Composed, Family, Folktale, Record, Tokenizer, Variant, Vocabulary
from engine.catalog.yaml_file import last_written, parse_records, read_records
from engine.errors import CatalogError, UsageError

_SHIPPED = ("deepseek-r1", "article")


class Published(Record):
    """Published models beside the families, and the vocabularies and tokenizers that all of them use."""

    vocabularies: dict[str, Vocabulary]
    tokenizers: dict[str, Tokenizer]
    variants: tuple[Variant, ...]

    @model_validator(mode="after")
    def _refer_to_each_other(self) -> Published:
        _check_references(self.tokenizers, self.vocabularies, self.variants)
        return self


class Folklore(Record):
    """The circulating figures."""

    folktales: tuple[Folktale, ...]


def load_family(name: str, family_files: tuple[Path, ...] = ()) -> Family:
    """The family called ``name``: one that ships, or one of the user's own files (which win).

    Tokenizers and vocabularies of the published models are joined in.

    Raises:
        UsageError: no family has that name; the sentence lists those there are.
        CatalogError: a file is invalid; the sentence names it and the line.
    """
    for path in family_files:
        family = read_family(path)
        if family.name == name:
            return family
    if name in _SHIPPED:
        return read_family(_path(name))
    known = family_names(family_files)
    close = difflib.get_close_matches(name, known, 1)
    raise UsageError("family_unknown", name=name[:60], known=", ".join(known), suggestion=(close or known)[0])


def family_names(family_files: tuple[Path, ...] = ()) -> list[str]:
    """Names of all families, each once, the ones that ship first."""
    return list(dict.fromkeys((*_SHIPPED, *(read_family(path).name for path in family_files))))


def family_with(variant: str, family_files: tuple[Path, ...] = ()) -> Family:
    """The family that a variant, or a published model beside it, belongs to: the default one before others.

    Raises:
        UsageError: no family has it; the sentence lists the default one's.
        CatalogError: a file is invalid.
    """
    families = [load_family(name, family_files) for name in family_names(family_files)]
    for family in families:
        if variant in {entry.id for entry in (*family.variants, *(() if family.alone else load_published()))}:
            return family
    known = ", ".join(entry.id for entry in families[0].variants)
    raise UsageError("variant_unknown", name=variant[:80], known=known)


def load_published() -> tuple[Variant, ...]:
    """Published models outside the families, kind ``other``."""
    return _published().variants


@cache
def load_folklore() -> tuple[Folktale, ...]:
    """Figures that circulate in "how to tell" guides, each with the configuration that contradicts it."""
    return read_records(_path("folklore"), Folklore).folktales


@cache
def load_composed() -> Composed:
    """The composed texts and how every tokenizer within reach counts them."""
    return read_records(_path("composed"), Composed)


@cache
def _published() -> Published:
    return read_records(_path("published"), Published)


def read_family(path: Path) -> Family:
    """The family in a file. Raises as ``load_family`` for what is invalid."""
    return _family_as_of(path, last_written(path))


@lru_cache(maxsize=16)
def _family_as_of(path: Path, written: int) -> Family:
    return _joined(read_records(path, Family), path.name)


def parse_family(text: str, name: str) -> Family:
    """The family that a file's ``text`` is, as ``load_family`` gives it; ``name`` is the file's in a sentence.

    Raises:
        CatalogError: it is invalid; the sentence names the line.
    """
    return _joined(parse_records(text, Family, name), name)


def shipped_family(name: str) -> Family | None:
    """The family of that name as it ships, whatever files there are beside it."""
    return read_family(_path(name)) if name in _SHIPPED else None


def _joined(family: Family, name: str) -> Family:
    published = _published()
    joined = family.model_copy(
        update={
            "tokenizers": {**published.tokenizers, **family.tokenizers},
            "vocabularies": {**published.vocabularies, **family.vocabularies},
        }
    )
    try:
        _check_references(joined.tokenizers, joined.vocabularies, joined.variants)
    except ValueError as error:
        raise CatalogError("catalog_invalid", file=name, line=1, field="variants", problem=str(error)) from error
    return joined


def _check_references(
    tokenizers: dict[str, Tokenizer], vocabularies: dict[str, Vocabulary], variants: tuple[Variant, ...]
) -> None:
    for name, tokenizer in tokenizers.items():
        if tokenizer.vocabulary is not None and tokenizer.vocabulary not in vocabularies:
            raise ValueError(f"tokenizer {name} names an unknown vocabulary {tokenizer.vocabulary}")
    seen: set[str] = set()
    for variant in variants:
        if variant.tokenizer is not None and variant.tokenizer not in tokenizers:
            raise ValueError(f"variant {variant.id} names an unknown tokenizer {variant.tokenizer}")
        if variant.id in seen:
            raise ValueError(f"variant {variant.id} appears twice")
        seen.add(variant.id)


def _path(name: str) -> Path:
    return Path(str(files(__package__).joinpath(f"{name}.yaml")))
