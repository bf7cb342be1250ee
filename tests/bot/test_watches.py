"""Watches on both databases: made, changed, looked at once however many processes tick, told once, and forgotten."""

from __future__ import annotations

import json
import multiprocessing
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from command_line import r1
from sqlalchemy import func, select, update

import engine
from bot.answering import Work, answer_of, find
from bot.jobs import Answer, Job, advance, take
from bot.requests import Origin, Request, Schedule
from bot.settings import load_settings
from bot.store import Store, open_store
from bot.store.models import JobRow, RequestRow, WatchRow, now
from bot.store.queries import add_request, save_identification
from bot.watches import look_failed, looked, tick
from engine.errors import R1Error, UsageError
from engine.samples import published, write_checkpoint

HERE = Origin("slash", "T1", "C0MODELS", "U1")
SIX = Schedule(every="6h")


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    opened = open_store(database_url)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("watched")
    for name in ("DeepSeek-R1", "R1-Distill-Qwen-7B"):
        write_checkpoint(published(name), root / name)
    return root


@pytest.fixture(scope="module")
def verdicts(checkpoints: Path) -> dict[str, Any]:
    return {path.name: engine.identify(str(path)) for path in checkpoints.iterdir()}


def asked(store: Store, action: str, target: str | Path, schedule: Schedule | None = None, origin: Origin = HERE,
          **settings: object) -> Answer:  # fmt: skip
    """What a question about watches does and is answered, as a worker and a terminal do it."""
    request = Request("watch", f"watch {target}", "en", target=str(target), action=action, schedule=schedule)  # type: ignore[arg-type]
    made = load_settings(checkpoint_roots=("/",), **settings)
    with store.begin() as session:
        request_id = add_request(session, request, origin, None)
    work = Work(store, made, backend=lambda: pytest.fail("no weights are opened"), request_id=request_id)
    return answer_of(request, origin, find(request, origin, work), store, made, request_id=request_id)


def made(store: Store, target: str | Path, schedule: Schedule = SIX, origin: Origin = HERE) -> str:
    watch = asked(store, "add", target, schedule, origin).watch
    assert watch is not None
    return watch.id


def make_due(store: Store, watch_id: str | None = None) -> None:
    query = update(WatchRow).values(next_at=now() - timedelta(seconds=1))
    with store.begin() as session:
        session.execute(query.where(WatchRow.id == watch_id) if watch_id else query)


def look(store: Store, watch_id: str, found: Any) -> None:
    """One look of a watch, from due to done, that finds this verdict or fails."""
    with store.begin() as session:  # another's first look is at once
        session.execute(update(WatchRow).values(next_at=now() + timedelta(hours=6)))
    make_due(store, watch_id)
    assert tick(store, load_settings()) == 1
    job = next_job(store)
    while job is not None and job.request.notice is not None:  # these are for people, and left to be given
        job = next_job(store)
    assert job is not None and job.request.watch == watch_id
    with store.begin() as session:
        if isinstance(found, R1Error):
            look_failed(session, job, {"code": found.code, "values": dict(found.values)})
            advance(session, job, state="answered")
        else:
            verdict = save_identification(session, found, request_id=job.request_id, team="T1")
            advance(session, job, state="answered", verdict_id=verdict)
            looked(session, job, verdict)


def next_job(store: Store) -> Job | None:
    return take(store, "test", 60)


def notices(store: Store) -> list[dict[str, Any]]:
    """What is to be told, the earliest first."""
    with store.begin() as session:
        told = session.scalars(
            select(RequestRow).where(RequestRow.dedup_key.like("notice:%")).order_by(RequestRow.created)
        )
        return [row.payload["notice"] for row in told]


def kinds(store: Store) -> list[str]:
    return [notice["kind"] for notice in notices(store)]


def jobs(store: Store) -> int:
    with store.begin() as session:
        return session.scalar(select(func.count()).select_from(JobRow)) or 0


def row(store: Store, watch_id: str) -> WatchRow:
    with store.begin() as session:
        return session.get_one(WatchRow, watch_id)


def test_a_swap_is_told_once_and_the_way_back_too_and_nothing_else(
    store: Store, checkpoints: Path, verdicts: dict[str, Any]
) -> None:
    full, distilled = verdicts["DeepSeek-R1"], verdicts["R1-Distill-Qwen-7B"]
    watch = made(store, checkpoints / "DeepSeek-R1")
    for found in (full, full, distilled, distilled, full, full):
        look(store, watch, found)
    assert kinds(store) == ["first", "changed", "changed"]
    swap = notices(store)[1]
    assert swap["was"]["outcome"] == "full" and swap["last"] < swap["seen"]
    with store.begin() as session:  # each is a job that only has to be given
        told = RequestRow.dedup_key.like("notice:%")
        waiting = session.execute(select(JobRow.state, JobRow.verdict_id).join(RequestRow).where(told)).all()
    assert len(waiting) == 3 and all(state == "computed" and verdict for state, verdict in waiting)


