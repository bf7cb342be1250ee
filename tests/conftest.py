"""Fixtures are real parts: databases, a Slack and a Hub on loopback, sparse checkpoints of true shape."""

from __future__ import annotations

import gc
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent / "benchmarks")]
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
# Files run side by side, a core each: threads that wait for each other spin.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Headers of 90,000 tensors and parsed vocabularies are no garbage: looking through them again and again takes longer
# than reading them.
gc.set_threshold(100_000, 50, 100)


SLOW = (
    "engine/test_streaming_gguf.py", "test_house_style.py", "bot/test_real_servers.py", "bot/test_jobs.py",
    "bot/test_cli.py", "bot/test_watches_slack.py", "engine/test_lineage_zoo.py", "engine/test_backends.py",
    "bot/test_watches.py", "bot/test_forget.py", "bot/test_report.py", "engine/test_streaming.py", "engine/test_sanity.py",
    "bot/test_slack.py", "bot/test_channels.py", "bot/test_pictures.py", "engine/test_wire.py", "engine/test_targets.py",
    "bot/test_several_workspaces.py", "engine/scenarios/test_surfaces.py", "engine/test_hostile_identify.py",
    "bot/test_cli_endpoints.py", "bot/test_chat.py", "bot/test_doctor.py", "bot/test_comparing_slack.py",
    "bot/test_watches_digests.py", "bot/test_catalog.py", "engine/comparing/test_running.py",
)  # fmt: skip
"""Files that take half a minute or more."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow files begin first: the last to begin would leave the other core idle."""
    place = {Path(__file__).parent / name: number for number, name in enumerate(SLOW)}
    items.sort(key=lambda item: place.get(item.path, len(SLOW)))


def pytest_collection_finish() -> None:
    """What is imported by now stays."""
    gc.freeze()


@pytest.fixture(autouse=True)
def _own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the settings, database, keys or tokens of whoever runs it."""
    from command_line import SIGNING_KEY

    for name in [name for name in os.environ if name.startswith(("R1_", "SLACK_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("R1_CONFIG", str(tmp_path / "none.toml"))
    monkeypatch.setenv("R1_DATABASE_URL", f"sqlite:///{tmp_path / 'r1.db'}")
    monkeypatch.setenv("R1_REFERENCE_DIR", str(tmp_path / "references"))
    monkeypatch.setenv("R1_ANSWERS_DIR", str(tmp_path / "answers"))
    monkeypatch.setenv("R1_CATALOG_DIR", str(tmp_path / "catalog"))
    monkeypatch.setenv("R1_SIGNING_KEY", SIGNING_KEY)
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A real PostgreSQL server; its URL without a database name."""
    import pgserver

    # Not in pytest's own folder: other runs on this machine tidy that up.
    with tempfile.TemporaryDirectory(prefix="r1-postgres-") as folder:
        server = pgserver.get_server(folder)
        yield str(server.get_uri())
        server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'store.db'}"
        return
    from sqlalchemy import create_engine, make_url, text

    server = make_url(request.getfixturevalue("postgres")).set(drivername="postgresql+psycopg")
    name = f"t{os.urandom(6).hex()}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield server.set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


@pytest.fixture
def published_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gguf package's reader over plain arrays: over numpy's maps it takes three times as long for the same bytes."""
    import numpy

    mapped = numpy.memmap
    monkeypatch.setattr(numpy, "memmap", lambda *where, **how: mapped(*where, **how).view(numpy.ndarray))


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a sample checkpoint of the full model, one distill, and the distill as GGUF."""
    from engine.samples import published, write_checkpoint, write_gguf

    root = tmp_path_factory.mktemp("samples")
    write_checkpoint(published("DeepSeek-R1"), root / "DeepSeek-R1")
    write_checkpoint(published("R1-Distill-Qwen-7B"), root / "DeepSeek-R1-Distill-Qwen-7B")
    write_gguf(published("R1-Distill-Qwen-7B"), root / "DeepSeek-R1-Distill-Qwen-7B-Q4_K_M.gguf")
    return root
