"""The form in which an admin registers an endpoint, and what becomes of it. Its key is sealed at once; it is
never logged, kept or shown as it was typed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.access import check_admin
from bot.endpoints import KEY_LENGTH, MOST_CONCURRENCY, NAME_LENGTH, Form, is_endpoint_url, is_name, problems, row_of
from bot.presentation import present, words
from bot.requests import MOST_TOKENS, Lang, Origin, Request
from bot.settings import Settings
from bot.slack.blocks import blocks, mark
from bot.store import Store
from bot.store.endpoints import add_endpoint, shown
from engine.errors import R1Error, UsageError

CALLBACK = "endpoint_add"
_TYPED = "typed"
_OPEN_SECONDS = 2  # a trigger is good for three
_REPEATED = ("exchanged_trigger_id", "trigger_exchanged")
Block = dict[str, Any]


def open_form(request: Request, origin: Origin, trigger_id: str, settings: Settings) -> None:
    """Show the form to an admin, with what the command said filled in. A repeated delivery changes nothing.

    Raises:
        UsageError: the person is no admin, or Slack did not open the form.
    """
    check_admin(origin, settings)
    client = WebClient(
        token=settings.slack_bot_token.get_secret_value(), base_url=settings.slack_api_url, timeout=_OPEN_SECONDS
    )
    try:
        client.views_open(trigger_id=trigger_id, view=form_view(request, settings))
    except SlackApiError as error:
        problem = str(error.response.get("error"))
        if problem not in _REPEATED:
            raise UsageError("endpoint_form_failed", problem=problem) from error
    except OSError as error:
        raise UsageError("endpoint_form_failed", problem=str(error)[:80]) from error


def submit(view: Mapping[str, Any], origin: Origin, store: Store, settings: Settings) -> dict[str, Any]:
    """Register what a submitted form says; the answer to Slack: errors beside their fields, or a last page."""
    lang: Lang = "zh" if json.loads(view.get("private_metadata") or "{}").get("lang") == "zh" else "en"
    form = read_form(view["state"]["values"])
    try:
        check_admin(origin, settings)
        found = problems(form, settings, in_slack=True)
        if not found:
            row = row_of(form, settings, team=origin.team, added_by=origin.user)
            with store.begin() as session:
                add_endpoint(session, row)
            return {"response_action": "update", "view": _done_view(row, lang)}
    except UsageError as error:  # no admin any more, or the name is taken
        found = {"name": error}
    return {"response_action": "errors", "errors": {name: error.sentence(lang) for name, error in found.items()}}


def read_form(values: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Form:
    """The fields of a submitted form."""
    typed: dict[str, str] = {}
    for name, actions in values.items():
        value = actions.get(_TYPED, {})
        text = value.get("value") or (value.get("selected_option") or {}).get("value") or ""
        typed[name] = str(text).strip()
    names = Form.__dataclass_fields__
    return Form(**{"name": "", "url": "", **{name: text for name, text in typed.items() if name in names}})


def form_view(request: Request, settings: Settings) -> dict[str, Any]:
    """The form, in the request's language."""
    said = words(request.lang)["endpoint"]["form"]
    given = (request.target or "").split()
    name = next((word.lower() for word in given if is_name(word)), "")
    url = next((word for word in given if is_endpoint_url(word)), "")
    form = [
        _input("name", said, _text_input(said["name"], name, NAME_LENGTH)),
        _input("url", said, _text_input(said["url"], url, 500)),
        _input("model", said, _text_input(said["model"], "", 200), optional=True),
        _input("api", said, _choice(said["api"]), optional=True),
        _input("key_env", said, _text_input(said["key_env"], "", 100), optional=True,
               allowed=", ".join(settings.key_variables)),
        _input("key", said, _text_input(said["key"], "", KEY_LENGTH), optional=True),
        _input("concurrency", said, _number(MOST_CONCURRENCY, "4"), optional=True, most=MOST_CONCURRENCY),
        _input("budget", said, _number(MOST_TOKENS), optional=True),
    ]  # fmt: skip
    intro = {"type": "section", "text": {"type": "mrkdwn", "text": said["intro"], "verbatim": True}}
    return {
        "type": "modal",
        "callback_id": CALLBACK,
        "title": _plain(said["title"]),
        "submit": _plain(said["submit"]),
        "close": _plain(said["cancel"]),
        "private_metadata": json.dumps({"lang": request.lang}),
        "blocks": [intro, *form],
    }


def refused(request: Request, error: R1Error) -> Request:
    """A command for the form that is answered with a sentence instead."""
    return replace(request, verb="refused", refusal=(error.code, error.values))


def _done_view(row: Any, lang: Lang) -> dict[str, Any]:
    from bot.jobs import Answer

    said = words(lang)["endpoint"]["form"]
    request = Request(verb="endpoint", text="", lang=lang, action="add")
    view = present(Answer(added=shown(row)), request, mark, prefix="/r1 ")
    return {
        "type": "modal",
        "title": _plain(said["title"]),
        "close": _plain(said["done"]),
        "blocks": blocks(view),
    }


def _input(name: str, said: Mapping[str, Any], element: Block, *, optional: bool = False, **values: object) -> Block:
    return {
        "type": "input",
        "block_id": name,
        "label": _plain(said[name]["label"]),
        "hint": _plain(said[name]["hint"].format(**values)),
        "element": {**element, "action_id": _TYPED},
        "optional": optional,
    }


def _text_input(said: Mapping[str, str], given: str, longest: int) -> Block:
    element = {
        "type": "plain_text_input",
        "placeholder": _plain(said["placeholder"]),
        "max_length": longest,
    }
    return {**element, "initial_value": given[:longest]} if given else element


def _choice(said: Mapping[str, str]) -> Block:
    options = [{"text": _plain(shown), "value": value} for value, shown in (("openai", "OpenAI"), ("ollama", "Ollama"))]
    return {"type": "static_select", "placeholder": _plain(said["placeholder"]), "options": options}


def _number(most: int, given: str = "") -> Block:
    element = {"type": "number_input", "is_decimal_allowed": False, "min_value": "1", "max_value": str(most)}
    return {**element, "initial_value": given} if given else element


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text, "emoji": False}
