"""What reading history costs on PostgreSQL as it grows, with 10,000 watches: looks, verdicts and questions are put in by
SQL, nine in ten of the rows looks; of a hundred looks one is news.

    python tests/benchmarks/history.py [--rows N …]
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from itertools import islice

from sqlalchemy import make_url, text
from sqlalchemy.orm import Session

from bot.past import past
from bot.requests import Request
from bot.store import Store, open_store
from bot.store.export import entries
from bot.store.looks import Whose
from bot.store.mine import verdicts_of
from bot.store.timeline import timeline

WATCHES, TIMES = 10_000, 40
SIZES = (10_000, 100_000, 1_000_000)
_PERSON = Whose("T1", "U7")


def main() -> int:
    import pgserver

    at = sys.argv.index("--rows") + 1 if "--rows" in sys.argv else 0
    sizes = [int(size) for size in sys.argv[at:]] if at else SIZES
    with tempfile.TemporaryDirectory(prefix="r1-history-") as folder:
        server = pgserver.get_server(folder)
        try:
            url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
            store = open_store(url.render_as_string(hide_password=False))
            _watches(store)
            for rows in sizes:
                _fill(store, rows)
                _print(store, rows)
            store.close()
        finally:
            server.cleanup()
    print("milliseconds, median / 95th percentile")
    return 0


def _asked(target: str | None = None) -> Request:
    return Request("history", "history", "en", target=target)


QUESTIONS: dict[str, Callable[[Session], object]] = {
    "/r1 history": lambda session: past(session, _asked(), _PERSON),
    "r1 history (terminal)": lambda session: past(session, _asked(), Whose()),
    "/r1 history <target>": lambda session: past(session, _asked("vendor/model-78"), _PERSON),
    "/r1 history <part of a name>": lambda session: past(session, _asked("model-78"), _PERSON),
    "/r1 history <no such name>": lambda session: past(session, _asked("nothing-like-it"), _PERSON),
    "App Home": lambda session: verdicts_of(session, "T1", "U7", limit=8),
    "timeline": lambda session: timeline(session, _PERSON, "vendor/model-78"),
    "export, first page": lambda session: list(islice(entries(session, _PERSON), 500)),
    "export of a target": lambda session: list(entries(session, _PERSON, target="vendor/model-78")),
}


def _print(store: Store, rows: int) -> None:
    print(f"{rows:,} rows, {WATCHES:,} watches")
    for name, ask in QUESTIONS.items():
        taken = []
        for _ in range(TIMES):
            with store.read() as session:
                begun = time.perf_counter()
                ask(session)
                taken.append(1000 * (time.perf_counter() - begun))
        taken.sort()
        print(f"  {name:32}{taken[TIMES // 2]:8.1f} /{taken[int(0.95 * TIMES)]:8.1f}", flush=True)


def _watches(store: Store) -> None:
    with store.begin() as session:
        session.execute(
            text(
                """
                INSERT INTO watches (id, created, team, channel, user_id, target, request, schedule, timezone, state,
                                     looked_at, failures)
                SELECT 'w' || n, now() - interval '1 year', 'T' || 1 + n % 2, 'C' || n % 50, 'U' || n % 500,
                       'vendor/model-' || n, '{"verb": "identify", "text": "watch"}', '{"every": "6h"}', 'UTC', 'active',
                       now(), 0
                FROM generate_series(1, :watches) n"""
            ),
            {"watches": WATCHES},
        )


def _fill(store: Store, rows: int) -> None:
    """History of so many rows, a look of each watch every six hours, the latest just now."""
    looks, asked = int(rows * 0.9), rows // 20
    with store.begin() as session:
        for table in ("looks", "jobs", "verdicts", "requests"):
            session.execute(text(f"DELETE FROM {table}"))
        session.execute(
            text(
                """
                INSERT INTO requests (id, created, surface, team, channel, user_id, verb, text, payload)
                SELECT 'q' || n, now() - n * interval '2 minutes', CASE WHEN n % 2 = 0 THEN 'watch' ELSE 'slash' END,
                       'T' || 1 + n % 2, 'C' || n % 50, 'U' || n % 500, 'identify', 'identify vendor/model-' || n % 10000,
                       json_build_object('verb', 'identify', 'target', 'vendor/model-' || n % 10000)::jsonb
                FROM generate_series(1, :asked) n"""
            ),
            {"asked": asked},
        )
        session.execute(
            text(
                """
                INSERT INTO verdicts (id, created, request_id, team, target, family, outcome, grade, title, confidence,
                                      claim_check, engine_version, silent, payload)
                SELECT 'v' || n, now() - n * interval '2 minutes', 'q' || n, 'T' || 1 + n % 2,
                       'vendor/model-' || n % 10000, 'deepseek-r1', 'full', 'confirmed', 'DeepSeek-R1', 0.97, 'holds', '0',
                       n % 4 < 2, json_build_object('note', repeat('x', 900))::jsonb
                FROM generate_series(1, :asked) n"""
            ),
            {"asked": asked},
        )
        session.execute(
            text(
                """
                INSERT INTO jobs (id, request_id, created, rank, state, attempt, verdict_id)
                SELECT 'j' || n, 'q' || n, now(), 0, 'answered', 1, 'v' || n FROM generate_series(1, :asked) n"""
            ),
            {"asked": asked},
        )
        session.execute(
            text(
                """
                INSERT INTO looks (watch_id, at, kind, state, log_e, requests, tokens, looks, summed, record)
                SELECT 'w' || 1 + n % :watches, now() - (n / :watches) * interval '6 hours' - n % 21600 * interval '1 s',
                       'check', CASE WHEN n % 997 < 10 THEN (ARRAY['changed', 'recovered', 'failing'])[1 + n % 3]
                                     ELSE 'same' END, 0.1, 2, 160, 1, false,
                       json_build_object('at', 'x', 'state', 'same', 'seconds', 1.2, 'log_e', json_build_object(
                         'identity', -0.1, 'distribution', 0.1, 'service', 0.0, 'total', 0.1), 'p', json_build_object(
                         'distribution/rare', json_build_array(0.41, 0.77)))::jsonb
                FROM generate_series(1, :looks) n"""
            ),
            {"watches": WATCHES, "looks": looks},
        )
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


if __name__ == "__main__":
    raise SystemExit(main())
