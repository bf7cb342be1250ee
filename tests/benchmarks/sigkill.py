"""SIGKILLs the worker at 20 random moments of a job; each must be answered once, by the worker after it.

Moments are drawn over the whole life of a job, and some are aimed at its narrow places: just after the
message is posted, just after the verdict is stored, just after the answer is sent.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from bot.local_slack import LocalSlack
from bot.local_slack.workspace import Body
from bot.requests import Origin
from bot.slack.accepting import read
from bot.store import Store, open_store
from engine.samples import published, write_checkpoint

KILLS, LEASE = 20, 1.0
AIMED = ("chat.postMessage", "chat.update")


def main() -> int:
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else int(time.time())
    urls = ["sqlite"] if "--sqlite" in sys.argv else ["sqlite", "postgresql"]
    failed = 0
    for kind in urls:
        print(f"\n{kind}, seed {seed}")
        with tempfile.TemporaryDirectory() as temporary:
            failed += run(kind, Path(temporary), random.Random(seed))
    return failed


def run(kind: str, root: Path, chance: random.Random) -> int:
    target = write_checkpoint(published("DeepSeek-R1"), root / "DeepSeek-R1")
    url = f"sqlite:///{root / 'r1.db'}" if kind == "sqlite" else _postgres(root)
    store = open_store(url)
    with LocalSlack() as slack:
        rows = [one_kill(slack, store, url, root, f"identify {target}", number, chance) for number in range(KILLS)]
        time.sleep(2 * LEASE)
        answers = Counter((message.metadata or {})["event_payload"]["job_id"] for message in slack.answers())
    for row in rows:
        print(row)
    once = sum(count == 1 for count in answers.values())
    passed = once == KILLS == len(answers)
    print(
        f"{once} of {KILLS} answered exactly once; messages {sum(answers.values())} - {'PASS' if passed else 'short of the bar'}"
    )
    store.close()
    return not passed


def one_kill(
    slack: LocalSlack, store: Store, url: str, root: Path, text: str, number: int, chance: random.Random
) -> str:
    """Accept a job, kill its worker at a random moment, and let a second worker finish it."""
    from bot.jobs import accept

    moment = chance.choice([*AIMED, "clock", "clock"])
    delay = chance.uniform(0.0, 0.05) if moment in AIMED else chance.uniform(0.0, 1.6)
    called = threading.Event()

    def watch(method: str, arguments: Body) -> int | None:
        if method == moment:
            called.set()
        return None

    slack.workspace.refuse = watch
    worker = start(slack, url, root)
    slack.wait_for(lambda: (root / f"ready-{worker.pid}").exists() or worker.poll() is not None)
    origin = Origin("slash", slack.workspace.team, "C0MODELS", slack.workspace.user)
    job = accept(store, read(text, "en"), origin, dedup_key=f"kill:{number}")
    if moment in AIMED:
        called.wait(20)
    time.sleep(delay)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    state = state_of(store, job)
    slack.workspace.refuse = lambda method, arguments: None
    second = start(slack, url, root)
    slack.wait_for(lambda: state_of(store, job) == "answered", 60)
    second.terminate()
    second.wait(30)
    return f"  {number + 1:2}  killed {delay:.2f} s after {moment:16}  state then: {state}"


def state_of(store: Store, job: str | None) -> str:
    from bot.store.models import JobRow

    with store.begin() as session:
        return session.get_one(JobRow, job).state


def start(slack: LocalSlack, url: str, root: Path) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "SLACK_BOT_TOKEN": slack.workspace.bot_token,
        "R1_CONFIG": str(root / "none.toml"),
        "R1_SLACK_API_URL": slack.api_url,
        "R1_DATABASE_URL": url,
        "R1_CHECKPOINT_ROOTS": f'["{root}"]',
        "R1_LEASE_SECONDS": str(LEASE),
    }
    code = (
        "import os, pathlib, bot.slack.serve as s; s_warm = s._warm_up\n"
        f"s._warm_up = lambda: (s_warm(), pathlib.Path({str(root)!r}, f'ready-{{os.getpid()}}').touch())\n"
        "import sys; sys.argv = ['r1', 'worker']; import bot.cli; bot.cli.main()"
    )
    return subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=subprocess.DEVNULL)


def _postgres(root: Path) -> str:
    import pgserver

    return str(pgserver.get_server(root / "pg").get_uri())


if __name__ == "__main__":
    raise SystemExit(main())
