"""What people press below the bot's answers, end to end: real processes, signed HTTP, a Slack on loopback."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from pressing import CHANNEL, answer_to, answers, asides, shown

from bot.demo import running_bot
from bot.local_slack import LocalSlack
from bot.local_slack.workspace import Message
from bot.people import People, Person
from bot.requests import Origin, Request
from bot.settings import load_settings
from bot.slack.accepting import Desk, Taken, take_in, understood
from bot.slack.assistant import Signs
from bot.slack.installing import clients as clients_of
from bot.store import open_store

OTHER, ADMIN = "U0OTHER", "U0ADMIN"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bot")


@pytest.fixture(scope="module")
def slack(samples: Path, root: Path) -> Iterator[LocalSlack]:
    given: dict[str, Any] = {
        "checkpoint_roots": f'["{samples}"]',
        "admins": f'["{ADMIN}"]',
        "allowed_channels": f'["{CHANNEL}"]',
    }
    with LocalSlack() as running, running_bot(running, root, **given):
        for user in (OTHER, ADMIN):
            running.workspace.person(user)
        yield running
    assert running.workspace.violations == [] and running.workspace.unseen == []


@pytest.fixture(scope="module")
def verdict(slack: LocalSlack, samples: Path) -> Message:
    return answer_to(slack, lambda: slack.slash(f"identify {samples / 'DeepSeek-R1'}"))


def id_of(message: Message) -> str:
    found = re.search(r"explain ([a-z0-9]{10})", shown(message))
    assert found is not None
    return found[1]


def kept(root: Path, query: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(root / "r1.db") as database:
        return database.execute(query).fetchall()


def proposal(slack: LocalSlack, samples: Path, name: str = "DeepSeek-R1-Distill-Qwen-7B") -> Message:
    """What the bot shows before anything expensive that free words asked for."""
    words = f"compare {samples / 'DeepSeek-R1'} and {samples / name} please"
    return answer_to(slack, lambda: slack.mention(words))


def test_a_verdict_is_explained_and_reported_below_itself(slack: LocalSlack, verdict: Message) -> None:
    explained = answer_to(slack, lambda: slack.press(verdict, "r1.explain"))
    assert f"Verdict {id_of(verdict)} explained" in shown(explained) and explained.thread_ts == verdict.ts
    reported = answer_to(slack, lambda: slack.press(verdict, "r1.report", user=OTHER))
    assert reported.thread_ts == verdict.ts
    slack.wait_for(lambda: any(message.files for message in slack.answers() if message.thread_ts == verdict.ts))


def test_a_second_look_is_a_new_verdict(slack: LocalSlack, verdict: Message) -> None:
    again = answer_to(slack, lambda: slack.press(verdict, "r1.recheck"))
    assert "As claimed: full model" in shown(again) and id_of(again) != id_of(verdict)
    assert "looks again" not in shown(again) and again.thread_ts == verdict.ts


def test_a_double_click_or_a_repeated_delivery_is_one_question(slack: LocalSlack, verdict: Message, root: Path) -> None:
    counted = "SELECT count(*) FROM requests WHERE verb = 'explain' AND user_id = 'U0TWICE'"
    slack.workspace.person("U0TWICE")
    clicks: list[Any] = []
    answer_to(slack, lambda: clicks.extend(slack.press(verdict, "r1.explain", user="U0TWICE") for _ in range(2)))
    assert slack.redeliver(clicks[0]).status == 200
    assert [click.status for click in clicks] == [200, 200] and kept(root, counted) == [(1,)]


def test_opinions_are_kept_changed_and_thanked_for_once(slack: LocalSlack, verdict: Message, root: Path) -> None:
    told = len(asides(slack))
    for value in ("right", "right", "wrong", "wrong"):
        assert slack.press(verdict, "r1.judge", f"{value}:{id_of(verdict)}").status == 200
    said = asides(slack)[told:]
    assert len(said) == 2 and said[0].startswith("Thank you") and "is now “wrong”" in said[1]
    slack.press(verdict, "r1.judge", f"right:{id_of(verdict)}", user=OTHER)
    assert kept(root, "SELECT user_id, is_right FROM feedback ORDER BY user_id") == [(OTHER, 1), ("U0PERSON", 0)]


def test_what_is_expensive_runs_once_and_only_for_who_asked(slack: LocalSlack, samples: Path) -> None:
    asked = proposal(slack, samples)
    assert "have not started" in shown(asked)
    told, known = len(asides(slack)), len(answers(slack))
    slack.press(asked, "r1.run", user=OTHER)
    slack.press(asked, "r1.cancel", user=OTHER)
    assert len(asides(slack)) == told + 2 and all("Only whoever asked" in said for said in asides(slack)[told:])
    compared = answer_to(slack, lambda: [slack.press(asked, "r1.run") for _ in range(2)])
    assert "DeepSeek-R1-Distill-Qwen-7B" in shown(compared) and compared.thread_ts == asked.thread_ts
    slack.press(asked, "r1.cancel")
    assert "started already" in asides(slack)[-1]
    assert len(answers(slack)) == known + 1


def test_words_settle_a_question_as_buttons_do(slack: LocalSlack, samples: Path) -> None:
    asked = proposal(slack, samples)
    told = len(asides(slack))
    slack.mention("yes", thread_ts=asked.thread_ts, user=OTHER)
    slack.wait_for(lambda: len(asides(slack)) > told)
    left = answer_to(slack, lambda: slack.mention("no, leave it", thread_ts=asked.thread_ts))
    assert "Nothing was started" in shown(left)
    slack.press(asked, "r1.run")
    assert "called off already" in asides(slack)[-1]


def test_admins_may_run_what_others_asked(slack: LocalSlack, samples: Path) -> None:
    asked = proposal(slack, samples)
    compared = answer_to(slack, lambda: slack.press(asked, "r1.run", user=ADMIN))
    assert "DeepSeek-R1-Distill-Qwen-7B" in shown(compared)


def test_a_changed_line_settles_the_question_with_mistakes_shown_beside_it(slack: LocalSlack, samples: Path) -> None:
    asked = proposal(slack, samples)
    slack.press(asked, "r1.edit")
    modal = slack.modal()
    assert modal is not None and "compare" in modal.blocks[1]["element"]["initial_value"]
    slack.submit(line="size deepseek-r1:32b --gpu 2x4090 --speed 9")
    assert "--speed" in modal.errors["line"] and modal.open
    slack.submit(line="good morning")
    assert "begin with identify" in modal.errors["line"]
    slack.submit(line="password: hunter2222")
    assert "kept nowhere" in modal.errors["line"]
    sized = answer_to(slack, lambda: slack.submit(line="size deepseek-r1:32b --gpu 2x4090"))
    assert "R1-Distill-Qwen-32B" in shown(sized)
    assert sized.thread_ts == asked.thread_ts and not modal.open
    for action in ("r1.run", "r1.edit"):
        slack.press(asked, action)
    slack.submit(line="size deepseek-r1:14b --gpu 2x4090")
    modal = slack.modal()
    assert modal is not None and "started already" in modal.errors["line"] and "started already" in asides(slack)[-1]
    slack.close()


def test_presses_are_held_to_the_rules_of_the_place(slack: LocalSlack, verdict: Message, root: Path) -> None:
    elsewhere = Message("C0GENERAL", verdict.ts, verdict.user, verdict.text, verdict.blocks)
    slack.workspace.messages.append(elsewhere)
    before = kept(root, "SELECT count(*) FROM requests")
    for action in ("r1.explain", "r1.watch", "r1.compare"):
        assert slack.press(elsewhere, action).status == 200
    told = asides(slack, "C0GENERAL")
    assert len(told) == 3 and all("do not answer in this channel" in said for said in told)
    assert kept(root, "SELECT count(*) FROM requests") == before and slack.modal() is None


def test_buttons_about_what_is_gone_say_so(slack: LocalSlack, verdict: Message) -> None:
    asked = id_of(verdict)
    blocks = json.loads(json.dumps(verdict.blocks).replace(asked, "a2a2a2a2a2"))
    lost = Message(CHANNEL, verdict.ts, verdict.user, verdict.text, blocks)
    slack.workspace.messages.append(lost)
    slack.press(lost, "r1.recheck")
    assert "no verdict a2a2a2a2a2" in asides(slack)[-1]
    slack.press(lost, "r1.judge", "right:a2a2a2a2a2")
    assert "no verdict a2a2a2a2a2" in asides(slack)[-1]


def test_two_clicks_at_the_same_moment_are_one(database_url: str) -> None:
    store, settings = open_store(database_url), load_settings()
    clients = clients_of(settings, store)
    people = People(store, lambda team, user: ("zh-CN", "Asia/Shanghai"))
    desk = Desk(store, settings, clients, people, Signs(clients))
    origin = Origin("button", "T1", "C1", "U1", "1.2")
    request = Request("explain", "explain abcdefghjk", "en", verdict_id="abcdefghjk")
    taken: list[Taken] = []
    clicks = [
        Thread(target=lambda at=at: taken.append(take_in(desk, request, origin, people.of("T1", "U1"), f"press:{at}")))
        for at in range(8)
    ]
    for click in clicks:
        click.start()
    for click in clicks:
        click.join()
    assert len(taken) == 8 and sum(one.job is not None for one in taken) == 1
    assert people.of("T1", "U1").language("en") == "zh"
    store.close()


def test_a_language_model_may_read_what_nobody_else_does_and_is_asked_about_first(tmp_path: Path) -> None:
    said: dict[str, Any] = {"intent": "identify", "target": "acme/thing", "other": None, "constraints": []}
    content = json.dumps({"choices": [{"message": {"role": "assistant", "content": json.dumps(said)}}]}).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        model = {"llm_url": f"http://127.0.0.1:{server.server_address[1]}/v1", "llm_model": "small"}
        store, settings = open_store(f"sqlite:///{tmp_path / 's.db'}"), load_settings(**model)
        clients = clients_of(settings, store)
        desk = Desk(store, settings, clients, People(store, lambda team, user: ("", "")), Signs(clients))
        origin, person = Origin("dm", "T1", "D1", "U1"), Person()
        read = understood(desk, "give acme/thing a whirl", origin, person)
        assert understood(desk, "my key is sk-abcdefghijklmnop1234", origin, person).verb == "refused"
        server.shutdown()
    assert (read.verb, read.target, read.sure) == ("identify", "acme/thing", False)
    store.close()


def test_a_form_is_no_way_round_who_may_say_yes(slack: LocalSlack, samples: Path) -> None:
    asked = proposal(slack, samples)
    answered = answer_to(slack, lambda: slack.mention("can 2x4090 run deepseek-r1:32b?", user=OTHER))
    slack.press(answered, "r1.edit", user=OTHER)
    modal = slack.modal(OTHER)
    assert modal is not None
    thread = {**json.loads(modal.view["private_metadata"]), "thread_ts": asked.thread_ts}
    modal.view["private_metadata"] = json.dumps(thread)
    slack.submit(OTHER, line="yes")
    assert "Only whoever asked" in modal.errors["line"]
    slack.close(OTHER)
