"""What a tick costs with 10,000 watches on SQLite and PostgreSQL: when nothing is due, when a few are, and when all are
at once after downtime.

    python tests/benchmarks/watches.py [--watches N]
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select, update

from bot.requests import Request, Schedule, request_to_json, schedule_to_json
from bot.settings import load_settings
from bot.store import Store, open_store
from bot.store.models import JobRow, WatchRow, now
from bot.watches import tick

TICKS, FEW, SECONDS = 200, 5, 10.0


def main() -> int:
    count = int(sys.argv[sys.argv.index("--watches") + 1]) if "--watches" in sys.argv else 10_000
    print(f"{count:,} watches\n{'':12}{'nothing due':>22}{f'{FEW} due':>22}{'all due at once':>28}")
    for kind in ("sqlite", "postgresql"):
        with tempfile.TemporaryDirectory(prefix="r1-watches-") as folder, _opened(kind, Path(folder)) as store:
            _fill(store, count)
            print(_measured(kind, store, count), flush=True)
    print("milliseconds, median / 95th percentile of ticks")
    return 0


def _measured(kind: str, store: Store, count: int) -> str:
    settings = load_settings()

    def few_due() -> None:
        _answered(store)
        _make_due(store, FEW)

    idle = _timed(lambda: tick(store, settings), TICKS)
    few = _timed(lambda: tick(store, settings, most=FEW), 40, before=few_due)
    _answered(store)
    _make_due(store, count)
    begun, made = time.perf_counter(), 0
    while time.perf_counter() - begun < SECONDS and (done := tick(store, settings)):
        made += done
        _answered(store)
    rate = made / (time.perf_counter() - begun)
    return f"{kind:12}{_shown(idle):>22}{_shown(few):>22}{rate:>18,.0f} looks/s"


def _answered(store: Store) -> None:
    """As if workers had done what was due."""
    with store.begin() as session:
        session.execute(update(JobRow).where(JobRow.state == "queued").values(state="answered"))


def _fill(store: Store, count: int) -> None:
    request = request_to_json(Request("identify", "watch a/b", "en", target="deepseek-ai/DeepSeek-R1", fresh=True))
    begun = now()
    with store.begin() as session:
        for number in range(count):
            row = WatchRow(team="T1", channel="C1", user=f"U{number % 500}", target="deepseek-ai/DeepSeek-R1")
            row.request, row.schedule, row.known = request, schedule_to_json(Schedule(every="6h")), {}
            row.next_at = begun + timedelta(hours=1, seconds=number)
            session.add(row)


def _make_due(store: Store, count: int) -> None:
    with store.begin() as session:
        ids = session.scalars(select(WatchRow.id).where(WatchRow.state == "active").limit(count)).all()
        late = now() - timedelta(seconds=1)
        for at in range(0, len(ids), 500):
            session.execute(update(WatchRow).where(WatchRow.id.in_(ids[at : at + 500])).values(next_at=late))


def _timed(act: Callable[[], object], times: int, before: Callable[[], object] = lambda: None) -> list[float]:
    found: list[float] = []
    for _ in range(times):
        before()
        begun = time.perf_counter()
        act()
        found.append(1000 * (time.perf_counter() - begun))
    return sorted(found)


def _shown(found: list[float]) -> str:
    return f"{found[len(found) // 2]:.1f} / {found[int(len(found) * 0.95)]:.1f} ms"


@contextmanager
def _opened(kind: str, folder: Path) -> Iterator[Store]:
    if kind == "sqlite":
        store = open_store(f"sqlite:///{folder / 'r1.db'}")
        yield store
        store.close()
        return
    import pgserver

    server = pgserver.get_server(folder / "pg")
    store = open_store(str(server.get_uri()))
    yield store
    store.close()
    server.cleanup()


if __name__ == "__main__":
    raise SystemExit(main())
