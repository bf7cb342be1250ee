"""Pictures and reports of a conversation, as files."""

from __future__ import annotations

from pathlib import Path

from bot.jobs import Answer
from bot.presentation.pictures import picture_of
from bot.requests import Lang
from engine.errors import UsageError


def saved(answer: Answer, lang: Lang, folder: Path) -> tuple[Path, ...]:
    """Write the picture or report that goes with an answer.

    Raises:
        UsageError: the folder cannot be written.
    """
    if answer.report is not None:
        return (_write(folder / answer.report.name, answer.report.html),)
    picture = picture_of(answer, lang)
    if picture is None:
        return ()
    stored = answer.explanation
    name = answer.verdict_id or (stored.id if stored is not None else None) or answer.asked or "picture"
    return (_write(folder / f"r1-{name}.png", picture.png),)


def _write(file: Path, content: bytes) -> Path:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    except OSError as error:
        raise UsageError("picture_unwritable", file=str(file), problem=error.strerror or str(error)) from error
    return file
