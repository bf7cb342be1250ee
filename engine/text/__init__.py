"""Sentences by key, in English and Chinese: ``say("errors.not_found", "zh", path=...)``."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

LANGUAGES = ("en", "zh")


def parse_yaml(text: str) -> Any:
    """YAML by the C loader where PyYAML was built with it, several times as fast; plain data only."""
    import yaml

    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


@cache
def _sentences(lang: str) -> dict[str, Any]:
    loaded: dict[str, Any] = parse_yaml(files(__package__).joinpath(f"{lang}.yaml").read_text(encoding="utf-8"))
    return loaded


def say(key: str, lang: str = "en", /, **values: object) -> str:
    """The sentence under dotted ``key`` in ``lang``, with ``values`` filled in.

    Raises:
        KeyError: no such key; tests hold both languages to the same keys.
    """
    node: Any = _sentences(lang if lang in LANGUAGES else "en")
    for part in key.split("."):
        node = node[part]
    return str(node).format(**values)
