"""A later catalog: what it may change is recomputed once, and who was told something else is told once, in their place."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from command_line import r1
from pressing import answer_to, answers, shown
from sqlalchemy import func, select

import engine
from bot.answering import Kept, answer_of
from bot.demo import running_bot
from bot.flips import note_families, outcome_of, recompute_waiting, settle, tick
from bot.flips.telling import keep_and_tell
from bot.forgetting import Scope, forget
from bot.jobs import accept, finish, take
from bot.local_slack import LocalSlack
from bot.presentation import present
from bot.requests import Origin, Request, request_from_json, request_to_json
from bot.settings import load_settings
from bot.store import Store, open_store
from bot.store.models import EvidenceRow, JobRow, RecommendationRow, RequestRow, VerdictRow, WatchRow, now
from bot.store.queries import add_request, history, load_verdict, save_identification
from bot.store.recomputed import RecomputationRow, versions, waiting
from bot.terminal import mark, render
from bot.watches.known import known_of, known_to_json
from engine.catalog import load_family
from engine.catalog.signed import read_update, sign_families
from engine.catalog.updates import take_in
from engine.samples import published, write_checkpoint
from engine.signing import read_key

R1 = Path("engine/catalog/deepseek-r1.yaml").read_text(encoding="utf-8")
KEPT = (RequestRow, JobRow, VerdictRow, EvidenceRow, RecommendationRow, RecomputationRow)
AT = R1.index("  - id: R1-Distill-Qwen-7B\n")
SLIP = R1[:AT] + R1[AT:].replace("num_hidden_layers: 28", "num_hidden_layers: 30", 1)
"""A figure mistaken: by it nothing published has the distill's shape but its base."""


def update_of(folder: Path, text: str, version: str) -> str:
    """A signed update that has this text as a later version."""
    file = folder / "deepseek-r1.yaml"
    file.write_text(text.replace('"2026-11-24"', f'"{version}"'), encoding="utf-8")
    (folder / f"{version}.json").write_bytes(sign_families([file], read_key(os.environ["R1_SIGNING_KEY"])))
    return str(folder / f"{version}.json")


