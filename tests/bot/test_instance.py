"""One bot on a SQLite file, any number on a server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import r1

from bot.store.connection import StoreError
from bot.store.instance import only_instance

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
