"""`r1 doctor` finds what is wrong and says what to do: against a Slack on loopback, SQLite and PostgreSQL."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import r1
from sqlalchemy import create_engine, make_url, text

from bot.doctor import Finding, examine
from bot.endpoints import Form, row_of
from bot.local_slack import LocalSlack
from bot.presentation import words
from bot.sealing import new_master_key
from bot.settings import Settings
from bot.store import open_store
from bot.store.endpoints import add_endpoint

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("R1_CONFIG")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture(scope="module")
def running() -> Iterator[LocalSlack]:
    with LocalSlack() as slack:
        yield slack


@pytest.fixture
def slack(running: LocalSlack, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalSlack]:
    """A Slack that the environment's tokens are good for, in Socket Mode."""
    scopes = running.workspace.scopes
    monkeypatch.setenv("SLACK_BOT_TOKEN", running.workspace.bot_token)
    monkeypatch.setenv("SLACK_APP_TOKEN", running.workspace.app_token)
    monkeypatch.setenv("R1_SLACK_API_URL", running.api_url)
    yield running
    running.workspace.scopes, running.workspace.clock_ahead = scopes, 0.0


def found(check: str, *, endpoints: bool = False) -> list[Finding]:
    return [finding for finding in examine(endpoints=endpoints) if finding.check == check]


def told(check: str, *, endpoints: bool = False) -> str:
    """The check's signs, findings and remedies, in both languages."""
    return "\n".join(
        f"{finding.state} {finding.found(lang)} {finding.remedy(lang)}"
        for finding in found(check, endpoints=endpoints)
        for lang in ("en", "zh")
    )


@pytest.mark.parametrize("mode", ["Socket Mode", "HTTP"])
def test_a_good_deployment_is_all_right_and_no_secret_is_shown(
    slack: LocalSlack, database_url: str, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = [slack.workspace.bot_token, slack.workspace.app_token, slack.workspace.signing_secret, new_master_key()]
    if mode == "HTTP":
        monkeypatch.delenv("SLACK_APP_TOKEN")
        monkeypatch.setenv("SLACK_SIGNING_SECRET", secrets[2])
    monkeypatch.setenv("R1_SECRET_KEY", secrets[3])
    monkeypatch.setenv("R1_DATABASE_URL", database_url)
    open_store(database_url).close()
    shown = r1("doctor")
    assert shown.returncode == 0, shown.stdout
    assert f"✓ Slack tokens: of the right form, for {mode}" in shown.stdout and "✗" not in shown.stdout
    assert ("✓ Socket Mode" in shown.stdout) == (mode == "Socket Mode")
    for line in (
        "✓ Database",
        "✓ Migrations",
        "✓ Secret key",
        "✓ Slack login: valid, as r1 in Local",
        "✓ Slack scopes",
    ):
        assert line in shown.stdout
    answer = r1("doctor", "--json", "--lang", "zh")
    assert json.loads(answer.stdout)["ok"] is True and answer.returncode == 0
    assert not any(secret in shown.stdout + shown.stderr + answer.stdout for secret in secrets)


def test_a_newcomer_without_slack_or_database_is_told_what_would_be_next(tmp_path: Path) -> None:
    done = r1("doctor")
    assert done.returncode == 0 and "r1 db upgrade" in done.stdout and "r1 manifest --link" in done.stdout
    assert not (tmp_path / "r1.db").exists()  # looking creates nothing


def test_missing_scopes_are_named(slack: LocalSlack) -> None:
    slack.workspace.scopes = tuple(
        scope for scope in slack.workspace.scopes if scope not in ("files:write", "commands")
    )
    assert "wrong not granted: commands, files:write" in told("scopes") and "reinstall" in told("scopes")


@pytest.mark.parametrize("ahead", [400, -400])
def test_a_clock_beyond_slacks_five_minutes_is_wrong(slack: LocalSlack, ahead: float) -> None:
    slack.workspace.clock_ahead = ahead
    assert re.search(r"wrong (399|400|401) s apart", told("clock")) and "NTP" in told("clock")
    slack.workspace.clock_ahead = 100
    assert told("clock").startswith("ok")


def test_tokens_that_slack_refuses(slack: LocalSlack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1-revoked")
    monkeypatch.setenv("SLACK_APP_TOKEN", "xapp-1-revoked")
    assert "wrong Slack refuses the bot token (invalid_auth)" in told("login") and "重新安装" in told("login")
    assert "wrong" in told("socket") and "connections:write" in told("socket") and not found("scopes")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"SLACK_BOT_TOKEN": "xapp-1-a", "SLACK_APP_TOKEN": "xoxb-1-b"}, "SLACK_BOT_TOKEN holds what belongs in SLACK_APP_TOKEN"),
        ({"SLACK_BOT_TOKEN": "hunter2"}, "does not begin with xoxb-"),
        ({"SLACK_APP_TOKEN": "hunter2"}, "does not begin with xapp-"),
        ({"SLACK_SIGNING_SECRET": "hunter2"}, "not 32 hexadecimal digits"),
        ({"SLACK_APP_TOKEN": ""}, "neither SLACK_APP_TOKEN"),
        ({"SLACK_BOT_TOKEN": ""}, "SLACK_BOT_TOKEN is not set"),
    ],
)  # fmt: skip
def test_tokens_of_the_wrong_form(
    slack: LocalSlack, values: dict[str, str], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    said = told("tokens")
    assert sentence in said and "wrong" in said and "hunter2" not in said and "xoxb-1-b" not in said


@pytest.mark.parametrize("how", ["closed", "silent"])
def test_a_slack_that_does_not_answer_costs_no_more_than_three_seconds(
    slack: LocalSlack, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1] if how == "silent" else 1
        monkeypatch.setenv("R1_SLACK_API_URL", f"http://127.0.0.1:{port}/api/")
        examine()  # imports and caches
        started = time.monotonic()
        checks = {finding.check: finding for finding in examine()}
        assert time.monotonic() - started < 3
    assert checks["login"].state == "wrong" and checks["database"].state != "wrong"
    assert f"127.0.0.1:{port} cannot be reached" in checks["login"].found("en")


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("R1_DATABSE_URL", "R1_DATABASE_URL"),
        ("R1_SLACK_BOT_TOKEN", "SLACK_BOT_TOKEN"),
        ("SLACK_BOT_TOKN", "SLACK_BOT_TOKEN"),
        ("R1_ALLOWED_CHANNEL", "R1_ALLOWED_CHANNELS"),
    ],
)
def test_a_variable_that_nothing_reads_is_named_with_the_one_meant(
    name: str, suggestion: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "secret-value")
    monkeypatch.setenv("SLACK_WEBHOOK_URL", "of another program")
    monkeypatch.setenv("r1_port", "3001")
    assert f"wrong nothing reads the variable {name} Rename it to {suggestion}" in told("settings")
    assert "WEBHOOK" not in told("settings") and "secret-value" not in told("settings")
    assert r1("doctor").returncode == 2


