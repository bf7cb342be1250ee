"""`r1 devices`: where weights would be opened, and how much memory that may take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bot.terminal import print_json, show, spoken_here

if TYPE_CHECKING:
    from bot.requests import Lang


@click.command(
    help="The devices on which weights are opened, as the settings backend, devices and memory_budget have it."
)
@click.option("--lang", type=click.Choice(["en", "zh"]), help="Language of the answer.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def devices(lang: Lang | None, as_json: bool) -> int:
    import dataclasses

    from bot.jobs import devices_seen
    from bot.requests import Request
    from bot.settings import load_settings

    answer = devices_seen(load_settings())
    if as_json:
        print_json([
            {"id": device.id, **dataclasses.asdict(device), "budget": device.budget, "fp8": device.fp8}
            for device in answer.devices or ()
        ])  # fmt: skip
    else:
        show(Request(verb="devices", text="", lang=lang or spoken_here()), answer)
    return 0
