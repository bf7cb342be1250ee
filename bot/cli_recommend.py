"""`r1 recommend` and `r1 size`: which model to run, and what a model takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bot.completing import quantization
from bot.terminal import give, save_picture
from bot.typed import LANG, PICTURE, RECOMMENDATION, WORKLOAD, deployment, printed, request_of, shorthands


@click.command
@click.argument("words", nargs=-1)
@PICTURE
@deployment
@LANG
@printed(*RECOMMENDATION)
def recommend(words: tuple[str, ...], picture: Path | None, lang: str | None, as_json: bool, **options: Any) -> int:
    from bot.answering import advised
    from bot.jobs import Answer
    from bot.keeping import keep_recommendation
    from bot.settings import load_settings

    settings = load_settings()
    request = request_of("recommend", *words, lang=lang, **options)
    advice = advised(request, settings)
    keep_recommendation(settings, request, advice)
    code = give(request, Answer(recommendation=advice), as_json=as_json)
    if picture is not None:
        from bot.presentation.pictures import front_of

        save_picture(front_of(advice, request.lang), picture, request.lang)
    return code


@click.command
@click.argument("model")
@click.argument("hardware", nargs=-1)
@shorthands(*WORKLOAD)
@click.option("--quantization", metavar="ID", shell_complete=quantization)
@LANG
@printed("model", "hardware", "sizings")
def size(model: str, hardware: tuple[str, ...], lang: str | None, as_json: bool, **options: Any) -> int:
    from bot.jobs import Answer
    from bot.settings import load_settings
    from bot.sizing import sized

    request = request_of("size", model, *hardware, lang=lang, **options)
    return give(request, Answer(sizes=sized(request, load_settings())), as_json=as_json)
