"""What a shell has split → a request, by the same grammar as in Slack; and the options that questions share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bot.completing import device
from bot.terminal import spoken_here

if TYPE_CHECKING:
    from bot.requests import Request

LANG = click.option("--lang", type=click.Choice(["en", "zh"]))
PICTURE = click.option("--picture", type=click.Path(path_type=Path), metavar="FILE.png")
_SCENARIO = click.option("--scenario", multiple=True)
_CONSTRAINT = click.option("--constraint", multiple=True, metavar="NAME=VALUE")
_SHORTHANDS = {
    "gpu": "2x4090", "context": "32k", "concurrency": "8", "ttft": "1s", "budget": "5USD/h", "task": "legal",
    "language": "zh", "prompt": "2000", "output": "500",
}  # fmt: skip
"""Options that stand for constraints, each with an example. What they mean is said in ``templates/*/cli.yaml``."""
WORKLOAD = ("gpu", "context", "concurrency", "prompt", "output")
"""What sizing asks."""

Command = Callable[..., Any]
IDENTIFICATION = (
    "id", "as_of", "format", "target", "family", "family_version", "evidence", "verdict", "recommendation",
    "engine_version", "seconds",
)  # fmt: skip
"""The keys of an identification in JSON."""
RECOMMENDATION = (
    "choice", "option", "runner_up", "options", "reasons", "risks", "excluded", "counterfactuals", "command", "hits",
    "conflict", "cautions", "missing", "constraints", "assumed", "unread", "fits_target", "meaning",
)  # fmt: skip
"""The keys of a recommendation in JSON."""

HISTORY = (
    "kind", "id", "created", "target", "state", "outcome", "title", "confidence", "claim_check", "right", "wrong",
    "watch", "looks", "requests", "tokens", "seconds", "log_e", "identity", "distribution", "service", "reference_log_e",
    "recomputed_of",
)  # fmt: skip
"""The keys of an entry of history in JSON, and the columns of its table: ``bot.store.export.COLUMNS``."""


class Printed(click.Option):
    """``--json``; it knows what it prints: an object with ``keys``, or a list (``many``) of such objects."""

    def __init__(self, *names: Any, keys: tuple[str, ...] = (), many: bool = False, **options: Any) -> None:
        super().__init__(*names, **options)
        self.keys, self.many = keys, many

    @property
    def shape(self) -> str:
        """As its help shows it."""
        shape = f"{{{', '.join(self.keys)}}}"
        return f"[{shape}, …]" if self.many else shape


def printed(*keys: str, many: bool = False) -> Callable[[Command], Command]:
    """The option ``--json`` of a command that prints an object with these keys, or a list of such objects."""
    return click.option("--json", "as_json", is_flag=True, cls=Printed, keys=keys, many=many)


def shorthands(*names: str) -> Callable[[Command], Command]:
    """Options that stand for constraints: those named, or all."""

    def add(command: Command) -> Command:
        for name in reversed(names or tuple(_SHORTHANDS)):
            propose = device if name == "gpu" else None
            command = click.option(f"--{name}", multiple=True, metavar=_SHORTHANDS[name], shell_complete=propose)(
                command
            )
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
