"""History: what is news is listed, what is as it was is summed up; it is exported whole, drawn, and let go in time."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from command_line import r1
from pressing import answer_to, shown
from sqlalchemy import func, select

from bot.demo import running_bot
from bot.forgetting import Scope, forget
from bot.local_slack import LocalSlack
from bot.past import past
from bot.presentation import present
from bot.requests import Request
from bot.store import Store, open_store
from bot.store.export import COLUMNS, cell, csv_lines, entries
from bot.store.looks import Span, Whose, news, quiet
from bot.store.models import LookRow, VerdictRow, WatchedRow, WatchRow, now
from bot.store.queries import history
from bot.summing_up import sum_up
from bot.terminal import mark, render
from bot.typed import HISTORY

MIDNIGHT = datetime.combine(now().date(), datetime.min.time(), UTC)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    opened = open_store(database_url)
    yield opened
    opened.close()


def watch(store: Store, target: str = "vendor", *, team: str = "T1", user: str = "U1", channel: str = "C1") -> str:
    with store.begin() as session:
        row = WatchRow(team=team, user=user, channel=channel, target=target, request={}, schedule={"every": "6h"})
        row.looked_at = now()
        session.add(row)
        session.flush()
        session.add(WatchedRow(watch_id=row.id, state={}))
        return row.id


def look(store: Store, watch_id: str, at: datetime, state: str = "same", kind: str = "check") -> None:
    log_e = 9.0 if state == "changed" else 0.1
    record = {"log_e": {"identity": log_e, "total": log_e}, "seconds": 1.5} if kind == "check" else {"code": "x"}
    with store.begin() as session:
        row = LookRow(watch_id=watch_id, at=at, kind=kind, state=state, record=record)
        row.log_e, row.requests, row.tokens = (log_e, 2, 150) if kind == "check" else (None, 0, 0)
        session.add(row)


def verdict(store: Store, target: str, at: datetime, *, silent: bool = False, team: str = "T1") -> None:
    with store.begin() as session:
        session.add(
            VerdictRow(
                created=at, team=team, target=target, family="deepseek-r1", outcome="full", grade="confirmed",
                title="DeepSeek-R1", confidence=0.97, claim_check="holds", engine_version="0", payload={}, silent=silent,
            )
        )  # fmt: skip


def told(store: Store, lang: str = "en", target: str | None = "vendor") -> str:
    request = Request("history", "history", lang, target=target)  # type: ignore[arg-type]
    with store.read() as session:
        return render(present(past(session, request, Whose()), request, mark, prefix="r1 "))


def test_news_are_listed_and_what_is_as_it_was_is_summed_up(store: Store) -> None:
    mine, hour = watch(store), timedelta(hours=1)
    for ago, state in ((90, "begun"), (80, "same"), (70, "changed"), (60, "still"), (50, "recovered"), (40, "same")):
        look(store, mine, now() - ago * hour, state)
    for ago in (45, 44, 43):
        look(store, mine, now() - ago * hour, "failing", "failed")
    look(store, mine, now() - 30 * hour)
    verdict(store, "vendor", now() - 69 * hour)
    verdict(store, "vendor", now() - 35 * hour, silent=True)
    said = told(store)
    assert said.count("DeepSeek-R1") == 1, "a verdict of which nobody was told is not listed"
    assert "changed (a stable endpoint would look so with a chance of less than 1/8,103)" in said
    assert "a look failed, 3 times in a row since" in said
    assert "2 checks since" in said and "all the same – 4 requests, 300 tokens." in said
    assert "检查 2 次，均无变化" in told(store, "zh") and "恢复如前" in told(store, "zh")
    with store.read() as session:
        answer = past(session, Request("history", "", "en", target="VENDOR"), Whose())
        of_day = quiet(session, Whose())
        early = news(session, Whose(), span=Span(until=now() - 60 * hour))
    assert answer.timeline is not None and len(answer.timeline.verdicts) == 2
    assert [point.mark for point in answer.timeline.points if point.mark][:2] == ["changed", "recovered"]
    assert of_day is None, "of all watches, a day is summed up"
    assert [line.state for line in early] == ["changed"]


def test_history_is_a_teams_own_and_what_is_watched_in_private_its_owners(store: Store) -> None:
    for target, team, channel in (("ours", "T1", "C1"), ("theirs", "T2", "C9"), ("mine", "T1", "D1")):
        look(store, watch(store, target, team=team, channel=channel), now() - timedelta(hours=1), "changed")
        verdict(store, target, now(), team=team)
    with store.read() as session:
        others = {line.target for line in news(session, Whose("T1", "U2"))}
        own = {line.target for line in news(session, Whose("T1", "U1"))}
        exported = {row["target"] for row in entries(session, Whose("T2", "U1"))}
        part = history(session, team="T1", target="OUR")
    assert (others, own, exported) == ({"ours"}, {"ours", "mine"}, {"theirs"})
    assert [row.target for row in part] == ["ours"]


def test_all_of_it_is_exported_in_order_and_no_cell_is_a_formula(store: Store) -> None:
    mine = watch(store, '=HYPERLINK("http://x")')
    for ago in range(1100):
        look(store, mine, now() - timedelta(minutes=ago + 2))
        if ago % 500 == 0:
            verdict(store, "另一个", now() - timedelta(minutes=ago))
    with store.read() as session:
        whole = list(entries(session, Whose()))
        text = "".join(csv_lines(entries(session, Whose())))
    assert len(whole) == 1103 and whole == sorted(whole, key=lambda row: row["created"], reverse=True)
    assert text.startswith("\ufeffkind,id,created,target") and "另一个" in text
    rows = list(csv.DictReader(io.StringIO(text[1:])))
    assert {row["target"] for row in rows} == {'\'=HYPERLINK("http://x")', "另一个"} and rows[1]["log_e"] == "0.1"
    assert [cell(value) for value in ("-1+1", "＋1", " @x", None, -0.5)] == ["'-1+1", "'＋1", "' @x", "", -0.5]
    assert HISTORY == COLUMNS


def test_old_looks_that_found_the_same_become_one_a_day_and_what_changed_stays(store: Store) -> None:
    mine = watch(store)
    for day in (100, 99, 10):
        for hour in (1, 7, 13, 19):
            look(store, mine, MIDNIGHT - timedelta(days=day) + timedelta(hours=hour))
    look(store, mine, MIDNIGHT - timedelta(days=99) + timedelta(hours=9), "changed")
    before = quiet_of(store)
    assert sum_up(store, 90, 20) == 1 and sum_up(store, 90, 20) == 0
    with store.read() as session:
        rows = session.execute(select(LookRow.state, LookRow.looks, LookRow.tokens).order_by(LookRow.at)).all()
    assert [tuple(row) for row in rows[:3]] == [("same", 4, 600), ("changed", 1, 150), ("same", 4, 600)]
    assert len(rows) == 7 and quiet_of(store) == before


def quiet_of(store: Store) -> tuple[int, int]:
    with store.read() as session:
        found = quiet(session, Whose(), span=Span(since=now() - timedelta(days=200)))
    assert found is not None
    return found.looks, found.tokens


def test_looks_are_forgotten_with_their_watch_and_in_time(store: Store) -> None:
    for target in ("vendor", "other"):
        mine = watch(store, target, user=target)
        look(store, mine, now() - timedelta(days=50))
        look(store, mine, now())
    assert forget(store, Scope(user="vendor", before=now() - timedelta(days=9)), dry=False).looks == 1
    assert forget(store, Scope(before=now() - timedelta(days=9)), dry=False).looks == 1
    gone = forget(store, Scope(target="Vendor"), dry=False)
    assert (gone.watches, gone.looks) == (1, 1)
    with store.read() as session:
        left = [session.scalar(select(func.count()).select_from(table)) for table in (LookRow, WatchedRow, WatchRow)]
    assert left == [1, 1, 1]


def test_a_terminal_writes_a_table_json_and_a_picture(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'r1.db'}")
    mine = watch(store, team="", channel="")
    for ago in range(5):
        look(store, mine, now() - timedelta(days=ago), "changed" if ago == 2 else "same")
    store.close()
    since = f"{now() - timedelta(days=3):%Y-%m-%d}"
    listed = json.loads(r1("history", "vendor", "--json", "--since", since).stdout)
    assert len(listed) == 4 and tuple(listed[0]) == HISTORY and listed[0]["state"] == "same"
    made = r1("history", "--csv", str(tmp_path / "h.csv"), "--limit", "2")
    assert "2 rows" in made.stderr and (tmp_path / "h.csv").read_bytes().startswith(b"\xef\xbb\xbfkind,")
    pytest.importorskip("matplotlib")
    for lang in ("en", "zh"):
        assert r1("history", "vendor", "--plot", str(tmp_path / f"{lang}.png"), "--lang", lang).returncode == 0
        assert (tmp_path / f"{lang}.png").read_bytes().startswith(b"\x89PNG")
    assert "is not a day" in r1("history", "--since", "yesterday").stderr


def test_slack_shows_the_timeline_and_uploads_the_table(tmp_path: Path) -> None:
    with LocalSlack() as slack, running_bot(slack, tmp_path):
        store = open_store(f"sqlite:///{tmp_path / 'r1.db'}")
        with store.read() as session:
            assert session.scalar(select(func.count()).select_from(LookRow)) == 0
        mine = watch(store, team=slack.workspace.team, channel="C1")
        for ago in range(4):
            look(store, mine, now() - timedelta(days=ago), "changed" if ago == 2 else "same")
        answered = answer_to(slack, lambda: slack.slash("history vendor"))
        assert "2 checks since" in shown(answered) and "history vendor export" in str(answered.blocks)
        exported = answer_to(slack, lambda: slack.slash("history vendor export"))
        assert "The history of vendor" in shown(exported)
        slack.wait_for(
            lambda: any(message.files for message in slack.answers() if message.thread_ts == exported.ts), 20
        )
        store.close()
