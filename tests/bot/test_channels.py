"""Where the bot answers and how often: over Socket Mode and signed HTTP, quotas on SQLite and PostgreSQL."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from bot.access import check_place, check_quota
from bot.commands import parse
from bot.demo import running_bot
from bot.jobs import accept
from bot.local_slack import LocalSlack
from bot.local_slack.workspace import Message
from bot.requests import Origin
from bot.settings import Settings
from bot.store import Store, open_store
from bot.store.models import RequestRow, now
from engine.errors import UsageError


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    opened = open_store(database_url)
    yield opened
    opened.close()


def ask(store: Store, settings: Settings, key: str, *, user: str = "U1", text: str = "recommend legal") -> str | None:
    """Accepted as a listener does: the sentence of the refusal, or nothing."""
    request, origin = parse(text), Origin("slash", team="T1", channel="C1", user=user)

    def check(session: Session) -> None:
        check_quota(session, request, origin, settings, key)

    try:
        accept(store, request, origin, dedup_key=key, check=check)
    except UsageError as error:
        return error.sentence("en")
    return None


def asked(store: Store) -> int:
    with store.begin() as session:
        return session.scalar(select(func.count()).select_from(RequestRow)) or 0


def age(store: Store, key: str, **by: float) -> None:
    with store.begin() as session:
        old = update(RequestRow).where(RequestRow.dedup_key == key).values(created=now() - timedelta(**by))
        session.execute(old)


def test_a_quota_is_each_persons_and_says_when_it_is_free_again(store: Store) -> None:
    settings = Settings(quota_per_day=2)
    assert (ask(store, settings, "a"), ask(store, settings, "b")) == (None, None)
    age(store, "a", hours=20)
    sentence = ask(store, settings, "c") or ""
    assert "quota of 2" in sentence and re.search(r"free in (3:59|4:00) h, at 20\d\d-\d\d-\d\d \d\d:\d\d UTC", sentence)
    assert asked(store) == 2 and ask(store, settings, "d", user="U2") is None
    age(store, "a", hours=24, minutes=1)
    assert ask(store, settings, "c") is None
    assert "free in 23:5" in (ask(store, settings, "e") or "") or "free in 24:00" in (ask(store, settings, "e") or "")


def test_what_costs_nothing_and_a_repeated_delivery_do_not_count(store: Store) -> None:
    settings = Settings(quota_per_day=1)
    for number, text in enumerate(("help", "history", "explain abc", "devices", "endpoint list")):
        assert ask(store, settings, f"free{number}", text=text) is None
    assert ask(store, settings, "a") is None
    assert ask(store, settings, "a") is None  # delivered again
    assert ask(store, settings, "b") is not None and ask(store, settings, "c", text="help") is None


def test_admins_and_an_unset_quota_are_not_held_back(store: Store) -> None:
    assert [ask(store, Settings(), f"a{n}") for n in range(5)] == [None] * 5
    settings = Settings(quota_per_day=1, admins=("U1",))
    assert [ask(store, settings, f"b{n}") for n in range(3)] == [None] * 3


def test_questions_at_once_do_not_pass_a_quota_together(store: Store) -> None:
    settings, told = Settings(quota_per_day=3), []
    threads = [
        threading.Thread(target=lambda key=str(n): told.append(ask(store, settings, key)))  # type: ignore[misc]
        for n in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told.count(None) == 3 and len(told) == 12 and asked(store) == 3


@pytest.mark.parametrize(
    ("channel", "user", "settings", "code"),
    [
        ("C1", "U1", {}, None),
        ("C1", "U1", {"allowed_channels": ("C1",)}, None),
        ("C2", "U1", {"allowed_channels": ("C1",)}, "channel_not_allowed"),
        ("G2", "U1", {"allowed_channels": ("C1",)}, "channel_not_allowed"),
        ("C2", "U1", {"allowed_channels": ("C1",), "allow_dms": False}, "channel_not_allowed_nor_dms"),
        ("D1", "U1", {"allowed_channels": ("C1",)}, None),
        ("D1", "U1", {"allow_dms": False}, "dms_not_allowed"),
        ("C2", "U9", {"allowed_channels": ("C1",), "admins": ("U9",)}, None),
        ("D1", "U9", {"allow_dms": False, "admins": ("U9",)}, None),
    ],
)
def test_where_the_bot_answers(channel: str, user: str, settings: dict[str, object], code: str | None) -> None:
    try:
        check_place(Origin("mention", channel=channel, user=user), Settings(**settings))  # type: ignore[arg-type]
        told = None
    except UsageError as error:
        told = error.code
    assert told == code


_HEARD = ("On it …", "收到，正在处理……")


def only(slack: LocalSlack, channel: str) -> list[Message]:
    """What the bot said there, but for pictures and the lines that acknowledge a command."""
    return [message for message in slack.answers(channel) if not message.files and message.text not in _HEARD]


@pytest.mark.parametrize("socket_mode", [False])
def test_outside_its_channels_it_tells_the_one_who_asked_and_nobody_else(tmp_path: Path, socket_mode: bool) -> None:
    with (
        LocalSlack() as slack,
        running_bot(slack, tmp_path, socket_mode=socket_mode, allowed_channels='["C0MODELS"]', admins='["U0ADMIN"]'),
    ):
        assert slack.slash("help", channel="C0GENERAL").status == 200
        slack.mention("DeepSeek-R1 是满血吗？", channel="C0GENERAL")
        slack.wait_for(lambda: len(only(slack, "C0GENERAL")) == 2)
        told = only(slack, "C0GENERAL")
        assert [message.ephemeral_to for message in told] == ["U0PERSON"] * 2
        assert told[0].text.startswith("I do not answer in this channel: ask in <#C0MODELS>, or in a direct message")
        assert "我不在这个频道里回答" in told[1].text
        slack.slash("help", channel="C0GENERAL", user="U0ADMIN")
        slack.wait_for(lambda: len(only(slack, "C0GENERAL")) == 3)
        assert only(slack, "C0GENERAL")[2].ephemeral_to is None
        slack.slash("help")
        slack.dm("help")
        slack.wait_for(lambda: only(slack, "C0MODELS") and only(slack, "D0PERSON"))
        with open_store(f"sqlite:///{tmp_path / 'r1.db'}").begin() as session:
            assert session.scalar(select(func.count()).select_from(RequestRow)) == 3
        assert slack.workspace.violations == []


@pytest.mark.parametrize("socket_mode", [True])
def test_direct_messages_can_be_switched_off_and_questions_counted(tmp_path: Path, socket_mode: bool) -> None:
    with (
        LocalSlack() as slack,
        running_bot(slack, tmp_path, socket_mode=socket_mode, allow_dms="false", quota_per_day=1),
    ):
        slack.dm("help")
        slack.wait_for(lambda: only(slack, "D0PERSON"))
        assert "switched off here" in only(slack, "D0PERSON")[0].text
        first = slack.slash("recommend legal --gpu 2x4090")
        slack.redeliver(first)
        slack.wait_for(lambda: only(slack, "C0MODELS"))
        slack.slash("recommend legal --gpu 2x4090")
        (sentence,) = [message.text for message in only(slack, "C0MODELS") if message.ephemeral_to]
        assert "quota of 1" in sentence and "within 24 hours" in sentence
        slack.slash("recommend legal --gpu 2x4090", user="U0OTHER")
        slack.wait_for(lambda: len([said for said in only(slack, "C0MODELS") if said.blocks]) == 2)
        assert slack.workspace.violations == []
