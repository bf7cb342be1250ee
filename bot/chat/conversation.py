"""A conversation in a terminal: what was said before, what may be chosen now, and how a line is answered."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import click

from bot.answering import Work, answer_of, find
from bot.chat.choosing import Choice, asked_for, choices_of
from bot.chat.lines import history_file
from bot.chat.saving import saved
from bot.commands import language_of, parse, undecorate
from bot.comparing.cached import forget_answers
from bot.forgetting import Scope, forget
from bot.jobs import Answer
from bot.keeping import here
from bot.presentation import View, present, words
from bot.requests import Ask, Earlier, Lang, Request
from bot.settings import Settings, backend_of
from bot.store import Store, open_store
from bot.store.endpoints import list_endpoints
from bot.store.queries import add_request, history
from bot.terminal import mark
from bot.understanding.assisted import assistant
from engine.backends import Backend
from engine.errors import R1Error, UsageError
from engine.identification import Progress

_RECENT = 20
_PASSED_OVER = ("help", "other", "refused", "forget")
"""Verbs that are no context for what follows; as in ``bot.store.queries``."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What was answered to a line: how it was understood, the answer and its view, what may be chosen next, where
    pictures and reports were saved, and what is missing."""

    request: Request
    answer: Answer
    view: View
    choices: tuple[Choice, ...] = ()
    files: tuple[Path, ...] = ()
    asks: Ask | None = None


class Conversation:
    """Remembers what was last asked, as a thread in Slack does; questions and verdicts are kept as always."""

    def __init__(self, settings: Settings, lang: Lang, folder: Path | None = None) -> None:
        self.settings, self.lang = settings, lang
        self.earlier: Earlier | None = None
        self.choices: tuple[Choice, ...] = ()
        self._folder = folder
        self._opened: Backend | None = None
        self.store = self._open_store()

    def hear(self, line: str) -> Request | str:
        """The request that a line makes; text to be completed by hand, where its number chose such.

        Raises:
            R1Error: a sentence that says what is wrong with it.
        """
        number = line.strip().rstrip(".、)）")
        if self.choices and number.isascii() and number.isdigit():
            if not 1 <= int(number[:4]) <= len(self.choices):
                raise UsageError("cli_chat_number", number=number[:10], most=len(self.choices))
            chosen = self.choices[int(number) - 1]
            return chosen.request or (chosen.line if chosen.begun else self._parse(chosen.line))
        return self._parse(line)

    def answer(self, request: Request, on_progress: Callable[[Progress], None] = lambda progress: None) -> Turn:
        """Do what is asked and keep it; what is refused is answered with its sentence."""
        if request.verb == "forget":
            return self._forgotten(request)
        answer = self._found(request, on_progress)
        if answer.asked is not None and request.verb not in _PASSED_OVER:
            about = self.earlier.subject() if self.earlier else None
            self.earlier = Earlier(answer.asked, request, answer.verdict_id, about)
        view = _in_a_terminal(present(answer, request, mark, prefix=""), request.lang)
        files = saved(answer, request.lang, self.folder)
        offered = choices_of(view, request, answer, self.store)
        self.choices = offered if answer.error is None else offered or self.choices
        return Turn(request, answer, view, self.choices, files, asked_for(request, answer))

    def refused(self, line: str, error: R1Error) -> Turn:
        """The turn of a line that says nothing that can be done; what could be chosen before still can."""
        request = Request(verb="refused", text=line, lang=language_of(line, self.lang))
        answer = Answer(error=error)
        return Turn(request, answer, present(answer, request, mark, prefix=""), self.choices)

    def names(self) -> tuple[str, ...]:
        """Registered endpoints, by name."""
        with self.store.begin() as session:
            return tuple(row.name for row in list_endpoints(session, None))

    def completions(self) -> Iterator[str]:
        """What a word may be completed to: verbs, endpoints, and verdicts and targets of late."""
        yield from ("identify", "recommend", "size", "compare", "watch", "history", "explain", "report", "help")
        yield from self.names()
        with self.store.begin() as session:
            for row in history(session, limit=_RECENT):
                yield from (row.id, row.target)

    @property
    def folder(self) -> Path:
        """Where pictures and reports are saved."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="r1-chat-"))
        return self._folder

    def close(self) -> None:
        """Let go of devices and database."""
        if self._opened is not None:
            self._opened.close()
        self.store.close()

    def _parse(self, line: str) -> Request:
        request = parse(line, lang=self.lang, names=self.names, earlier=lambda: self.earlier)
        assist = assistant(self.settings)
        return request if assist is None else assist(request, undecorate(line), self.names(), date.today())

    def _found(self, request: Request, on_progress: Callable[[Progress], None]) -> Answer:
        if request.verb == "endpoint" and request.action == "add" and request.ask is None:
            return Answer(error=UsageError("cli_endpoint_add"))
        origin = here()
        with self.store.begin() as session:
            asked = add_request(session, request, origin, None)
        work = Work(
            self.store,
            self.settings,
            self._backend,
            request_id=asked,
            on_progress=on_progress,
            on_going=lambda going: on_progress(Progress("cases", going.done, going.total)),
        )
        try:
            kept = find(request, origin, work)
            answer = Answer()
            if request.sure:
                answer = answer_of(request, origin, kept, self.store, self.settings, request_id=asked)
        except R1Error as error:
            answer = Answer(error=error)
        waits = not request.sure and request.ask is None and answer.error is None
        return replace(answer, asked=asked, pending=asked if waits else None)

    def _forgotten(self, request: Request) -> Turn:
        """What this user asked here: counted, or deleted where they said that they are sure."""
        sure, said = request.action == "remove", words(request.lang)["forget"]
        done = forget(self.store, Scope(user=here().user, team=""), dry=not sure)
        text = said["none_of_yours"] if done.nothing else words(request.lang)["chat"]["forgot" if sure else "forget"]
        counts = {name: getattr(done, name) for name in ("requests", "verdicts", "recommendations", "watches")}
        sentence = str(text.format(**counts, history=history_file()))
        if sure:
            forget_answers(self.settings, Scope(user=here().user, team=""))
            self.earlier, self.choices = None, ()
        return Turn(request, Answer(), View(sentence, sentence))

    def _backend(self) -> Backend:
        """Where weights are opened; started when first needed, and kept."""
        if self._opened is None:
            self._opened = backend_of(self.settings)
        return self._opened

    def _open_store(self) -> Store:
        """The database; where it cannot be used, one that lasts as long as the conversation."""
        try:
            return open_store(self.settings.store_url)
        except R1Error as error:
            click.echo(f"r1: {error.sentence(self.lang)}", err=True)
            return open_store(f"sqlite:///{Path(tempfile.mkdtemp(prefix='r1-chat-')) / 'r1.db'}")


def _in_a_terminal(view: View, lang: Lang) -> View:
    """The view with numbers to choose where Slack has buttons to press."""
    press, choose = words(lang)["conversation"]["pending"]["how"], words(lang)["chat"]["confirm"]
    parts = (
        replace(part, lines=tuple(choose if line == press else line for line in part.lines)) for part in view.parts
    )
    return replace(view, parts=tuple(parts))