@pytest.fixture
def store(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("R1_DATABASE_URL", database_url)
    opened = open_store(database_url)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def distill(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_checkpoint(published("R1-Distill-Qwen-7B"), tmp_path_factory.mktemp("vendor") / "DeepSeek-R1"))


@pytest.fixture(scope="module")
def found(distill: str) -> Any:
    return engine.identify(distill)


def ask(store: Store, found: Any, *, user: str, channel: str = "C1", lang: Any = "en", **more: Any) -> tuple[str, str]:
    """A question asked and answered: its id, and the verdict's."""
    request = Request("identify", f"identify {found.target.spec}", lang, target=found.target.spec, **more)
    accept(store, request, Origin("slash", "T1", channel, user, response_url="https://x"), dedup_key=f"{user} {now()}")
    job = take(store, "test", 60)
    assert job is not None
    with store.begin() as session:
        verdict = save_identification(session, found, request_id=job.request_id, team="T1")
        session.get_one(JobRow, job.id).verdict_id = verdict
    finish(store, job)
    return job.request_id, verdict


def told(store: Store) -> list[RequestRow]:
    with store.read() as session:
        flips = select(RequestRow).join(JobRow, JobRow.request_id == RequestRow.id)
        return list(
            session.scalars(
                flips.where(RequestRow.dedup_key.like("flip:%")).order_by(RequestRow.channel, RequestRow.user)
            )
        )


def test_what_turns_over_is_told_once_in_each_place_whoever_dies(store: Store, found: Any, tmp_path: Path) -> None:
    settings = load_settings()
    note_families(store, settings)
    ask(store, found, user="U1")
    _, last = ask(store, found, user="U2")
    _, alone = ask(store, found, user="U3", channel="D3", lang="zh")
    ask(store, found, user="U4", private=True)
    with store.begin() as session:
        asked = add_request(session, Request("identify", "x", "en"), Origin("cli", user="me"), None)
        terminal = save_identification(session, found, request_id=asked)
        look = Request("identify", "watch x", "en", target=found.target.spec, watch="w")
        looked = add_request(session, look, Origin("watch", "T1", "C9", "U9"), "watch:w:1")
        silent = save_identification(session, found, request_id=looked, team="T1")
        session.get_one(VerdictRow, silent).silent = True
        known = known_to_json(known_of(found.verdict, now()))
        watch = WatchRow(team="T1", channel="C9", user="U9", target=found.target.spec, request=request_to_json(look))
        watch.schedule, watch.known, watch.verdict_id = {"every": "6h"}, known, silent
        session.add(watch)
    update = update_of(tmp_path, SLIP, "2026-12-01")
    trusted = {read_key(os.environ["R1_SIGNING_KEY"]).public: "Ada"}
    take_in(read_update(Path(update).read_bytes(), trusted, name="u"), settings.catalog_folder, "u")
    (noted,) = note_families(store, settings)
    assert note_families(store, settings) == ()

    with pytest.raises(KeyboardInterrupt), store.begin() as session:  # as where a worker dies in the midst of it
        row = waiting(session)
        stored = load_verdict(session, row.verdict_id)
        family = load_family("deepseek-r1", settings.families)
        assert stored is not None
        keep_and_tell(session, stored, engine.recompute(found, family=family), (family, family), row.requests)
        raise KeyboardInterrupt
    with store.read() as session:
        count = session.scalar(select(func.count()).select_from(RecomputationRow))
    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(lambda _: settle(store, settings, [noted]), range(4)))
    outcome = outcome_of(store, [noted])
    assert (outcome.recomputed, outcome.failed, len(outcome.flipped)) == (count, 0, count) and count == 5
    assert {old for old, _ in outcome.flipped} >= {last, alone, terminal, silent}
    notices = told(store)
    assert [(row.channel, row.user) for row in notices] == [("C1", "U2"), ("C1", "U4"), ("D3", "U3")]
    assert f"flip:{last}:deepseek-r1:2026-12-01" in {row.dedup_key for row in notices}
    tick(store, settings)
    assert len(told(store)) == 3 and not recompute_waiting(store, settings)

    with store.read() as session:
        old, new = load_verdict(session, last), dict(outcome.flipped)[last]
        assert old is not None and old.identification == found and old.recomputed.to == new
        kept = load_verdict(session, new or "")
        assert kept is not None and kept.identification.verdict.outcome == "other" and kept.recomputed.of == last
        lines = {row.id: row.recomputed for row in history(session, limit=50)}
        assert lines[last].to == new and new is not None and lines[new].of == last
        watch = session.scalars(select(WatchRow)).one()
        assert (
            watch.known is not None
            and watch.known["outcome"] == "other"
            and watch.verdict_id == dict(outcome.flipped)[silent]
        )
    text = said(store, "D3")
    assert "此前认定为" in text and "2026-12-01" in text and "num_hidden_layers 28 → 30" in text


def said(store: Store, channel: str) -> str:
    """What a place is told."""
    (row,) = [row for row in told(store) if row.channel == channel]
    with store.read() as session:
        job = session.scalars(select(JobRow).where(JobRow.request_id == row.id)).one()
    request, origin = request_from_json(row.payload), Origin("watch", row.team, row.channel, row.user)
    answer = answer_of(request, origin, Kept(job.verdict_id, job.other_verdict_id), store, load_settings())
    return render(present(answer, request, mark, prefix="/r1 "))


def test_a_correction_that_turns_nothing_over_is_told_to_nobody(store: Store, found: Any, tmp_path: Path) -> None:
    ask(store, found, user="U1")
    other = update_of(tmp_path, R1.replace("num_hidden_layers: 32", "num_hidden_layers: 33"), "2026-12-01")
    done = json.loads(r1("catalog", "update", "--from", other, "--json").stdout)
    assert (done["recomputed"], done["failed"], done["flipped"], done["signer"] != "") == (1, 0, [], True)
    assert [one["field"] for one in done["families"][0]["differences"]] == ["shape.num_hidden_layers"]
    assert told(store) == []


