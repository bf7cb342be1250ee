"""The first sign that somebody was heard, and Slack's assistant threads: greeting, prompts, title, status.

All of it is a courtesy, done by threads of its own: nothing here holds up an acknowledgement, or fails a job.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.presentation.view import words
from bot.requests import Lang, Origin, Request
from bot.slack.blocks import cut, mark, plain
from bot.slack.installing import Clients
from bot.slack.streaming import hasty

log = logging.getLogger("r1.slack")
_THREADS, _SECONDS, _ASK_AGAIN = 24, 5, 3600.0
_LACKING = ("unknown_method", "missing_scope", "not_allowed_token_type", "feature_not_enabled", "no_permission")
_TITLE, _PROMPTS, _REMEMBERED = 120, 4, 1000
_EYES = "eyes"


class Signs:
    """Signs that something is happening, one kind where Slack has it, the next best where not. One a process."""

    def __init__(self, clients: Clients) -> None:
        self.clients = clients
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="sign")
        self._lacking: dict[tuple[str, str], float] = {}
        self._greeted: OrderedDict[str, None] = OrderedDict()

    def first(self, request: Request, origin: Origin, *, message_ts: str) -> None:
        """Show that a message was heard: the status of its thread; else eyes on the message; else a line that the
        person alone sees. None of these is there twice, whoever answers when."""
        self._pool.submit(self._first, request, origin, message_ts)

    def acknowledgement(self, request: Request, origin: Origin) -> str:
        """The line that a slash command's acknowledgement shows to the person alone."""
        said = words(request.lang)["answering"]["on_it"]
        form = said.get(request.verb, said["other"])
        if not request.target or (request.verb == "compare" and not request.other) or request.ask or not request.sure:
            form = said["other"]
        return str(form.format(target=mark(request.target), other=mark(request.other)))

    def greet(self, event: Mapping[str, Any], *, team: str, lang: Lang, names: Collection[str]) -> None:
        """Begin an assistant thread: a greeting, and questions to press, one of an endpoint that is registered."""
        thread = event["assistant_thread"]
        channel, ts = str(thread["channel_id"]), str(thread["thread_ts"])
        if f"{channel}:{ts}" in self._greeted:
            return
        self._greeted[f"{channel}:{ts}"] = None
        while len(self._greeted) > _REMEMBERED:
            self._greeted.popitem(last=False)
        self._pool.submit(self._greet, channel, ts, team, lang, tuple(names))

    def _first(self, request: Request, origin: Origin, message_ts: str) -> None:
        said, team = words(request.lang)["answering"], origin.team
        thread = origin.thread_ts
        try:
            client = _quick(self.clients(team))
        except Exception:
            log.info("no first sign in %s", team, exc_info=True)
            return
        loading = said["loading"].get(request.verb, said["loading"]["other"])
        ways: list[tuple[str, Callable[[], Any]]] = [
            ("reactions.add", lambda: client.reactions_add(channel=origin.channel, timestamp=message_ts, name=_EYES)),
            ("chat.postEphemeral", lambda: client.chat_postEphemeral(
                channel=origin.channel, user=origin.user, thread_ts=thread if thread != message_ts else None,
                text=said["seen"])),
        ]  # fmt: skip
        if thread is not None:
            ways.insert(0, ("assistant.threads.setStatus", lambda: client.assistant_threads_setStatus(
                channel_id=origin.channel, thread_ts=thread, status=said["status"], loading_messages=loading)))  # fmt: skip
        for method, way in ways:
            if self._try(team, method, way):
                break
        if thread is not None and origin.channel.startswith("D"):
            title = title_of(request)
            self._try(team, "assistant.threads.setTitle", lambda: client.assistant_threads_setTitle(
                channel_id=origin.channel, thread_ts=thread, title=title))  # fmt: skip

    def _greet(self, channel: str, ts: str, team: str, lang: Lang, names: tuple[str, ...]) -> None:
        said = words(lang)["answering"]
        try:
            client = _quick(self.clients(team))
            client.chat_postMessage(channel=channel, thread_ts=ts, text=said["greeting"])
            client.assistant_threads_setSuggestedPrompts(
                channel_id=channel, thread_ts=ts, title=said["prompts_title"], prompts=prompts(lang, names)
            )
        except Exception:
            log.info("an assistant thread was not greeted in %s", team, exc_info=True)

    def _try(self, team: str, method: str, way: Callable[[], Any]) -> bool:
        """Whether a way worked; one that a workspace lacks is not tried again for an hour."""
        if self._lacking.get((team, method), 0.0) > time.monotonic():
            return False
        try:
            way()
        except SlackApiError as error:
            problem = error.response.get("error")
            if problem == "already_reacted":
                return True
            if problem in _LACKING:
                self._lacking[team, method] = time.monotonic() + _ASK_AGAIN
            log.info("%s in %s: %s", method, team, problem)
            return False
        except Exception:
            log.info("%s in %s", method, team, exc_info=True)
            return False
        return True


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
    """Say that nothing is going on any more. Slack does so itself when a message comes; an answer that one person alone
    sees is none, and a status may have come late."""
    try:
        _quick(client).assistant_threads_setStatus(
            channel_id=origin.channel, thread_ts=origin.thread_ts or "", status=""
        )
    except Exception as error:
        log.debug("a status was not cleared: %s", error)


def _last(target: str | None) -> str:
    """A path's or a Hub id's last part says enough."""
    return (target or "").rstrip("/").rpartition("/")[2] or (target or "")


def _quick(client: WebClient) -> WebClient:
    quick = hasty(client)
    quick.timeout = _SECONDS
    return quick
