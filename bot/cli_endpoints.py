"""`r1 endpoint …` and `r1 reference …`: which endpoints may be asked by name, and recorded behaviour to compare with."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.terminal import mark, print_json, progress_line, show, spoken_here

if TYPE_CHECKING:
    from bot.requests import Lang, Request

_LANG = click.option("--lang", type=click.Choice(["en", "zh"]), help="Language of the answer.")
_TEAM = click.option("--team", default="", metavar="ID", help="Slack team whose it is; left out, everybody's.")


@click.group(help="Endpoints that may be asked by name. Keys are never shown.")
def endpoint() -> None:
    pass


@endpoint.command(help="Register the endpoint at URL (https://host/v1[#model]) as NAME.")
@click.argument("name")
@click.argument("url")
@click.option("--model", default="", help="The model's name, as the server lists it.")
@click.option("--api", default="", type=click.Choice(["openai", "ollama", ""]), help="Default: by the URL.")
@click.option("--key-env", default="", metavar="VAR", help="Environment variable that holds its key.")
@click.option("--key-stdin", is_flag=True, help="Read its key from standard input, and keep it encrypted.")
@click.option("--concurrency", type=int, metavar="N", help="Requests at once, at most.")
@click.option("--budget-tokens", type=int, metavar="N", help="Tokens that a question may cost, at most.")
@_TEAM
@_LANG
def add(name: str, url: str, model: str, api: str, key_env: str, key_stdin: bool, concurrency: int | None,
        budget_tokens: int | None, team: str, lang: Lang | None) -> int:  # fmt: skip
    from bot.endpoints import Form, problems, row_of
    from bot.jobs import Answer
    from bot.settings import load_settings
    from bot.store import open_store
    from bot.store.endpoints import add_endpoint, shown

    settings = load_settings()
    key = _read_key() if key_stdin else ""
    form = Form(name, url, model, api, key_env, key, _text(concurrency), _text(budget_tokens))
    if found := problems(form, settings, in_slack=False):
        raise next(iter(found.values()))
    row = row_of(form, settings, team=team, added_by=os.environ.get("USER", ""))
    with open_store(settings.store_url).begin() as session:
        add_endpoint(session, row)
    show(_request(lang), Answer(added=shown(row)))
    return 0


@endpoint.command("list", help="The endpoints registered, of every team.")
@_LANG
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(lang: Lang | None, as_json: bool) -> int:
    import dataclasses

    from bot.jobs import Answer
    from bot.settings import load_settings
    from bot.store import open_store
    from bot.store.endpoints import list_endpoints, shown

    with open_store(load_settings().store_url).begin() as session:
        lines = tuple(shown(row) for row in list_endpoints(session, None))
    if as_json:
        print_json([{**dataclasses.asdict(line), "created": line.created.isoformat()} for line in lines])
    else:
        show(_request(lang), Answer(endpoints=lines))
    return 0


@endpoint.command(help="Forget the endpoint NAME, and its key.")
@click.argument("name")
@_TEAM
@_LANG
def remove(name: str, team: str, lang: Lang | None) -> int:
    from bot.jobs import Answer
    from bot.settings import load_settings
    from bot.store import open_store
    from bot.store.endpoints import remove_endpoint

    with open_store(load_settings().store_url).begin() as session:
        remove_endpoint(session, name, team)
    show(_request(lang), Answer(removed=name))
    return 0


@endpoint.command(help="Print a new master key for R1_SECRET_KEY, with which keys are encrypted.")
def secret() -> int:
    from bot.sealing import new_master_key

    click.echo(new_master_key())
    return 0


@click.group(help="What endpoints and checkpoints that somebody vouches for show, to compare others with.")
def reference() -> None:
    pass


@reference.command(
    help="Record TARGET as VARIANT: what an endpoint (a registered name, or a URL) answers, or how the weights of a "
    "checkpoint (a directory, a .safetensors, a .gguf or a Hub id) are."
)
@click.argument("target")
@click.option("--variant", required=True, metavar="ID", help="What it is vouched to be, e.g. DeepSeek-R1.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="File to write; default: in the reference folder."
)
@click.option("--budget-tokens", type=click.IntRange(1, 10_000_000), metavar="N", help="Tokens it may cost, at most.")
@click.option("--key-env", metavar="VAR", help="Environment variable that holds its key.")
@click.option("--family-file", multiple=True, type=click.Path(path_type=Path), help="A family of your own (YAML).")
@_LANG
def record(target: str, variant: str, output: Path | None, budget_tokens: int | None, key_env: str | None,
           family_file: tuple[Path, ...], lang: Lang | None) -> int:  # fmt: skip
    import re
    from dataclasses import replace

    import engine
    from bot.keeping import endpoint_asked
    from bot.settings import load_settings, opened

    settings = load_settings()
    request = replace(_request(lang), verb="identify", target=target, thorough=True, budget_tokens=budget_tokens)
    asked = endpoint_asked(settings, request, key_env)
    with opened(settings, asked is None) as backend:
        recorded = engine.record_reference(
            asked.endpoint if asked is not None else target,
            variant,
            family_files=(*settings.family_files, *family_file),
            budget=asked.budget if asked is not None else None,
            backend=backend,
            on_progress=progress_line(request.lang),
        )
    whose = (asked.endpoint.name if asked is not None else "") or recorded["host"]
    path = output or settings.reference_folder / re.sub(r"[^\w.@-]+", "-", f"{variant}@{whose}.json")
    _write(path, recorded)
    click.echo(mark(path))
    return 0


@reference.command("list", help="The references that identifications compare with.")
def list_references() -> int:
    import json

    from bot.settings import load_settings
    from engine.references import PARTS

    for path in load_settings().references:
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            told = [str(kept.get(name) or "-") for name in ("variant", "host", "created")]
            told.append(", ".join(part for part in PARTS if kept.get(part)) or "-")
        except (OSError, ValueError, AttributeError):
            told = ["?"]
        click.echo(f"{mark(path)}  {mark('  '.join(told))}")
    return 0


def _read_key() -> str:
    """From a pipe, or typed without being shown."""
    if sys.stdin.isatty():
        return str(click.prompt("Key", hide_input=True, err=True)).strip()
    return sys.stdin.readline(10_000).strip()


def _text(value: int | None) -> str:
    return "" if value is None else str(value)


def _request(lang: Lang | None) -> Request:
    from bot.requests import Request

    return Request(verb="endpoint", text="", lang=lang or spoken_here(), action="list")


def _write(path: Path, recorded: dict[str, object]) -> None:
    """Whole or not at all: an identification may read the folder at any time."""
    import json

    from engine.errors import UsageError

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.new")
        draft.write_text(json.dumps(recorded, ensure_ascii=False, indent=1), encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise UsageError("reference_unwritable", file=str(path)[:200], problem=error.strerror or "?") from error