def test_a_verdict_that_the_team_has_is_what_people_know(
    store: Store, checkpoints: Path, verdicts: dict[str, Any]
) -> None:
    with store.begin() as session:
        save_identification(session, verdicts["DeepSeek-R1"], request_id=None, team="T1")
    watch = made(store, verdicts["DeepSeek-R1"].target.spec)
    assert row(store, watch).next_at > now() + timedelta(hours=5)  # type: ignore[operator]
    look(store, watch, verdicts["DeepSeek-R1"])
    assert kinds(store) == []


def test_a_verdict_deleted_since_is_remembered_all_the_same(
    store: Store, checkpoints: Path, verdicts: dict[str, Any]
) -> None:
    watch = made(store, checkpoints / "DeepSeek-R1")
    look(store, watch, verdicts["DeepSeek-R1"])
    with store.begin() as session:
        session.execute(update(WatchRow).values(verdict_id=None))
    look(store, watch, verdicts["DeepSeek-R1"])
    look(store, watch, verdicts["R1-Distill-Qwen-7B"])
    assert kinds(store) == ["first", "changed"]


def test_failures_are_told_after_three_in_a_row_once_and_that_it_works_again(
    store: Store, checkpoints: Path, verdicts: dict[str, Any]
) -> None:
    watch, down = made(store, checkpoints / "DeepSeek-R1"), R1Error("job_crashed", job="x")
    full = verdicts["DeepSeek-R1"]
    for found in (full, down, down, full, down, down, down, down, down, full, full):
        look(store, watch, found)
        if found is down and row(store, watch).failures < 3:
            assert row(store, watch).next_at < now() + timedelta(minutes=21)  # type: ignore[operator]
    assert kinds(store) == ["first", "failing", "recovered"]
    assert notices(store)[1]["failures"] == 3 and notices(store)[1]["error"]["code"] == "job_crashed"


def test_quiet_hours_keep_a_notice_until_they_end(store: Store, checkpoints: Path, verdicts: dict[str, Any]) -> None:
    clock = now()
    quiet = f"{clock - timedelta(hours=1):%H:%M}-{clock + timedelta(hours=1):%H:%M}"
    watch = made(store, checkpoints / "DeepSeek-R1", replace(SIX, quiet=quiet, timezone="UTC"))
    look(store, watch, verdicts["DeepSeek-R1"])
    assert kinds(store) == ["first"] and next_job(store) is None
    with store.begin() as session:
        until = session.scalars(select(JobRow.lease_until).where(JobRow.state == "computed")).one()
        assert until is not None and 3000 < until - time.time() < 3700
        session.execute(update(JobRow).where(JobRow.state == "computed").values(lease_until=time.time() - 1))
    job = next_job(store)
    assert job is not None and job.request.notice is not None and job.origin.channel == "C0MODELS"


def test_a_notice_goes_where_the_schedule_says_else_below_the_question(
    store: Store, checkpoints: Path, verdicts: dict[str, Any]
) -> None:
    below = replace(HERE, thread_ts="1.000001")
    first = made(store, checkpoints / "DeepSeek-R1", SIX, below)
    second = made(store, checkpoints / "DeepSeek-R1", replace(SIX, channel="C0OPS"), replace(HERE, channel="C0OTHER"))
    terminal = made(store, checkpoints / "DeepSeek-R1", SIX, Origin("cli", user="root"))
    for watch in (first, second, terminal):
        look(store, watch, verdicts["DeepSeek-R1"])
    with store.begin() as session:
        told = select(RequestRow.channel, RequestRow.thread_ts).where(RequestRow.dedup_key.like("notice:%"))
        places = set(session.execute(told.order_by(RequestRow.created)).tuples())
    assert places == {("C0MODELS", "1.000001"), ("C0OPS", None)}  # a terminal's has nowhere to go


