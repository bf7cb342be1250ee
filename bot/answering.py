"""A question → what the engine finds, kept → the answer. The same for a worker's job and a question in a terminal."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

import engine
from bot import flips, watches
from bot.access import check_admin, check_model, check_target
from bot.comparing.asking import compared, task_lines
from bot.comparing.kept import save_compared
from bot.comparing.telling import past_compared, told_compared
from bot.comparing.uploads import Fetch, no_uploads
from bot.endpoints import Asked, resolve
from bot.jobs import Answer, Comparison, devices_seen, explained
from bot.past import beside, past
from bot.repeating import repeatable
from bot.requests import Origin, Request
from bot.settings import Settings
from bot.sizing import sized
from bot.store import Store
from bot.store.endpoints import list_endpoints, remove_endpoint, shown
from bot.store.looks import Whose, told
from bot.store.queries import (
    StoredVerdict,
    latest_verdict,
    load_recommendation,
    load_verdict,
    save_identification,
    save_recommendation,
)
from engine.errors import R1Error, UsageError
from engine.identification import Identification, Progress, Recommendation

if TYPE_CHECKING:
    from bot.presentation.going import Going
    from engine.backends import Backend
    from engine.behaviour.records import Check

log = logging.getLogger("r1.answering")


@dataclass(frozen=True, slots=True)
class Kept:
    """Ids of what a question made, or found to be still true; ``check``: what a look of a watch found."""

    verdict_id: str | None = None
    other_verdict_id: str | None = None
    recommendation_id: str | None = None
    check: Check | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """What finding needs beside the question.

    Attributes:
        backend: opens where weights are run; called only where they are.
        started: called before the first thing that takes time.
        on_progress: how far it is.
        on_going: how far a comparison on a task is.
        stop: whether what takes long is to stop, with what it has.
        fetch: gets an uploaded file.
        keep: called in the transaction that keeps what was found; what it raises undoes that.
    """

    store: Store
    settings: Settings
    backend: Callable[[], Backend]
    request_id: str | None = None
    started: Callable[[], None] = lambda: None
    on_progress: Callable[[Progress], None] = lambda progress: None
    on_going: Callable[[Going], None] = lambda going: None
    stop: Callable[[], bool] = lambda: False
    fetch: Fetch = no_uploads
    keep: Callable[[Session, Kept], None] = lambda session, kept: None


def find(request: Request, origin: Origin, work: Work) -> Kept:
    """Do what a question asks for, and keep it; nothing that waits to be confirmed or asked for is done.

    Raises:
        R1Error: it may not be asked, or cannot be found; the sentence says why.
    """
    if request.verb == "refused" and request.refusal is not None:
        raise UsageError(request.refusal[0], **request.refusal[1])
    if request.ask is not None or not request.sure:
        return _keep(work, lambda session: Kept())
    if request.verb == "identify":
        return _identify(request, origin, work)
    if request.on_task is not None:
        return _on_task(request, origin, work)
    if request.verb == "compare" and request.action != "list":
        return _compare(request, origin, work)
    if request.verb == "recommend":
        return _recommend(request, work)
    if request.verb == "endpoint" and request.action != "list":
        return _change_endpoints(request, origin, work)
    if request.verb == "watch":
        return _watch(request, origin, work)
    return _keep(work, lambda session: Kept())


def answer_of(
    request: Request, origin: Origin, kept: Kept, store: Store, settings: Settings, *, request_id: str | None = None
) -> Answer:
    """The answer to a question for which everything was found.

    Args:
        request_id: the question's own; a verdict that another question was given is said to be repeated.
    """
    if request.ask is not None:
        return Answer()
    try:
        if request.verb == "size":
            check_model(request, origin, settings)
            return Answer(sizes=sized(request, settings))
        if request.verb == "devices":
            return devices_seen(settings)
        if request.verb == "compare" and request.action == "list":
            return Answer(tasks=task_lines())
        return _kept_answer(request, origin, kept, store, settings, request_id)
    except R1Error as error:
        return Answer(error=error)


def _kept_answer(
    request: Request, origin: Origin, kept: Kept, store: Store, settings: Settings, request_id: str | None
) -> Answer:
    """From what the store holds."""
    team, user = (None, None) if origin.surface == "cli" else (origin.team, origin.user)
    with store.read() as session:
        if flips.is_flip(request):
            return Answer(flip=flips.load_flip(session, request, kept.verdict_id), verdict_id=kept.verdict_id)
        if request.verb == "watch":
            return watches.answer(session, request, origin, settings, request_id=request_id, verdict_id=kept.verdict_id)
        first = load_verdict(session, kept.verdict_id) if kept.verdict_id else None
        second = load_verdict(session, kept.other_verdict_id) if kept.other_verdict_id else None
        if first is not None and second is not None:
            return Answer(comparison=Comparison(first, second))
        if first is not None:
            as_of = first.created if request_id is not None and first.request_id != request_id else None
            return Answer(identification=first.identification, verdict_id=first.id, as_of=as_of)
        if kept.recommendation_id is not None and request.on_task is not None:
            return told_compared(session, kept.recommendation_id)
        if kept.recommendation_id is not None:
            return Answer(recommendation=load_recommendation(session, kept.recommendation_id))
        if request.verb == "history":
            return past(session, request, Whose(team, user))
        if request.verb == "endpoint" and request.action == "remove":
            return Answer(removed=request.target)
        if request.verb == "endpoint":
            return Answer(endpoints=tuple(shown(row) for row in list_endpoints(session, team)))
        if request.verb not in ("explain", "report"):
            return Answer()
        if (compared_before := past_compared(session, request, team)) is not None:
            return compared_before
        stored = verdict_meant(session, request, team, user)
        went = beside(session, stored, Whose(team, user)) if request.verb == "report" else None
    if request.verb == "explain":
        return explained(stored, settings)
    from bot.report import reported
    from bot.report.links import link_of

    link = link_of(stored.id, stored.team, settings, request.lang)
    return replace(reported(stored, settings, request.lang, went), link=link)


def verdict_meant(session: Session, request: Request, team: str | None, user: str | None = None) -> StoredVerdict:
    """The verdict that is to be explained or reported: by its id, or the latest on a target."""
    if request.verdict_id is None and request.target:
        latest = latest_verdict(session, request.target, team, user)
        if latest is None:
            raise UsageError("verdict_none_of", target=request.target[:120])
        return latest
    stored = load_verdict(session, request.verdict_id or "", team=team)
    if stored is None:
        raise UsageError("verdict_unknown", id=(request.verdict_id or "")[:40])
    return stored


def advised(request: Request, settings: Settings) -> Recommendation:
    """What the engine recommends for a question.

    Raises:
        R1Error: what was demanded makes no sense.
    """
    return engine.recommend(
        request.constraints,
        scenario=request.scenario,
        rule_files=settings.rule_files,
        hardware_files=settings.hardware_files,
        family_files=settings.families,
    )


def _recommend(request: Request, work: Work) -> Kept:
    advice = advised(request, work.settings)

    def save(session: Session) -> Kept:
        return Kept(recommendation_id=save_recommendation(session, advice, request_id=work.request_id))

    return _keep(work, save)


def _identify(request: Request, origin: Origin, work: Work) -> Kept:
    asked, known = _looked_up(request, origin, work)
    if known is not None:
        return _keep(work, lambda session: Kept(verdict_id=told(session, known)))
    work.started()
    if asked is not None and watches.is_look(request, origin):
        return _checked(request, asked, origin, work)
    found = _identified(request, asked, work)
    return _keep(work, lambda session: Kept(verdict_id=_saved(session, found, origin, work)))


def _checked(request: Request, asked: Asked, origin: Origin, work: Work) -> Kept:
    """A watch's look at an endpoint: a cheap check, and which model it is where there is a reason to ask."""
    checked = watches.check_endpoint(work.store, work.settings, request, asked, work.on_progress)
    found = _identified(request, asked, work) if checked.due else None

    def save(session: Session) -> Kept:
        return Kept(_saved(session, found, origin, work) if found is not None else None, check=checked.check)

    return _keep(work, save)


