"""What is kept, on SQLite and PostgreSQL alike."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import engine
from bot.requests import Origin, Request
from bot.store import open_store
from bot.store.connection import HEAD, StoreError, migrations_path
from bot.store.queries import add_request, history, load_verdict, save_identification
from engine.errors import R1Error, UsageError


def keep(url: str, target: Path, team: str = "") -> str:
    with open_store(url).begin() as session:
        request = Request(verb="identify", text=f"identify {target}\x00\ud800", lang="en", target=str(target))
        request_id = add_request(session, request, Origin("cli"), None)
        return save_identification(session, engine.identify(str(target)), request_id=request_id, team=team)


def test_a_verdict_comes_back_as_it_was_and_can_be_recomputed(database_url: str, samples: Path) -> None:
    verdict_id = keep(database_url, samples / "DeepSeek-R1")
    with open_store(database_url).begin() as session:
        stored = load_verdict(session, verdict_id)
    assert stored is not None and stored.identification.verdict.outcome == "full"
    assert engine.recompute(stored.identification).verdict == stored.identification.verdict
    assert stored.text.startswith("identify ") and "\x00" not in stored.text


def test_who_only_looks_waits_for_no_writer(database_url: str) -> None:
    store, other = open_store(database_url), open_store(database_url)
    with store.begin() as session:
        add_request(session, Request(verb="help", text="help", lang="en"), Origin("cli"), None)
        with store.read() as looking, other.read() as from_elsewhere:
            assert history(looking) == history(from_elsewhere) == ()
    store.close()
    other.close()


def test_threads_that_write_take_turns(database_url: str) -> None:
    store = open_store(database_url)

    def write(number: int) -> str:
        with store.begin() as session:
            return add_request(session, Request(verb="help", text=str(number), lang="en"), Origin("cli"), f"k{number}")

    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(write, range(64)))) == 64
    store.close()


def test_history_is_latest_first_and_each_teams_own(database_url: str, samples: Path) -> None:
    ids = [
        keep(database_url, samples / name, team)
        for name, team in (("DeepSeek-R1", "T1"), ("DeepSeek-R1-Distill-Qwen-7B", "T1"), ("DeepSeek-R1", "T2"))
    ]
    with open_store(database_url).begin() as session:
        assert [row.id for row in history(session, team="T1")] == ids[1::-1]
        assert [row.id for row in history(session, target="distill-qwen")] == [ids[1]]
        assert history(session, target="%") == ()
        assert load_verdict(session, ids[2], team="T1") is None


def test_the_migrations_are_what_the_models_say(database_url: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    import bot.store.installed
    from bot.store.models import Base

    assert bot.store.installed.BotRow.__tablename__ in Base.metadata.tables
    store = open_store(database_url)
    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection, {"compare_type": True}), Base.metadata) == []


def test_the_known_head_is_alembics() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(migrations_path()))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_several_processes_may_use_a_new_database_first(database_url: str) -> None:
    code = f"from bot.store import open_store; open_store({database_url!r}).close()"
    first_users = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE) for _ in range(4)]
    assert [(user.wait(), user.stderr and user.stderr.read()) for user in first_users] == [(0, b"")] * 4


def test_a_database_of_a_newer_version_is_left_alone(database_url: str) -> None:
    from sqlalchemy import text

    with open_store(database_url).begin() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="newer"):
        open_store(database_url)


@pytest.mark.parametrize(
    "url",
    ["mysql://x/y", "nonsense", "sqlite:////proc/none/r1.db", "postgresql://nobody@127.0.0.1:1/none"],
)
def test_a_database_that_cannot_be_used_gets_a_sentence(url: str) -> None:
    with pytest.raises(R1Error) as caught:
        open_store(url)
    assert isinstance(caught.value, StoreError | UsageError) and "secret" not in caught.value.sentence("zh")


def test_a_damaged_database_gets_a_sentence_and_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "r1.db"
    path.write_bytes(b"this is no database at all" * 100)
    with pytest.raises(StoreError, match="cannot be used"):
        open_store(f"sqlite:///{path}")
    assert path.read_bytes().startswith(b"this is no database")


def test_the_sqlite_file_is_its_owners_alone(tmp_path: Path) -> None:
    open_store(f"sqlite:///{tmp_path / 'new' / 'r1.db'}").close()
    assert (tmp_path / "new" / "r1.db").stat().st_mode & 0o077 == 0
