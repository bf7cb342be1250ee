"""What is forgotten, by whom and when, and that nothing else is: on SQLite and PostgreSQL, in Slack and a terminal."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from command_line import r1
from sqlalchemy import func, select, update

import engine
from bot.commands import parse
from bot.demo import running_bot
from bot.forgetting import Forgotten, Scope, expire, forget
from bot.jobs import accept, finish, take
from bot.local_slack import LocalSlack
from bot.requests import Origin, request_to_json
from bot.store import Store, open_store
from bot.store.models import (
    Base,
    EvidenceRow,
    FeedbackRow,
    JobRow,
    LookRow,
    PersonRow,
    RecommendationRow,
    RequestRow,
    VerdictRow,
    WatchedRow,
    WatchRow,
    now,
)
from bot.store.queries import save_identification, save_recommendation
from bot.store.recomputed import RecomputationRow

KEPT = (
    RequestRow, JobRow, VerdictRow, EvidenceRow, RecommendationRow, WatchRow, WatchedRow, LookRow, FeedbackRow, PersonRow,
    RecomputationRow,
)  # fmt: skip


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    opened = open_store(database_url)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def found(samples: Path) -> Any:
    return engine.identify(str(samples / "DeepSeek-R1-Distill-Qwen-7B"))


def ask(
    store: Store, found: Any, *, user: str, team: str = "T1", days: float = 0, verdict_of: str | None = None
) -> str:
    """An identification asked and answered so long ago; with ``verdict_of``, by that question's verdict."""
    key = f"{user} {datetime.now(UTC).timestamp()}"
    text = f"identify {found.target.spec} says {user}"
    accept(store, parse(text), Origin("slash", team=team, channel="C1", user=user), dedup_key=key)
    job = take(store, "test", 60)
    assert job is not None
    with store.begin() as session:
        if verdict_of is None:
            verdict = save_identification(session, found, request_id=job.request_id, team=team)
        else:
            of = VerdictRow.request_id == verdict_of
            verdict = session.scalars(select(VerdictRow.id).where(of)).one()
        then = now() - timedelta(days=days)
        session.execute(update(JobRow).where(JobRow.id == job.id).values(verdict_id=verdict))
        session.execute(update(RequestRow).where(RequestRow.id == job.request_id).values(created=then))
        session.execute(update(VerdictRow).where(VerdictRow.id == verdict).values(created=then))
    finish(store, job)
    return job.request_id


def rows(store: Store) -> dict[str, int]:
    with store.begin() as session:
        return {table.__tablename__: session.scalar(select(func.count()).select_from(table)) or 0 for table in KEPT}


def whose(store: Store) -> set[str]:
    with store.begin() as session:
        return set(session.scalars(select(RequestRow.user)))


def test_a_person_is_forgotten_with_all_that_they_asked_and_nobody_else(store: Store, found: Any) -> None:
    ask(store, found, user="U1")
    ask(store, found, user="U2")
    one = rows(store)
    ask(store, found, user="U1", team="T2")
    done = forget(store, Scope(user="U1", team="T1"), dry=False)
    assert (done.requests, done.jobs, done.verdicts) == (1, 1, 1)
    assert done.evidence == len(found.evidence) > 3 and done.recommendations == 1
    assert rows(store) == one and whose(store) == {"U1", "U2"}
    assert forget(store, Scope(user="U1"), dry=False).requests == 1 and whose(store) == {"U2"}


def test_a_dry_run_counts_the_same_and_deletes_nothing(store: Store, found: Any) -> None:
    for user in ("U1", "U1", "U2"):
        ask(store, found, user=user)
    before = rows(store)
    counted = forget(store, Scope(user="U1"), dry=True)
    assert rows(store) == before and counted.requests == 2
    assert forget(store, Scope(user="U1"), dry=False) == counted
    assert forget(store, Scope(user="U1"), dry=False).nothing


def test_a_verdict_that_answered_somebody_else_too_stays_with_them(store: Store, found: Any) -> None:
    first = ask(store, found, user="U1")
    second = ask(store, found, user="U2", verdict_of=first)
    done = forget(store, Scope(user="U1"), dry=False)
    assert (done.requests, done.verdicts, done.evidence, done.recommendations) == (1, 0, 0, 0)
    with store.begin() as session:
        assert session.scalars(select(VerdictRow.request_id)).all() == [second]
        assert session.scalars(select(RecommendationRow.request_id)).all() == [second]
    assert forget(store, Scope(user="U2"), dry=False).verdicts == 1
    assert set(rows(store).values()) == {0}


