"""What a target says it is: names, model cards and configs read as catalog variants."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from engine.catalog.schema import Variant
from engine.verdict import Claim

_SEPARATORS = re.compile(r"[\s_]+")


def read_variants(text: str, variants: Iterable[Variant]) -> tuple[str, ...]:
    """Variant ids that ``text`` names; of a family variant and a mere base, the family variant.

    ``DeepSeek-R1-Distill-Qwen-7B`` mentions Qwen-7B only as an ingredient, so a published model
    counts only where no variant of the family is named.
    """
    normal = _SEPARATORS.sub("-", text.strip())
    if not normal:
        return ()
    named = [variant for variant in variants if any(_regex(name).search(normal) for name in variant.names)]
    family = [variant.id for variant in named if variant.kind != "other"]
    if family:
        return tuple(family)
    # "Qwen2.5-7B-Instruct" names Qwen2.5-7B too; the longest name is the one meant.
    longest = max((len(variant.id) for variant in named), default=0)
    return tuple(variant.id for variant in named if len(variant.id) == longest)


@lru_cache(maxsize=4096)
def _regex(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def read_claim(statement: Mapping[str, Any], variants: Sequence[Variant]) -> Claim | None:
    """The claim a target makes: by its name; failing that by its card; failing that by its config."""
    for where in ("name", "base_model", "title", "config"):
        for text in statement.get(where) or ():
            if named := read_variants(text, variants):
                return Claim(text=text, where=where, variants=named)
    return None


def statements(name: str, front_matter: Mapping[str, Any], title: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """The texts a claim may be read from, as an observation that can be stored."""
    base = front_matter.get("base_model")
    bases = [base] if isinstance(base, str) else base if isinstance(base, list) else []
    path = config.get("_name_or_path")
    tags = front_matter.get("tags")
    return {
        "name": [name] if name else [],
        "base_model": [text[:200] for text in bases if isinstance(text, str)][:8],
        "title": [title[:200]] if title else [],
        "config": [path[:200]] if isinstance(path, str) and path else [],
        "tags": [text[:80] for text in tags if isinstance(text, str)][:40] if isinstance(tags, list) else [],
        "licence": str(front_matter.get("license") or "")[:80],
    }