def test_paused_looks_at_nothing_resumed_goes_on_and_removed_is_gone(
    store: Store, checkpoints: Path, verdicts: dict[str, Any]
) -> None:
    target = checkpoints / "DeepSeek-R1"
    watch = made(store, target)
    look(store, watch, verdicts["DeepSeek-R1"])
    assert (asked(store, "pause", target).watch or pytest.fail()).state == "paused"
    make_due(store)
    assert tick(store, load_settings()) == 0
    resumed = asked(store, "resume", watch).watch
    assert resumed is not None and resumed.state == "active" and resumed.next_at is not None
    make_due(store)
    assert tick(store, load_settings()) == 1
    gone = asked(store, "remove", watch).watch
    assert gone is not None and gone.state == "removed"
    assert next_job(store) is None  # neither the look that was queued nor the notice that was not given
    assert asked(store, "list", "").watches == ()
    with pytest.raises(UsageError, match="I know no watch"):
        asked(store, "resume", watch)


def test_run_looks_now_and_is_told_where_it_was_asked(store: Store, checkpoints: Path) -> None:
    watch = made(store, checkpoints / "DeepSeek-R1")
    answer = asked(store, "run", watch)
    assert answer.identification is not None and answer.identification.verdict.outcome == "full"
    known = row(store, watch)
    assert known.verdict_id == answer.verdict_id and known.known is not None and kinds(store) == []


def test_watched_again_it_gets_the_new_schedule(store: Store, checkpoints: Path) -> None:
    first = made(store, checkpoints / "DeepSeek-R1")
    assert made(store, checkpoints / "DeepSeek-R1", Schedule(every="1h")) == first
    (watch,) = asked(store, "list", "").watches or ()
    assert watch.schedule.every == "1h"


def test_people_may_change_only_what_is_theirs_and_see_what_concerns_them(store: Store, checkpoints: Path) -> None:
    target = checkpoints / "DeepSeek-R1"
    watch, other = made(store, target), replace(HERE, user="U2")
    for named in (watch, target):
        with pytest.raises(UsageError, match="somebody else's"):
            asked(store, "remove", named, origin=other)
    assert (asked(store, "pause", watch, origin=other, admins=("U2",)).watch or pytest.fail()).state == "paused"
    assert len(asked(store, "list", "", origin=other).watches or ()) == 1
    assert asked(store, "list", "", origin=replace(other, channel="C0OTHER")).watches == ()
    assert asked(store, "list", "", origin=replace(HERE, team="T2")).watches == ()
    with pytest.raises(UsageError, match="I know no watch"):
        asked(store, "pause", watch, origin=replace(HERE, team="T2"))


@pytest.mark.parametrize(
    ("target", "schedule", "sentence"),
    [
        ("{root}", Schedule(every="5m"), "more often than every 10 minutes"),
        ("{root}", Schedule(once=(now() - timedelta(days=2)).date()), "would never look"),
        ("{root}", replace(SIX, channel="C0SECRET"), "C0MODELS"),
        ("https://nobody.example/v1", SIX, "registered"),
        ("no-such-endpoint", SIX, "no-such-endpoint"),
    ],
)
def test_what_cannot_be_watched_is_refused_in_a_sentence(
    store: Store, checkpoints: Path, target: str, schedule: Schedule, sentence: str
) -> None:
    named = target.format(root=checkpoints / "DeepSeek-R1")
    with pytest.raises(R1Error) as refused:
        asked(store, "add", named, schedule, allowed_channels=("C0MODELS",))
    assert sentence in refused.value.sentence("en") and refused.value.sentence("zh")
    assert asked(store, "list", "").watches == ()


def test_nobody_watches_more_than_they_may(store: Store, checkpoints: Path) -> None:
    asked(store, "add", checkpoints / "DeepSeek-R1", SIX, watches_per_person=1)
    with pytest.raises(UsageError, match="as many as one person may"):
        asked(store, "add", checkpoints / "R1-Distill-Qwen-7B", SIX, watches_per_person=1)
    asked(store, "add", checkpoints / "DeepSeek-R1", Schedule(every="2d"), watches_per_person=1)


def test_downtime_is_caught_up_with_one_look_and_a_clock_set_back_repeats_none(store: Store, checkpoints: Path) -> None:
    watch, settings = made(store, checkpoints / "DeepSeek-R1"), load_settings()
    begun = now()
    assert tick(store, settings, moment=begun + timedelta(days=10)) == 1
    assert tick(store, settings, moment=begun + timedelta(days=10)) == 0
    later = row(store, watch).next_at
    assert later is not None and timedelta(days=10) < later - begun <= timedelta(days=10, hours=6, minutes=6)
    assert tick(store, settings, moment=begun) == 0 and jobs(store) == 1
    with store.begin() as session:  # put back by hand to a moment that was looked at
        due = session.scalars(select(RequestRow.dedup_key).where(RequestRow.dedup_key.like("watch:%"))).one() or ""
        session.execute(update(WatchRow).values(next_at=_moment(due)))
    assert tick(store, settings, moment=begun + timedelta(days=10)) == 0 and jobs(store) == 1
    assert row(store, watch).next_at == later