def test_each_fault_of_the_settings_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("R1_QQ", "1")
    monkeypatch.setenv("R1_PORT", "many")
    assert "nothing reads the variable R1_QQ Unset it" in told("settings")
    assert "The setting port is invalid" in told("settings")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("retention_day = 30", "sets retention_day, which is no setting Rename it to retention_days"),
        ('allowed_channels = ["#models"]', "The setting allowed_channels is invalid"),
        ("port = 99999", "The setting port is invalid"),
        ("port = ", "not valid TOML"),
        (None, "is not there"),
    ],
)
def test_a_settings_file_that_is_wrong_is_told_and_the_rest_left(
    content: str | None, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config.toml"
    monkeypatch.setenv("R1_CONFIG", str(file))
    if content is not None:
        file.write_text(content, encoding="utf-8")
        assert "not looked at" in told("rest")
    assert sentence in told("settings") and "wrong" in told("settings")


def test_a_database_behind_is_wrong_until_r1_db_upgrade(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("R1_DATABASE_URL", database_url)
    store = open_store(database_url)
    with store.engine.begin() as connection:
        from alembic import command
        from alembic.config import Config

        from bot.store.connection import migrations_path

        config = Config()
        config.set_main_option("script_location", str(migrations_path()))
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
    store.close()
    assert "wrong at 0001, the newest is" in told("migrations") and "Run: r1 db upgrade" in told("migrations")
    assert r1("db", "upgrade").returncode == 0
    assert told("migrations").startswith("ok")


def test_a_database_of_a_newer_version_and_one_that_is_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'r1.db'}")
    with store.begin() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert "newer than this program knows" in told("migrations")
    (tmp_path / "broken.db").write_bytes(b"no database at all" * 100)
    monkeypatch.setenv("R1_DATABASE_URL", f"sqlite:///{tmp_path / 'broken.db'}")
    assert "wrong The database" in told("database") and "cannot be used" in told("database")


@pytest.mark.parametrize("url", ["nonsense", "mysql://a:secretword@b/c", "postgresql://me:secretword@127.0.0.1:1/none"])
def test_a_database_that_cannot_be_there(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("R1_DATABASE_URL", url)
    assert "wrong" in told("database") and "secretword" not in told("database")


def test_a_database_that_may_only_be_read_is_wrong(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    server = make_url(postgres).set(drivername="postgresql+psycopg")
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("CREATE DATABASE readonly"))
        connection.execute(text("CREATE ROLE reader LOGIN"))
    url = server.set(database="readonly")
    store = open_store(url.render_as_string(hide_password=False))
    with store.engine.begin() as connection:
        connection.execute(text("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader"))
    store.close()
    monkeypatch.setenv("R1_DATABASE_URL", url.set(username="reader").render_as_string(hide_password=False))
    assert "permission denied" in told("database")
    engine.dispose()


def test_a_locked_sqlite_does_not_hold_the_doctor(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'r1.db'}")
    with store.begin() as session:
        session.execute(text("DELETE FROM requests"))
        assert "wrong no answer within the time" in told("database")


def keep_endpoint(tmp_path: Path, settings: Settings, **form: str) -> None:
    with open_store(f"sqlite:///{tmp_path / 'r1.db'}").begin() as session:
        add_endpoint(session, row_of(Form(**form), settings, team="", added_by="me"))  # type: ignore[arg-type]


def test_keys_sealed_with_another_master_key_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    master = new_master_key()
    keep_endpoint(tmp_path, Settings(secret_key=master), name="vendor-a", url="https://a.example/v1", key="sk-abc")
    assert "R1_SECRET_KEY is not set" in told("secret_key")
    monkeypatch.setenv("R1_SECRET_KEY", new_master_key())
    assert "wrong The key of vendor-a was encrypted with another" in told("secret_key")
    monkeypatch.setenv("R1_SECRET_KEY", "short")
    assert "is no master key" in told("secret_key")
    monkeypatch.setenv("R1_SECRET_KEY", master)
    assert "ok valid; keys kept with it and opened: 1" in told("secret_key")


def test_endpoints_are_asked_only_where_that_is_wanted(
    slack: LocalSlack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_endpoint(tmp_path, Settings(), name="gone", url="http://127.0.0.1:1/v1")
    keep_endpoint(tmp_path, Settings(), name="keyed", url="http://127.0.0.1:1/v1", key_env="VENDOR_API_KEY")
    keep_endpoint(tmp_path, Settings(), name="there", url=f"http://127.0.0.1:{slack.port}/api")
    assert "wrong keyed takes its key from VENDOR_API_KEY, which is not set" in told("endpoints")
    monkeypatch.setenv("VENDOR_API_KEY", "sk-secret-value")
    assert told("endpoints").startswith("ok registered, with their keys to be had: gone, keyed, there")
    asked = told("endpoints", endpoints=True)
    assert (
        "wrong 127.0.0.1" in asked
        and "ok there answers, and lists no models" in asked
        and "sk-secret-value" not in asked
    )


@pytest.mark.parametrize("kind", ["rule", "family", "hardware", "reference"])
def test_files_of_ones_own_that_are_wrong(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check = {"rule": "rules", "family": "families", "hardware": "hardware", "reference": "references"}[kind]
    assert told(check).startswith("ok")
    file = tmp_path / "mine.yaml"
    monkeypatch.setenv(f"R1_{kind.upper()}_FILES", json.dumps([str(file)]))
    assert "wrong" in told(check) and "mine.yaml" in told(check)
    file.write_text("rules: [{id: x}]" if kind == "rule" else "nonsense: 1", encoding="utf-8")
    assert "wrong" in told(check) and "mine.yaml" in told(check)


def test_folders_that_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("R1_CHECKPOINT_ROOTS", json.dumps([str(tmp_path), str(tmp_path / "gone")]))
    assert f"wrong checkpoint_roots names {tmp_path / 'gone'}" in told("roots")


def test_devices_that_are_not_there_are_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told("devices").startswith("ok")
    monkeypatch.setenv("R1_DEVICES", "cuda:7")
    assert told("devices").startswith("wrong") and "cuda:7" in told("devices")


def test_packages_are_wrong_only_where_they_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    import bot.doctor.machine

    monkeypatch.setattr(bot.doctor.machine, "find_spec", lambda name: None)
    for name in ("torch", "matplotlib", "ray", "psycopg"):
        assert told(name).startswith("idle not installed") and "pip install 'r1-detective[" in told(name)
    monkeypatch.setenv("R1_BACKEND", "ray")
    monkeypatch.setenv("R1_DATABASE_URL", "postgresql://127.0.0.1:1/none")
    checks = {finding.check: finding.state for finding in bot.doctor.machine.package_findings(Settings())}
    assert checks == {"torch": "idle", "matplotlib": "idle", "ray": "wrong", "psycopg": "wrong"}


def test_every_finding_has_its_words_and_every_word_its_finding() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "bot/doctor").glob("*.py"))
    said = words("en")["doctor"]
    written = set(re.findall(r'"(\w+)"', source))
    composed = {f"form_{name}" for name in ("slack_bot_token", "slack_app_token", "slack_signing_secret")}
    composed |= {f"without_{name}" for name in ("torch", "matplotlib", "ray", "psycopg")}
    composed |= {f"oauth_unset_{name}" for name in ("client_id", "client_secret", "public_url", "secret_key")}
    composed |= {"login_refused", "socket_refused", "clock_slack_off", "clock_database_off"}
    assert set(said["says"]) <= written | composed
    assert set(re.findall(r'Finding\(\s*"(\w+)"', source)) <= set(said["checks"])
    assert set(re.findall(r'Finding\(\s*"\w+", "(?:ok|idle|wrong)", "(\w+)"', source)) <= set(said["says"])
