"""Small changes of a real model behind a real server, and who notices: ours beside LT, B3IT and MMD on the same replies.

    python tests/benchmarks/tiny_change.py [--folder DIR] [--live]

Gemma 3 270M (``tiny_change.variants``) is served by llama.cpp, each variant is asked once (``tiny_change.recording``), and
checks draw from what it answered. What is in the folder already is not made again. Told are how large each change is and what
it is taken for; for each method how surely one check of each size tells a change from chance (AUC); and the tokens until a
change is called, at a threshold that no check of the base passes, restarted, idle or without its cache of prompts.

``--live``: also whole checks of ours against running servers, some variants.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
sys.path.insert(0, str(Path(__file__).parent))

from tiny_change import recording, tables
from tiny_change.live import live
from tiny_change.recording import Questions, Replies
from tiny_change.serving import SLOTS, serving
from tiny_change.variants import BASE, SEED, VARIANTS, Base, file_of

REPEATS, REPEATS_OF_BASE = 8, 32
NULLS = {"restarted, one at once": (True, 1), "no cache": (False, SLOTS)}
"""The base once more: with or without a cache, so many at once."""
HOT = "temperature 1"
"""The base, at a server that goes by a temperature of its own."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "r1-tiny-change")
    parser.add_argument("--live", action="store_true")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    _make(given.folder)
    print(f"models made: {time.monotonic() - begun:.0f} s", flush=True)
    questions, replies = _asked(given.folder)
    print(f"all asked: {time.monotonic() - begun:.0f} s", flush=True)
    tables.show(questions, replies, nulls=tuple(NULLS), hot=HOT)
    if given.live:
        live(given.folder)
    print(f"{time.monotonic() - begun:.0f} s")
    return 0


def _make(folder: Path) -> None:
    base = None
    for variant in (BASE, *VARIANTS):
        path = file_of(folder, variant.name)
        if not path.exists():
            base = base or Base.shipped(folder)
            base.write(variant, path)


def _asked(folder: Path) -> tuple[Questions, dict[str, Replies]]:
    """What is asked, and what each server answered by its name: ``base`` first."""
    model, log, at = file_of(folder, BASE.name), folder / "server.log", folder / "questions.json"
    if not at.exists():
        with serving(model, log) as endpoint:
            recording.kept(at, recording.find(endpoint, SEED))
    questions = recording.questions_in(at)
    found = {}
    names = (BASE.name, *NULLS, HOT, *(variant.name for variant in VARIANTS))
    for number, name in enumerate(names):
        answered = file_of(folder, name, ".json")
        if not answered.exists():
            begun = time.monotonic()
            cached, at_once = NULLS.get(name, (True, SLOTS))
            own = model if name in (*NULLS, HOT) else file_of(folder, name)
            with serving(own, log, cached=cached, at_once=at_once) as endpoint:
                made = recording.record(
                    endpoint,
                    questions,
                    SEED + number,
                    repeats=REPEATS_OF_BASE if name == BASE.name else REPEATS,
                    temperature=1.0 if name == HOT else 0.0,
                )
            recording.kept(answered, made)
            print(f"  {name}: {time.monotonic() - begun:.0f} s", flush=True)
        found[name] = recording.replies_in(answered)
    return questions, found


if __name__ == "__main__":
    sys.exit(main())
