"""`r1`: every Slack verb in a terminal, plus serve, worker, demo and db.

Exit codes are those of ``bot.exits``; with ``--json`` a refusal is an object on standard output.
"""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING, Any

import click

from bot.cli_catalog import catalog
from bot.cli_chat import ask, chat, completion, help_
from bot.cli_compare import compare
from bot.cli_devices import devices
from bot.cli_doctor import doctor
from bot.cli_endpoints import endpoint
from bot.cli_forget import forget
from bot.cli_identify import identify
from bot.cli_manifest import manifest
from bot.cli_past import explain, history, recompute, report
from bot.cli_recommend import recommend, size
from bot.cli_reference import key, reference
from bot.cli_rules import rules
from bot.cli_serving import db, demo, serve, worker
from bot.cli_watch import watch
from bot.exits import INTERRUPTED, OURS, REFUSED
from bot.spoken import language, refusal, speak
from bot.terminal import error_json, print_json

if TYPE_CHECKING:
    from engine.errors import R1Error

_GARBAGE = 50_000
"""Objects made before garbage is looked for: the headers of the full model are 90,000 tensors and no garbage."""
_NEAR = 0.75
"""How alike a word and a verb are where one is taken for a slip of the other."""


class _Verbs(click.Group):
    """What begins with no verb is a question in free words. Verbs are listed in the order they are added."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        first = args[0]
        if self.get_command(ctx, first) is None and not first.startswith("-"):
            import difflib

            from engine.errors import UsageError

            near = difflib.get_close_matches(first.lower(), list(self.commands), 1, _NEAR)
            if near:
                known = ", ".join(sorted(self.commands))
                raise UsageError("verb_unknown", word=first[:40], known=known, suggestion=near[0])
            return ask.name, ask, args
        return super().resolve_command(ctx, args)

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        if not args or {"-h", "--help"} & set(args) or "_R1_COMPLETE" in os.environ or args[-1] in self.commands:
            speak(self, language(args))
        return super().make_context(info_name, args, parent, **extra)


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="r1-detective", prog_name="r1")
def group() -> None:
    pass


for _command in (
    identify, recommend, size, compare, watch, history, explain, recompute, report, ask, chat, endpoint, reference, key, rules, catalog, devices,
    doctor, forget, manifest, db, serve, worker, demo, completion, help_,
):  # fmt: skip
    group.add_command(_command)


def main() -> None:
    """Entry point: exit codes as the group's help says, and never a traceback for bad input."""
    from engine.errors import R1Error

    gc.set_threshold(_GARBAGE, 20, 20)
    words = sys.argv[1:]
    try:
        code = group.main(prog_name="r1", standalone_mode=False)
    except (click.exceptions.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        code = REFUSED
    except click.ClickException as error:
        code = _refused(refusal(error), words)
    except R1Error as error:
        code = _refused(error, words)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception:
        if "--json" in words:
            print_json(error_json(R1Error("crashed"), language(words)))
        sys.excepthook(*sys.exc_info())
        code = OURS
    sys.exit(code if isinstance(code, int) else 0)


def _refused(error: R1Error, words: list[str]) -> int:
    lang = language(words)
    if "--json" in words:
        print_json(error_json(error, lang))
    else:
        click.echo(f"r1: {error.sentence(lang)}", err=True)
    return REFUSED


if __name__ == "__main__":
    main()
