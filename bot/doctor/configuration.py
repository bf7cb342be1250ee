"""The settings: which file, which variables, and those that nothing reads."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import AliasChoices

from bot.doctor.finding import Finding, failed
from bot.settings import Settings, config_file, load_settings
from engine.errors import UsageError

_NEAR, _ALIKE = 0.5, 0.8
"""Likeness from which another name is proposed. Other programs read SLACK_ variables too: only one that is nearly ours
is taken for a slip."""


def read_settings() -> tuple[Settings | None, list[Finding]]:
    """The settings, where they are valid, and what is to be said of them."""
    file = config_file()
    found = [*_of_file(file), *_of_environment(os.environ)]
    try:
        settings = load_settings()
    except UsageError as error:
        # An unknown name in the file is the same fault, told already with the name that was meant.
        told = any(finding.values.get("name") == error.values.get("name") for finding in found)
        return None, found if told else [*found, failed("settings", error)]
    if not found:
        given = sum(name.upper() in _variables() for name in os.environ)
        code = "settings_file" if file.is_file() else "settings_environment"
        found = [Finding("settings", "ok", code, {"file": file, "count": given})]
    return settings, found


def _variables() -> frozenset[str]:
    """All that this program reads. A setting with a name of its own in the environment has no other there."""
    aliases = {name: _aliases(name) for name in Settings.model_fields}
    ours = {f"R1_{name.upper()}" for name, others in aliases.items() if not others}
    return frozenset({*ours, *(other.upper() for others in aliases.values() for other in others), "R1_CONFIG"})


def _aliases(name: str) -> list[str]:
    alias = Settings.model_fields[name].validation_alias
    return [str(choice) for choice in alias.choices] if isinstance(alias, AliasChoices) else []


def _of_environment(names: Iterable[str]) -> Iterator[Finding]:
    known = _variables()
    for name in sorted(names):
        if name.upper() in known or not name.upper().startswith(("R1_", "SLACK_")):
            continue
        ours = name.upper().startswith("R1_")
        plain = {full.removeprefix("R1_"): full for full in known}
        close = difflib.get_close_matches(name.upper().removeprefix("R1_"), plain, 1, _NEAR if ours else _ALIKE)
        if close:
            yield Finding("settings", "wrong", "variable_unknown", {"name": name[:80], "suggestion": plain[close[0]]})
        elif ours:
            yield Finding("settings", "wrong", "variable_strange", {"name": name[:80]})


def _of_file(file: Path) -> Iterator[Finding]:
    if not file.exists():
        if os.environ.get("R1_CONFIG"):
            yield Finding("settings", "wrong", "file_missing", {"file": file})
        return
    try:
        written = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        yield Finding("settings", "wrong", "file_unreadable", {"file": file, "problem": error.strerror or str(error)})
        return
    except ValueError:  # not UTF-8 or not TOML: loading the settings says it
        return
    known = [*Settings.model_fields, *(alias for name in Settings.model_fields for alias in _aliases(name))]
    for name in written:
        if name not in known:
            close = difflib.get_close_matches(name.lower(), known, 1, 0.0)[0]
            values = {"name": name[:80], "file": file, "suggestion": close}
            yield Finding("settings", "wrong", "file_unknown", values)
