"""Who is told and how, on both databases: people by name, one message a day, nothing until it changes."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

import engine
from bot.answering import Kept, answer_of
from bot.commands import parse
from bot.jobs import Answer, Job, advance, finish, take
from bot.local_slack.validate_view import problems_of_view
from bot.presentation.changes import advice_line
from bot.requests import Origin, Request, Schedule, request_from_json, request_to_json
from bot.settings import load_settings
from bot.slack.forms.fields import Where, Wrong
from bot.slack.forms.targets import Offered
from bot.slack.forms.watching import read_watch, watch_view
from bot.store import Store, open_store
from bot.store.models import JobRow, LookRow, RequestRow, WatchRow, now
from bot.store.queries import add_request, save_identification
from bot.watches import add_watch, change_watch, list_watches, look_failed, looked
from bot.watches.notices import post_notice
from bot.watches.times import digest_after, week_after
from engine.errors import UsageError
from engine.samples import published, write_checkpoint

HERE = Origin("slash", "T1", "C0MODELS", "U1")
ON_DIGEST = Schedule(every="6h", digest="09:00", timezone="Asia/Shanghai")
SETTINGS = load_settings(checkpoint_roots=("/",))


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    opened = open_store(database_url)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Any]]:
    root = tmp_path_factory.mktemp("watched")
    for name in ("DeepSeek-R1", "R1-Distill-Qwen-7B"):
        write_checkpoint(published(name), root / name)
    return {path.name: (path, engine.identify(str(path))) for path in sorted(root.iterdir())}


def watch(store: Store, target: Path, schedule: Schedule = ON_DIGEST, origin: Origin = HERE, **more: Any) -> str:
    with store.begin() as session:
        request = Request("watch", "watch", "en", target=str(target), schedule=schedule, **more)
        row = add_watch(session, request, origin, SETTINGS)
        row.known = None
        return row.id


def found(store: Store, watch_id: str, what: Any) -> None:
    """A look that finds this verdict, or fails."""
    with store.begin() as session:
        row = session.get_one(WatchRow, watch_id)
        request = Request("identify", "watch", "en", target=row.target, watch=watch_id)
        request_id = add_request(session, request, Origin("watch", row.team, row.channel, row.user), None)
        entry = JobRow(request_id=request_id)
        session.add(entry)
        session.flush()
        origin = Origin("watch", row.team, row.channel, row.user)
        job = Job(entry.id, request, origin, "running", 0, "", None, None, None, request_id, None)
        if what is None:
            look_failed(session, job, {"code": "job_crashed", "values": {"job": "x"}})
        else:
            looked(session, job, save_identification(session, what, request_id=request_id, team="T1"))
        entry.state = "answered"


def due(store: Store) -> None:
    """Let the time come at which what waits is told."""
    waits = (JobRow.state == "computed") & JobRow.lease_owner.is_(None)
    with store.begin() as session:
        session.execute(update(JobRow).where(waits).values(lease_until=time.time() - 1))


def told(store: Store) -> list[Answer]:
    """What is told now, each taken, answered and done as a worker does it."""
    given = []
    while (job := take(store, "test", 60)) is not None:
        answer = answer_of(job.request, job.origin, Kept(), store, SETTINGS, request_id=job.request_id)
        assert answer.error is None, answer.error
        finish(store, job)
        if answer.digest is None or not answer.digest.empty:
            given.append(answer)
    return given


def kinds(answer: Answer) -> list[str]:
    return [notice.kind for notice in answer.digest.notices] if answer.digest else ["!" + answer.notice.kind]  # type: ignore[union-attr]


def test_what_goes_on_is_told_once_a_day_together_and_a_swap_at_once(
    store: Store, models: dict[str, tuple[Path, Any]]
) -> None:
    (path, full), (_, distilled) = models["DeepSeek-R1"], models["R1-Distill-Qwen-7B"]
    first, second = watch(store, path), watch(store, path, origin=replace(HERE, user="U2", thread_ts="1.0001"))
    watch(store, path, origin=replace(HERE, user="U3"))
    alone = watch(store, path, replace(ON_DIGEST, digest=None), replace(HERE, user="U4"))
    for one in (first, second, alone):
        found(store, one, full)
    assert [kinds(answer) for answer in told(store)] == [["!first"]] * 3
    for one in (first, second, alone):
        for _ in range(3):
            found(store, one, None)
    found(store, first, full)
    assert [kinds(answer) for answer in told(store)] == [["!failing"]]  # of the one that is on no digest
    found(store, second, distilled)
    assert [kinds(answer) for answer in told(store)] == [["!changed"]]  # another model: told at once
    with store.read() as session:
        (waits,) = session.execute(
            select(JobRow.lease_until, RequestRow.channel, RequestRow.thread_ts, RequestRow.user)
            .join(RequestRow)
            .where(RequestRow.dedup_key.like("digest:%"), RequestRow.payload["notice"]["notices"].as_string() != "[]")
        )
    assert datetime.fromtimestamp(waits[0] or 0.0, ZoneInfo("Asia/Shanghai")).strftime("%H:%M") == "09:00"
    assert waits[1:] == ("C0MODELS", None, "") and take(store, "test", 60) is None
    due(store)
    (answer,) = told(store)
    assert kinds(answer) == ["failing", "failing", "recovered"] and answer.digest is not None
    assert len(answer.digest.others) == 1
    assert told(store) == []


def test_a_digest_that_somebody_has_taken_gets_nothing_more(store: Store, models: dict[str, tuple[Path, Any]]) -> None:
    path, full = models["DeepSeek-R1"]
    one = watch(store, path)
    for what in (full, None, None, None):
        found(store, one, what)
    told(store)
    due(store)
    job = _taken_digest(store)
    found(store, one, full)  # it works again, as the digest is being told
    answer = answer_of(job.request, job.origin, Kept(), store, SETTINGS)
    assert kinds(answer) == ["failing"]
    with store.begin() as session:  # its worker dies, and another tells the same
        session.execute(update(JobRow).where(JobRow.id == job.id).values(lease_until=time.time() - 1))
    again = _taken_digest(store)
    assert again.id == job.id and again.request == job.request
    finish(store, again)
    due(store)
    assert [kinds(answer) for answer in told(store)] == [["recovered"]]


def _taken_digest(store: Store) -> Job:
    while (job := take(store, "worker", 60)) is not None:
        if (job.request.notice or {}).get("notices"):
            return job
        finish(store, job)
    raise AssertionError("no digest is due")


def _posting(url: str, ids: list[str], name: str) -> None:
    store = open_store(url)
    for number in range(2):
        for watch_id in ids:
            with store.begin() as session:
                row = session.get_one(WatchRow, watch_id)
                post_notice(session, row, f"{name}{number}", "failing", now(), failures=3)
    store.close()


def _telling(url: str, over: threading.Event, given: list[str]) -> None:
    store, busy = open_store(url), True
    while busy or not over.is_set():
        job = take(store, threading.current_thread().name, 60)
        busy = job is not None
        if job is not None:
            given += (job.request.notice or {}).get("notices", ())
            with store.begin() as session:
                advance(session, job, state="answered", finished=now(), lease_owner=None, lease_until=None)
    store.close()


def test_several_workers_that_find_and_tell_at_once_tell_each_notice_once(
    store: Store, database_url: str, models: dict[str, tuple[Path, Any]]
) -> None:
    path, over, given = models["DeepSeek-R1"][0], threading.Event(), list[str]()
    ids = [watch(store, path, origin=replace(HERE, user=f"U{n}")) for n in range(3)]
    with ThreadPoolExecutor(4) as pool:
        telling = [pool.submit(_telling, database_url, over, given) for _ in range(2)]
        finding = [pool.submit(_posting, database_url, ids, name) for name in "ab"]
        while not all(one.done() for one in finding):
            due(store)
        due(store)
        over.set()
    assert [one.exception() for one in (*finding, *telling)] == [None] * 4
    with store.read() as session:
        kept = session.scalars(select(RequestRow.id).where(RequestRow.dedup_key.like("notice:%"))).all()
    assert len(kept) == 12 and sorted(given) == sorted(kept)


def test_a_quiet_week_is_told_on_monday_and_an_empty_day_is_not(
    store: Store, models: dict[str, tuple[Path, Any]]
) -> None:
    path, full = models["DeepSeek-R1"]
    one = watch(store, path)
    found(store, one, full)
    told(store)
    with store.read() as session:
        key = session.scalars(select(RequestRow.dedup_key).where(RequestRow.dedup_key.like("digest:%"))).one()
    monday = week_after(ON_DIGEST, now(), "UTC")
    assert key == f"digest:T1:C0MODELS::{monday:%Y-%m-%dT%H:%M}Z"
    with store.begin() as session:
        session.add(LookRow(watch_id=one, kind="verdict", state="same", record={}, at=monday - timedelta(hours=1)))
    due(store)
    (answer,) = told(store)
    assert answer.digest is not None and answer.digest.quiet and answer.digest.looks >= 1
    assert [line.id for line in answer.digest.others] == [one]


def test_nobody_hears_of_a_watch_that_was_stopped(store: Store, models: dict[str, tuple[Path, Any]]) -> None:
    path, full = models["DeepSeek-R1"]
    one = watch(store, path)
    for what in (full, None, None, None):
        found(store, one, what)
    told(store)
    with store.begin() as session:
        change_watch(session, one, "remove", HERE, SETTINGS)
    due(store)
    assert told(store) == []


def test_muted_until_it_changes_trouble_is_not_told_and_the_change_is(
    store: Store, models: dict[str, tuple[Path, Any]]
) -> None:
    (path, full), (_, distilled) = models["DeepSeek-R1"], models["R1-Distill-Qwen-7B"]
    one = watch(store, path, Schedule(every="6h"))
    found(store, one, full)
    with store.begin() as session:
        line = change_watch(session, one, "mute_change", HERE, SETTINGS)
    assert line.muted_change and line.muted_until is None
    told(store)
    for what in (None, None, None, full):
        found(store, one, what)
    assert told(store) == []
    found(store, one, distilled)
    (answer,) = told(store)
    assert kinds(answer) == ["!changed"]
    with store.read() as session:
        (line,) = list_watches(session, HERE)
    assert not line.muted_change


def test_people_are_named_only_where_they_see_it(store: Store, models: dict[str, tuple[Path, Any]]) -> None:
    path, _ = models["DeepSeek-R1"]
    named = Schedule(every="6h", notify=("U07",))
    for origin, private in ((replace(HERE, channel="D0ANA"), None), (HERE, True), (Origin("cli", user="root"), None)):
        with pytest.raises(UsageError) as refused:
            watch(store, path, named, origin, private=private)
        assert "would not see it" in refused.value.sentence("en")
    watch(store, path, replace(named, channel="C0OPS"), replace(HERE, channel="D0ANA"))
    watch(store, path, replace(named, notify=("U1",)), replace(HERE, channel="D0U1"))


def test_what_was_asked_then_is_answered_again_with_what_it_is_now(
    store: Store, models: dict[str, tuple[Path, Any]]
) -> None:
    (_, full), (_, distilled) = models["DeepSeek-R1"], models["R1-Distill-Qwen-7B"]
    asked = {"hardware": "8xH200", "task": "legal"}
    advised = replace(full, recommendation=engine.recommend(asked))
    with store.begin() as session:
        request = Request("identify", "identify", "en", target=full.target.spec, constraints=asked)
        save_identification(session, advised, request_id=add_request(session, request, HERE, None), team="T1")
    one = watch(store, Path(full.target.spec), Schedule(every="6h"))
    for what in (full, distilled):
        found(store, one, what)
    (answer,) = [answer for answer in told(store) if kinds(answer) == ["!changed"]]
    assert answer.notice is not None and answer.notice.advice is not None
    advice = answer.notice.advice
    assert advice.before == advised.recommendation and advice.now is not None and advice.now.meaning is not None
    for lang, shown in (("en", "still what to run"), ("zh", "仍然成立")):
        assert shown in (advice_line(answer.notice, lang, str) or "")  # type: ignore[arg-type]


def test_the_days_of_digests_follow_the_clock_of_the_zone_and_leave_quiet_hours_out() -> None:
    before = datetime(2026, 3, 27, 8, 0, tzinfo=UTC)  # clocks go forward on Sunday
    berlin = Schedule(digest="09:00", timezone="Europe/Berlin")
    days = [before]
    for _ in range(4):
        days.append(digest_after(berlin, days[-1], "UTC"))
    assert [f"{day:%d %H:%M}" for day in days[1:]] == ["28 08:00", "29 07:00", "30 07:00", "31 07:00"]
    assert week_after(berlin, before, "UTC") == days[3]
    asleep = replace(berlin, digest="23:00", quiet="22:00-07:30")
    assert f"{digest_after(asleep, before, 'UTC'):%d %H:%M}" == "28 06:30"


def test_what_a_schedule_says_of_people_and_digests_isKept() -> None:
    request = Request("watch", "", "en", schedule=Schedule(every="6h", notify=("U1", "U2"), digest="08:30"))
    assert request_from_json(request_to_json(request)) == request


def test_names_that_slack_did_not_make_ids_of_and_too_many_are_refused_in_a_sentence() -> None:
    for text, shown in (
        ("watch gw every 6h and tell @ana", "@ana"),
        ("gw 变了就告诉 @小王", "@小王"),
        ("watch gw --every 6h --notify @ana,@bo", "@ana"),
        ("watch gw every 6h, notify <!here>", "@here"),
        ("watch gw --notify " + ",".join(f"<@U0{n}>" for n in range(11)), "10"),
    ):
        with pytest.raises(UsageError) as refused:
            parse(text, names=lambda: ("gw",))
        assert shown in refused.value.sentence("en") and shown in refused.value.sentence("zh")
    assert parse("thanks, tell @ana I said hi", names=lambda: ("gw",)).verb != "watch"


def test_the_form_takes_people_and_the_time_of_a_digest_and_shows_them_again() -> None:
    given = Request("watch", "", "en", target="gw", schedule=Schedule(every="6h", notify=("U07",), digest="08:30"))
    view = watch_view(given, Where("zh", "C0MODELS"), Offered(("gw",), (), "Asia/Shanghai"))
    assert problems_of_view(view) == [] and '"initial_users": ["U07"]' in json.dumps(view)
    typed = {"target_known": "gw", "schedule": "every 6h", "notify": "U07", "digest": "8:30", "channel": "C0OPS"}
    read = read_watch(typed, Where("en", "C0MODELS", rest={"timezone": "Asia/Shanghai"}), SETTINGS)
    assert read.schedule is not None and given.schedule is not None
    assert (read.schedule.notify, read.schedule.digest, read.schedule.every) == (("U07",), "08:30", "6h")
    with pytest.raises(Wrong) as wrong:
        read_watch({**typed, "digest": "at dawn"}, Where("en", "C0MODELS"), SETTINGS)
    assert list(wrong.value.errors) == ["digest"]
