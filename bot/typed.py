"""What a shell has split → a request, by the same grammar as in Slack; and the options that questions share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bot.terminal import spoken_here

if TYPE_CHECKING:
    from bot.requests import Request

LANG = click.option("--lang", type=click.Choice(["en", "zh"]), help="Language of the answer.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
PICTURE = click.option(
    "--picture", type=click.Path(path_type=Path), metavar="FILE.png", help="Draw the answer's picture into this file."
)
_SCENARIO = click.option("--scenario", multiple=True, help="Words about the deployment, e.g. 'legal contracts'.")
_CONSTRAINT = click.option("--constraint", multiple=True, metavar="NAME=VALUE", help="e.g. tpot=50ms, device=edge.")
_SHORTHANDS = {
    "gpu": ("2x4090", "What it runs on."),
    "context": ("32k", "Longest prompt and answer together, in tokens."),
    "concurrency": ("8", "Requests at once."),
    "ttft": ("1s", "Time to the first token at most."),
    "budget": ("5USD/h", "For hardware at most."),
    "task": ("legal", "What it is for."),
    "language": ("zh", "Of prompts and answers."),
    "prompt": ("2000", "Tokens of a usual prompt."),
    "output": ("500", "Tokens of a usual answer."),
}
WORKLOAD = ("gpu", "context", "concurrency", "prompt", "output")
"""What sizing asks."""

Command = Callable[..., Any]


def shorthands(*names: str) -> Callable[[Command], Command]:
    """Options that stand for constraints: those named, or all."""

    def add(command: Command) -> Command:
        for name in reversed(names or tuple(_SHORTHANDS)):
            example, about = _SHORTHANDS[name]
            command = click.option(f"--{name}", multiple=True, metavar=example, help=about)(command)
        return command

    return add


def deployment(command: Command) -> Command:
    """Everything by which a deployment is described: words, constraints and their shorthands."""
    return _SCENARIO(_CONSTRAINT(shorthands()(command)))


def request_of(
    verb: str, *words: str, lang: str | None, flags: Sequence[str] = (), **options: tuple[str, ...] | str | None
) -> Request:
    """The request that words and options make; an option's name has underscores for hyphens.

    Raises:
        UsageError: a sentence that names what is wrong.
    """
    from bot.commands import parse_words

    spoken = lang or spoken_here()
    given = list(flags)
    for name, values in options.items():
        for value in (values,) if isinstance(values, str) else values or ():
            given += [f"--{name.replace('_', '-')}", value]
    tail = ["--lang", lang] if lang else []
    text = " ".join([verb, *words, *given])
    return parse_words([verb, *given, *tail, *words], text=text, lang="zh" if spoken == "zh" else "en")
