"""A catalog that turns every verdict over, and workers that are killed while they recompute: each flip is kept once and
told once. Then how long it takes to find what is current among very many verdicts.

    python tests/benchmarks/catalog_flips.py [--verdicts 200] [--rows 200000] [--kill 4]
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

from command_line import SIGNING_KEY
from sqlalchemy import func, insert, select
from watches_cluster import _Database, _given

import engine
from bot.flips import note_families
from bot.local_slack import LocalSlack
from bot.requests import Origin, Request, request_to_json
from bot.settings import load_settings
from bot.store import Store, open_store
from bot.store.models import JobRow, RequestRow, VerdictRow, new_id, now
from bot.store.queries import add_request, save_identification
from bot.store.recomputed import FamilyRow, RecomputationRow, enlist
from engine.catalog.signed import read_update, sign_families
from engine.catalog.updates import take_in
from engine.samples import published, write_checkpoint
from engine.signing import read_key

WORKERS = 3
R1 = (Path(engine.__file__).parent / "catalog" / "deepseek-r1.yaml").read_text(encoding="utf-8")
AT = R1.index("  - id: R1-Distill-Qwen-7B\n")
SLIP = R1[:AT] + R1[AT:].replace("num_hidden_layers: 28", "num_hidden_layers: 30", 1)


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="r1-flips-") as temporary:
        root = Path(temporary)
        database = _Database(root)
        os.environ |= {
            "R1_CONFIG": str(root / "none.toml"), "R1_CATALOG_DIR": str(root / "catalog"), "R1_SIGNING_KEY": SIGNING_KEY,
            "R1_DATABASE_URL": database.url, "R1_LEASE_SECONDS": "5", "R1_REFERENCE_DIR": str(root / "references"),
        }  # fmt: skip
        with LocalSlack() as slack:
            store = open_store(database.url)
            passed = _killed(slack, store, root, _given("--verdicts", 200), _given("--kill", 4))
            _many(store, _given("--rows", 200_000))
            store.close()
        database.stop()
    return not passed


def _killed(slack: LocalSlack, store: Store, root: Path, count: int, every: int) -> bool:
    settings = load_settings()
    found = engine.identify(str(write_checkpoint(published("R1-Distill-Qwen-7B"), root / "DeepSeek-R1")))
    note_families(store, settings)
    with store.begin() as session:
        for number in range(count):
            spec = f"{found.target.spec}-{number}"
            request = Request("identify", f"identify {spec}", "en", target=spec)
            asked = add_request(session, request, Origin("slash", "T0", "C0MODELS", slack.workspace.user), None)
            named = replace(found, target=replace(found.target, spec=spec))
            verdict = save_identification(session, named, request_id=asked, team="T0")
            session.add(JobRow(request_id=asked, state="answered", verdict_id=verdict))
    _take_in(root, "2026-12-01")
    workers = [_start(slack, root) for _ in range(WORKERS)]
    started, killed, next_kill = time.monotonic(), 0, float(every)
    while not _all_told(store, count) and (passed := time.monotonic() - started) < 600:
        time.sleep(0.2)
        if passed > next_kill:
            workers[killed % WORKERS].send_signal(signal.SIGKILL)
            workers[killed % WORKERS].wait()
            workers[killed % WORKERS] = _start(slack, root)
            killed, next_kill = killed + 1, next_kill + every
    seconds = time.monotonic() - started
    for worker in workers:
        worker.terminate()
        worker.wait(60)
    messages = Counter(message.text for message in slack.workspace.messages if "updated catalog" in message.text)
    with store.read() as session:
        states = Counter(session.scalars(select(RecomputationRow.state)))
        kept = session.scalar(select(func.count()).where(RecomputationRow.new_verdict_id.is_not(None))) or 0
        verdicts = session.scalar(select(func.count()).select_from(VerdictRow)) or 0
    doubled = sum(number > 1 for number in messages.values())
    print(f"{count} verdicts turned over, {WORKERS} workers, {killed} killed -9, {seconds:.0f} s")
    print(
        f"recomputed {dict(states)}, kept {kept}, verdicts in all {verdicts}; told {len(messages)}, doubled {doubled}, lost {count - len(messages)}"
    )
    passed = states == {"flipped": count} and kept == count and verdicts == 2 * count and len(messages) == count
    passed = passed and not doubled
    print("PASS" if passed else "short of the bar")
    return passed


def _take_in(root: Path, version: str) -> None:
    file, key = root / "deepseek-r1.yaml", read_key(SIGNING_KEY)
    file.write_text(SLIP.replace('"2026-11-24"', f'"{version}"'), encoding="utf-8")
    update = read_update(sign_families([file], key), {key.public: "Ada"}, name="u")
    take_in(update, load_settings().catalog_folder, "u")


def _start(slack: LocalSlack, root: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "SLACK_BOT_TOKEN": slack.workspace.bot_token, "R1_SLACK_API_URL": slack.api_url}
    log = (root / "workers.log").open("ab")
    return subprocess.Popen([sys.executable, "-m", "bot.cli", "worker"], env=environment, stdout=log, stderr=log)


def _all_told(store: Store, count: int) -> bool:
    with store.read() as session:
        told = select(func.count()).select_from(JobRow).join(RequestRow, RequestRow.id == JobRow.request_id)
        return session.scalar(told.where(RequestRow.dedup_key.like("flip:%"), JobRow.state == "answered")) == count


def _many(store: Store, rows: int) -> None:
    """What is current among so many verdicts: of a tenth as many targets, in as many places."""
    payload = request_to_json(Request("identify", "x", "en"))
    for begin in range(0, rows, 10_000):
        asked, verdicts = [], []
        for number in range(begin, min(begin + 10_000, rows)):
            name, moment = f"endpoint-{number % (rows // 10)}", now()
            asked.append(
                {"id": new_id(), "created": moment, "surface": "slash", "team": "T1", "channel": f"C{number % 7}",
                 "user": "U1", "verb": "identify", "text": name, "payload": payload}
            )  # fmt: skip
            verdicts.append(
                {"id": new_id(), "created": moment, "request_id": asked[-1]["id"], "team": "T1", "target": name,
                 "family": "deepseek-r1", "outcome": "full", "grade": "likely", "title": "x", "confidence": 0.9,
                 "claim_check": "holds", "engine_version": "0", "silent": False, "payload": {"family_version": "2026-12-01"}}
            )  # fmt: skip
        with store.begin() as session:
            session.execute(insert(RequestRow.__table__), [{**one, "user_id": one.pop("user")} for one in asked])
            session.execute(insert(VerdictRow.__table__), verdicts)
    with store.begin() as session:
        row = FamilyRow(name="deepseek-r1", version="2026-12-02", content={})
        session.add(row)
        session.flush()
        started = time.perf_counter()
        found = enlist(session, row)
        print(f"{rows:,} verdicts: {found:,} current ones found and noted in {time.perf_counter() - started:.1f} s")


if __name__ == "__main__":
    raise SystemExit(main())