def test_before_a_day_and_about_a_target(store: Store, found: Any) -> None:
    for days in (40, 20, 0):
        ask(store, found, user="U1", days=days)
    assert forget(store, Scope(before=now() - timedelta(days=30)), dry=False).requests == 1
    assert forget(store, Scope(target="DeepSeek-R1-Distill-Qwen-7B"), dry=True).nothing  # a part of a name is no name
    narrow = Scope(target=found.target.spec.upper(), before=now() - timedelta(days=10))
    assert forget(store, narrow, dry=True).requests == 1
    assert forget(store, Scope(target=found.target.spec), dry=False).requests == 2


def test_a_verdict_without_its_question_goes_by_team_time_and_target(store: Store, found: Any) -> None:
    with store.begin() as session:
        save_identification(session, found, request_id=None, team="T1")
    assert forget(store, Scope(user="U1"), dry=False).nothing
    assert forget(store, Scope(team="T2"), dry=False).nothing
    assert forget(store, Scope(team="T1"), dry=False) == Forgotten(
        verdicts=1, evidence=len(found.evidence), recommendations=1
    )


def test_what_is_being_answered_is_left_until_it_is_given_up(store: Store) -> None:
    origin = Origin("slash", team="T1", channel="C1", user="U1")
    accept(store, parse("recommend legal"), origin, dedup_key="a")
    done = forget(store, Scope(user="U1"), dry=False)
    assert done.nothing and done.pending == 1
    with store.begin() as session:
        session.execute(update(RequestRow).values(created=now() - timedelta(days=2)))
    assert forget(store, Scope(user="U1"), dry=False).requests == 1


def test_recommendations_alone_go_with_their_question(store: Store) -> None:
    accept(store, parse("recommend legal"), Origin("slash", user="U1"), dedup_key="a")
    job = take(store, "test", 60)
    assert job is not None
    with store.begin() as session:
        save_recommendation(session, engine.recommend({}, scenario="legal"), request_id=job.request_id)
    finish(store, job)
    assert forget(store, Scope(user="U1"), dry=False) == Forgotten(requests=1, jobs=1, recommendations=1)


def watch(store: Store, *, user: str, team: str = "T1", target: str = "a/b", ended: datetime | None = None) -> str:
    """A watch with a look that is queued and a notice that quiet hours hold back."""
    with store.begin() as session:
        row = WatchRow(team=team, user=user, target=target, request={}, schedule={}, ended=ended)
        row.state = "active" if ended is None else "done"
        session.add(row)
        session.flush()
        for kind, state in (("watch", "queued"), ("notice", "computed")):
            key = f"{kind}:{row.id}:x"
            asked = RequestRow(dedup_key=key, surface="watch", team=team, user=user, verb="watch", text="")
            asked.payload = request_to_json(parse("history"))
            session.add(asked)
            session.flush()
            session.add(JobRow(request_id=asked.id, state=state))
        session.add(LookRow(watch_id=row.id, kind="check", state="same", record={}))
        session.add(WatchedRow(watch_id=row.id, state={}))
        return row.id


def test_a_watch_goes_with_its_person_and_neither_looks_nor_tells_any_more(store: Store) -> None:
    for user in ("U1", "U2"):
        watch(store, user=user)
    done = forget(store, Scope(user="U1", team="T1"), dry=False)
    assert done.watches == 1 and done.pending == 0
    assert take(store, "test", 60) is not None and take(store, "test", 60) is not None
    assert take(store, "test", 60) is None and whose(store) == {"U2"}  # only the other's are left


def test_a_watch_goes_by_its_target_and_by_time_only_once_it_is_over(store: Store) -> None:
    watch(store, user="U1", target="a/b")
    watch(store, user="U1", target="c/d", ended=now() - timedelta(days=40))
    assert forget(store, Scope(before=now() - timedelta(days=30)), dry=False).watches == 1
    assert forget(store, Scope(target="C/D"), dry=True).watches == 0
    assert forget(store, Scope(target="A/B"), dry=False).watches == 1


