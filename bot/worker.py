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
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from bot import flips, watches
from bot.answering import Kept, Work, answer_of, find
from bot.comparing.cached import forget_answers
from bot.comparing.stopping import called_off
from bot.forgetting import Scope, expire
from bot.jobs import Answer, Job, LeaseLost, advance, finish, release, renew, take
from bot.settings import Settings, backend_of
from bot.store import Store
from bot.store.models import now
from bot.store.queries import storable
from bot.summing_up import sum_up
from engine.errors import R1Error
from engine.identification import Progress

if TYPE_CHECKING:
    from bot.presentation.going import Going
    from engine.backends import Backend

log = logging.getLogger("r1.worker")
_IDLE = 0.1
_EXPIRED, _EXPIRE_EVERY = 100, 3600.0
"""How many questions past ``retention_days`` go at a time; seconds to the next look once none is left."""
_SUMMED_UP = 20
"""Watches whose old looks are summed up at a time."""
_NOWHERE_WAIT, _NOWHERE_FOR = 900.0, timedelta(days=1)
"""Seconds until an answer that has nowhere to go is tried again, and for how long."""
_DELIVERY_WAITS = (1.0, 2.0, 5.0, 15.0, 30.0)


class Replier(Protocol):
    """How an answer reaches people. Every call may be repeated after a crash and must then change nothing
    that a person sees."""

    def open(self, job: Job) -> str | None:
        """Post the "working on it" message, or find the one posted before; returns its reference."""
        ...

    def progress(self, job: Job, progress: Progress | Going) -> None:
        """Show how far the job is. Best effort: never raises."""
        ...

    def answer(self, job: Job, answer: Answer) -> None:
        """Give the answer; raises when it could not be delivered."""
        ...

    def file(self, job: Job, file_id: str, name: str) -> bytes:
        """A file that somebody uploaded with their question; raises ``UsageError`` where it is not to be had."""
        ...


class _LeftOff(LeaseLost):
    """This worker ends, and leaves a job unfinished that whoever is there next goes on with."""


