"""`r1 endpoint …`: which endpoints may be asked by name."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from bot.completing import endpoint as registered
from bot.terminal import give, print_json, spoken_here
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