def test_what_somebody_chose_and_thinks_of_verdicts_goes_with_them(store: Store, found: Any) -> None:
    ask(store, found, user="U1")
    with store.begin() as session:
        verdict = session.scalars(select(VerdictRow.id)).one()
        for user in ("U1", "U2"):
            session.add(PersonRow(team="T1", user=user, defaults="2x4090"))
            session.add(FeedbackRow(verdict_id=verdict, team="T1", user=user, right=True))
    done = forget(store, Scope(user="U2", team="T1"), dry=False)
    assert (done.opinions, done.people, done.verdicts) == (1, 1, 0)
    done = forget(store, Scope(user="U1"), dry=False)
    assert (done.opinions, done.people, done.verdicts) == (1, 1, 1) and set(rows(store).values()) == {0}


def test_a_failure_half_way_deletes_nothing(store: Store, found: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(store, found, user="U1")
    before = rows(store)
    with store.engine.begin() as connection:
        if store.engine.dialect.name == "sqlite":
            connection.exec_driver_sql(
                "CREATE TRIGGER no BEFORE DELETE ON requests BEGIN SELECT RAISE(ABORT, 'no'); END"
            )
        else:
            connection.exec_driver_sql(
                "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$"
            )
            connection.exec_driver_sql("CREATE TRIGGER no BEFORE DELETE ON requests FOR EACH ROW EXECUTE FUNCTION no()")
    with pytest.raises(Exception, match="no"):
        forget(store, Scope(user="U1"), dry=False)
    assert rows(store) == before


def test_nothing_named_forgets_nothing(store: Store) -> None:
    with pytest.raises(ValueError):
        forget(store, Scope(), dry=False)


def test_what_expired_goes_a_little_at_a_time_the_oldest_first(store: Store, found: Any) -> None:
    for days in (9, 8, 7, 1):
        ask(store, found, user=f"U{days}", days=days)
    assert expire(store, 5, most=2) == 2 and whose(store) == {"U7", "U1"}
    assert expire(store, 5, most=2) == 1 and expire(store, 5, most=2) == 0
    assert whose(store) == {"U1"} and rows(store)["verdicts"] == 1


def test_several_workers_may_let_expire_at_once(store: Store, found: Any) -> None:
    for number in range(24):
        ask(store, found, user=f"U{number}", days=9)
    gone: list[int] = []
    threads = [threading.Thread(target=lambda: gone.extend(expire(store, 5, most=3) for _ in range(4))) for _ in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while left := expire(store, 5, most=3):
        gone.append(left)
    assert sum(gone) == 24 and set(rows(store).values()) == {0}


def test_thousands_are_forgotten_in_seconds(store: Store, found: Any) -> None:
    with store.begin() as session:
        for number in range(3000):
            request = RequestRow(surface="slash", user=f"U{number % 2}", verb="help", text="x", payload={})
            session.add(request)
            session.flush()
            session.add(JobRow(request_id=request.id, state="answered"))
    started = datetime.now(UTC)
    assert forget(store, Scope(user="U1"), dry=False).jobs == 1500
    assert (datetime.now(UTC) - started).total_seconds() < 10


def test_the_file_of_sqlite_holds_nothing_of_it_any_more(tmp_path: Path, found: Any) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'r1.db'}")
    ask(store, found, user="U1VERYPRIVATE")
    forget(store, Scope(user="U1VERYPRIVATE"), dry=False)
    assert all(b"U1VERYPRIVATE" not in path.read_bytes() for path in tmp_path.glob("r1.db*"))
    store.close()


def test_every_table_that_holds_what_people_asked_is_known_here() -> None:
    about = {table.__tablename__ for table in KEPT} | {"endpoints"}
    about |= {"families"}  # what is known of models, and of nobody
    about |= {"slack_bots", "slack_installations", "slack_oauth_states", "slack_organisations"}  # go when uninstalled
    assert set(Base.metadata.tables) <= about, "a new table: forget it too"


def test_in_a_terminal_it_counts_first_and_deletes_when_told_to(
    store: Store, database_url: str, found: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("R1_DATABASE_URL", database_url)
    ask(store, found, user="U1")
    shown = r1("forget", "--user", "U1")
    assert shown.returncode == 0 and "Questions: 1" in shown.stdout and "--yes" in shown.stdout
    assert whose(store) == {"U1"}
    assert "永久删除" in r1("forget", "--user", "U1", "--yes", "--lang", "zh").stdout and whose(store) == set()
    assert json.loads(r1("forget", "--team", "T1", "--json").stdout)["requests"] == 0


def test_in_a_terminal_one_forgets_what_oneself_asked_there(
    store: Store, database_url: str, found: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("R1_DATABASE_URL", database_url)
    monkeypatch.setenv("USER", "mei")
    ask(store, found, user="mei", team="")
    ask(store, found, user="mei", team="T1")
    ask(store, found, user="jo", team="")
    assert "Questions: 1" in r1("forget", "me", "--yes").stdout
    with store.begin() as session:
        left = {(user, team) for user, team in session.execute(select(RequestRow.user, RequestRow.team))}
    assert left == {("mei", "T1"), ("jo", "")}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "Say what to forget"),
        (("--user", ""), "Say what to forget"),
        (("me", "--user", "U1"), "Say what to forget"),
        (("--before", "yesterday"), "yesterday is no date"),
        (("--before", "2026-02-30"), "2026-02-30 is no date"),
    ],
)
def test_a_scope_that_makes_no_sense_deletes_nothing(words: tuple[str, ...], sentence: str) -> None:
    done = r1("forget", *words, "--yes")
    assert done.returncode == 2 and sentence in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("text", "action"),
    [("forget me", "list"), ("forget me yes", "remove"), ("忘记我", "list"), ("忘记我 确认", "remove"),
     ("Forget Me YES", "remove"), ("forget me --lang zh", "list")],
)  # fmt: skip
def test_words_that_ask_to_be_forgotten(text: str, action: str) -> None:
    request = parse(text)
    assert (request.verb, request.action) == ("forget", action)


