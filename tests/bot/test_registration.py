"""An admin registers an endpoint in Slack, and the team asks about it: end to end, over both transports."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from arena import Arena, Served, trusted
from pressing import answer_to, shown

from bot.demo import running_bot
from bot.local_slack import LocalSlack, Modal
from bot.local_slack.render import modal_page
from bot.sealing import new_master_key

KEY = "sk-abcdefghijklmnop1234"
FULL = trusted("DeepSeek-R1")
FAKE = Served(1, 0, "R1-Distill-Qwen-32B", "distilled", FULL.stack, "deepseek-r1", ())


@pytest.fixture(scope="module")
def arena() -> Iterator[Arena]:
    with Arena([FULL, FAKE]) as running:
        yield running


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bot")


@pytest.fixture(scope="module")
def slack(root: Path) -> Iterator[LocalSlack]:
    given = {"admins": '["U0PERSON"]', "secret_key": new_master_key(), "allow_private_endpoints": "true"}
    with LocalSlack() as running, running_bot(running, root, **given):
        yield running


def said(slack: LocalSlack, text: str, *, user: str | None = None) -> str:
    """A command, and everything in its answer."""
    return shown(answer_to(slack, lambda: slack.slash(text, user=user)))


def opened(slack: LocalSlack, text: str = "endpoint add") -> Modal:
    delivery = slack.slash(text)
    assert delivery.status == 200 and delivery.seconds < 3
    modal = slack.modal()
    assert modal is not None
    return modal


def register(slack: LocalSlack, **typed: str) -> None:
    modal = opened(slack)
    slack.submit(**typed)
    assert modal.errors == {} and "submit" not in modal.view
    modal.open = False  # they close the last page


def test_an_admin_registers_and_anybody_asks_by_name(slack: LocalSlack, arena: Arena) -> None:
    modal = opened(slack, "endpoint add vendor-a")
    assert "never appears again" in str(modal.view["blocks"]) and modal.view["title"]["text"] == "Register an endpoint"
    slack.submit(url=arena.url(FAKE), model="deepseek-r1", key=KEY, budget="3000")
    assert "vendor-a is registered" in str(modal.view) and KEY not in str(modal.view) and modal.errors == {}
    modal.open = False
    listed = said(slack, "endpoint list", user="U0OTHER")
    assert "vendor-a" in listed and "key kept encrypted" in listed and KEY not in listed and "3,000" in listed
    found = said(slack, "identify vendor-a", user="U0OTHER")
    assert "Not what it says: distilled" in found and "requests: " in found and "vendor-a" in found


def test_plain_words_and_the_registered_url_reach_it_too(slack: LocalSlack, arena: Arena) -> None:
    register(slack, name="vendor-b", url=arena.spec(FULL))
    asked = answer_to(slack, lambda: slack.mention("is our vendor-b endpoint the full one?"))
    assert "full model" in shown(asked)
    asked = answer_to(slack, lambda: slack.mention(f"<{arena.spec(FULL)}> 是满血版吗？"))
    assert "满血版" in shown(asked)
    refused = said(slack, f"identify {arena.url(FAKE)}#another-model")
    assert "is not registered here" in refused and "/r1 endpoint add" in refused
    assert "is not registered here" in said(slack, "identify http://169.254.169.254/latest/meta-data")


def test_mistakes_are_shown_beside_their_fields_in_the_readers_language(slack: LocalSlack) -> None:
    modal = opened(slack, "接口 添加 vendor-c")
    slack.submit(url="nonsense", key="two words", key_env="PATH")
    assert set(modal.errors) == {"url", "key"} and all("：" in text for text in modal.errors.values())
    slack.submit(url="https://c.example/v1", key="", key_env="PATH")
    assert set(modal.errors) == {"key_env"} and "*_API_KEY" in modal.errors["key_env"]
    page = modal_page(modal)
    assert 'class="wrong"' in page and "登记接口" in page and "c.example" in page
    slack.submit(key_env="VENDOR_API_KEY")
    assert "已登记" in str(modal.view)
    modal.open = False
    modal = opened(slack, "endpoint add vendor-c https://c.example/v1")
    slack.submit()
    assert "already" in modal.errors["name"]
    modal.open = False


def test_those_who_are_no_admins_get_a_sentence(slack: LocalSlack) -> None:
    before = len(slack.workspace.modals.opened)
    assert "Only admins" in said(slack, "endpoint add", user="U0OTHER")
    assert "Only admins" in said(slack, "endpoint remove vendor-a", user="U0OTHER")
    assert len(slack.workspace.modals.opened) == before
    opened(slack)
    modal = slack.modal()
    assert modal is not None
    modal.user = "U0OTHER"  # an admin no more when they submit
    slack.submit(name="vendor-d", url="https://d.example/v1")
    assert "Only admins" in modal.errors["name"]
    modal.open = False
    assert "vendor-d" not in said(slack, "endpoint list")


def test_a_form_is_opened_by_the_command_alone_and_once(slack: LocalSlack) -> None:
    assert "/r1 endpoint add" in shown(answer_to(slack, lambda: slack.mention("endpoint add")))
    before, known = len(slack.workspace.modals.opened), len(slack.answers())
    first = slack.slash("endpoint add")
    assert slack.redeliver(first).status == 200
    assert len(slack.workspace.modals.opened) == before + 1 and len(slack.answers()) == known
    slack.workspace.modals.opened[-1].open = False


def test_an_endpoint_is_removed_with_its_key(slack: LocalSlack) -> None:
    register(slack, name="passing", url="https://p.example/v1", key=KEY)
    assert "no longer registered" in said(slack, "endpoint remove passing")
    assert "No endpoint is registered" in said(slack, "endpoint remove passing")
    assert "No endpoint is registered" in said(slack, "identify passing")


def test_a_key_in_a_channel_is_refused_and_kept_nowhere(slack: LocalSlack, root: Path) -> None:
    answered = said(slack, f"identify vendor-a api_key={KEY}")
    assert "delete it now" in answered and "revoke" in answered
    for path in root.rglob("*"):
        if path.is_file():
            assert KEY.encode() not in path.read_bytes(), path
    assert KEY not in json.dumps([call.arguments for call in slack.workspace.calls], default=str)
    assert all(KEY not in str(message) for message in slack.workspace.messages)


def test_nothing_broke_a_rule_of_slacks(slack: LocalSlack) -> None:
    assert slack.workspace.violations == []
    assert {call.error for call in slack.workspace.calls} <= {None, "exchanged_trigger_id"}


def test_without_the_setting_private_addresses_are_refused_over_socket_mode_too(tmp_path: Path) -> None:
    with LocalSlack() as slack, running_bot(slack, tmp_path, socket_mode=True, admins='["U0PERSON"]'):
        modal = opened(slack)
        slack.submit(name="inside", url="http://10.0.0.1/v1")
        assert "allow_private_endpoints" in modal.errors["url"]
        slack.submit(url="https://v.example/v1", key=KEY)
        assert "R1_SECRET_KEY" in modal.errors["key"]
        slack.submit(key="")
        assert "inside is registered" in str(modal.view)
        modal.open = False
        # No literal address to us, yet the system takes it for 127.0.0.1: what it resolves to is what counts.
        register(slack, name="sly", url="http://0x7f.1:9/v1", model="m")
        assert "private network" in said(slack, "identify sly")
