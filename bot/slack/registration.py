"""The form in which an admin registers an endpoint, and what becomes of it. Its key is sealed at once; it is
never logged, kept or shown as it was typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.access import check_admin
from bot.endpoints import KEY_LENGTH, MOST_CONCURRENCY, NAME_LENGTH, Form, is_endpoint_url, is_name, problems, row_of
from bot.presentation import present, words
from bot.requests import MOST_TOKENS, Lang, Origin, Request
from bot.settings import Settings
from bot.slack.blocks import blocks, mark
from bot.slack.forms.fields import Block, Where, field, menu, modal, number, plain, section, text, typed_in, unpacked
from bot.slack.forms.showing import show_form
from bot.slack.installing import Clients
from bot.store import Store
from bot.store.endpoints import add_endpoint, shown
from engine.errors import R1Error, UsageError

CALLBACK = "endpoint_add"


def open_form(request: Request, origin: Origin, trigger_id: str, settings: Settings, clients: Clients) -> None:
    """Show the form to an admin, with what the command said filled in. A repeated delivery changes nothing.

    Args:
        clients: quick ones, as an acknowledgement waits for this.

    Raises:
        UsageError: the person is no admin, or Slack did not open the form.
    """
    check_admin(origin, settings)
    show_form(clients, origin.team, trigger_id, form_view(request, settings))


def submit(view: Mapping[str, Any], origin: Origin, store: Store, settings: Settings) -> dict[str, Any]:
    """Register what a submitted form says; the answer to Slack: errors beside their fields, or a last page."""
    lang = unpacked(str(view.get("private_metadata") or "")).lang
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
    names = Form.__dataclass_fields__
    typed = {name: text for name, text in typed_in(values).items() if name in names}
    return Form(**{"name": "", "url": "", **typed})


def form_view(request: Request, settings: Settings) -> Block:
    """The form, in the request's language."""
    said = words(request.lang)["endpoint"]["form"]
    given = (request.target or "").split()
    name = next((word.lower() for word in given if is_name(word)), "")
    url = next((word for word in given if is_endpoint_url(word)), "")
    apis = {"openai": "OpenAI", "ollama": "Ollama"}
    fields = [
        field("name", said["name"], text(said["name"], name, NAME_LENGTH), optional=False),
        field("url", said["url"], text(said["url"], url, 500), optional=False),
        field("model", said["model"], text(said["model"], "", 200)),
        field("api", said["api"], menu(said["api"], apis)),
        field("key_env", said["key_env"], text(said["key_env"], "", 100), allowed=", ".join(settings.key_variables)),
        field("key", said["key"], text(said["key"], "", KEY_LENGTH)),
        field("concurrency", said["concurrency"], number(MOST_CONCURRENCY, "4"), most=MOST_CONCURRENCY),
        field("budget", said["budget"], number(MOST_TOKENS)),
    ]
    return modal(CALLBACK, said, Where(request.lang), [section(said["intro"]), *fields])


def refused(request: Request, error: R1Error) -> Request:
    """A command for the form that is answered with a sentence instead."""
    return replace(request, verb="refused", refusal=(error.code, error.values))


def _done_view(row: Any, lang: Lang) -> Block:
    from bot.jobs import Answer

    said = words(lang)["endpoint"]["form"]
    request = Request(verb="endpoint", text="", lang=lang, action="add")
    view = present(Answer(added=shown(row)), request, mark, prefix="/r1 ")
    return {"type": "modal", "title": plain(said["title"]), "close": plain(said["done"]), "blocks": blocks(view, lang)}
