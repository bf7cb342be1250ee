"""`r1 chat`, `r1 ask`, `r1 help` and `r1 completion`: conversation in a terminal, and what helps to begin one."""

from __future__ import annotations

from pathlib import Path

import click

from bot.spoken import commands
from bot.terminal import print_json, show, spoken_here
from bot.typed import LANG, printed

SAID = (
    "text", "lang", "verb", "understood", "answer", "headline", "pending", "asks", "choices", "files", "error",
)  # fmt: skip
"""The keys of what came of a question in free words."""


@click.command
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), metavar="DIR")
@click.option("--no-color", is_flag=True)
@LANG
@printed(*SAID)
def chat(folder: Path | None, no_color: bool, lang: str | None, as_json: bool) -> int:
    from bot.chat import talk
    from bot.settings import load_settings

    spoken = lang or spoken_here()
    return talk(load_settings(), "zh" if spoken == "zh" else "en", folder, colour=not no_color, as_json=as_json)


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED)
@click.option("--yes", is_flag=True)
@LANG
@printed(*SAID)
def ask(words: tuple[str, ...], yes: bool, lang: str | None, as_json: bool) -> int:
    from bot.chat.asking import ask_once
    from bot.settings import load_settings

    spoken = lang or spoken_here()
    return ask_once(words, load_settings(), "zh" if spoken == "zh" else "en", yes=yes, as_json=as_json)


@click.command("help")
@LANG
@printed("verbs", "exit_codes")
@click.pass_context
def help_(context: click.Context, lang: str | None, as_json: bool) -> int:
    from bot.jobs import Answer
    from bot.spoken import exit_codes, speak
    from bot.typed import request_of

    request = request_of("help", lang=lang)
    if not as_json:
        show(request, Answer())
        return 0
    group = context.find_root().command
    assert isinstance(group, click.Group)
    speak(group, request.lang)
    verbs = [
        {
            "verb": " ".join(path),
            "about": command.help,
            "options": [parameter.opts[-1] for parameter in command.params if isinstance(parameter, click.Option)],
        }
        for path, command in commands(group)
    ]
    print_json({"verbs": verbs, "exit_codes": exit_codes(request.lang)})
    return 0


@click.command
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@LANG
@printed("shell", "script")
@click.pass_context
def completion(context: click.Context, shell: str, lang: str | None, as_json: bool) -> int:
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    script = kind(context.find_root().command, {}, "r1", "_R1_COMPLETE").source()
    if as_json:
        print_json({"shell": shell, "script": script})
    else:
        click.echo(script)
    return 0
