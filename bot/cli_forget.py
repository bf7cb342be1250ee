"""`r1 forget`: delete what was asked and found, by person, team, time or target."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from bot.terminal import print_json, spoken_here
from bot.typed import LANG, printed

if TYPE_CHECKING:
    from bot.forgetting import Forgotten
    from bot.requests import Lang


@click.command
@click.argument("who", required=False, metavar="[me]", type=click.Choice(["me"]))
@click.option("--user", metavar="U…")
@click.option("--team", metavar="T…")
@click.option("--before", metavar="DATE")
@click.option("--target", metavar="NAME")
@click.option("--yes", is_flag=True)
@LANG
@printed("deleted", "requests", "jobs", "verdicts", "evidence", "recommendations", "watches", "looks", "opinions",
         "people", "pending")  # fmt: skip
def forget(who: str | None, user: str | None, team: str | None, before: str | None, target: str | None, yes: bool,
           lang: Lang | None, as_json: bool) -> int:  # fmt: skip
    from bot.comparing.cached import forget_answers
    from bot.forgetting import Scope
    from bot.forgetting import forget as run
    from bot.settings import load_settings
    from bot.store import open_store
    from engine.errors import UsageError

    given = (user, team, before, target)
    # An empty value is most likely a variable of a script that was not set; what it meant is not guessed at.
    if "" in given or (who is None and given == (None,) * 4) or (who is not None and (user or team)):
        raise UsageError("forget_scope")
    if who is not None:
        user, team = os.environ.get("USER", ""), ""  # as questions from a terminal are kept
    scope = Scope(user=user, team=team, before=_day(before) if before else None, target=target)
    settings = load_settings()
    store = open_store(settings.store_url)
    done = run(store, scope, dry=not yes)
    if yes:
        forget_answers(settings, scope)
    store.close()
    if as_json:
        import dataclasses

        print_json({"deleted": yes, **dataclasses.asdict(done)})
    else:
        _show(done, lang or spoken_here(), yes)
    return 0


def _day(text: str) -> datetime:
    from engine.errors import UsageError

    try:
        return datetime.strptime(text.strip(), "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise UsageError("forget_date", value=text[:40]) from error


def _show(done: Forgotten, lang: Lang, yes: bool) -> None:
    import dataclasses

    from bot.presentation import words

    said = words(lang)["forget"]
    if done.nothing:
        click.echo(said["nothing"])
    else:
        click.echo(said["counts"].format(**dataclasses.asdict(done)))
        click.echo(said["done" if yes else "dry"])
    if done.pending:
        click.echo(said["pending"].format(pending=done.pending).strip())