def test_words_that_do_not() -> None:
    assert parse("forget about the 7B, which suits 2x4090?").verb == "recommend"
    assert [parse(text).verb for text in ("forget it", "forget me not")] == ["cancel", "other"]
    assert parse("forget").action == "list", "what there is, and how to delete it"


@pytest.mark.parametrize("socket_mode", [True])
def test_in_slack_a_person_is_shown_what_there_is_then_forgotten(
    tmp_path: Path, socket_mode: bool, samples: Path
) -> None:
    with LocalSlack() as slack, running_bot(slack, tmp_path, socket_mode=socket_mode):

        def told() -> list[str]:
            alone = [message.text for message in slack.answers() if message.ephemeral_to == "U0PERSON"]
            return alone[1:]  # the first acknowledges the question

        slack.slash("recommend legal --gpu 2x4090")
        slack.slash("recommend legal --gpu 2x4090", user="U0OTHER")
        slack.wait_for(lambda: len([said for said in slack.answers() if said.blocks]) == 2)
        store = open_store(f"sqlite:///{tmp_path / 'r1.db'}")
        slack.wait_for(lambda: forget(store, Scope(team="T0LOCAL"), dry=True).requests == 2)
        slack.slash("forget me")
        assert "questions: 1" in told()[0] and "/r1 forget me yes" in told()[0]
        assert whose(store) == {"U0PERSON", "U0OTHER"}
        slack.mention("忘记我 确认")
        slack.wait_for(lambda: len(told()) == 2)
        assert "已永久删除：提问 1 个" in told()[1] and whose(store) == {"U0OTHER"}
        slack.dm("forget me")
        slack.wait_for(lambda: slack.answers("D0PERSON"))
        assert "Nothing that you asked" in slack.answers("D0PERSON")[0].text
        assert slack.workspace.violations == []
        store.close()


def test_a_worker_deletes_what_is_past_retention_and_keeps_all_where_none_is_set(tmp_path: Path, found: Any) -> None:
    url = f"sqlite:///{tmp_path / 'r1.db'}"
    store = open_store(url)
    for days in (400, 31, 3):
        ask(store, found, user=f"U{days}", days=days)
    with LocalSlack() as slack:
        with running_bot(slack, tmp_path, retention_days=30):
            slack.wait_for(lambda: whose(store) == {"U3"})
        ask(store, found, user="U500", days=500)
        with running_bot(slack, tmp_path):
            slack.slash("help")
            slack.wait_for(lambda: slack.answers())
        assert whose(store) == {"U3", "U500", "U0PERSON"}
    store.close()
