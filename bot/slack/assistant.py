"""The first sign that somebody was heard, and Slack's assistant threads: greeting, prompts, title, status.

All of it is a courtesy, done by threads of its own: nothing here holds up an acknowledgement, or fails a job.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from slack_sdk import WebClient

from bot.presentation.view import words
from bot.requests import Lang, Origin, Request
from bot.slack.blocks import cut, mark, plain
from bot.slack.installing import Clients
from bot.slack.streaming import hasty
from bot.slack.wire import Wire

log = logging.getLogger("r1.slack")
_THREADS, _ASK_AGAIN, _LATE = 24, 3600.0, 1.5
_LACKING = ("unknown_method", "missing_scope", "not_allowed_token_type", "feature_not_enabled", "no_permission")
_TITLE, _PROMPTS, _REMEMBERED = 120, 4, 1000
_EYES, _STATUS = "eyes", "assistant.threads.setStatus"


class Signs:
    """Signs that something is happening, one kind where Slack has it, the next best where not. One a process."""

    def __init__(self, clients: Clients) -> None:
        self.clients = clients
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="sign")
        self._wire = Wire()
        self._lacking: dict[tuple[str, str], float] = {}
        self._greeted, self._titled = Remembered(), Remembered()

    def first(
        self, request: Request, origin: Origin, *, message_ts: str, answered: Callable[[], bool] = lambda: False
    ) -> None:
        """Show that a message was heard: the status of its thread; else eyes on the message; else a line that the
        person alone sees. None of these is there twice, whoever answers when.

        Args:
            answered: whether the answer is there. Slack takes a status away when a message comes; one that came after
                it is taken away here.
        """
        self._pool.submit(self._first, request, origin, message_ts, answered)

    def acknowledgement(self, request: Request, origin: Origin) -> str:
        """The line that a slash command's acknowledgement shows to the person alone; what is looked at, the answer says."""
        return str(words(request.lang)["answering"]["seen"])

    def greet(self, event: Mapping[str, Any], *, team: str, lang: Lang, names: Collection[str]) -> None:
        """Begin an assistant thread: a greeting, and questions to press, one of an endpoint that is registered."""
        thread = event["assistant_thread"]
        channel, ts = str(thread["channel_id"]), str(thread["thread_ts"])
        if self._greeted.first(f"{team}:{channel}:{ts}"):
            self._pool.submit(self._greet, channel, ts, team, lang, tuple(names))

    def _first(self, request: Request, origin: Origin, message_ts: str, answered: Callable[[], bool]) -> None:
        try:
            client = self.clients(origin.team)
            way = next(
                (way for way in ways(request, origin, message_ts) if self._take(client, origin.team, *way)), None
            )
            thread = origin.thread_ts
            if (
                thread is not None
                and origin.channel.startswith("D")
                and self._titled.first(f"{origin.channel}:{thread}")
            ):
                self._take(
                    client, origin.team, "assistant.threads.setTitle", {**_thread(origin), "title": title_of(request)}
                )
            if way is not None and way[0] == _STATUS:
                later = threading.Timer(_LATE, self._take_back, (client, origin, answered))
                later.daemon = True
                later.start()
        except Exception:
            log.info("no first sign in %s", origin.team, exc_info=True)

    def _take_back(self, client: WebClient, origin: Origin, answered: Callable[[], bool]) -> None:
        try:
            if answered():
                self._take(client, origin.team, _STATUS, {**_thread(origin), "status": ""})
        except Exception:
            log.info("a status may have stayed in %s", origin.team, exc_info=True)

    def _greet(self, channel: str, ts: str, team: str, lang: Lang, names: tuple[str, ...]) -> None:
        said = words(lang)["answering"]
        try:
            client = hasty(self.clients(team))
            client.chat_postMessage(channel=channel, thread_ts=ts, text=said["greeting"])
            client.assistant_threads_setSuggestedPrompts(
                channel_id=channel, thread_ts=ts, title=said["prompts_title"], prompts=prompts(lang, names)
            )
        except Exception:
            log.info("an assistant thread was not greeted in %s", team, exc_info=True)

    def _take(self, client: WebClient, team: str, method: str, arguments: dict[str, Any]) -> bool:
        """Whether a way worked; one that a workspace lacks is not tried again for an hour."""
        if self._lacking.get((team, method), 0.0) > time.monotonic():
            return False
        try:
            problem = self._wire.call(client, method, arguments)
        except Exception:
            log.info("%s in %s", method, team, exc_info=True)
            return False
        if problem in _LACKING:
            self._lacking[team, method] = time.monotonic() + _ASK_AGAIN
        if problem is not None:
            log.info("%s in %s: %s", method, team, problem)
        return problem in (None, "already_reacted")


class Remembered:
    """The last thousand things that were done, so that each is done once."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def first(self, name: str) -> bool:
        """Whether it is done for the first time."""
        with self._lock:
            if name in self._known:
                return False
            self._known[name] = None
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
            return True


def ways(request: Request, origin: Origin, message_ts: str) -> list[tuple[str, dict[str, Any]]]:
    """Methods that show that a message was heard, and their arguments, the best first. Pure."""
    said = words(request.lang)["answering"]
    eyes = {"channel": origin.channel, "timestamp": message_ts, "name": _EYES}
    line = {"channel": origin.channel, "user": origin.user, "text": said["seen"]}
    if origin.thread_ts not in (None, message_ts):  # nobody would see it in a thread that has not begun
        line["thread_ts"] = origin.thread_ts
    others: list[tuple[str, dict[str, Any]]] = [("reactions.add", eyes), ("chat.postEphemeral", line)]
    if origin.thread_ts is None:
        return others
    loading = said["loading"].get(request.verb, said["loading"]["other"])
    return [(_STATUS, {**_thread(origin), "status": said["status"], "loading_messages": loading}), *others]


def prompts(lang: Lang, names: Collection[str]) -> list[dict[str, str]]:
    """Questions to begin with, real ones: of a registered endpoint where there is one."""
    said = words(lang)["answering"]["prompts"]
    name = next(iter(sorted(names)), None)
    chosen = ("endpoint", "recommend", "size", "hub") if name is not None else ("hub", "recommend", "size", "history")
    return [
        {key: str(said[which][key]).format(name=name) for key in ("title", "message")} for which in chosen[:_PROMPTS]
    ]


def title_of(request: Request) -> str:
    """What a thread is about, in a few words."""
    said = words(request.lang)["answering"]["titles"]
    form = said.get(request.verb, said["other"])
    if (not request.target and "{target}" in form) or (not request.other and "{other}" in form):
        form = said["other"]
    names = {name: plain(mark(_last(value))) for name, value in (("target", request.target), ("other", request.other))}
    return cut(form.format(**names), _TITLE)


def clear_status(client: WebClient, origin: Origin) -> None:
    """Say that nothing is going on any more, where no new message does: after an answer that one person alone sees, or
    that an older message became."""
    try:
        hasty(client).api_call(_STATUS, json={**_thread(origin), "status": ""})
    except Exception as error:
        log.debug("a status was not cleared: %s", error)


def _thread(origin: Origin) -> dict[str, Any]:
    return {"channel_id": origin.channel, "thread_ts": origin.thread_ts or ""}


def _last(target: str | None) -> str:
    """A path's or a Hub id's last part says enough."""
    return (target or "").rstrip("/").rpartition("/")[2] or (target or "")