def test_who_is_forgotten_is_so_with_what_was_recomputed_and_is_told_nothing(
    store: Store, found: Any, tmp_path: Path
) -> None:
    ask(store, found, user="U1")
    ask(store, found, user="U2", channel="C2")
    r1("catalog", "update", "--from", update_of(tmp_path, SLIP, "2026-12-01"))
    assert len(told(store)) == 2
    assert forget(store, Scope(user="U1"), dry=False).verdicts == 2
    with store.read() as session:
        assert set(session.scalars(select(RequestRow.user))) == {"U2"} and len(told(store)) == 1
        assert session.scalar(select(func.count()).select_from(RecomputationRow)) == 1
    assert forget(store, Scope(target=found.target.spec), dry=False).verdicts == 2
    with store.read() as session:
        assert all(session.scalar(select(func.count()).select_from(table)) == 0 for table in KEPT)


def test_a_terminal_shows_what_turned_over_and_goes_back(tmp_path: Path, distill: str) -> None:
    first = json.loads(r1("identify", distill, "--json").stdout)["id"]
    update = update_of(tmp_path, SLIP, "2026-12-01")
    done = r1("catalog", "update", "--from", update)
    assert "1 verdict recomputed from what was observed, 1 now say something else" in done.stdout
    assert "R1-Distill-Qwen-7B: num_hidden_layers 28 → 30" in done.stdout and first in done.stdout
    assert "in use already" in r1("catalog", "update", "--from", update).stdout
    assert "By an updated catalog" in r1("explain", first).stdout
    newest = json.loads(r1("explain", distill, "--json").stdout)
    assert newest["recomputed"] == {"of": first, "to": None} and newest["verdict"]["outcome"] == "other"
    assert json.loads(r1("identify", distill, "--json").stdout)["family_version"] == "2026-12-01"
    back = r1("catalog", "rollback", "deepseek-r1", "--lang", "zh").stdout
    assert "2026-12-01 → 2026-11-24" in back and "有了不同的答案" in back
    listed = r1("history").stdout
    assert "recomputed from" in listed and "by the updated catalog" in listed
    assert {row["recomputed_of"] is None for row in json.loads(r1("history", "--json").stdout)} == {True, False}
    assert "as it ships" in r1("catalog", "list").stdout


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_an_update_that_is_refused_changes_nothing(tmp_path: Path, lang: str, monkeypatch: pytest.MonkeyPatch) -> None:
    update = update_of(tmp_path, SLIP, "2026-12-01")
    monkeypatch.setenv("R1_SIGNING_KEY", "AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
    done = r1("catalog", "update", "--from", update, "--lang", lang)
    assert done.returncode == 2 and "trusted_keys" in done.stderr and "Traceback" not in done.stderr
    assert json.loads(r1("catalog", "list", "--json").stdout)[0]["version"] == "2026-11-24"


def test_a_flip_is_told_once_in_slack_by_a_bot_that_runs(tmp_path: Path) -> None:
    path = write_checkpoint(published("R1-Distill-Qwen-7B"), tmp_path / "DeepSeek-R1")
    with LocalSlack() as slack, running_bot(slack, tmp_path) as _:
        first = answer_to(slack, lambda: slack.slash(f"identify {path} for real-time customer service"))
        assert "distilled" in shown(first)
        store = open_store(f"sqlite:///{tmp_path / 'r1.db'}")
        slack.wait_for(lambda: versions_in(store), 10)
        update = update_of(tmp_path, SLIP, "2026-12-01")

        def update_now() -> None:
            done = r1("catalog", "update", "--from", update)
            assert "1 now say something else" in done.stdout, done

        flip = answer_to(slack, update_now)
        assert "By the updated catalog" in flip.text and "R1-Distill-Qwen-7B" in shown(flip)
        assert "num_hidden_layers 28 → 30" in shown(flip)
        explained = answer_to(slack, lambda: slack.press(flip, "r1.explain"))
        assert "Recomputed from the observations of" in shown(explained)
        corrected = answer_to(slack, lambda: r1("catalog", "rollback", "deepseek-r1"))
        assert "distilled" in shown(corrected) and len(answers(slack)) == 4
        assert slack.workspace.violations == [] and slack.workspace.unseen == []
        store.close()


def versions_in(store: Store) -> bool:
    """Whether a worker noted which versions are in use."""
    with store.read() as session:
        return "deepseek-r1" in versions(session)
