"""`r1 compare`: two models beside each other, by what they are."""

from __future__ import annotations

import click

from bot.typed import LANG, printed, request_of


@click.command(help="Set two models beside each other: whether they are the same, and in what they differ.")
@click.argument("target")
@click.argument("other")
@LANG
@printed("first", "second", "likeness")
def compare(target: str, other: str, lang: str | None, as_json: bool) -> int:
    from bot.answering import Work, answer_of, find
    from bot.keeping import kept_question
    from bot.presentation.comparing import likeness
    from bot.settings import backend_of, load_settings
    from bot.terminal import print_json, progress_line, show
    from engine.codec import to_json

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
    if as_json and answer.comparison is not None:
        pair = (answer.comparison.first, answer.comparison.second)
        like = likeness(*(one.identification.verdict for one in pair))
        first, second = ({"id": one.id, **to_json(one.identification)} for one in pair)
        print_json({"likeness": like, "first": first, "second": second})
    else:
        show(request, answer)
    return 0
