"""One bot on a SQLite file, any number on a server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import r1

from bot.jobs import take
from bot.store import open_store
from bot.store.connection import StoreError
from bot.store.instance import only_instance
from bot.store.models import now

HOLDER = "import sys, time\nfrom bot.store.instance import only_instance\nwith only_instance(sys.argv[1]):\n    print('held', flush=True)\n    time.sleep(60)\n"


def test_a_second_bot_on_a_sqlite_file_is_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'r1.db'}"
    first = subprocess.Popen([sys.executable, "-c", HOLDER, url], stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None and first.stdout.readline() == "held\n"
    with pytest.raises(StoreError) as refused, only_instance(url):
        pass
    assert "SQLite serves one" in refused.value.sentence("en") and "PostgreSQL" in refused.value.sentence("zh")
    slack = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "s", "R1_DATABASE_URL": url}
    second = r1("worker", **slack)
    assert second.returncode == 2 and "SQLite" in second.stderr
    assert r1("history", R1_DATABASE_URL=url).returncode == 0  # to ask and to look up is no second bot
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    with only_instance(url):
        pass


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
