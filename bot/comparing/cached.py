"""Where answers are kept so that no model is asked the same twice: a folder for each person of each team."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from bot.requests import Origin
from bot.settings import Settings

if TYPE_CHECKING:
    from bot.forgetting import Scope

_PLAIN = re.compile(r"[^A-Za-z0-9._-]")
_HERE = "terminal"


def folder_of(settings: Settings, origin: Origin) -> Path:
    """Where somebody's answers are kept: nobody learns from their absence what others asked."""
    return settings.answers_folder / _named(origin.team) / _named(origin.user)


def forget_answers(settings: Settings, scope: Scope) -> None:
    """Delete the kept answers of what is forgotten. Which of them are of one target is not known any more: with a
    target, all of that person or team go; they can be asked for again."""
    for folder in list(_folders(settings, scope)):
        if scope.before is None:
            shutil.rmtree(folder, ignore_errors=True)
            continue
        for file in folder.rglob("*"):
            if file.is_file() and file.stat().st_mtime < scope.before.timestamp():
                file.unlink(missing_ok=True)


def _folders(settings: Settings, scope: Scope) -> Iterator[Path]:
    root = settings.answers_folder
    if not root.is_dir():
        return
    for team in root.iterdir():
        for person in team.iterdir() if team.is_dir() else ():
            ours = scope.team is None or team.name == _named(scope.team)
            theirs = scope.user is None or person.name == _named(scope.user)
            if ours and theirs and person.is_dir():
                yield person


def _named(id_: str) -> str:
    """An id of Slack's, or a user's name, as a folder's; none of them leads out of the folder."""
    return _PLAIN.sub("_", id_).strip(".") or _HERE