def _moment(key: str) -> Any:
    from datetime import UTC, datetime

    return datetime.strptime(key.split(":", 2)[2], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def test_only_so_many_looks_wait_before_peoples_questions(store: Store, checkpoints: Path) -> None:
    for number in range(12):
        made(store, checkpoints / "DeepSeek-R1", origin=replace(HERE, channel=f"C0{number}"))
    assert tick(store, load_settings(), most=5) == 5 and tick(store, load_settings(), most=5) == 0
    for _ in range(5):
        job = next_job(store)
        assert job is not None
        with store.begin() as session:
            advance(session, job, state="answered")
    assert [tick(store, load_settings(), most=5) for _ in range(2)] == [5, 0]


def _ticking(url: str, seconds: float, counted: Any) -> None:
    store, until, made = open_store(url), time.monotonic() + seconds, 0
    while time.monotonic() < until:
        made += tick(store, load_settings(), most=1000)
    with counted.get_lock():
        counted.value += made
    store.close()


def test_three_processes_that_tick_at_once_make_each_due_look_once(
    store: Store, database_url: str, checkpoints: Path
) -> None:
    ids = [made(store, checkpoints / "DeepSeek-R1", origin=replace(HERE, channel=f"C0{n}")) for n in range(40)]
    context = multiprocessing.get_context("spawn")
    counted = context.Value("i", 0)
    processes = [context.Process(target=_ticking, args=(database_url, 4.0, counted)) for _ in range(3)]
    for process in processes:
        process.start()
    for _ in range(2):
        time.sleep(1.5)
        make_due(store)
    for process in processes:
        process.join()
    with store.begin() as session:
        keys = session.scalars(select(RequestRow.dedup_key).where(RequestRow.dedup_key.like("watch:%"))).all()
    assert len(keys) == len(set(keys)) == counted.value == jobs(store)
    assert {(key or "").split(":")[1] for key in keys} == set(ids)


def test_a_process_killed_while_it_ticks_loses_none(store: Store, database_url: str, checkpoints: Path) -> None:
    ids = [made(store, checkpoints / "DeepSeek-R1", origin=replace(HERE, channel=f"C0{n}")) for n in range(6)]
    code = (  # dies with the job written and the next time set, before the commit
        "import os, sys\nfrom bot.settings import load_settings\nfrom bot.store import open_store\n"
        "import bot.watches.ticking as ticking\nmove = ticking._move_on\n"
        "calls = []\n"
        "def dying(session, due, clock):\n"
        "    move(session, due, clock)\n    session.flush()\n    calls.append(due)\n"
        "    if len(calls) == 3: os.kill(os.getpid(), 9)\n"
        "ticking._move_on = dying\nticking.tick(open_store(sys.argv[1]), load_settings())\n"
    )
    make_due(store)
    died = subprocess.run([sys.executable, "-c", code, database_url], capture_output=True, text=True)
    assert died.returncode == -9 and jobs(store) == 2
    assert tick(store, load_settings()) == 4
    with store.begin() as session:
        keys = session.scalars(select(RequestRow.dedup_key).where(RequestRow.dedup_key.like("watch:%"))).all()
    assert {(key or "").split(":")[1] for key in keys} == set(ids) and len(keys) == 6


def test_in_a_terminal(store: Store, database_url: str, checkpoints: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("R1_DATABASE_URL", database_url)
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    target = str(checkpoints / "DeepSeek-R1")
    said = r1("watch", target, "every", "6h", "until", "2099-12-31")
    assert said.returncode == 0, said.stderr
    assert "every 6 hours until 2099-12-31" in said.stdout and "r1 worker" in said.stdout
    (watch,) = json.loads(r1("watch", "list", "--json").stdout)
    assert watch["target"] == target and watch["timezone"] == "Asia/Shanghai" and watch["channel"] == ""
    assert "full" in r1("watch", "run", watch["id"]).stdout
    assert "已暂停" in r1("watch", "pause", target, "--lang", "zh").stdout
    assert json.loads(r1("watch", "remove", watch["id"], "--json").stdout)["state"] == "removed"
    refused = r1("watch", target, "whenever", "you", "like")
    assert refused.returncode == 2 and "no schedule" in refused.stderr and "Traceback" not in refused.stderr
