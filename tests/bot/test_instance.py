"""One bot on a SQLite file, any number on a server."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import r1

from bot.doctor.finding import Finding
from bot.doctor.sharing import instance_finding, path_findings
from bot.jobs import take
from bot.settings import load_settings
from bot.store import open_store
from bot.store.connection import StoreError
from bot.store.instance import holder_of, only_instance
from bot.store.models import WatchRow, now

HOLDER = "import sys, time\nfrom bot.store.instance import only_instance\nwith only_instance(sys.argv[1]):\n    print('held', flush=True)\n    time.sleep(60)\n"


def test_a_second_bot_on_a_sqlite_file_is_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'r1.db'}"
    first = subprocess.Popen([sys.executable, "-c", HOLDER, url], stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None and first.stdout.readline() == "held\n"
    with pytest.raises(StoreError) as refused, only_instance(url):
        pass
    assert "SQLite serves one" in refused.value.sentence("en") and "PostgreSQL" in refused.value.sentence("zh")
    holder = holder_of(url)
    assert holder is not None and (holder.pid, holder.host) == (str(first.pid), socket.gethostname())
    assert f"process {first.pid}" in instance_finding(load_settings(database_url=url), server=False).found("en")
    slack = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "s", "R1_DATABASE_URL": url}
    second = r1("worker", **slack)
    assert second.returncode == 2 and "SQLite" in second.stderr
    assert r1("history", R1_DATABASE_URL=url).returncode == 0  # to ask and to look up is no second bot
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    assert holder_of(url) is None
    with only_instance(url):
        pass


def test_what_watches_look_at_has_to_be_on_every_machine_with_a_worker(database_url: str, tmp_path: Path) -> None:
    store, settings = open_store(database_url), load_settings(checkpoint_roots=(tmp_path,))

    def found() -> Finding:
        with store.read() as session:
            (finding,) = path_findings(session, settings)
        return finding

    for name in ("here", "gone"):
        with store.begin() as session:
            session.add(WatchRow(target=str(tmp_path / name), request={}, schedule={}, state="active"))
        (tmp_path / name).mkdir()
    assert found().state == "ok" and "every machine" in found().found("en")
    (tmp_path / "gone").rmdir()
    assert found().state == "wrong" and str(tmp_path / "gone") in found().found("zh") and found().remedy("zh")
    assert str(tmp_path / "here") not in found().found("en")
    store.close()


def test_any_number_share_a_server_and_nothing_is_locked_in_memory() -> None:
    for url in ("postgresql+psycopg://somewhere/r1", "sqlite://"):
        with only_instance(url), only_instance(url):
            pass


def test_bots_that_share_a_server_go_by_its_clock(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(database_url)
    told = store.clock()
    assert abs((told - now()).total_seconds()) < 10
    if store.engine.dialect.name == "postgresql":
        wrong = time.time() + 3600
        monkeypatch.setattr(time, "time", lambda: wrong)  # what leases went by; the server is not asked again at once
        assert abs((store.clock() - told).total_seconds()) < 10
        assert take(store, "ahead", 5.0) is None
    store.close()
