"""`r1 serve`, `r1 worker`, `r1 demo` and `r1 db …`: running the bot, and its database."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import click

from bot.terminal import print_json
from bot.typed import LANG, printed


@click.command
@click.option("--port", type=click.IntRange(0, 65535))
@click.option("--workers", type=click.IntRange(0, 64))
def serve(port: int | None, workers: int | None) -> int:
    from bot.settings import load_settings
    from bot.slack.serve import serve as run
    from bot.store.instance import only_instance

    _log_to_stderr()
    given = {"port": port, "workers": workers}
    settings = load_settings(**{name: value for name, value in given.items() if value is not None})
    with only_instance(settings.store_url):
        run(settings)
    return 0


@click.command
@click.option("--parent", type=int, hidden=True)
def worker(parent: int | None) -> int:
    """``--parent``: the process to end with, for `r1 serve`."""
    from bot.settings import load_settings
    from bot.slack.serve import run_worker
    from bot.store.instance import only_instance

    _log_to_stderr()
    settings = load_settings()
    with only_instance(settings.store_url) if parent is None else nullcontext():  # its parent is the instance
        run_worker(settings, parent)
    return 0


@click.command
@click.option("--html", type=click.Path(path_type=Path))
@printed("ts", "thread_ts", "user", "text", many=True)
def demo(html: Path | None, as_json: bool) -> int:
    from bot.demo import run

    return run(html, as_json=as_json)


@click.group
def db() -> None:
    pass


@db.command("upgrade")
@LANG
@printed("url")
def db_upgrade(lang: str | None, as_json: bool) -> int:
    from bot.settings import load_settings
    from bot.store import open_store

    open_store(load_settings().store_url).close()
    return _print_url(as_json)


@db.command("path")
@LANG
@printed("url")
def db_path(lang: str | None, as_json: bool) -> int:
    return _print_url(as_json)


def _print_url(as_json: bool) -> int:
    """Print the database's URL, its password hidden."""
    from sqlalchemy import make_url

    from bot.settings import load_settings

    url = make_url(load_settings().store_url).render_as_string(hide_password=True)
    if as_json:
        print_json({"url": url})
    else:
        click.echo(url)
    return 0


def _log_to_stderr() -> None:
    import logging

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
