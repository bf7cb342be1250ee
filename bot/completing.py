"""What a shell proposes while a command is typed: registered endpoints, verdicts, devices, families, quantisations.

It is asked at every press of Tab: so files and SQLite are read as they are, without the records that validate them,
and whatever goes wrong means only that nothing is proposed.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

_MOST = 50
_SHIPPED = ("deepseek-r1.yaml", "article.yaml")
_COUNTED = re.compile(r"^(\d+ ?[x×*] ?)?(.*)$", re.DOTALL)
Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def _never_failing(propose: Callable[[str], Iterable[tuple[str, str]]]) -> Complete:
    """Those proposals that begin with what was typed, each with a word about it."""

    def complete(context: click.Context, parameter: click.Parameter, typed: str) -> list[CompletionItem]:
        try:
            found = [(value, about) for value, about in propose(typed) if _begins(value, typed)]
            return [
                CompletionItem(value, help=about.replace(",", ";")) for value, about in found
            ]  # fish parts at commas
        except Exception:  # a shell that is completing has nowhere to show what went wrong
            return []

    return complete


def _begins(value: str, typed: str) -> bool:
    return value.lower().startswith(typed.lower()) and "\n" not in value


@_never_failing
def endpoint(typed: str) -> Iterator[tuple[str, str]]:
    """Registered endpoints by name."""
    return _rows(f"SELECT name, url FROM endpoints ORDER BY name LIMIT {_MOST}")


@_never_failing
def verdict(typed: str) -> Iterator[tuple[str, str]]:
    """Verdicts by id, the latest first."""
    return _rows(f"SELECT id, target FROM verdicts ORDER BY created DESC LIMIT {_MOST}")


@_never_failing
def watch(typed: str) -> Iterator[tuple[str, str]]:
    """Watches by id."""
    return _rows(f"SELECT id, target FROM watches ORDER BY created DESC LIMIT {_MOST}")


@_never_failing
def reference(typed: str) -> Iterator[tuple[str, str]]:
    """References in the folder, by file."""
    from platformdirs import user_data_path

    folder = Path(_setting("reference_dir", "") or user_data_path("r1-detective") / "references")
    for path in sorted(folder.glob("*.json"))[:_MOST]:
        yield path.name.removesuffix(".json"), ""


@_never_failing
def family(typed: str) -> Iterator[tuple[str, str]]:
    """Families: those that ship, those that updates brought, and one's own."""
    from platformdirs import user_data_path

    for path in _SHIPPED:
        yield path.removesuffix(".yaml"), ""
    index = Path(_setting("catalog_dir", "") or user_data_path("r1-detective") / "catalog") / "index.json"
    updated = json.loads(index.read_bytes())["current"] if index.exists() else {}
    yield from ((name, str(version)) for name, version in updated.items() if f"{name}.yaml" not in _SHIPPED)
    for own in _setting("family_files", []):
        yield str(_read(Path(own))["name"]), own


@_never_failing
def variant(typed: str) -> Iterator[tuple[str, str]]:
    """Variants of the families that ship."""
    for path in _SHIPPED:
        yield from ((str(entry["id"]), "") for entry in _read(files("engine") / "catalog" / path)["variants"])


@_never_failing
def quantization(typed: str) -> Iterator[tuple[str, str]]:
    """Quantisations by id."""
    for entry in _read(files("engine") / "sizing" / "quantizations.yaml")["quantizations"]:
        yield str(entry["id"]), str(entry["title"]["en"])


@_never_failing
def device(typed: str) -> Iterator[tuple[str, str]]:
    """Devices of the hardware catalog; a count before them stays."""
    count = (_COUNTED.match(typed) or [""])[1] or ""
    own = [Path(path) for path in _setting("hardware_files", [])]
    for path in (files("engine") / "hardware" / "devices.yaml", *own):
        for entry in _read(path)["devices"]:
            yield f"{count}{entry['id']}", str(entry.get("title") or "")


def target(context: click.Context, parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """What may be identified: registered endpoints; where none begins so, paths, which the shell itself completes."""
    return endpoint(context, parameter, typed) or [CompletionItem(typed, type="file")]


def _read(path: Any) -> dict[str, Any]:
    from engine.text import parse_yaml

    loaded: dict[str, Any] = parse_yaml(path.read_text(encoding="utf-8"))
    return loaded


def _setting(name: str, default: Any) -> Any:
    """A setting as it is written, in the environment or the file."""
    import tomllib

    from platformdirs import user_config_path

    written = os.environ.get(f"R1_{name.upper()}")
    if written:
        return json.loads(written) if isinstance(default, list) else written
    file = Path(os.environ.get("R1_CONFIG") or user_config_path("r1-detective") / "config.toml")
    return tomllib.loads(file.read_text(encoding="utf-8")).get(name, default) if file.exists() else default


def _rows(query: str) -> Iterator[tuple[str, str]]:
    """Two columns of what is kept; nothing where there is no database yet."""
    from platformdirs import user_data_path

    url = _setting("database_url", "") or f"sqlite:///{user_data_path('r1-detective') / 'r1.db'}"
    scheme, _, rest = url.partition("://")
    connection: Any
    if scheme.startswith("sqlite"):
        import sqlite3

        path = Path(rest.removeprefix("/").partition("?")[0])
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=0.2)
    else:
        import psycopg

        connection = psycopg.connect(f"postgresql://{rest}", connect_timeout=1)
    try:
        for value, about in connection.execute(query).fetchall():
            yield str(value), str(about)
    finally:
        connection.close()
