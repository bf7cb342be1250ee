"""`r1 devices`: where weights would be opened, and how much memory that may take."""

from __future__ import annotations

import click

from bot.terminal import give
from bot.typed import LANG, printed, request_of


@click.command
@LANG
@printed(
    "id",
    "kind",
    "index",
    "name",
    "memory_total",
    "memory_free",
    "dtypes",
    "where",
    "allowed",
    "budget",
    "fp8",
    many=True,
)
def devices(lang: str | None, as_json: bool) -> int:
    from bot.jobs import devices_seen
    from bot.settings import load_settings

    return give(request_of("devices", lang=lang), devices_seen(load_settings()), as_json=as_json)
