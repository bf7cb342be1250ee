"""Watched endpoints: checked by a few requests, silent while they stay what they are, told of once when they are swapped."""

from __future__ import annotations

import json
import os
from pathlib import Path

from arena import Arena
from command_line import r1
from people import HONEST
from pressing import answer_to, answers, look, shown
from sqlalchemy import select, update

import engine
from bot.demo import running_bot
from bot.endpoints import resolve
from bot.local_slack import LocalSlack
from bot.requests import Origin, request_from_json
from bot.settings import load_settings
from bot.store import Store, open_store
from bot.store.models import EndpointRow, LookRow, WatchRow
from bot.watches.checking import check_endpoint, remember_watched, watched_of
from engine.targets.endpoint import parse_endpoint

FULL, DISTILL = HONEST["DeepSeek-R1"], HONEST["R1-Distill-Qwen-7B"]


def serve(store: Store, arena: Arena, which: str) -> None:
    """Have the registered endpoint be another one, behind the same name."""
    with store.begin() as session:
        session.execute(update(EndpointRow).values(url=arena.url(HONEST[which]), model=arena.model(HONEST[which])))


def states(store: Store) -> list[str]:
    with store.read() as session:
        return list(session.scalars(select(LookRow.state).where(LookRow.kind == "check").order_by(LookRow.id)))


def test_a_swapped_endpoint_is_told_once_accepted_or_restored(tmp_path: Path) -> None:
    with Arena([FULL, DISTILL]) as arena, LocalSlack() as slack, running_bot(slack, tmp_path):
        store = open_store(f"sqlite:///{tmp_path / 'r1.db'}")
        with store.begin() as session:
            session.add(EndpointRow(name="vendor", url=arena.url(FULL), model=arena.model(FULL), concurrency=8))
        made = answer_to(slack, lambda: slack.slash("watch vendor --every 6h"))
        assert "two requests and less than 200 tokens" in shown(made)
        slack.wait_for(lambda: len(answers(slack)) == 2, 60)

        look(slack, store)
        look(slack, store)
        with store.read() as session:
            checks = session.scalars(select(LookRow).where(LookRow.kind == "check").order_by(LookRow.id)).all()
        assert checks[0].state == "begun" and len(checks) == 3
        # By chance an answer may be unusual, and more is asked.
        assert all(row.requests <= 2 and row.tokens <= 200 for row in checks[1:] if row.state == "same")
        assert len(answers(slack)) == 2

        serve(store, arena, "R1-Distill-Qwen-7B")
        swap = answer_to(slack, lambda: look(slack, store), seconds=60)
        assert "vendor has changed" in swap.text
        assert "less than 1 in" in shown(swap) and "What changed: the model" in shown(swap)
        assert "It changed" in shown(swap) and "Accept as normal" in str(swap.blocks)
        look(slack, store)
        assert len(answers(slack)) == 3 and states(store)[-2:] == ["changed", "still"]
        listed = r1("watch", "list", R1_DATABASE_URL=f"sqlite:///{tmp_path / 'r1.db'}").stdout
        assert "changed since" in listed

        serve(store, arena, "DeepSeek-R1")
        back = answer_to(slack, lambda: look(slack, store), seconds=60)
        assert "is again as it was" in back.text and states(store)[-1] == "recovered"

        serve(store, arena, "R1-Distill-Qwen-7B")
        again = answer_to(slack, lambda: look(slack, store), seconds=60)
        accepted = answer_to(slack, lambda: slack.press(again, "r1.watch_accept"))
        assert "compared with what it is now" in shown(accepted)
        muted = answer_to(slack, lambda: slack.press(again, "r1.watch_mute"))
        assert "Muted" in shown(muted) and "Unmute" in str(muted.blocks)
        told = len(answers(slack))
        look(slack, store)
        serve(store, arena, "DeepSeek-R1")
        look(slack, store)
        assert states(store)[-2:] == ["same", "changed"] and len(answers(slack)) == told
        assert slack.workspace.violations == [] and slack.workspace.unseen == []
        store.close()


def test_a_change_is_accepted_in_a_terminal_and_only_a_change(tmp_path: Path) -> None:
    with Arena([FULL, DISTILL]) as arena:
        r1("endpoint", "add", "vendor", arena.spec(FULL))
        r1("watch", "add", "vendor")
        nothing = r1("watch", "accept", "vendor", "--lang", "zh")
        assert nothing.returncode == 2 and "没有发生可以接受为新常态的变化" in nothing.stderr
        endpoint = parse_endpoint(arena.spec(FULL))
        watched = engine.check(endpoint).watched
        changed = engine.check(parse_endpoint(arena.spec(DISTILL)), watched)
    assert changed.look.state == "changed"
    store = open_store(os.environ["R1_DATABASE_URL"])
    with store.begin() as session:
        remember_watched(session, session.scalars(select(WatchRow.id)).one(), changed.watched)
    (found,) = [json.loads(r1("watch", "accept", "vendor", "--json").stdout)]
    assert found["target"] == "vendor" and "muted_until" in found
    assert "taken as normal" in r1("watch", "list").stdout
    with store.read() as session:
        kept = watched_of(session, found["id"])
    assert kept is not None and kept.change is None and not kept.before
    store.close()


def test_a_check_keeps_to_what_an_endpoint_may_cost(tmp_path: Path) -> None:
    with Arena([FULL]) as arena:
        r1("endpoint", "add", "vendor", arena.spec(FULL), "--budget-tokens", "2500")
        r1("watch", "add", "vendor")
        store, settings = open_store(os.environ["R1_DATABASE_URL"]), load_settings()
        with store.read() as session:
            row = session.scalars(select(WatchRow)).one()
            request = request_from_json(row.request)
            asked = resolve(session, request, Origin("cli"), settings)
        assert asked is not None and asked.most == 2500
        before = arena.tally(FULL)
        found = check_endpoint(store, settings, request, asked, lambda progress: None)
        after = arena.tally(FULL)
    assert found.check is not None and found.check.look.state == "begun" and found.due
    prompts = found.check.watched.prompts
    assert {"first", "text"} == {one.way for one in prompts} and found.check.look.requests < 200
    assert sum(after[name] - before[name] for name in ("prompt_tokens", "completion_tokens")) <= 2500
    store.close()
