"""Which model a form asks about: chosen among those known, or typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.pasted import holds_secret
from bot.slack.forms.fields import Block, Typed, Wrong, field, menu, text
from engine.errors import UsageError

_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Offered:
    """What a form offers to choose from: names of registered endpoints; what a message was found to name instead; and
    the person's time zone. ``note`` is said above the fields."""

    names: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    timezone: str = "UTC"
    note: str = ""


def target_fields(name: str, said: Mapping[str, Any], given: str | None, offered: Offered) -> list[Block]:
    """A menu, where there is something to choose from, and a text."""
    known = offered.found or offered.names
    if not known:
        return [field(name, said[name], text(said[name], given or "", _LONGEST), optional=False)]
    labels = said[f"{name}_found" if offered.found else f"{name}_known"]
    chosen = next((one for one in known if one.lower() == (given or "").lower()), "")
    choice = menu(labels, {one: one for one in known}, chosen)
    typed = text(said[name], "" if chosen else given or "", _LONGEST)
    return [field(f"{name}_known", labels, choice), field(name, said[name], typed)]


def target_of(name: str, typed: Typed) -> str:
    """The target that was chosen or typed.

    Raises:
        Wrong: none was, or two were, or what was typed holds a secret.
    """
    chosen, written = typed.get(f"{name}_known", ""), " ".join(typed.get(name, "").strip("`\"' ").split())
    if holds_secret(written):
        raise Wrong({name: UsageError("secret_in_form")})
    if chosen and written and chosen.lower() != written.lower():
        raise Wrong({name: UsageError("form_target_twice", chosen=chosen[:80])})
    if not chosen and not written:
        raise Wrong({name: UsageError("form_target")})
    return written or chosen
