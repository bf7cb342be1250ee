"""`r1`: every Slack verb in a terminal, plus serve, worker, demo and db.

Exit codes: 0 answered; 1 something went wrong on our side; 2 the question or the target was refused with
a sentence; 3 inconclusive; 4 the claim does not hold.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bot.cli_devices import devices
from bot.cli_doctor import doctor
from bot.cli_endpoints import endpoint, reference
from bot.cli_forget import forget
from bot.cli_recommend import recommend, size
from bot.cli_report import report
from bot.cli_rules import rules
from bot.terminal import print_json, progress_line, save_picture, show, spoken_here
from bot.typed import JSON, LANG, PICTURE, deployment, request_of

if TYPE_CHECKING:
    from bot.settings import Settings


@click.group(help="Tells whether a “DeepSeek-R1” is the full model or a distilled one, and which of them suits you.",
             epilog="Exit codes: 0 answered, 1 our fault, 2 refused with a sentence, 3 inconclusive, 4 claim does not hold.",
             context_settings={"help_option_names": ["-h", "--help"]})  # fmt: skip
@click.version_option(package_name="r1-detective", prog_name="r1")
def group() -> None:
    pass


@group.command(
    help="Say what the model at TARGET is: a Hub id (org/name[@revision]), a directory, a .safetensors or a .gguf; "
    "or behind an endpoint: its registered name, or https://host/v1#model."
)
@click.argument("target")
@click.argument("words", nargs=-1)
@click.option("--family", default="deepseek-r1", show_default=True, help="Catalog family to compare with.")
@click.option("--family-file", multiple=True, type=click.Path(path_type=Path), help="A family of your own (YAML).")
@click.option("--budget-tokens", metavar="N", help="Tokens that asking an endpoint may cost at most.")
@click.option(
    "--thorough",
    is_flag=True,
    help="Ask an endpoint on after the verdict; of a checkpoint, open the weights and run it.",
)
@click.option("--key-env", metavar="VAR", help="Environment variable that holds the endpoint's key.")
@click.option(
    "--reference", multiple=True, type=click.Path(path_type=Path), help="A recorded reference to compare with."
)
@click.option("--no-store", is_flag=True, help="Keep nothing in the database.")
@PICTURE
@deployment
@LANG
@JSON
def identify(target: str, words: tuple[str, ...], family: str, family_file: tuple[Path, ...], budget_tokens: str | None,
             thorough: bool, key_env: str | None, reference: tuple[Path, ...], no_store: bool, picture: Path | None,
             lang: str | None, as_json: bool, **about: Any) -> int:  # fmt: skip
    import engine
    from bot.keeping import endpoint_asked, keep_identification
    from bot.settings import opened

    settings = _settings()
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
            family_files=(*settings.family_files, *family_file),
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
    if as_json:
        from engine.codec import to_json

        print_json({"id": verdict_id, **to_json(found)})
    else:
        from bot.jobs import Answer

        show(request, Answer(identification=found, verdict_id=verdict_id))
    if picture is not None:
        from bot.presentation.pictures import draw

        save_picture(draw(found, request.lang), picture, request.lang)
    if found.verdict.claim_check == "misrepresented":
        return 4
    return 3 if found.verdict.outcome == "inconclusive" else 0


@group.command(help="Past verdicts, latest first; TARGET is a part of the target's name.")
@click.argument("target", required=False)
@click.option("--limit", default=10, show_default=True, type=click.IntRange(1, 1000))
@LANG
@JSON
def history(target: str | None, limit: int, lang: str | None, as_json: bool) -> int:
    from bot.jobs import Answer
    from bot.store import open_store
    from bot.store.queries import history as query

    request = request_of("history", *([target] if target else []), lang=lang)
    with open_store(_settings().store_url).begin() as session:
        rows = query(session, target=target, limit=limit)
    if as_json:
        import dataclasses

        print_json([{**dataclasses.asdict(row), "created": row.created.isoformat()} for row in rows])
    else:
        show(request, Answer(history=rows))
    return 0


@group.command(help="The evidence of a past verdict, row by row.")
@click.argument("verdict_id")
@PICTURE
@LANG
@JSON
def explain(verdict_id: str, picture: Path | None, lang: str | None, as_json: bool) -> int:
    from bot.jobs import explained
    from bot.keeping import load_stored
    from engine.codec import to_json

    request, settings = request_of("explain", verdict_id, lang=lang), _settings()
    stored = load_stored(settings, request.verdict_id or "")
    if as_json:
        print_json({"id": stored.id, "created": stored.created.isoformat(), **to_json(stored.identification)})
    else:
        show(request, explained(stored, settings))
    if picture is not None:
        from bot.presentation.pictures import draw

        save_picture(draw(stored.identification, request.lang), picture, request.lang)
    return 0


@group.command(help="Score the observations of a past verdict again, under today's catalog.")
@click.argument("verdict_id")
@LANG
@JSON
def recompute(verdict_id: str, lang: str | None, as_json: bool) -> int:
    import engine
    from bot.jobs import Answer
    from bot.keeping import load_stored
    from engine.codec import to_json

    request = request_of("explain", verdict_id, lang=lang)
    settings = _settings()
    stored = load_stored(settings, request.verdict_id or "")
    found = engine.recompute(
        stored.identification, family_files=settings.family_files, reference_files=settings.references
    )
    if as_json:
        print_json(to_json(found))
    else:
        show(request, Answer(identification=found))
    return 0


@group.command(
    help="Run the bot: Slack app and workers. Needs SLACK_BOT_TOKEN and SLACK_APP_TOKEN or SLACK_SIGNING_SECRET."
)
@click.option("--port", type=click.IntRange(0, 65535), help="Port for HTTP mode.")
@click.option("--workers", type=click.IntRange(0, 64), help="Worker processes to start.")
def serve(port: int | None, workers: int | None) -> int:
    from bot.slack.serve import serve as run

    _log_to_stderr()
    given = {"port": port, "workers": workers}
    run(_settings(**{name: value for name, value in given.items() if value is not None}))
    return 0


@group.command(help="Run a worker alone, on this or another machine with the same database.")
@click.option("--parent", type=int, hidden=True, help="End when this process is gone.")
def worker(parent: int | None) -> int:
    from bot.slack.serve import run_worker

    _log_to_stderr()
    run_worker(_settings(), parent)
    return 0


@group.command(help="Show the bot at work on sample checkpoints in a Slack of its own: no credentials, no network.")
@click.option("--html", type=click.Path(path_type=Path), help="Write the conversation as a page too.")
def demo(html: Path | None) -> int:
    from bot.demo import run

    return run(html)


@group.group(help="The database.")
def db() -> None:
    pass


@db.command("upgrade", help="Create or migrate the database.")
def db_upgrade() -> int:
    from bot.store import open_store

    open_store(_settings().store_url).close()
    return db_path()


@db.command("path", help="Print which database is used.")
def path() -> int:
    return db_path()


def db_path() -> int:
    """Print the database's URL, its password hidden."""
    from sqlalchemy import make_url

    click.echo(make_url(_settings().store_url).render_as_string(hide_password=True))
    return 0


group.add_command(recommend)
group.add_command(size)
group.add_command(devices)
group.add_command(report)
group.add_command(endpoint)
group.add_command(reference)
group.add_command(rules)
group.add_command(forget)
group.add_command(doctor)


def _settings(**overrides: Any) -> Settings:
    from bot.settings import load_settings

    return load_settings(**overrides)


def _log_to_stderr() -> None:
    import logging

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)


def main() -> None:
    """Entry point: exit codes as the group's help says, and never a traceback for bad input."""
    from engine.errors import R1Error

    try:
        code = group.main(standalone_mode=False)
    except click.exceptions.Abort:
        code = 130
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except R1Error as error:
        words = sys.argv[sys.argv.index("--lang") + 1 :] if "--lang" in sys.argv else []
        click.echo(f"r1: {error.sentence(words[0] if words else spoken_here())}", err=True)
        code = 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
