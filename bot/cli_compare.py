"""`r1 compare`: two models beside each other, by what they are or by how well they do on a task; and which tasks ship."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from bot.completing import target as proposed
from bot.terminal import give, progress_line
from bot.typed import LANG, printed, request_of

if TYPE_CHECKING:
    from bot.presentation.going import Going
    from bot.requests import Request


class _Compare(click.Group):
    """What is no command is two targets: compared on a task, where one is named, else by what they are."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            on_task = any(word.partition("=")[0] == "--task" for word in args)
            command = _answers if on_task else _identity
            return command.name, command, args
        return super().resolve_command(ctx, args)


@click.group(cls=_Compare)
def compare() -> None:
    pass


@compare.command("identity")
@click.argument("target", shell_complete=proposed)
@click.argument("other", shell_complete=proposed)
@LANG
@printed("first", "second", "likeness")
def _identity(target: str, other: str, lang: str | None, as_json: bool) -> int:
    from bot.answering import Work, answer_of, find
    from bot.keeping import kept_question
    from bot.settings import backend_of, load_settings

    request, settings = request_of("compare", target, other, lang=lang), load_settings()
    store, origin, request_id = kept_question(settings, request)
    quiet = progress_line(request.lang) if not as_json else None
    work = Work(
        store,
        settings,
        backend=lambda: backend_of(settings),
        request_id=request_id,
        on_progress=quiet or (lambda progress: None),
    )
    answer = answer_of(request, origin, find(request, origin, work), store, settings)
    if answer.error is not None:
        raise answer.error
    return give(request, answer, as_json=as_json)


@compare.command("answers")
@click.argument("target", shell_complete=proposed)
@click.argument("other", shell_complete=proposed)
@click.option("--task", required=True, metavar="FILE|NAME")
@click.option("--kind", metavar="qa")
@click.option("--gap", metavar="0.05")
@click.option("--judge", metavar="ENDPOINT")
@click.option("--price-a", metavar="0.55/2.19")
@click.option("--price-b", metavar="0.14/0.28")
@click.option("--budget-tokens", metavar="200000")
@click.option("--scenario", multiple=True)
@click.option("--constraint", multiple=True, metavar="NAME=VALUE")
@click.option("--ttft", multiple=True, metavar="1s")
@click.option("--report", type=click.Path(dir_okay=False), metavar="FILE.html")
@LANG
@printed("id", "task", "kind", "language", "a", "b", "main", "gap", "lines", "decision", "ruling", "ended", "asked", "cases",
         "scores", "omissions", "agreement", "cost", "notes", "pairs")  # fmt: skip
def _answers(target: str, other: str, report: str | None, lang: str | None, as_json: bool, **options: Any) -> int:
    from bot.answering import Work
    from bot.comparing.asking import compared
    from bot.comparing.kept import load_compared, save_compared
    from bot.jobs import Answer
    from bot.keeping import kept_question
    from bot.presentation.tasks import again_text
    from bot.settings import backend_of, load_settings

    given = {name: value for name, value in options.items() if value not in (None, ())}
    request, settings = request_of("compare", target, other, lang=lang, **given), load_settings()
    store, origin, request_id = kept_question(settings, request)
    work = Work(store, settings, lambda: backend_of(settings), on_going=_Line(request), stop=_interrupts())
    found = compared(request, origin, work)
    with store.begin() as session:
        kept = load_compared(session, save_compared(session, found, request_id=request_id)) or found
    store.close()
    if report is not None:
        _write_report(report, kept, request)
    code = give(request, Answer(compared=kept), as_json=as_json)
    if kept.comparison.ended in ("cancelled", "budget"):
        click.echo(again_text(request, request.lang, prefix="r1 "), err=True)
    return code


@compare.command("tasks")
@LANG
@printed("name", "kind", "language", "cases", many=True)
def _tasks(lang: str | None, as_json: bool) -> int:
    from bot.comparing.asking import task_lines
    from bot.jobs import Answer

    return give(request_of("compare", "tasks", lang=lang), Answer(tasks=task_lines()), as_json=as_json)


@compare.command("article")
@LANG
@printed("metric", "full", "distilled", "relative", "printed", many=True)
def _article(lang: str | None, as_json: bool) -> int:
    import dataclasses

    from bot.comparing.article import ARTICLE
    from bot.presentation.tasks import article_part
    from bot.presentation.view import View
    from bot.terminal import print_json, render

    if as_json:
        print_json([{**dataclasses.asdict(line), "relative": line.relative} for line in ARTICLE])
        return 0
    part = article_part(request_of("compare", "tasks", lang=lang).lang)
    click.echo(render(View(part.title, part.title, (dataclasses.replace(part, title=""),))))
    return 0


class _Line:
    """A line on standard error that says how far it is, where somebody is watching."""

    def __init__(self, request: Request) -> None:
        import sys

        self.request, self.shown = request, sys.stderr.isatty()

    def __call__(self, going: Going) -> None:
        from bot.presentation.going import far_text

        if self.shown:
            end = "\r\x1b[K" if going.done >= going.total else ""
            click.echo(f"\r\x1b[K{far_text(going, self.request.lang)}{end}", err=True, nl=False)


def _interrupts() -> Any:
    """Whether Ctrl-C was pressed: once ends the asking, and what was answered is told; twice ends at once."""
    import signal
    import threading

    pressed = threading.Event()

    def press(number: int, frame: object) -> None:
        if pressed.is_set():
            raise KeyboardInterrupt
        pressed.set()

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, press)
    return pressed.is_set


def _write_report(file: str, kept: Any, request: Request) -> None:
    from pathlib import Path

    from bot.report.comparison import comparison_report
    from engine.errors import UsageError

    try:
        Path(file).write_bytes(comparison_report(kept, request.lang).html)
    except OSError as error:
        raise UsageError("report_unwritable", file=file, problem=error.strerror or str(error)) from error
    click.echo(file, err=True)
