"""`r1 doctor`: what is right, what is wrong, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bot.terminal import mark, print_json, spoken_here
from bot.typed import LANG, printed

if TYPE_CHECKING:
    from bot.doctor import Finding
    from bot.requests import Lang


@click.command
@click.option("--endpoints", is_flag=True)
@LANG
@printed("ok", "checks")
def doctor(endpoints: bool, lang: Lang | None, as_json: bool) -> int:
    from bot.doctor import examine

    found, spoken = examine(endpoints=endpoints), lang or spoken_here()
    wrong = sum(finding.state == "wrong" for finding in found)
    if as_json:
        print_json({"ok": not wrong, "checks": [_plain(finding, spoken) for finding in found]})
    else:
        _show(found, wrong, spoken)
    return 2 if wrong else 0


def _plain(finding: Finding, lang: Lang) -> dict[str, str]:
    return {
        "check": finding.check,
        "state": finding.state,
        "found": finding.found(lang),
        "do": finding.remedy(lang),
    }


def _show(found: tuple[Finding, ...], wrong: int, lang: Lang) -> None:
    from bot.doctor import SIGNS
    from bot.presentation import words

    said = words(lang)["doctor"]
    for finding in found:
        name = said["checks"][finding.check]
        click.echo(f"{SIGNS[finding.state]} {name}{said['of']}{mark(finding.found(lang))}")
        if remedy := finding.remedy(lang):
            click.echo(f"    → {mark(remedy)}")
    click.echo(said["wrong"].format(count=wrong) if wrong else said["right"])
