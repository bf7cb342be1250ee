"""The worker: takes jobs one after another, runs the engine, keeps what it found, answers."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import engine
from bot.access import check_admin, check_model, check_target
from bot.endpoints import Asked, resolve
from bot.forgetting import expire
from bot.jobs import Answer, Job, LeaseLost, advance, devices_seen, explained, finish, release, renew, take
from bot.settings import Settings, backend_of
from bot.sizing import sized
from bot.store import Store
from bot.store.endpoints import list_endpoints, remove_endpoint, shown
from bot.store.queries import (
    StoredVerdict,
    history,
    load_recommendation,
    load_verdict,
    save_identification,
    save_recommendation,
    storable,
)
from engine.errors import R1Error, UsageError
from engine.identification import Progress

if TYPE_CHECKING:
    from engine.backends import Backend

log = logging.getLogger("r1.worker")
_IDLE = 0.1
_EXPIRED, _EXPIRE_EVERY = 100, 3600.0
"""How many questions past ``retention_days`` go at a time; seconds to the next look once none is left."""
_DELIVERY_WAITS = (1.0, 2.0, 5.0, 15.0, 30.0)


class Replier(Protocol):
    """How an answer reaches people. Every call may be repeated after a crash and must then change nothing
    that a person sees."""

    def open(self, job: Job) -> str | None:
        """Post the "working on it" message, or find the one posted before; returns its reference."""
        ...

    def progress(self, job: Job, progress: Progress) -> None:
        """Show how far the job is. Best effort: never raises."""
        ...

    def answer(self, job: Job, answer: Answer) -> None:
        """Give the answer; raises when it could not be delivered."""
        ...


class Worker:
    """Runs until ``stop`` is set, one job at a time."""

    def __init__(self, store: Store, settings: Settings, replier: Replier) -> None:
        self.store, self.settings, self.replier = store, settings, replier
        self.owner = f"{socket.gethostname()[:32]}:{os.getpid()}:{threading.get_ident() % 10**6}"
        self.stop = threading.Event()
        self._opened: Backend | None = None
        self._expire_at = 0.0

    def run(self) -> None:
        """Take and do jobs until told to stop; what is under way then is finished first."""
        while not self.stop.is_set():
            try:
                busy = self.run_one()
                self._expire()
            except Exception:  # a database restart must not end the worker
                log.exception("could not take or finish a job; trying again")
                busy = False
                self.stop.wait(1.0)
            if not busy:
                self.stop.wait(_IDLE)
        if self._opened is not None:
            self._opened.close()

    def _expire(self) -> None:
        """Delete some of what is past ``retention_days``, between two jobs."""
        days = self.settings.retention_days
        if days is None or time.monotonic() < self._expire_at:
            return
        gone = expire(self.store, days, _EXPIRED)
        self._expire_at = time.monotonic() + (1.0 if gone >= _EXPIRED else _EXPIRE_EVERY)
        if gone:
            log.info("%s questions older than %s days were deleted", gone, days)

    def run_one(self) -> bool:
        """Do one job, if there is one."""
        job = take(self.store, self.owner, self.settings.lease_seconds)
        if job is None:
            return False
        with self._heartbeat(job):
            try:
                self._do(job)
            except LeaseLost:
                log.warning("job %s was taken over by another worker", job.id)
        return True

    def _do(self, job: Job) -> None:
        if job.state != "computed":
            job = self._compute(job)
        if not self._deliver(job):
            release(self.store, job)
            return
        finish(self.store, job)

    def _compute(self, job: Job) -> Job:
        try:
            asked = None
            if job.request.verb == "identify":
                asked = self._resolve(job)
                check_target(job.request, job.origin, self.settings, registered=asked is not None)
                job = self._open(job)
            if job.attempt > self.settings.max_attempts:
                raise R1Error("job_gave_up", attempts=job.attempt - 1, job=job.id)
            return self._run_verb(job, asked)
        except R1Error as error:
            return self._keep(job, error=error)
        except LeaseLost:
            raise
        except Exception:
            log.exception("job %s failed", job.id)
            return self._keep(job, error=R1Error("job_crashed", job=job.id))

    def _run_verb(self, job: Job, asked: Asked | None) -> Job:
        request = job.request
        if request.verb == "refused" and request.refusal is not None:
            raise UsageError(request.refusal[0], **request.refusal[1])
        if request.verb == "identify":
            return self._identify(job, asked)
        if request.verb == "recommend":
            advice = engine.recommend(
                request.constraints,
                scenario=request.scenario,
                rule_files=self.settings.rule_files,
                hardware_files=self.settings.hardware_files,
                family_files=self.settings.family_files,
            )
            with self.store.begin() as session:
                kept = save_recommendation(session, advice, request_id=job.request_id)
                advance(session, job, state="computed", recommendation_id=kept)
            return replace(job, state="computed", recommendation_id=kept)
        if request.verb == "endpoint" and request.action != "list":
            return self._change_endpoints(job)
        return self._keep(job)

    def _resolve(self, job: Job) -> Asked | None:
        with self.store.begin() as session:
            return resolve(session, job.request, job.origin, self.settings)

    def _change_endpoints(self, job: Job) -> Job:
        check_admin(job.origin, self.settings)
        if job.request.action == "add":  # only a command has what opens a form, and its listener did that
            raise UsageError("endpoint_add_slash")
        with self.store.begin() as session:
            remove_endpoint(session, job.request.target or "", job.origin.team)
            advance(session, job, state="computed")
        return replace(job, state="computed")

    def _open(self, job: Job) -> Job:
        """Show that work has begun, and remember which message says so."""
        ref = job.message_ref
        if ref is None:
            try:
                ref = self.replier.open(job)
            except Exception:  # a surface that is down now may be up when there is an answer to give
                log.exception("the start of job %s was not shown", job.id)
        with self.store.begin() as session:
            advance(session, job, state="running", message_ref=ref)
        return replace(job, state="running", message_ref=ref)

    def _identify(self, job: Job, asked: Asked | None) -> Job:
        found = engine.identify(
            asked.endpoint.name if asked is not None else job.request.target or "",
            family=job.request.family,
            constraints=job.request.constraints,
            scenario=job.request.scenario,
            family_files=self.settings.family_files,
            rule_files=self.settings.rule_files,
            hardware_files=self.settings.hardware_files,
            endpoint=asked.endpoint if asked is not None else None,
            budget=asked.budget if asked is not None else None,
            reference_files=self.settings.references if asked is not None or job.request.thorough else (),
            thorough=job.request.thorough,
            backend=self._backend(job.request.thorough and asked is None),
            on_progress=lambda progress: self.replier.progress(job, progress),
        )
        with self.store.begin() as session:
            kept = save_identification(session, found, request_id=job.request_id, team=job.origin.team)
            advance(session, job, state="computed", verdict_id=kept)
        return replace(job, state="computed", verdict_id=kept)

    def _backend(self, wanted: bool) -> Backend | None:
        """Where weights are opened; started when first needed, and kept."""
        if wanted and self._opened is None:
            self._opened = backend_of(self.settings)
        return self._opened

    def _keep(self, job: Job, error: R1Error | None = None) -> Job:
        values: dict[str, Any] = {"state": "computed"}
        if error is not None:
            plain = {name: _plain(value) for name, value in error.values.items()}
            values["error"] = storable({"code": error.code, "values": plain})
        with self.store.begin() as session:
            advance(session, job, **values)
        kept = (values["error"]["code"], values["error"]["values"]) if error is not None else None
        return replace(job, state="computed", error=kept)

    def _deliver(self, job: Job) -> bool:
        """Answer, waiting out a Slack that is down; ``False`` to try again later."""
        answer = self._answer(job)
        for wait in (*_DELIVERY_WAITS, None):
            try:
                self.replier.answer(job, answer)
            except Exception:
                log.exception("the answer to job %s was not delivered", job.id)
                if wait is None or self.stop.wait(wait):
                    return False
            else:
                return True
        return False

    def _answer(self, job: Job) -> Answer:
        request, team = job.request, job.origin.team
        if job.error is not None:
            return Answer(error=R1Error(job.error[0], **job.error[1]))
        if request.verb == "size":
            return self._size(job)
        with self.store.begin() as session:
            if job.verdict_id is not None and (stored := load_verdict(session, job.verdict_id)) is not None:
                return Answer(identification=stored.identification, verdict_id=stored.id)
            if job.recommendation_id is not None:
                return Answer(recommendation=load_recommendation(session, job.recommendation_id))
            if request.verb == "history":
                return Answer(history=history(session, team=team, target=request.target, limit=request.limit))
            if request.verb == "endpoint" and request.action == "remove":
                return Answer(removed=request.target)
            if request.verb == "endpoint":
                return Answer(endpoints=tuple(shown(row) for row in list_endpoints(session, team)))
            if request.verb == "devices":
                return self._devices()
            if request.verb not in ("explain", "report"):
                return Answer()
            stored = load_verdict(session, request.verdict_id or "", team=team)
        if stored is None:
            return Answer(error=UsageError("verdict_unknown", id=(request.verdict_id or "")[:40]))
        return self._report(job, stored) if request.verb == "report" else explained(stored, self.settings)

    def _report(self, job: Job, stored: StoredVerdict) -> Answer:
        from bot.report import reported

        try:
            return reported(stored, self.settings, job.request.lang)
        except Exception:
            log.exception("job %s failed", job.id)
            return Answer(error=R1Error("job_crashed", job=job.id))

    def _size(self, job: Job) -> Answer:
        try:
            check_model(job.request, job.origin, self.settings)
            return Answer(sizes=sized(job.request, self.settings))
        except R1Error as error:
            return Answer(error=error)
        except Exception:
            log.exception("job %s failed", job.id)
            return Answer(error=R1Error("job_crashed", job=job.id))

    def _devices(self) -> Answer:
        try:
            return devices_seen(self.settings)
        except R1Error as error:
            return Answer(error=error)

    @contextmanager
    def _heartbeat(self, job: Job) -> Iterator[None]:
        """Renew the lease from a thread of its own while the job is done."""
        over = threading.Event()

        def beat() -> None:
            while not over.wait(self.settings.lease_seconds / 3):
                try:
                    if not renew(self.store, job, self.settings.lease_seconds):
                        return
                except Exception:  # the database may be restarting; the next beat tries again
                    log.warning("could not renew the lease of job %s", job.id)
                    time.sleep(0.2)

        thread = threading.Thread(target=beat, daemon=True, name=f"lease-{job.id}")
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | float | bool | None) else str(value)
