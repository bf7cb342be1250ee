"""`r1 report`: a past verdict as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.typed import LANG, request_of

if TYPE_CHECKING:
    from bot.requests import Lang


@click.command(help="Write a past verdict as one HTML file, which any browser opens, prints and reads aloud.")
@click.argument("verdict_id")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE.html",
    help="Where to; r1-report-<id>.html if left out.",
)
@LANG
def report(verdict_id: str, output: Path | None, lang: str | None) -> int:
    from bot.keeping import load_stored
    from bot.report import reported
    from bot.settings import load_settings

    request, settings = request_of("report", verdict_id, lang=lang), load_settings()
    answer = reported(load_stored(settings, request.verdict_id or ""), settings, request.lang)
    if answer.report is not None:
        click.echo(_written(output or Path(answer.report.name), answer.report.html, request.lang))
    return 0


def _written(file: Path, html: bytes, lang: Lang) -> str:
    """Write the file; where it is, how large, and whether it took another's place.

    Raises:
        UsageError: the file cannot be written.
    """
    from bot.presentation.view import words
    from bot.terminal import mark
    from engine.errors import UsageError
    from engine.units import bytes_text

    try:
        held = file.exists() and file.stat().st_size > 0
        file.write_bytes(html)
    except (OSError, ValueError) as error:  # a path with a NUL in it is a ValueError
        problem = getattr(error, "strerror", None) or str(error)
        raise UsageError("report_unwritable", file=mark(file), problem=problem) from error
    said = words(lang)["report"]["replaced" if held else "wrote"]
    return str(said.format(file=mark(file), size=bytes_text(len(html))))
