"""`r1 history`, `r1 explain`, `r1 recompute`, `r1 report`: past verdicts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.completing import target, verdict
from bot.terminal import give, print_json, save_picture
from bot.typed import HISTORY, IDENTIFICATION, LANG, PICTURE, printed, request_of

if TYPE_CHECKING:
    from bot.requests import Lang

_PAST = tuple(key for key in IDENTIFICATION if key != "as_of")


@click.command
@click.argument("target", required=False, shell_complete=target)
@click.option("--limit", type=click.IntRange(1, 1000))
@click.option("--since", metavar="DATE")
@click.option("--until", metavar="DATE")
@click.option("--csv", "table", type=click.Path(path_type=Path, allow_dash=True), metavar="FILE.csv")
@click.option("--plot", type=click.Path(path_type=Path), metavar="FILE.png")
@LANG
@printed(*HISTORY, many=True)
def history(
    target: str | None,
    limit: int | None,
    since: str | None,
    until: str | None,
    table: Path | None,
    plot: Path | None,
    lang: str | None,
    as_json: bool,
) -> int:
    from bot.exporting import print_entries, write_table
    from bot.past import past
    from bot.settings import load_settings
    from bot.store import open_store
    from bot.store.looks import Span, Whose
    from engine.errors import UsageError

    request = replace(request_of("history", *([target] if target else []), lang=lang), limit=limit or 10)
    if plot is not None and target is None:
        raise UsageError("history_plot_what")
    span, store = Span(_day(since), _day(until)), open_store(load_settings().store_url)
    if table is not None:
        write_table(store, target, span, limit, table, request.lang)
    if as_json:
        print_entries(store, target, span, limit)
    if plot is None and (table is not None or as_json):
        return 0
    with store.read() as session:
        answer = past(session, request, Whose(), span)
    if plot is not None:
        from bot.presentation.pictures import timeline_of

        save_picture(timeline_of(answer, request.lang), plot, request.lang)
    return 0 if table is not None or as_json else give(request, answer, as_json=False)


def _day(text: str | None) -> datetime | None:
    """The begin of a day, UTC.

    Raises:
        UsageError: it is none.
    """
    if text is None:
        return None
    from engine.errors import UsageError

    try:
        return datetime.strptime(text.strip(), "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise UsageError("history_date", value=text[:40]) from error


@click.command
@click.argument("verdict_id", metavar="VERDICT", shell_complete=verdict)
@PICTURE
@LANG
@printed(*_PAST, "created", "today", "recomputed")
def explain(verdict_id: str, picture: Path | None, lang: str | None, as_json: bool) -> int:
    from bot.jobs import explained
    from bot.keeping import kept_comparison, load_stored
    from bot.settings import load_settings

    request, settings = request_of("explain", verdict_id, lang=lang), load_settings()
    if (compared := kept_comparison(settings, request)) is not None:
        return give(request, compared, as_json=as_json)
    stored = load_stored(settings, request)
    code = give(request, explained(stored, settings), as_json=as_json)
    if picture is not None:
        from bot.presentation.pictures import draw

        save_picture(draw(stored.identification, request.lang), picture, request.lang)
    return code


@click.command
@click.argument("verdict_id", metavar="VERDICT", shell_complete=verdict)
@LANG
@printed(*_PAST)
def recompute(verdict_id: str, lang: str | None, as_json: bool) -> int:
    import engine
    from bot.jobs import Answer
    from bot.keeping import load_stored
    from bot.settings import load_settings
    from bot.terminal import show
    from engine.codec import to_json

    request, settings = request_of("explain", verdict_id, lang=lang), load_settings()
    stored = load_stored(settings, request)
    found = engine.recompute(stored.identification, family_files=settings.families, reference_files=settings.references)
    if as_json:
        print_json({"id": stored.id, **to_json(found)})
    else:
        show(request, Answer(identification=found))
    return 0


@click.command
@click.argument("verdict_id", metavar="VERDICT", shell_complete=verdict)
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE.html")
@LANG
@printed("id", "file", "bytes", "replaced")
def report(verdict_id: str, output: Path | None, lang: str | None, as_json: bool) -> int:
    from bot.keeping import kept_comparison, load_stored
    from bot.past import timeline_beside
    from bot.report import reported
    from bot.settings import load_settings

    request, settings = request_of("report", verdict_id, lang=lang), load_settings()
    answer, found_id = kept_comparison(settings, request), request.verdict_id
    if answer is None:
        stored = load_stored(settings, request)
        answer, found_id = reported(stored, settings, request.lang, timeline_beside(settings, stored)), stored.id
    if answer.report is None:
        return 1
    file, html = output or Path(answer.report.name), answer.report.html
    replaced = _written(file, html)
    if as_json:
        print_json({"id": found_id, "file": str(file), "bytes": len(html), "replaced": replaced})
    else:
        click.echo(_where(file, len(html), replaced, request.lang))
    return 0


def _written(file: Path, html: bytes) -> bool:
    """Write the file; whether it took another's place.

    Raises:
        UsageError: the file cannot be written.
    """
    from bot.terminal import mark
    from engine.errors import UsageError

    try:
        held = file.exists() and file.stat().st_size > 0
        file.write_bytes(html)
    except (OSError, ValueError) as error:  # a path with a NUL in it is a ValueError
        problem = getattr(error, "strerror", None) or str(error)
        raise UsageError("report_unwritable", file=mark(file), problem=problem) from error
    return held


def _where(file: Path, size: int, replaced: bool, lang: Lang) -> str:
    from bot.presentation.view import words
    from bot.terminal import mark
    from engine.units import bytes_text

    said = words(lang)["report"]["replaced" if replaced else "wrote"]
    return str(said.format(file=mark(file), size=bytes_text(size)))
