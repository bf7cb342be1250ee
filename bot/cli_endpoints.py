"""`r1 endpoint …` and `r1 reference …`: which endpoints may be asked by name, and recorded behaviour to compare with."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bot.completing import endpoint as registered
from bot.completing import target as target_
from bot.completing import variant as variant_
from bot.terminal import give, mark, print_json, progress_line, spoken_here
from bot.typed import LANG, printed

if TYPE_CHECKING:
    from bot.requests import Lang, Request

_LINE = (
    "name",
    "team",
    "url",
    "model",
    "api",
    "key_env",
    "sealed",
    "concurrency",
    "budget_tokens",
    "added_by",
    "created",
)
_RECORDED = ("file", "variant", "host", "created", "parts")
_TEAM = click.option("--team", default="", metavar="ID")


@click.group
def endpoint() -> None:
    pass


@endpoint.command
@click.argument("name")
@click.argument("url")
@click.option("--model", default="")
@click.option("--api", default="", type=click.Choice(["openai", "ollama", ""]))
@click.option("--key-env", default="", metavar="VAR")
@click.option("--key-stdin", is_flag=True)
@click.option("--concurrency", type=int, metavar="N")
@click.option("--budget-tokens", type=int, metavar="N")
@_TEAM
@LANG
@printed(*_LINE)
def add(name: str, url: str, model: str, api: str, key_env: str, key_stdin: bool, concurrency: int | None,
        budget_tokens: int | None, team: str, lang: Lang | None, as_json: bool) -> int:  # fmt: skip
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
    return give(_request(lang), Answer(added=shown(row)), as_json=as_json)


@endpoint.command("list")
@LANG
@printed(*_LINE, many=True)
def list_(lang: Lang | None, as_json: bool) -> int:
    from bot.jobs import Answer
    from bot.settings import load_settings
    from bot.store import open_store
    from bot.store.endpoints import list_endpoints, shown

    with open_store(load_settings().store_url).begin() as session:
        lines = tuple(shown(row) for row in list_endpoints(session, None))
    return give(_request(lang), Answer(endpoints=lines), as_json=as_json)


@endpoint.command
@click.argument("name", shell_complete=registered)
@_TEAM
@LANG
@printed("removed")
def remove(name: str, team: str, lang: Lang | None, as_json: bool) -> int:
    from bot.jobs import Answer
    from bot.settings import load_settings
    from bot.store import open_store
    from bot.store.endpoints import remove_endpoint

    with open_store(load_settings().store_url).begin() as session:
        remove_endpoint(session, name, team)
    return give(_request(lang), Answer(removed=name), as_json=as_json)


@endpoint.command
@LANG
@printed("secret_key")
def secret(lang: Lang | None, as_json: bool) -> int:
    from bot.sealing import new_master_key

    key = new_master_key()
    if as_json:
        print_json({"secret_key": key})
    else:
        click.echo(key)
    return 0


@click.group
def reference() -> None:
    pass


@reference.command
@click.argument("target", shell_complete=target_)
@click.option("--variant", required=True, metavar="ID", shell_complete=variant_)
@click.option("-o", "--output", type=click.Path(path_type=Path))
@click.option("--budget-tokens", type=click.IntRange(1, 10_000_000), metavar="N")
@click.option("--key-env", metavar="VAR")
@click.option("--family-file", multiple=True, type=click.Path(path_type=Path))
@LANG
@printed(*_RECORDED)
def record(target: str, variant: str, output: Path | None, budget_tokens: int | None, key_env: str | None,
           family_file: tuple[Path, ...], lang: Lang | None, as_json: bool) -> int:  # fmt: skip
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
            on_progress=None if as_json else progress_line(request.lang),
        )
    whose = (asked.endpoint.name if asked is not None else "") or recorded["host"]
    path = output or settings.reference_folder / re.sub(r"[^\w.@-]+", "-", f"{variant}@{whose}.json")
    _write(path, recorded)
    if as_json:
        print_json(_recorded(path, recorded))
    else:
        click.echo(mark(path))
    return 0


@reference.command("list")
@LANG
@printed(*_RECORDED, many=True)
def list_references(lang: Lang | None, as_json: bool) -> int:
    from bot.settings import load_settings

    found = [_recorded(path, _kept(path)) for path in load_settings().references]
    if as_json:
        print_json(found)
        return 0
    for row in found:
        told = [str(row[name] or "-") for name in ("variant", "host", "created")]
        told.append(", ".join(row["parts"]) or "-")
        click.echo(f"{mark(row['file'])}  {mark('  '.join(told) if row['variant'] else '?')}")
    return 0


def _kept(path: Path) -> Any:
    """What a reference file holds; nothing where it cannot be read."""
    import json

    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _recorded(path: Path, kept: Any) -> dict[str, Any]:
    """A reference in a line; all but its file are empty where it is none."""
    from engine.references import PARTS

    kept = kept if isinstance(kept, dict) else {}
    line = {name: kept.get(name) for name in ("variant", "host", "created")}
    return {"file": str(path), **line, "parts": [part for part in PARTS if kept.get(part)]}


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