def _compare(request: Request, origin: Origin, work: Work) -> Kept:
    """Each is identified as it would be alone; of what is known already, nothing is done again."""
    sides = [replace(request, verb="identify", target=target) for target in (request.target, request.other)]
    looked = [_looked_up(side, origin, work) for side in sides]
    work.started()
    found = [
        _identified(side, asked, work) if known is None else known
        for side, (asked, known) in zip(sides, looked, strict=True)
    ]

    def save(session: Session) -> Kept:
        ids = [one if isinstance(one, str) else _saved(session, one, origin, work) for one in found]
        return Kept(verdict_id=ids[0], other_verdict_id=ids[1])

    return _keep(work, save)


def _on_task(request: Request, origin: Origin, work: Work) -> Kept:
    found = compared(request, origin, work)

    def save(session: Session) -> Kept:
        return Kept(recommendation_id=save_compared(session, found, request_id=work.request_id))

    return _keep(work, save)


def _looked_up(request: Request, origin: Origin, work: Work) -> tuple[Asked | None, str | None]:
    """The endpoint that is meant, if one is, and the id of a verdict that still stands."""
    with work.store.read() as session:
        asked = resolve(session, request, origin, work.settings)
    check_target(request, origin, work.settings, registered=asked is not None)
    with work.store.read() as session:
        return asked, repeatable(session, request, origin, work.settings)


