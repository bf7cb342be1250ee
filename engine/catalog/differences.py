"""What is another in a later version of a family: figure by figure, and which of it may bear on a verdict. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from engine.catalog.schema import Family

Of = Literal["variant", "tokenizer", "vocabulary"]
_TOLD_ONLY = ("title", "source", "licence", "weights", "benchmarks")
"""Fields that no probe goes by."""
_PARTS: Mapping[Of, str] = {"variant": "variants", "tokenizer": "tokenizers", "vocabulary": "vocabularies"}


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is another than before.

    Attributes:
        kind: ``added``, ``removed`` or ``changed``.
        of: a variant, or a tokenizer or vocabulary that variants use; ``id`` is its name.
        field: of what changed, which figure: ``shape.hidden_size``.
        before, after: the figures, ``None`` where there is none.
    """

    kind: Literal["added", "removed", "changed"]
    of: Of
    id: str
    field: str = ""
    before: Any = None
    after: Any = None

    @property
    def weighs(self) -> bool:
        """Whether a verdict may be another for it."""
        return self.field.partition(".")[0] not in _TOLD_ONLY


def differences(before: Family, after: Family) -> tuple[Difference, ...]:
    """All that is another, variants first, in the order in which they are listed."""
    return tuple(found for of in _PARTS for found in _of(of, _named(before, of), _named(after, of)))


def behind(found: Sequence[Difference], variants: Collection[str], *families: Family) -> tuple[Difference, ...]:
    """Those differences for which a verdict on these variants may be another: of the variants themselves, then of what they
    are tokenized with, then that others were added or dropped.

    Args:
        families: both versions.
    """
    used = [entry for family in families for entry in family.variants if entry.id in variants]
    tokenizers = {entry.tokenizer for entry in used}
    vocabularies = {
        family.tokenizers[name].vocabulary for family in families for name in tokenizers if name in family.tokenizers
    }
    meant: Mapping[Of, Collection[str | None]] = {
        "variant": variants,
        "tokenizer": tokenizers,
        "vocabulary": vocabularies,
    }
    weighing = [one for one in found if one.weighs]
    own = [one for one in weighing if one.id in meant[one.of]]
    others = [one for one in weighing if one not in own and one.of == "variant"]
    return (*own, *sorted(others, key=lambda one: one.kind == "changed"))


def _named(family: Family, of: Of) -> Mapping[str, dict[str, Any]]:
    part: Any = getattr(family, _PARTS[of])
    entries = {entry.id: entry for entry in part} if of == "variant" else part
    return {name: dict(_figures(entry.model_dump(exclude={"id"}))) for name, entry in entries.items()}


def _of(of: Of, before: Mapping[str, dict[str, Any]], after: Mapping[str, dict[str, Any]]) -> Iterator[Difference]:
    yield from (Difference("added", of, name) for name in after if name not in before)
    yield from (Difference("removed", of, name) for name in before if name not in after)
    for name, figures in after.items():
        was = before.get(name, figures)
        for field in dict.fromkeys((*was, *figures)):
            if (field in was, was.get(field)) != (field in figures, figures.get(field)):
                yield Difference("changed", of, name, field, was.get(field), figures.get(field))


def _figures(value: Mapping[Any, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Leaves by their path; a list is one."""
    for name, part in value.items():
        here = f"{path}.{name}" if path else str(name)
        if isinstance(part, Mapping):
            yield from _figures(part, here)
        else:
            yield here, part
