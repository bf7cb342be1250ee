"""The Home tab, the forms opened from it, and what people choose there: end to end over signed HTTP."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pressing import CHANNEL, answer_to, answers, shown

from bot.demo import running_bot
from bot.local_slack import LocalSlack
from bot.local_slack.modals import Home, Modal

ADMIN, ZH = "U0ADMIN", "U0ZH"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bot")


@pytest.fixture(scope="module")
def slack(samples: Path, root: Path) -> Iterator[LocalSlack]:
    given: dict[str, Any] = {"checkpoint_roots": f'["{samples}"]', "admins": f'["{ADMIN}"]'}
    with LocalSlack() as running:
        running.workspace.person(ADMIN)
        running.workspace.person(ZH, locale="zh-CN", tz="Asia/Shanghai")
        with running_bot(running, root, **given):
            yield running
    assert running.workspace.violations == [] and running.workspace.unseen == []


def home(slack: LocalSlack, user: str = "U0PERSON", *, having: str = "") -> Home:
    """Somebody's tab once it is there, and says ``having``."""
    if not having:
        slack.open_home(user)
    slack.wait_for(lambda: user in slack.workspace.homes and having in str(slack.workspace.homes[user].blocks), 15)
    found: Home = slack.workspace.homes[user]
    return found


def opened(slack: LocalSlack, user: str | None = None) -> Modal:
    modal = slack.modal(user)
    assert modal is not None
    return modal


def test_it_greets_each_in_their_language_with_what_they_may_do(slack: LocalSlack) -> None:
    mine, theirs, admins = str(home(slack).blocks), str(home(slack, ZH).blocks), str(home(slack, ADMIN).blocks)
    assert "My latest verdicts" in mine and "None yet" in mine and "home_endpoint" not in mine
    assert "我最近的判定" in theirs and "Asia/Shanghai" in theirs
    assert "home_endpoint" in admins


def test_verdicts_are_shown_explained_and_looked_at_again(slack: LocalSlack, samples: Path) -> None:
    answer_to(slack, lambda: slack.slash(f"identify {samples / 'DeepSeek-R1'}"))
    slack.open_home()
    tab = home(slack, having="As claimed: full model")
    room = slack.workspace.dm_of("U0PERSON")
    explained = answer_to(slack, lambda: slack.press(tab, "r1.explain"), room)
    assert "explained" in shown(explained) and "direct message" in str(opened(slack).view)
    slack.close()
    again = answer_to(slack, lambda: slack.press(tab, "r1.recheck"), room)
    assert "As claimed: full model" in shown(again)
    slack.close()
    slack.wait_for(lambda: str(slack.workspace.homes["U0PERSON"].blocks).count("r1.explain") == 2, 15)


def test_a_question_asked_there_is_answered_in_direct_messages(slack: LocalSlack, samples: Path) -> None:
    tab, room = home(slack), slack.workspace.dm_of("U0PERSON")
    slack.press(tab, "r1.home_identify")
    modal = opened(slack)
    slack.submit(target="nothing like a path/or id")
    assert "target" in modal.errors and modal.open
    found = answer_to(slack, lambda: slack.submit(target=str(samples / "DeepSeek-R1-Distill-Qwen-7B")), room)
    assert "distilled" in shown(found) and "direct message" in str(modal.view)
    slack.close()
    slack.press(tab, "r1.home_size")
    sized = answer_to(slack, lambda: slack.submit(target="deepseek-r1:32b", hardware="2x4090"), room)
    assert "R1-Distill-Qwen-32B" in shown(sized)
    slack.close()


def test_defaults_are_kept_and_used(slack: LocalSlack, root: Path) -> None:
    tab = home(slack)
    slack.press(tab, "r1.home_defaults")
    modal = opened(slack)
    slack.submit(usual="the usual things")
    assert "names no hardware" in modal.errors["usual"]
    slack.submit(usual="2x4090, customer service", language="zh", private="private")
    assert not modal.open
    assert "2x4090, customer service" in str(home(slack, having="我的默认设置").blocks)
    advice = answer_to(slack, lambda: slack.slash("recommend --ttft 1s"))
    assert "取自你的默认设置" in shown(advice) and "hardware=2xrtx-4090" in shown(advice)
    assert advice.ephemeral_to == "U0PERSON"
    slack.press(home(slack), "r1.home_defaults")
    assert "2x4090, customer service" in str(opened(slack).view)
    slack.submit(usual="", language="slack", private="public")
    open_to_all = answer_to(slack, lambda: slack.slash("recommend --gpu 2x4090"))
    assert open_to_all.ephemeral_to is None and "Run R1-Distill" in shown(open_to_all)


