"""Three bots on one PostgreSQL, 500 watches: one is killed -9 every 20 seconds, the database is restarted, clocks jump.

Every watch is due once, at some moment of the run; half way a tenth of the watched folders come to hold another model, half
of these before their watch is due. Counted: looks that were due, made, done once, lost, doubled; notices of changes told
once, lost, doubled; looks made before they were due. Clocks jump an hour ahead and an hour back by libfaketime, where that is
installed.

    python tests/benchmarks/watches_cluster.py [--seconds 300] [--watches 500]
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from bot.local_slack import LocalSlack
from bot.requests import Request, Schedule, request_to_json, schedule_to_json
from bot.store import Store, open_store
from bot.store.models import JobRow, LookRow, RequestRow, VerdictRow, WatchRow, now
from bot.watches.known import known_of, known_to_json
from engine.samples import published, write_gguf

KILL_EVERY, BOTS, FOLDERS = 20.0, 3, 20
LATE = 90.0
"""Seconds after the last due moment in which looks may still be done."""
FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
OTHER = {"R1-Distill-Qwen-1.5B": "R1-Distill-Llama-8B", "R1-Distill-Llama-8B": "R1-Distill-Qwen-1.5B"}


def main() -> int:
    seconds, count = _given("--seconds", 300), _given("--watches", 500)
    with tempfile.TemporaryDirectory(prefix="r1-cluster-") as temporary:
        root = Path(temporary)
        database = _Database(root)
        with LocalSlack() as slack:
            store = open_store(database.url)
            changing = _fill(store, root, count, seconds, slack.workspace.user)
            killed, early = _run(slack, store, database, root, seconds, changing)
            passed = _report(slack, store, count, changing, killed, early)
            store.close()
        database.stop()
    return not passed


def _given(name: str, default: int) -> int:
    return int(sys.argv[sys.argv.index(name) + 1]) if name in sys.argv else default


class _Database:
    """A PostgreSQL that can be restarted."""

    def __init__(self, root: Path) -> None:
        import pgserver

        self.server = pgserver.get_server(root / "pg")
        self.url = str(self.server.get_uri())
        self.folder = root / "pg"
        self.ctl = Path(pgserver.__file__).parent / "pginstall" / "bin" / "pg_ctl"

    def restart(self) -> None:
        self._ctl("restart", "-m", "fast")

    def stop(self) -> None:
        self.server.cleanup()

    def _ctl(self, *words: str) -> None:
        as_owner = self.folder.stat().st_uid
        command = [str(self.ctl), "-D", str(self.folder), "-l", str(self.folder / "restart.log"), "-w", *words]
        subprocess.run(command, check=True, user=as_owner, stdout=subprocess.DEVNULL, cwd="/")


def _fill(store: Store, root: Path, count: int, seconds: int, user: str) -> dict[str, Path]:
    """Watches that know what their file holds, due over the run; returns those whose file will hold another model."""
    import engine

    chance, begun = random.Random(0), now()
    names = list(OTHER)
    samples = {name: write_gguf(published(name), root / f"{name}.gguf")[0] for name in names}
    verdicts = {name: engine.identify(str(path)).verdict for name, path in samples.items()}
    (root / "watched").mkdir()
    changing: dict[str, Path] = {}
    with store.begin() as session:
        for number in range(count):
            name = names[number % 2]
            path = root / "watched" / f"{name}-{number}.gguf"
            path.symlink_to(samples[name])
            at = begun + timedelta(seconds=15 + chance.random() * (seconds - 15))
            row = WatchRow(
                team="T0", channel="C0MODELS", user=user, target=str(path), schedule=schedule_to_json(Schedule("1d")),
                created=begun, next_at=at, request={}, known=known_to_json(known_of(verdicts[name], begun)),
            )  # fmt: skip
            session.add(row)
            session.flush()
            row.request = request_to_json(
                Request("identify", "watch", "en", target=str(path), fresh=True, watch=row.id)
            )
            if number % 10 == 0:
                changing[row.id] = path
    return changing


def _run(
    slack: LocalSlack, store: Store, database: _Database, root: Path, seconds: int, changing: dict[str, Path]
) -> tuple[int, set[str]]:
    """How many bots were killed, and which looks were made before they were due."""
    killed, early, chance = 0, set[str](), random.Random(1)
    for path in list(changing.values())[
        ::2
    ]:  # before they are due; of the others, some are looked at before they change
        _swap(path, root)
    bots = [_start(slack, database.url, root, number) for number in range(BOTS)]
    next_kill, restarted, jumped = KILL_EVERY, False, False
    started = time.monotonic()
    while (passed := time.monotonic() - started) < seconds + LATE:
        time.sleep(0.5)
        early |= _early(store)
        if passed >= next_kill and passed < seconds:
            place = chance.randrange(BOTS)
            bots[place].send_signal(signal.SIGKILL)
            bots[place].wait()
            bots[place] = _start(slack, database.url, root, place)
            next_kill, killed = next_kill + KILL_EVERY, killed + 1
        if passed >= seconds / 2 and not restarted:
            database.restart()
            restarted = True
            for path in list(changing.values())[1::2]:
                _swap(path, root)
        if passed >= seconds / 4 and not jumped:
            jumped = True
            _clock(root, 0).write_text("+3600s")
            _clock(root, 1).write_text("-3600s")
        if passed >= seconds and _all_done(store):
            break
    for bot in bots:
        bot.terminate()
    for bot in bots:
        bot.wait(60)
    return killed, early


def _swap(path: Path, root: Path) -> None:
    name = path.name.rsplit("-", 1)[0]
    beside = path.with_suffix(".new")
    beside.symlink_to(root / f"{OTHER[name]}.gguf")
    beside.replace(path)


def _clock(root: Path, number: int) -> Path:
    return root / f"clock-{number}"


def _start(slack: LocalSlack, url: str, root: Path, number: int) -> subprocess.Popen[bytes]:
    clock = _clock(root, number)
    if not clock.exists():
        clock.write_text("+0s")
    faked = (
        {"LD_PRELOAD": str(FAKETIME), "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_CACHE_DURATION": "1",
         "FAKETIME_DONT_FAKE_MONOTONIC": "1"} if FAKETIME is not None else {}
    )  # fmt: skip
    environment = {
        **os.environ, **faked, "SLACK_BOT_TOKEN": slack.workspace.bot_token, "R1_CONFIG": str(root / "none.toml"),
        "R1_SLACK_API_URL": slack.api_url, "R1_DATABASE_URL": url, "R1_CHECKPOINT_ROOTS": f'["{root}"]', "R1_LEASE_SECONDS": "5",
    }  # fmt: skip
    log = (root / f"bot-{number}.log").open("ab")
    return subprocess.Popen([sys.executable, "-m", "bot.cli", "worker"], env=environment, stdout=log, stderr=log)


def _early(store: Store) -> set[str]:
    with store.read() as session:
        keys = session.scalars(select(RequestRow.dedup_key).where(RequestRow.dedup_key.like("watch:%"))).all()
    return {str(key) for key in keys if _due(str(key)) > now()}


def _all_done(store: Store) -> bool:
    with store.read() as session:
        open_ = session.scalars(select(JobRow.id).where(JobRow.state != "answered").limit(1)).first()
        due = session.scalars(select(WatchRow.id).where(WatchRow.next_at <= now()).limit(1)).first()
    return open_ is None and due is None


def _report(
    slack: LocalSlack, store: Store, count: int, changing: dict[str, Path], killed: int, early: set[str]
) -> bool:
    with store.read() as session:
        made = Counter(
            key.split(":")[1]
            for key in session.scalars(select(RequestRow.dedup_key).where(RequestRow.dedup_key.like("watch:%")))
        )  # type: ignore[union-attr]
        query = select(RequestRow.dedup_key, JobRow.state, VerdictRow.id).join(JobRow, JobRow.request_id == RequestRow.id).outerjoin(VerdictRow, VerdictRow.request_id == RequestRow.id)  # fmt: skip
        rows = session.execute(query.where(RequestRow.dedup_key.like("watch:%"))).all()
        looks = Counter(session.scalars(select(LookRow.watch_id)))
        told = Counter(
            str(key).split(":")[1]
            for key in session.scalars(select(RequestRow.dedup_key).where(RequestRow.dedup_key.like("notice:%")))
        )
        expected = set(session.scalars(select(LookRow.watch_id).where(LookRow.state == "changed")))
    done = Counter(str(key) for key, state, verdict in rows if state == "answered" and verdict is not None)
    messages = Counter(message.text for message in slack.workspace.messages if "has changed" in message.text)
    once = sum(number == 1 for number in done.values())
    doubled = sum(number > 1 for number in (*made.values(), *done.values(), *looks.values()))
    lost, must = count - len(made), set(list(changing)[::2])  # changed before they were due
    print(
        f"{count} watches due once each, {BOTS} bots, {killed} killed -9, the database restarted once, clocks {'' if FAKETIME else 'not '}moved"
    )
    print(
        f"looks made {sum(made.values())}, done exactly once {once}, lost {lost}, doubled {doubled}, before they were due {len(early)}"
    )
    print(
        f"changes seen {len(expected)} of {len(changing)} files that changed; notices {sum(told.values())}, told in Slack {sum(messages.values())}, doubled {sum(number > 1 for number in (*told.values(), *messages.values()))}, lost {len((expected | must) - set(told))}"
    )
    passed = (
        once == count
        and lost == 0
        and doubled == 0
        and not early
        and must <= set(told)
        and len(messages) == len(expected) == sum(messages.values())
    )
    print("PASS" if passed else "short of the bar")
    return passed


def _due(key: str) -> datetime:
    return datetime.fromisoformat(key.split(":", 2)[2])


if __name__ == "__main__":
    raise SystemExit(main())