class Worker:
    """Runs until ``stop`` is set, one job at a time; ``long``: those that take minutes to hours, and no others."""

    def __init__(self, store: Store, settings: Settings, replier: Replier, *, long: bool = False) -> None:
        self.long = long
        self.store, self.settings, self.replier = store, settings, replier
        self.owner = f"{socket.gethostname()[:32]}:{os.getpid()}:{threading.get_ident() % 10**6}"
        self.stop = threading.Event()
        self._opened: Backend | None = None
        self._begun: Job | None = None
        self._expire_at = self._sum_up_at = self._tick_at = 0.0

    def run(self) -> None:
        """Take and do jobs until told to stop; what is under way then is finished first."""
        while not self.stop.is_set():
            try:
                busy = self.run_one()
                if not self.long:
                    self._tick()
                    self._expire()
                    self._sum_up()
            except Exception:  # a database restart must not end the worker
                log.exception("could not take or finish a job; trying again")
                busy = False
                self.stop.wait(1.0)
            if not busy:
                self.stop.wait(_IDLE)
        if self._opened is not None:
            self._opened.close()

    def _sum_up(self) -> None:
        """Make some looks past ``looks_days`` one row a day, between two jobs."""
        if time.monotonic() < self._sum_up_at:
            return
        done = sum_up(self.store, max(self.settings.looks_days, self.settings.verdict_days + 1), _SUMMED_UP)
        self._sum_up_at = time.monotonic() + (1.0 if done >= _SUMMED_UP else _EXPIRE_EVERY)

    def _expire(self) -> None:
        """Delete some of what is past ``retention_days``, between two jobs."""
        days = self.settings.retention_days
        if days is None or time.monotonic() < self._expire_at:
            return
        gone = expire(self.store, days, _EXPIRED)
        forget_answers(self.settings, Scope(before=now() - timedelta(days=days)))
        self._expire_at = time.monotonic() + (1.0 if gone >= _EXPIRED else _EXPIRE_EVERY)
        if gone:
            log.info("%s questions older than %s days were deleted", gone, days)

    def _tick(self) -> None:
        """Have what is watched looked at when it is time, and verdicts brought up to the catalog, between two jobs."""
        if time.monotonic() >= self._tick_at:
            watches.tick(self.store, self.settings)
            more = flips.tick(self.store, self.settings)
            self._tick_at = time.monotonic() + (0.0 if more else watches.EVERY)

    def run_one(self) -> bool:
        """Do one job, if there is one."""
        job = take(self.store, self.owner, self.settings.lease_seconds, long=self.long)
        if job is None:
            return False
        with self._heartbeat(job):
            try:
                self._do(job)
            except _LeftOff:
                log.info("job %s is left to the next worker", job.id)
                release(self.store, job)
            except LeaseLost:
                log.warning("job %s was taken over by another worker", job.id)
        return True

    def _do(self, job: Job) -> None:
        if job.state != "computed":
            job = self._compute(job)
        if watches.is_look(job.request, job.origin):  # what it changes is told by a job of its own
            finish(self.store, job)
            return
        try:
            if not self._deliver(job):
                release(self.store, job)
                return
        except R1Error as error:
            log.error("the answer to job %s has nowhere to go: %s", job.id, error.sentence("en"))
            if now() - job.created < _NOWHERE_FOR:
                release(self.store, job, seconds=_NOWHERE_WAIT)
                return
        finish(self.store, job)

    def _compute(self, job: Job) -> Job:
        stop = called_off(self.store, job.request_id) if self.long else lambda: False
        work = Work(
            store=self.store,
            settings=self.settings,
            backend=self._backend,
            request_id=job.request_id,
            started=lambda: self._begin(job),
            on_progress=lambda progress: self.replier.progress(self._begun or job, progress),
            on_going=lambda going: self.replier.progress(self._begun or job, going),
            stop=lambda: self.stop.is_set() or stop(),
            fetch=lambda file_id, name: self.replier.file(job, file_id, name),
            keep=lambda session, kept: self._kept(session, job, kept),
        )
        self._begun = None
        try:
            if job.attempt > self.settings.max_attempts:
                raise R1Error("job_gave_up", attempts=job.attempt - 1, job=job.id)
            kept = find(job.request, job.origin, work)
        except R1Error as error:
            if self.long and self.stop.is_set():
                raise _LeftOff from error
            return self._failed(self._begun or job, error)
        except (LeaseLost, OperationalError):  # the database may be restarting: done again once the lease has run out
            raise
        except Exception:
            log.exception("job %s failed", job.id)
            return self._failed(self._begun or job, R1Error("job_crashed", job=job.id))
        return replace(
            self._begun or job,
            state="computed",
            verdict_id=kept.verdict_id,
            other_verdict_id=kept.other_verdict_id,
            recommendation_id=kept.recommendation_id,
        )

    def _kept(self, session: Session, job: Job, kept: Kept) -> None:
        """What was found is kept; of a comparison that this worker has to leave unfinished, its answers alone are."""
        if self.long and self.stop.is_set():
            raise _LeftOff
        _advance(session, job, kept)

    def _begin(self, job: Job) -> None:
        self._begun = self._open(job)

    def _open(self, job: Job) -> Job:
        """Show that work has begun, and remember which message says so."""
        ref = job.message_ref
        if ref is None and not watches.is_look(job.request, job.origin):
            try:
                ref = self.replier.open(job)
            except Exception:  # a surface that is down now may be up when there is an answer to give
                log.exception("the start of job %s was not shown", job.id)
        with self.store.begin() as session:
            advance(session, job, state="running", message_ref=ref)
        return replace(job, state="running", message_ref=ref)

    def _backend(self) -> Backend:
        """Where weights are opened; started when first needed, and kept."""
        if self._opened is None:
            self._opened = backend_of(self.settings)
        return self._opened

    def _failed(self, job: Job, error: R1Error) -> Job:
        plain = {name: _plain(value) for name, value in error.values.items()}
        kept = storable({"code": error.code, "values": plain})
        with self.store.begin() as session:
            advance(session, job, state="computed", error=kept)
            if watches.is_look(job.request, job.origin):
                watches.look_failed(session, job, kept)
        return replace(job, state="computed", error=(kept["code"], kept["values"]))

    def _deliver(self, job: Job) -> bool:
        """Answer, waiting out a Slack that is down; ``False`` to try again later.

        Raises:
            R1Error: there is nobody to answer, as where the app was uninstalled.
        """
        answer = self._answer(job)
        if answer.digest is not None and answer.digest.empty:
            return True
        for wait in (*_DELIVERY_WAITS, None):
            try:
                self.replier.answer(job, answer)
            except R1Error:
                raise
            except Exception:
                log.exception("the answer to job %s was not delivered", job.id)
                if wait is None or self.stop.wait(wait):
                    return False
            else:
                return True
        return False

    def _answer(self, job: Job) -> Answer:
        if job.error is not None:
            return Answer(error=R1Error(job.error[0], **job.error[1]))
        if not job.request.sure:
            return Answer(pending=job.request_id)
        kept = Kept(job.verdict_id, job.other_verdict_id, job.recommendation_id)
        try:
            answer = answer_of(job.request, job.origin, kept, self.store, self.settings, request_id=job.request_id)
            return replace(answer, asked=job.request_id)
        except OperationalError:  # the database may be restarting: given again later
            raise
        except Exception:
            log.exception("job %s failed", job.id)
            return Answer(error=R1Error("job_crashed", job=job.id))

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


def _advance(session: Session, job: Job, kept: Kept) -> None:
    advance(
        session,
        job,
        state="computed",
        verdict_id=kept.verdict_id,
        other_verdict_id=kept.other_verdict_id,
        recommendation_id=kept.recommendation_id,
    )
    if watches.is_look(job.request, job.origin):
        watches.looked(session, job, kept.verdict_id, kept.check)


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | float | bool | None) else str(value)
