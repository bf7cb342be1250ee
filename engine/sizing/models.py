"""Which model is meant: a name of the catalog, or a target whose dimensions are read."""

from __future__ import annotations

import difflib
from pathlib import Path

from pydantic import ValidationError

from engine.catalog import family_names, load_family, load_published
from engine.catalog.schema import Parameters, Shape, Variant
from engine.claim import read_variants
from engine.dimensions import from_config, from_gguf
from engine.errors import TargetError, UsageError
from engine.layouts import implied_parameters
from engine.targets import Target, open_target

_NEEDED = ("model_type", "num_hidden_layers", "hidden_size", "num_attention_heads", "vocab_size")

_EXAMPLE = "deepseek-r1:32b"


def find_model(text: str, family_files: tuple[Path, ...] = ()) -> Variant:
    """The catalog's variant that ``text`` names (id, repository or alias such as ``deepseek-r1:32b``), else the target
    it leads to, as a variant of its own.

    Raises:
        UsageError: it names no model, or the target states no dimensions to reckon with.
        TargetError: the target cannot be read.
    """
    text = text.strip()
    if not text:
        raise UsageError("target_missing")
    known = _known(family_files)
    if not Path(text).expanduser().exists() and (found := _named(text, known)):
        return found
    try:
        return _described(open_target(text))
    except UsageError as error:
        if error.code not in ("target_unclear", "target_missing"):
            raise
        names = {entry.id.lower(): entry.id for entry in reversed(known)}
        close = difflib.get_close_matches(text.lower(), names, 1, 0.6)
        suggestion = names[close[0]] if close else _EXAMPLE
        raise UsageError("size_model_unknown", name=text[:80], suggestion=suggestion) from error


def _known(family_files: tuple[Path, ...]) -> list[Variant]:
    names = family_names(family_files)
    families = [load_family(name, family_files) for name in [*names[2:], *names[:2]]]
    known = [variant for family in families if not family.alone for variant in family.variants]
    return [*known, *load_published(), *(v for family in families if family.alone for v in family.variants)]


def _named(text: str, known: list[Variant]) -> Variant | None:
    wanted = text.lower().removeprefix("hf://").removeprefix("https://huggingface.co/")
    for variant in known:
        if wanted == variant.id.lower() or wanted in (repo.lower() for repo in variant.repos):
            return variant
    named = read_variants(text.rpartition("/")[2], known)
    # A name may mean several releases (deepseek-r1:671b, deepseek-r1:8b): the likeliest is meant, of equals the latest.
    meant = [(variant.prior, place, variant) for place, variant in enumerate(known) if variant.id in named]
    return max(meant, key=lambda entry: entry[:2])[2] if meant else None


def _described(target: Target) -> Variant:
    """A variant made of what a target's config or GGUF metadata state."""
    stated = from_config(target.config) if target.config else from_gguf(target.gguf or {})
    missing = [name for name in _NEEDED if not stated.get(name)]
    if missing:
        raise TargetError("size_no_dimensions", name=target.name, missing=missing[0])
    try:
        shape = Shape.model_validate(
            {name: value for name, value in stated.items() if name in Shape.model_fields and value}
        )
    except ValidationError as error:
        field = str(error.errors()[0]["loc"][0])
        raise TargetError("size_no_dimensions", name=target.name, missing=field) from error
    main = implied_parameters(shape) or sum(tensor.elements for tensor in target.tensors)
    if not main:
        raise TargetError("size_no_weights", name=target.name, architecture=shape.model_type)
    return Variant(
        id=target.name,
        kind="other",
        title={"en": target.name, "zh": target.name},
        shape=shape,
        parameters=Parameters(main=main, stored=main),
        source=target.spec,
    )
