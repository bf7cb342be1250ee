"""`r1 identify`: what a model is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bot.completing import family, target
from bot.terminal import give, progress_line, save_picture
from bot.typed import IDENTIFICATION, LANG, PICTURE, deployment, printed, request_of


@click.command
@click.argument("target", shell_complete=target)
@click.argument("words", nargs=-1)
@click.option("--family", default="deepseek-r1", show_default=True, shell_complete=family)
@click.option("--family-file", multiple=True, type=click.Path(path_type=Path))
@click.option("--budget-tokens", metavar="N")
@click.option("--thorough", is_flag=True)
@click.option("--key-env", metavar="VAR")
@click.option("--reference", multiple=True, type=click.Path(path_type=Path))
@click.option("--no-store", is_flag=True)
@PICTURE
@deployment
@LANG
@printed(*IDENTIFICATION)
def identify(target: str, words: tuple[str, ...], family: str, family_file: tuple[Path, ...], budget_tokens: str | None,
             thorough: bool, key_env: str | None, reference: tuple[Path, ...], no_store: bool, picture: Path | None,
             lang: str | None, as_json: bool, **about: Any) -> int:  # fmt: skip
    import engine
    from bot.jobs import Answer
    from bot.keeping import endpoint_asked, keep_identification
    from bot.settings import load_settings, opened

    settings = load_settings()
    flags = ["--thorough"] * thorough
    request = request_of(
        "identify", target, *words, lang=lang, flags=flags, family=family, budget_tokens=budget_tokens, **about
    )
    asked = endpoint_asked(settings, request, key_env)
    with opened(settings, thorough and asked is None) as backend:
        found = engine.identify(
            asked.endpoint.name or target if asked is not None else target,
            family=request.family,
            constraints=request.constraints,
            scenario=request.scenario,
            family_files=(*family_file, *settings.families),
            rule_files=settings.rule_files,
            hardware_files=settings.hardware_files,
            endpoint=asked.endpoint if asked is not None else None,
            budget=asked.budget if asked is not None else None,
            reference_files=(*settings.references, *reference) if asked is not None or thorough else (),
            thorough=thorough,
            backend=backend,
            on_progress=None if as_json else progress_line(request.lang),
        )
    verdict_id = None if no_store else keep_identification(settings, request, found)
    code = give(request, Answer(identification=found, verdict_id=verdict_id), as_json=as_json)
    if picture is not None:
        from bot.presentation.pictures import draw

        save_picture(draw(found, request.lang), picture, request.lang)
    return code
