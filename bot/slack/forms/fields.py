"""What forms are made of: their blocks, what people typed into them, and where the answer goes."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from dataclasses import field as field_
from typing import Any

from bot.presentation import words
from bot.requests import Lang, Origin
from engine.errors import R1Error

Block = dict[str, Any]
Typed = Mapping[str, str]
"""What was typed or chosen, by field; of several choices, those with commas between."""
TYPED = "typed"
LONGEST, MOST_OPTIONS = 3000, 100
_OPTION, _VALUE, _PLACEHOLDER, _TITLE = 75, 150, 150, 24
_METADATA = 3000


@dataclass(frozen=True, slots=True)
class Where:
    """What a form takes with it: its language, where the answer goes (``channel`` empty: a direct message), the pending
    question that it settles, and constraints that it has no fields for."""

    lang: Lang
    channel: str = ""
    thread_ts: str | None = None
    response_url: str | None = None
    private: bool | None = None
    confirms: str | None = None
    rest: Mapping[str, str] = field_(default_factory=dict)

    def origin(self, team: str, user: str) -> Origin:
        """Where the answer to what is submitted goes."""
        return Origin("modal", team, self.channel, user, self.thread_ts, self.response_url)

    def packed(self) -> str:
        """As a form's ``private_metadata``: what matters least is left out where Slack would refuse all of it."""
        kept = {name: value for name, value in asdict(self).items() if value not in (None, "", {})}
        for name in ("response_url", "rest", ""):
            if len(text := json.dumps(kept, ensure_ascii=False)) <= _METADATA:
                break
            kept.pop(name, None)
        return text


def unpacked(text: str) -> Where:
    """What ``packed`` wrote; what it did not write is left out."""
    try:
        kept = json.loads(text or "{}")
    except ValueError:
        kept = {}
    known = {name: kept[name] for name in Where.__dataclass_fields__ if isinstance(kept, dict) and name in kept}
    return replace(Where("zh" if known.pop("lang", "") == "zh" else "en"), **known)


class Wrong(Exception):
    """What people typed cannot be used; ``errors`` says why, by field."""

    def __init__(self, errors: Mapping[str, R1Error]) -> None:
        super().__init__(", ".join(errors))
        self.errors = dict(errors)


def checked(typed: Typed, checks: Mapping[str, Callable[[str], Any]]) -> dict[str, Any]:
    """What each check makes of its field, for fields that were filled in; checks raise ``R1Error``.

    Raises:
        Wrong: with every field that a check refused.
    """
    made: dict[str, Any] = {}
    errors: dict[str, R1Error] = {}
    for name, check in checks.items():
        try:
            if typed.get(name):
                made[name] = check(typed[name])
        except R1Error as error:
            errors[name] = error
    if errors:
        raise Wrong(errors)
    return made


def typed_in(values: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> dict[str, str]:
    """The fields of a submitted form by name."""
    return {name: _one(actions.get(TYPED) or {}).strip() for name, actions in values.items()}


def _one(value: Mapping[str, Any]) -> str:
    if files := value.get("files"):
        return json.dumps({name: files[0].get(name) for name in ("id", "name", "size")})
    several = value.get("selected_options")
    if several is not None:
        return ",".join(str(option.get("value", "")) for option in several)
    if (people := value.get("selected_users")) is not None:
        return ",".join(map(str, people))
    option = value.get("selected_option") or {}
    return str(value.get("value") or option.get("value") or value.get("selected_conversation") or "")


def modal(callback: str, said: Mapping[str, Any], where: Where, blocks: Sequence[Block]) -> Block:
    """A form: its title and buttons from ``said``, its fields, and what it takes with it."""
    common = words(where.lang)["acting"]["forms"]
    return {
        "type": "modal",
        "callback_id": callback,
        "title": plain(said["title"]),
        "submit": plain(said.get("submit") or common["submit"]),
        "close": plain(common["cancel"]),
        "private_metadata": where.packed(),
        "blocks": list(blocks),
    }


def notice(said: Mapping[str, Any], sentence: str, lang: Lang) -> Block:
    """A last page: a sentence, and nothing to fill in."""
    common = words(lang)["acting"]["forms"]
    return {
        "type": "modal",
        "title": plain(said["title"]),
        "close": plain(common["done"]),
        "blocks": [section(sentence)],
    }


def field(name: str, said: Mapping[str, Any], element: Block, *, optional: bool = True, **values: object) -> Block:
    """A field with its label and hint; what is typed is found under its name."""
    made: Block = {
        "type": "input",
        "block_id": name,
        "label": plain(said["label"]),
        "element": {**element, "action_id": TYPED},
        "optional": optional,
    }
    if hint := said.get("hint"):
        made["hint"] = plain(hint.format(**values))
    return made


def text(said: Mapping[str, Any], given: str = "", longest: int = LONGEST, *, multiline: bool = False) -> Block:
    """A text to type, with what is known already."""
    element: Block = {"type": "plain_text_input", "max_length": longest}
    if placeholder := said.get("placeholder"):
        element["placeholder"] = plain(placeholder[:_PLACEHOLDER])
    if multiline:
        element["multiline"] = True
    if given := given.strip():
        element["initial_value"] = given[:longest]
    return element


def number(most: int, given: str = "") -> Block:
    """A whole number from 1 to ``most``."""
    element: Block = {"type": "number_input", "is_decimal_allowed": False, "min_value": "1", "max_value": str(most)}
    return {**element, "initial_value": given} if given.isascii() and given.isdigit() else element


def menu(said: Mapping[str, Any], shown: Mapping[str, str], given: str = "") -> Block:
    """One of several, to choose from a menu: values and how each is shown."""
    element: Block = {"type": "static_select", "options": options(shown)}
    if placeholder := said.get("placeholder"):
        element["placeholder"] = plain(placeholder[:_PLACEHOLDER])
    return _chosen(element, given)


def radio(shown: Mapping[str, str], given: str = "") -> Block:
    """One of several, all of them in sight."""
    return _chosen({"type": "radio_buttons", "options": options(shown)}, given)


def ticks(shown: Mapping[str, str], given: Collection[str] = ()) -> Block:
    """Any of several."""
    element: Block = {"type": "checkboxes", "options": options(shown)}
    chosen = [option for option in element["options"] if option["value"] in given]
    return {**element, "initial_options": chosen} if chosen else element


def options(shown: Mapping[str, str]) -> list[Block]:
    """As many as Slack takes; a value too long to be chosen whole is left out."""
    kept = [(value, label) for value, label in shown.items() if 0 < len(value) <= _VALUE][:MOST_OPTIONS]
    return [{"text": plain(_short(label, _OPTION)), "value": value} for value, label in kept]


def section(sentence: str) -> Block:
    """A line of words above fields."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": sentence, "verbatim": True}}


def plain(text: str) -> Block:
    """Words without formatting."""
    return {"type": "plain_text", "text": text, "emoji": False}


def titled(text: str) -> Block:
    """Words short enough for a form's title."""
    return plain(_short(text, _TITLE))


def _chosen(element: Block, given: str) -> Block:
    chosen = next((option for option in element["options"] if option["value"] == given), None)
    return {**element, "initial_option": chosen} if chosen is not None else element


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
