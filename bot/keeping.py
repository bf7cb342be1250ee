"""What the terminal keeps and looks up: questions answered in this process, stored as the workers' are."""

from __future__ import annotations

import os
from pathlib import Path

import click

from bot.answering import verdict_meant
from bot.endpoints import Asked, is_name, resolve, unregistered
from bot.jobs import Answer
from bot.requests import Lang, Origin, Request
from bot.settings import Settings
from bot.store import Store, open_store
from bot.store.queries import (
    StoredVerdict,
    add_request,
    save_identification,
    save_recommendation,
)
from engine.errors import R1Error, UsageError
from engine.identification import Identification, Recommendation


def endpoint_asked(settings: Settings, request: Request, key_env: str | None) -> Asked | None:
    """The endpoint that a question names: a registered one, or the one whose URL was typed.

    Raises:
        UsageError: a bare word that is neither an endpoint's name nor a path; or as ``resolve``.
    """
    target = request.target or ""
    if not is_name(target):
        return unregistered(request, key_env)
    store = _open(settings, request.lang)
    if store is None:
        return None
    with store.begin() as session:
        asked = resolve(session, request, here(), settings, key_env=key_env)
    if asked is None and not os.path.lexists(Path(target).expanduser()):
        raise UsageError("endpoint_unknown", name=target)
    return asked


def keep_identification(settings: Settings, request: Request, found: Identification) -> str | None:
    """Keep a verdict; its id, or ``None`` (and a warning on stderr) where the database cannot be used."""
    store = _open(settings, request.lang)
    if store is None:
        return None
    with store.begin() as session:
        return save_identification(session, found, request_id=add_request(session, request, here(), None))


def keep_recommendation(settings: Settings, request: Request, advice: Recommendation) -> None:
    """Keep a recommendation; a warning on stderr where the database cannot be used."""
    store = _open(settings, request.lang)
    if store is not None:
        with store.begin() as session:
            save_recommendation(session, advice, request_id=add_request(session, request, here(), None))


def kept_question(settings: Settings, request: Request) -> tuple[Store, Origin, str]:
    """The store, with a question in it that is about to be answered; where it came from, and its id.

    Raises:
        StoreError: the database cannot be used.
    """
    store = open_store(settings.store_url)
    with store.begin() as session:
        return store, here(), add_request(session, request, here(), None)


def load_stored(settings: Settings, request: Request) -> StoredVerdict:
    """The kept verdict that a question is about: the one with its id, or the latest on its target.

    Raises:
        UsageError: there is none.
        StoreError: the database cannot be used.
    """
    with open_store(settings.store_url).begin() as session:
        return verdict_meant(session, request, None)


def kept_comparison(settings: Settings, request: Request) -> Answer | None:
    """What `explain` and `report` say of a comparison on a task; ``None`` where the id is of none.

    Raises:
        StoreError: the database cannot be used.
    """
    from bot.comparing.telling import past_compared

    if request.verdict_id is None:
        return None
    with open_store(settings.store_url).read() as session:
        return past_compared(session, request, None)


def _open(settings: Settings, lang: Lang) -> Store | None:
    """The answer is worth more than its record: without a database it is given all the same."""
    try:
        return open_store(settings.store_url)
    except R1Error as error:
        click.echo(f"r1: {error.sentence(lang)}", err=True)
        return None


def here() -> Origin:
    """Where questions from this terminal come from."""
    return Origin(surface="cli", user=os.environ.get("USER", ""))
