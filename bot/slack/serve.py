"""Running the bot: the Slack app in this process, workers in processes of their own.

Workers are apart because identifying is work for the processor: in one process it would hold up
acknowledgements, which Slack gives three seconds.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from types import FrameType

from slack_bolt import App
from slack_sdk.errors import SlackApiError

from bot.settings import Settings
from bot.slack.app import build_app
from bot.slack.installing import check_oauth, clients, is_oauth, web_client
from bot.slack.replier import SlackReplier
from bot.store import Store, open_store
from bot.worker import Worker
from engine.errors import UsageError

log = logging.getLogger("r1.serve")
_GRACE = 20.0
_RESTART_WAIT = 1.0
_BEHIND = 5
"""By how much workers beside the app give way to it, as `nice` counts."""


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT: Slack delivers through Socket Mode where an app token is set, else over HTTP.
    Reports and installing by OAuth are served over HTTP in both, where ``public_url`` says where they are reached.

    Raises:
        UsageError: tokens are missing or refused, or OAuth lacks something.
    """
    socket_mode = bool(settings.slack_app_token.get_secret_value())
    if not socket_mode and not settings.slack_signing_secret.get_secret_value():
        raise UsageError("slack_unset", name="SLACK_SIGNING_SECRET (HTTP) / SLACK_APP_TOKEN (Socket Mode)")
    if is_oauth(settings):
        check_oauth(settings)
    store = open_store(settings.store_url)
    app = build_app(settings, store)
    threading.Thread(target=_warm_up_listeners, daemon=True, name="warm-up").start()
    if not is_oauth(settings):
        _check_login(settings)
    with _workers(settings.workers), _connected(app, settings) if socket_mode else nullcontext():
        if not socket_mode or settings.public_url:
            _serve_http(app, store, settings, events=not socket_mode)
        else:
            _until_told_to_stop()
    store.close()


def run_worker(settings: Settings, parent: int | None = None) -> None:
    """Work on jobs until SIGTERM or SIGINT, or until ``parent`` is gone; the job under way is finished first, but for a
    comparison on a task, which the next worker goes on with.

    Raises:
        UsageError: OAuth lacks something.
    """
    if is_oauth(settings):
        check_oauth(settings)
    store = open_store(settings.store_url)
    replier = SlackReplier(clients(settings, store), settings)
    worker, slow = Worker(store, settings, replier), Worker(store, settings, replier, long=True)
    slow.stop = worker.stop
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stop.set())
    if parent is not None:
        threading.Thread(target=_stop_with, args=(parent, worker.stop), daemon=True).start()
        os.nice(_BEHIND)  # to be heard comes before being answered, where both want the same processor
    _warm_up()
    comparing = threading.Thread(target=slow.run, daemon=True, name="comparing")
    comparing.start()
    worker.run()
    comparing.join(_GRACE / 2)
    store.close()


@contextmanager
def _connected(app: App, settings: Settings) -> Iterator[None]:
    from slack_bolt.adapter.socket_mode import SocketModeHandler

    handler = SocketModeHandler(app, settings.slack_app_token.get_secret_value())
    handler.connect()  # type: ignore[no-untyped-call]  # slack_bolt leaves it untyped
    log.info("connected in Socket Mode")
    try:
        yield
    finally:
        handler.close()  # type: ignore[no-untyped-call]


def _serve_http(app: App, store: Store, settings: Settings, *, events: bool) -> None:
    """Behind a proxy, nothing is made of the addresses and schemes that it forwards: links begin with ``public_url``."""
    import uvicorn

    from bot.slack.web import web_app

    # uvicorn shuts down on a signal, then raises it again; the workers are to be stopped first.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    uvicorn.run(
        web_app(app, store, settings, events=events),
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        server_header=False,
    )


def _check_login(settings: Settings) -> None:
    """Ask Slack whether the token is good, once, before anything is promised."""
    try:
        web_client(settings).auth_test()
    except SlackApiError as error:
        raise UsageError("slack_login", problem=str(error.response.get("error"))) from error
    except OSError as error:
        raise UsageError("slack_login", problem=str(error)[:120]) from error


@contextmanager
def _workers(count: int) -> Iterator[None]:
    """Keep ``count`` worker processes alive for as long as the block runs."""
    over = threading.Event()
    processes = [_start_worker() for _ in range(count)]

    def watch() -> None:
        while not over.wait(_RESTART_WAIT):
            for place, process in enumerate(processes):
                if process.poll() is not None and not over.is_set():
                    log.error("a worker ended with %s; starting another", process.returncode)
                    processes[place] = _start_worker()

    watcher = threading.Thread(target=watch, daemon=True, name="workers")
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
        for process in processes:
            process.terminate()
        until = time.monotonic() + _GRACE
        for process in processes:
            try:
                process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()


def _start_worker() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "bot.cli", "worker", "--parent", str(os.getpid())])


def _stop_with(parent: int, stop: threading.Event) -> None:
    """A worker whose bot was killed has nobody to restart or stop it."""
    while os.getppid() == parent:
        time.sleep(1.0)
    stop.set()


def _until_told_to_stop() -> None:
    told = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        told.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    told.wait()


def _warm_up() -> None:
    """Import and load what every job needs, so that the first one is as fast as the rest."""
    import engine.pipeline
    from engine.catalog import load_family

    engine.pipeline.hypotheses_of(load_family("deepseek-r1"))


def _warm_up_listeners() -> None:
    """Import and load what understanding needs, so that the first to ask are heard as soon as the rest."""
    from bot.commands import parse

    for question in (
        "is deepseek-ai/DeepSeek-R1 the full one?",
        "2×4090 中文客服该用哪个？",
        "watch r1 until 31 December",
    ):
        with suppress(UsageError):
            parse(question)
    from engine.comparing.tasks import seeds

    list(seeds())  # their names, which a form offers
