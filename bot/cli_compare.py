"""`r1 compare`: two models beside each other, by what they are."""

from __future__ import annotations

import click

from bot.completing import target as proposed
from bot.terminal import give, progress_line
from bot.typed import LANG, printed, request_of


@click.command
@click.argument("target", shell_complete=proposed)
@click.argument("other", shell_complete=proposed)
@LANG
@printed("first", "second", "likeness")
def compare(target: str, other: str, lang: str | None, as_json: bool) -> int:
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
