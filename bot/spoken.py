"""Help and refusals of the command line in the reader's language: texts from ``templates/{en,zh}/cli.yaml``."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import click

from bot.terminal import spoken_here
from bot.typed import Printed

if TYPE_CHECKING:
    from bot.requests import Lang
    from engine.errors import UsageError

_LISTED = 4


def language(words: list[str]) -> Lang:
    """The language that a command line asks for, else that of the environment."""
    for at, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name == "--lang":
            value = value if equals else (words[at + 1] if at + 1 < len(words) else "")
            if value in ("en", "zh"):
                return "zh" if value == "zh" else "en"
    return spoken_here()


def speak(command: click.Command, lang: Lang, path: tuple[str, ...] = ()) -> None:
    """Give a command, its options and its subcommands their texts; what has none keeps its own."""
    said = _texts(lang)
    own = said["verbs"].get(" ".join(path) or "r1", {})
    command.help = own.get("about") or command.help
    command.short_help = own.get("brief") or command.short_help
    command.context_class = _Chinese if lang == "zh" else click.Context
    shown = command.get_help_option(click.Context(command, help_option_names=["-h", "--help"]))
    for parameter in (*command.params, *([shown] if shown is not None else [])):
        text = own.get(parameter.name) or said["shared"].get(parameter.name)
        if isinstance(parameter, click.Option) and text:
            shape = parameter.shape if isinstance(parameter, Printed) else ""
            parameter.help = text.format(shape=shape)
    if isinstance(command, click.Group):
        command.epilog = own.get("epilog")
        for name, below in command.commands.items():
            speak(below, lang, (*path, name))


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command that does something, with the words that call it."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        elif not command.hidden:
            yield (*path, name), command


def exit_codes(lang: Lang) -> dict[str, str]:
    """What each exit code means."""
    said: dict[str, str] = _texts(lang)["exit_codes"]
    return said


def refusal(error: click.ClickException) -> UsageError:
    """What click found wrong with a command line, as a sentence of ours."""
    from engine.errors import UsageError

    context = getattr(error, "ctx", None)
    verb = context.command_path if context is not None else "r1"
    if isinstance(error, click.NoSuchOption):
        near = ", ".join(list(error.possibilities or ())[:_LISTED])
        return UsageError("cli_option", option=error.option_name[:60], verb=verb, near=f" ({near})" if near else "")
    if isinstance(error, click.MissingParameter):
        return UsageError("cli_missing", what=_name(error), verb=verb)
    if isinstance(error, click.BadParameter):
        return UsageError("cli_value", what=_name(error), problem=_sentence(error.message), verb=verb)
    return UsageError("cli_usage", problem=_sentence(error.format_message()), verb=verb)


def _name(error: click.BadParameter) -> str:
    parameter = error.param
    if isinstance(parameter, click.Argument):
        return parameter.make_metavar(error.ctx) if error.ctx is not None else (parameter.name or "?").upper()
    return parameter.opts[-1] if parameter is not None else "?"


def _sentence(text: str) -> str:
    return " ".join(text.split()).rstrip(".")[:200]


def _texts(lang: str) -> dict[str, Any]:
    """Only the file that is needed: help is to be there at once."""
    from engine.text import parse_yaml

    file = files("bot.templates").joinpath(lang, "cli.yaml")
    said: dict[str, Any] = parse_yaml(file.read_text(encoding="utf-8"))["cli"]
    return said


class _Headings(click.HelpFormatter):
    """Click's own headings, in Chinese."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, args, _texts("zh")["headings"]["usage"])

    def write_heading(self, heading: str) -> None:
        super().write_heading(_texts("zh")["headings"].get(heading.lower(), heading))


class _Chinese(click.Context):
    formatter_class = _Headings