def test_people_are_answered_in_slacks_language_unless_they_say_otherwise(slack: LocalSlack) -> None:
    answered = answer_to(slack, lambda: slack.slash("size deepseek-r1:32b --gpu 2x4090", user=ZH))
    assert "量化" in shown(answered)
    asked = answer_to(slack, lambda: slack.slash("推荐 客服 --gpu 2x4090"))
    assert "建议用" in shown(asked)


def test_admins_add_endpoints_there_and_others_do_not(slack: LocalSlack) -> None:
    slack.press(home(slack, ADMIN), "r1.home_endpoint")
    modal = opened(slack, ADMIN)
    slack.submit(ADMIN, name="vendor-a", url="https://v.example/v1")
    assert "vendor-a is registered" in str(modal.view)
    slack.close(ADMIN)
    slack.press(home(slack), "r1.home_compare")
    shown_to = opened(slack)
    assert "vendor-a" in str(shown_to.view)
    slack.submit(target_known="vendor-a", target="", other="vendor-a")
    assert "Both are the same" in str(shown_to.errors)
    slack.close()


def test_a_watch_is_made_paused_resumed_and_stopped_there(slack: LocalSlack, samples: Path) -> None:
    room, target = slack.workspace.dm_of("U0PERSON"), samples / "DeepSeek-R1-Distill-Qwen-7B"
    slack.press(home(slack), "r1.home_watch")
    modal = opened(slack)
    slack.submit(target=" ", schedule="whenever you like", quiet="at night")
    assert set(modal.errors) == {"target", "schedule", "quiet"} and modal.typed["quiet"] == "at night"
    typed = {"target": str(target), "schedule": "every weekday at 9:00", "quiet": "22:00-08:00"}
    made = answer_to(slack, lambda: slack.submit(**typed), room)
    assert str(target) in shown(made) and "watch_pause" in shown(made)
    slack.close()
    tab = home(slack, having="r1.watch_pause")
    assert str(target) in str(tab.blocks) and "09:00" in str(tab.blocks)
    slack.press(tab, "r1.watch_pause")
    slack.press(home(slack, having="r1.watch_resume"), "r1.watch_resume")
    paused = answer_to(slack, lambda: slack.press(made, "r1.watch_pause"), room)
    assert "paused" in shown(paused).lower()
    slack.open_home()
    slack.press(home(slack, having="r1.watch_resume"), "r1.watch_remove")
    slack.wait_for(lambda: "watch_remove" not in str(slack.workspace.homes["U0PERSON"].blocks), 15)
    gone = answer_to(slack, lambda: slack.press(made, "r1.watch_run"), room)
    assert "watch list" in shown(gone)


def test_an_opened_messages_tab_is_left_alone(slack: LocalSlack) -> None:
    before = len([call for call in slack.workspace.calls if call.method == "views.publish"])
    assert slack.open_home(tab="messages").status == 200
    assert len([call for call in slack.workspace.calls if call.method == "views.publish"]) == before


def test_nothing_that_was_asked_at_home_is_seen_in_a_channel(slack: LocalSlack, root: Path) -> None:
    with sqlite3.connect(root / "r1.db") as database:
        rows = database.execute("SELECT DISTINCT channel FROM requests WHERE surface IN ('modal', 'button')").fetchall()
    assert {channel for (channel,) in rows} == {slack.workspace.dm_of("U0PERSON")}
    assert all(message.thread_ts is None for message in answers(slack, CHANNEL))


def test_a_slow_slack_holds_up_nobody(slack: LocalSlack) -> None:
    released = threading.Event()

    def slow(method: str, arguments: dict[str, object]) -> int | None:
        if method == "users.info":
            released.wait(1.9)
        return None

    slack.workspace.person("U0NEW", locale="zh-CN", tz="Asia/Shanghai")
    slack.workspace.refuse, usual = slow, slack.workspace.refuse
    delivery = slack.slash("help", user="U0NEW")
    early = not released.is_set()
    released.set()
    slack.workspace.refuse = usual
    assert delivery.status == 200 and early
    slack.wait_for(lambda: "蒸馏版" in shown(answer_to(slack, lambda: slack.slash("help", user="U0NEW"))))
