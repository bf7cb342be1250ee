"""`r1 recommend` and `r1 size`: which model to run, and what a model takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bot.terminal import print_json, save_picture, show
from bot.typed import JSON, LANG, PICTURE, WORKLOAD, deployment, request_of, shorthands


@click.command(
    help="Which model to run, in which quantisation, on what: by what WORDS and constraints say of the deployment. "
    "Without hardware named, usual purchases are compared."
)
@click.argument("words", nargs=-1)
@PICTURE
@deployment
@LANG
@JSON
def recommend(words: tuple[str, ...], picture: Path | None, lang: str | None, as_json: bool, **options: Any) -> int:
    import engine
    from bot.keeping import keep_recommendation
    from bot.settings import load_settings

    settings = load_settings()
    request = request_of("recommend", *words, lang=lang, **options)
    advice = engine.recommend(
        request.constraints,
        scenario=request.scenario,
        rule_files=settings.rule_files,
        hardware_files=settings.hardware_files,
        family_files=settings.family_files,
    )
    keep_recommendation(settings, request, advice)
    if as_json:
        from engine.codec import recommendation_to_json

        print_json(recommendation_to_json(advice))
    else:
        from bot.jobs import Answer

        show(request, Answer(recommendation=advice))
    if picture is not None:
        from bot.presentation.pictures import front_of

        save_picture(front_of(advice, request.lang), picture, request.lang)
    return 0


@click.command(
    help="What MODEL takes and how fast it runs: a catalog name such as deepseek-r1:32b, a Hub id, a checkpoint "
    "directory or a file, whose configuration is read. Without --gpu: the memory of each quantisation, and the "
    "smallest usual purchase that carries it."
)
@click.argument("model")
@click.argument("hardware", nargs=-1)
@shorthands(*WORKLOAD)
@click.option("--quantization", metavar="ID", help="Only this one, e.g. awq-int4.")
@LANG
@JSON
def size(model: str, hardware: tuple[str, ...], lang: str | None, as_json: bool, **options: Any) -> int:
    from bot.settings import load_settings
    from bot.sizing import sized

    request = request_of("size", model, *hardware, lang=lang, **options)
    found = sized(request, load_settings())
    if as_json:
        from engine.codec import sizings_to_json

        print_json(
            {"model": found.model, "hardware": found.hardware or None, "sizings": sizings_to_json(found.sizings)}
        )
    else:
        from bot.jobs import Answer

        show(request, Answer(sizes=found))
    return 0
