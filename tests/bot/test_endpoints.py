"""Registered endpoints: what may be registered, what a question's words stand for, what is kept and never told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.access import check_admin, check_target
from bot.commands import parse
from bot.endpoints import Asked, Form, problems, resolve, row_of
from bot.requests import Origin, Request, request_from_json, request_to_json
from bot.sealing import new_master_key
from bot.settings import Settings, load_settings
from bot.store import Store, open_store
from bot.store.connection import migrations_path
from bot.store.endpoints import add_endpoint, endpoint_names, list_endpoints, remove_endpoint, shown
from engine.errors import R1Error, UsageError
from engine.targets.endpoint import THOROUGH, Budget

KEY = "sk-abcdefghijklmnop1234"
URL = "https://api.vendor.example/v1"
SLACK, TERMINAL = Origin("slash", team="T1", user="U0ADMIN"), Origin("cli")


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    opened = open_store(database_url)
    yield opened
    opened.close()


def settings(**given: object) -> Settings:
    return load_settings(**{"secret_key": new_master_key(), "admins": ("U0ADMIN",), **given})


def register(store: Store, made: Settings, form: Form, team: str = "T1") -> None:
    assert problems(form, made, in_slack=team != "") == {}
    with store.begin() as session:
        add_endpoint(session, row_of(form, made, team=team, added_by="U0ADMIN"))


def ask(store: Store, made: Settings, target: str, origin: Origin = SLACK, **given: object) -> Asked | None:
    request = Request(verb="identify", text="", lang="en", target=target, **given)  # type: ignore[arg-type]
    with store.begin() as session:
        return resolve(session, request, origin, made)


def test_a_registered_endpoint_is_asked_with_its_key_and_budget(store: Store) -> None:
    made = settings()
    register(store, made, Form("vendor-a", URL, model="r1", key=KEY, concurrency="2", budget="900"))
    asked = ask(store, made, "Vendor-A")
    assert asked is not None and asked.endpoint.key == KEY and KEY not in repr(asked)
    assert (asked.endpoint.url, asked.endpoint.model, asked.endpoint.name) == (URL, "r1", "vendor-a")
    assert asked.endpoint.concurrency == 2 and asked.endpoint.public_only and asked.budget.tokens == 900
    thorough = ask(store, made, "vendor-a", thorough=True)
    assert thorough is not None and thorough.budget.thorough and thorough.budget.tokens == 900


def test_the_key_is_sealed_in_the_database_and_in_nothing_shown(store: Store) -> None:
    made = settings()
    register(store, made, Form("vendor-a", URL, key=KEY))
    with store.begin() as session:
        raw = session.execute(text("SELECT * FROM endpoints")).one()
        (row,) = list_endpoints(session, "T1")
    assert KEY not in str(raw) and str(raw.key_encrypted).startswith("gAAAA")
    line = json.dumps(asdict(shown(row)), default=str)
    assert KEY not in line and str(row.key_encrypted) not in line and shown(row).sealed
    assert KEY not in repr(Form("a", URL, key=KEY)) and KEY not in repr(row)


@pytest.mark.parametrize(
    ("key", "words"),
    [("", "is not set"), ("nonsense", "no master key"), (new_master_key(), "another R1_SECRET_KEY")],
    ids=("missing", "nonsense", "another"),
)
def test_a_missing_or_wrong_master_key_is_one_sentence(store: Store, key: str, words: str) -> None:
    register(store, settings(), Form("vendor-a", URL, key=KEY))
    with pytest.raises(UsageError) as caught:
        ask(store, settings(secret_key=key), "vendor-a")
    assert words in caught.value.sentence("en") and caught.value.sentence("zh") and KEY not in str(caught.value)


def test_a_key_may_live_in_the_environment(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    register(store, settings(), Form("vendor-a", URL, key_env="VENDOR_API_KEY"))
    with pytest.raises(UsageError, match="VENDOR_API_KEY"):
        ask(store, settings(), "vendor-a")
    monkeypatch.setenv("VENDOR_API_KEY", f"{KEY}\n")
    asked = ask(store, settings(), "vendor-a")
    assert asked is not None and asked.endpoint.key == KEY


def test_names_are_each_teams_own_and_a_terminals_are_everybodys(store: Store) -> None:
    made = settings()
    register(store, made, Form("mine", URL, model="of-t1"), team="T1")
    register(store, made, Form("mine", URL, model="of-all"), team="")
    register(store, made, Form("theirs", URL), team="T2")
    assert ask(store, made, "theirs") is None
    found = [ask(store, made, "mine", origin) for origin in (SLACK, Origin("slash", team="T3"), TERMINAL)]
    assert [asked and asked.endpoint.model for asked in found] == ["of-t1", "of-all", "of-all"]
    assert [asked and asked.endpoint.public_only for asked in found] == [True, False, False]
    assert ask(store, made, "theirs", TERMINAL) is not None
    register(store, made, Form("theirs", URL), team="T3")
    with pytest.raises(UsageError, match="T2, T3"):
        ask(store, made, "theirs", TERMINAL)
    with store.begin() as session:
        assert endpoint_names(session, "T2") == {"mine", "theirs"}
        assert len(list_endpoints(session, None)) == 4


def test_a_name_is_taken_once_and_given_back(store: Store) -> None:
    made = settings()
    register(store, made, Form("vendor-a", URL))
    with pytest.raises(UsageError, match="already"):
        register(store, made, Form("vendor-a", f"{URL}/other"))
    with store.begin() as session:
        remove_endpoint(session, "vendor-a", "T1")
    register(store, made, Form("vendor-a", URL), team="")
    for team, words in (("T1", "in a terminal"), ("", ""), ("", "No endpoint")):
        with store.begin() as session:
            if not words:
                remove_endpoint(session, "Vendor-A", team)
                continue
            with pytest.raises(UsageError, match=words):
                remove_endpoint(session, "vendor-a", team)


def test_a_url_stands_for_the_endpoint_registered_with_it(store: Store) -> None:
    made = settings()
    register(store, made, Form("vendor-a", "https://API.Vendor.example:443/v1/chat/completions", model="r1"))
    for url in (URL, f"{URL}#r1", f"{URL}/", "https://api.VENDOR.example/v1#r1"):
        asked = ask(store, made, url)
        assert asked is not None and asked.endpoint.name == "vendor-a", url
    for url in (f"{URL}#other", "https://api.vendor.example/v2", "http://api.vendor.example/v1"):
        assert ask(store, made, url) is None
    register(store, made, Form("vendor-b", URL, model="r1-0528"))
    with pytest.raises(UsageError, match="vendor-a, vendor-b"):
        ask(store, made, URL)


def test_nobody_in_slack_makes_the_bot_call_an_address_of_their_choice() -> None:
    def refused(target: str, origin: Origin = SLACK) -> str:
        request = Request(verb="identify", text="", lang="en", target=target)
        try:
            check_target(request, origin, settings(), registered=False)
        except R1Error as error:
            return error.code
        return ""

    assert refused("http://169.254.169.254/latest") == refused("HTTP://10.0.0.1/v1") == "endpoint_not_registered"
    assert refused("vendor-x") == "endpoint_unknown"
    assert refused("https://huggingface.co/deepseek-ai/DeepSeek-R1") == refused("deepseek-ai/DeepSeek-R1") == ""
    assert refused("/etc/passwd") == "path_not_allowed" and refused("/etc/passwd", TERMINAL) == ""


def test_only_admins_register() -> None:
    check_admin(SLACK, settings())
    check_admin(TERMINAL, settings())
    with pytest.raises(UsageError, match="admins"):
        check_admin(Origin("slash", user="U1"), settings())
    with pytest.raises(UsageError):
        check_admin(SLACK, settings(admins=()))


@pytest.mark.parametrize(
    ("form", "field", "code"),
    [
        (Form("Vendor A", URL), "name", "endpoint_name"),
        (Form("-a", URL), "name", "endpoint_name"),
        (Form("a" * 41, URL), "name", "endpoint_name"),
        (Form("", URL), "name", "endpoint_name"),
        (Form("sk-abcdefghijklmnop1234", URL), "name", "secret_in_field"),
        (Form("a", "vendor.example/v1"), "url", "endpoint_url"),
        (Form("a", "ftp://vendor.example"), "url", "endpoint_url"),
        (Form("a", "https://user:pass@vendor.example/v1"), "url", "secret_in_field"),
        (Form("a", "https://vendor.example/v1?region=eu"), "url", "endpoint_secret_in_url"),
        (Form("a", URL, model="r 1"), "model", "endpoint_model"),
        (Form("a", URL, key_env="not a name"), "key_env", "key_variable_name"),
        (Form("a", URL, key_env=KEY), "key_env", "secret_in_field"),
        (Form("a", URL, key_env="PATH"), "key_env", "key_variable_refused"),
        (Form("a", URL, key_env="SLACK_BOT_TOKEN"), "key_env", "key_variable_refused"),
        (Form("a", URL, key_env="R1_API_KEY"), "key_env", "key_variable_refused"),
        (Form("a", URL, key_env="VENDOR_API_KEY", key=KEY), "key", "key_twice"),
        (Form("a", URL, key="two words"), "key", "key_characters"),
        (Form("a", URL, key="密钥"), "key", "key_characters"),
        (Form("a", URL, key="x" * 3001), "key", "key_characters"),
        (Form("a", URL, concurrency="33"), "concurrency", "number_range"),
        (Form("a", URL, concurrency="1.5"), "concurrency", "number_range"),
        (Form("a", URL, budget="0"), "budget", "number_range"),
        (Form("a", URL, budget="٣"), "budget", "number_range"),
        *[
            (Form("a", f"http://{host}/v1"), "url", "endpoint_private_setting")
            for host in ("127.0.0.1:8000", "localhost", "10.1.2.3", "[::1]:80", "[fd00::1]", "192.168.0.9", "inside",
                         "169.254.169.254", "vllm.local", "box.internal", "100.64.0.1", "0.0.0.0")
        ],
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_form_is_said_at_its_field(form: Form, field: str, code: str) -> None:
    found = problems(form, settings(), in_slack=True)
    assert {name: error.code for name, error in found.items()} == {field: code}
    for error in found.values():
        assert KEY not in error.sentence("en") and "pass@" not in error.sentence("zh")


def test_an_admin_may_open_private_addresses_and_further_variables() -> None:
    made = settings(allow_private_endpoints=True, key_variables=("LAB_*",))
    assert problems(Form("lab", "http://10.0.0.5:8000/v1", key_env="LAB_TOKEN"), made, in_slack=True) == {}
    assert problems(Form("lab", "http://localhost:8000/v1", key_env="ANYTHING"), settings(), in_slack=False) == {}


def test_without_a_master_key_no_key_is_taken() -> None:
    assert problems(Form("a", URL, key=KEY), settings(secret_key=""), in_slack=True)["key"].code == "master_key_unset"


@pytest.mark.parametrize(
    ("url", "api", "kept"),
    [
        ("http://10.0.0.5:11434/api", "", ("http://10.0.0.5:11434", "ollama")),
        ("http://10.0.0.5:11434/v1", "ollama", ("http://10.0.0.5:11434", "ollama")),
        ("https://gate.example/api", "openai", ("https://gate.example/api", "openai")),
        ("https://gate.example/v1/", "openai", ("https://gate.example/v1", "openai")),
    ],
)
def test_the_api_is_the_urls_unless_told(url: str, api: str, kept: tuple[str, str]) -> None:
    row = row_of(Form("a", url, api=api), settings(), team="", added_by="")
    assert (row.url, row.api) == kept


def test_a_question_costs_at_most_what_the_registration_says(store: Store) -> None:
    made = settings()
    register(store, made, Form("cheap", URL, budget="500"))
    register(store, made, Form("usual", f"{URL}2"))

    def tokens(target: str, origin: Origin = SLACK, **given: object) -> int:
        asked = ask(store, made, target, origin, **given)
        assert asked is not None
        return asked.budget.tokens

    assert tokens("cheap") == 500 and tokens("cheap", budget_tokens=300) == 300
    assert tokens("usual") == Budget().tokens and tokens("usual", thorough=True) == THOROUGH.tokens
    assert tokens("usual", TERMINAL, budget_tokens=9_000_000) == 9_000_000
    for target, given in (("cheap", 501), ("usual", THOROUGH.tokens + 1)):
        with pytest.raises(UsageError, match="at most"):
            tokens(target, budget_tokens=given)


NAMES = frozenset({"vendor-a", "r1-prod", "prod"})


@pytest.mark.parametrize(
    ("text", "verb", "target"),
    [
        ("is our vendor-a endpoint the full one?", "identify", "vendor-a"),
        ("Is Vendor-A full?", "identify", "Vendor-A"),
        ("我们的vendor-a是满血版吗", "identify", "vendor-a"),
        ("“r1-prod”, full or distilled?", "identify", "r1-prod"),
        ("vendor-a.", "identify", "vendor-a"),
        ("prod", "identify", "prod"),
        ("is the prod endpoint full?", "identify", "prod"),
        ("接口prod是不是蒸馏版", "identify", "prod"),
        ("endpoint vendor-a: full?", "identify", "vendor-a"),
        ("which should we run in prod?", "recommend", None),
        ("is vendor-abc full?", "identify", None),
        ("is my-vendor-a full?", "identify", None),
        ("vendor-a/model full?", "identify", "vendor-a/model"),
        ("is https://api.vendor.example/v1#r1 the full one?", "identify", "https://api.vendor.example/v1#r1"),
        ("<https://api.vendor.example:8000/v1#r1>，是满血吗", "identify", "https://api.vendor.example:8000/v1#r1"),
        ("look at https://api.vendor.example/v1, please", "identify", "https://api.vendor.example/v1"),
        ("compare vendor-a with deepseek-ai/DeepSeek-R1", "compare", "vendor-a"),
        ("recommend vendor-a or a distill", "recommend", None),
        ("endpoint", "endpoint", None),
        ("endpoint list", "endpoint", None),
        ("接口 删除 vendor-a", "endpoint", "vendor-a"),
        ("endpoint add vendor-b https://b.example/v1", "endpoint", "vendor-b https://b.example/v1"),
    ],
)
def test_names_and_urls_in_plain_words_are_targets(text: str, verb: str, target: str | None) -> None:
    request = parse(text, names=lambda: NAMES)
    assert (request.verb, request.target) == (verb, target)


def test_names_are_looked_up_only_where_no_verb_says_what_to_do() -> None:
    def never() -> frozenset[str]:
        raise AssertionError("looked up")

    parse("identify vendor-a --thorough --budget-tokens 2000", names=never)
    parse("endpoint list", names=never)


def test_options_for_endpoints_are_read_and_old_requests_still_load() -> None:
    request = parse("identify vendor-a --thorough --budget-tokens 2000 for chat")
    assert (request.thorough, request.budget_tokens, request.scenario) == (True, 2000, "for chat")
    assert request_from_json(request_to_json(request)) == request
    old = {
        "verb": "identify", "text": "identify org/x", "lang": "en", "target": "org/x", "family": "deepseek-r1",
        "constraints": {}, "scenario": "", "verdict_id": None, "limit": 10, "refusal": None,
    }  # fmt: skip
    assert request_from_json(old) == Request(verb="identify", text="identify org/x", lang="en", target="org/x")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("identify x --budget-tokens many", "1 to 10000000"),
        ("identify x --budget-tokens", "needs a value"),
        ("identify x --thorough=yes", "takes no value"),
        ("endpoint nonsense", "add, list, remove"),
        ("history --thorough", "no option of history"),
    ],
)
def test_what_is_wrong_with_an_option_is_said(text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert words in caught.value.sentence("en") and caught.value.sentence("zh")


def test_a_database_of_the_first_version_is_migrated_with_its_rows(database_url: str, samples: Path) -> None:
    from alembic import command
    from alembic.config import Config

    import engine
    from bot.store.connection import HEAD, schema_version
    from bot.store.queries import add_request, history, load_verdict, save_identification

    with open_store(database_url).begin() as session:
        asked = Request(verb="identify", text="identify x", lang="en", target="x")
        request_id = add_request(session, asked, Origin("cli"), None)
        found = engine.identify(str(samples / "DeepSeek-R1-Distill-Qwen-7B"))
        verdict_id = save_identification(session, found, request_id=request_id)
    config = Config()
    config.set_main_option("script_location", str(migrations_path()))
    store = open_store(database_url)
    with store.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
    assert schema_version(store.engine) == "0001"
    store.close()
    migrated = open_store(database_url)
    assert schema_version(migrated.engine) == HEAD
    with migrated.begin() as session:
        assert [row.id for row in history(session)] == [verdict_id]
        stored = load_verdict(session, verdict_id)
        assert stored is not None and stored.text == "identify x"
        assert list_endpoints(session, None) == []