def _identified(request: Request, asked: Asked | None, work: Work) -> Identification:
    settings = work.settings
    return engine.identify(
        asked.endpoint.name if asked is not None else request.target or "",
        family=request.family,
        constraints=request.constraints,
        scenario=request.scenario,
        family_files=settings.families,
        rule_files=settings.rule_files,
        hardware_files=settings.hardware_files,
        endpoint=asked.endpoint if asked is not None else None,
        budget=asked.budget if asked is not None else None,
        reference_files=settings.references if asked is not None or request.thorough else (),
        thorough=request.thorough,
        backend=work.backend() if request.thorough and asked is None else None,
        on_progress=work.on_progress,
    )


def _watch(request: Request, origin: Origin, work: Work) -> Kept:
    """Change what is watched, or look at it now, and tell whoever asked what it is."""
    if request.action != "run":

        def change(session: Session) -> Kept:
            watches.change(session, request, origin, work.settings, work.request_id)
            return Kept()

        return _keep(work, change)
    with work.store.read() as session:
        look = watches.look_asked(session, request, origin, work.settings)
    asked, _ = _looked_up(look, origin, work)
    work.started()
    found = _identified(look, asked, work)

    def save(session: Session) -> Kept:
        verdict_id = _saved(session, found, origin, work)
        watches.seen(session, look.watch or "", verdict_id)
        return Kept(verdict_id=verdict_id)

    return _keep(work, save)


def _change_endpoints(request: Request, origin: Origin, work: Work) -> Kept:
    check_admin(origin, work.settings)
    if request.action == "add":  # only a command has what opens a form, and its listener did that
        raise UsageError("endpoint_add_slash")

    def remove(session: Session) -> Kept:
        remove_endpoint(session, request.target or "", origin.team)
        return Kept()

    return _keep(work, remove)


def _saved(session: Session, found: Identification, origin: Origin, work: Work) -> str:
    return save_identification(session, found, request_id=work.request_id, team=origin.team)


def _keep(work: Work, save: Callable[[Session], Kept]) -> Kept:
    with work.store.begin() as session:
        kept = save(session)
        work.keep(session, kept)
    return kept
