"""The forms about what was understood (edit), and about the person (defaults)."""

from __future__ import annotations

from dataclasses import dataclass

from bot.pasted import holds_secret
from bot.people import DEFAULTS_LENGTH, Person
from bot.presentation import words
from bot.requests import Lang
from bot.slack.forms.fields import Block, Typed, Where, Wrong, checked, field, modal, radio, section, text
from bot.usual import usual_constraints
from engine.errors import UsageError

_LINE = 3000


@dataclass(frozen=True, slots=True)
class Chosen:
    """What somebody chose; ``lang=None``: as Slack says."""

    lang: Lang | None
    private: bool
    defaults: str


def edit_view(line: str, where: Where) -> Block:
    """The line that was understood, to be changed."""
    said = words(where.lang)["acting"]["forms"]["edit"]
    return modal(
        "edit",
        said,
        where,
        [
            section(said["intro"]),
            field("line", said["line"], text(said["line"], line, _LINE, multiline=True), optional=False),
        ],
    )


def defaults_view(person: Person, where: Where) -> Block:
    """Language, who sees answers, and the deployment that is usually asked about."""
    said = words(where.lang)["acting"]["forms"]["defaults"]
    private = radio(said["private"]["choices"], "private" if person.private else "public")
    blocks = [
        section(said["intro"].format(zone=person.timezone or "UTC")),
        field("language", said["language"], radio(said["language"]["choices"], person.chosen or "slack")),
        field("private", said["private"], private),
        field("usual", said["usual"], text(said["usual"], person.defaults, DEFAULTS_LENGTH, multiline=True)),
    ]
    return modal("defaults", said, where, blocks)


def read_defaults(typed: Typed) -> Chosen:
    """What was chosen.

    Raises:
        Wrong: the usual deployment says nothing that is known, or makes no sense.
    """
    usual = " ".join(typed.get("usual", "").split())
    if holds_secret(usual):
        raise Wrong({"usual": UsageError("secret_in_form")})
    checked({"usual": usual}, {"usual": _known})
    lang: Lang | None = {"zh": "zh", "en": "en"}.get(typed.get("language", ""))  # type: ignore[assignment]
    return Chosen(lang, typed.get("private") == "private", usual)


def _known(usual: str) -> None:
    if not usual_constraints(usual):
        raise UsageError("form_usual", words=usual[:60])
