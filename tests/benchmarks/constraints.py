"""Prints how many written phrases are understood, how long reading takes, and tokens of a character and a word.

python tests/benchmarks/constraints.py
"""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from engine.constraints.quantities import TOKENS_PER_HANZI, TOKENS_PER_WORD
from engine.constraints.reading import read_text
from engine.constraints.values import parse_constraints
from engine.errors import UsageError
from engine.tokenizers import CANDIDATES, load

ROOT = Path(__file__).parents[2]
PHRASES = ROOT / "tests/engine/constraints/phrases.yaml"


def main() -> None:
    print("phrases understood whole, and what is told as not understood:")
    understood()
    print("milliseconds:")
    timings()
    print(f"tokens of a Chinese character ({TOKENS_PER_HANZI} is used) and of an English word ({TOKENS_PER_WORD}):")
    lengths()


def understood() -> None:
    times, right = [], 0
    groups = yaml.safe_load(PHRASES.read_text(encoding="utf-8"))
    rows = [(group, row) for group, rows in groups.items() for row in rows]
    read_text("2×4090, 500 ms, $20/h")
    for group, (text, expected, *rest) in rows:
        started = time.perf_counter()
        reading = read_text(text)
        times.append((time.perf_counter() - started) * 1000)
        told = _told(reading.constraints.stated())
        asked = rest[0] if rest else []
        good = told.keys() == expected.keys() and all(_same(told[name], expected[name]) for name in told)
        good = good and len(reading.unread) == len(asked)
        right += good
        if not good:
            print(f"  wrong ({group}): {text} → {told} {reading.unread}")
    print(f"  {right} of {len(rows)}")
    print(f"  a phrase: median {statistics.median(times):.2f} ms, slowest {max(times):.2f} ms")


def _told(stated: dict[str, Any]) -> dict[str, Any]:
    if "hardware" in stated:
        stated["hardware"] = ", ".join(f"{part['count']}×{part['device']}" for part in stated["hardware"])
    return stated


def _same(first: Any, second: Any) -> bool:
    if isinstance(first, float):
        return abs(first - second) <= 1e-6 * first
    return bool(first == second)


def timings() -> None:
    message = "We have 2×4090 and need answers under a second for a customer-service bot in Chinese. "
    _show("the message of the issue", lambda: read_text(message))
    _show("4,000 characters of it", lambda: read_text((message * 50)[:4000]))
    _show("4,000 characters of numbers", lambda: read_text(("1ms 2k 3GB " * 400)[:4000]))
    _show("10 MB, refused", lambda: read_text("potato " * 1_500_000))
    _show("a value of 10 MB, refused", lambda: parse_constraints({"ttft": "9" * 10_000_000}))
    _show("five values", lambda: parse_constraints({"gpu": "2x4090", "ttft": "500ms", "context": "32k", "budget": "$20/h", "task": "legal"}))  # fmt: skip


def _show(what: str, run: Callable[[], object]) -> None:
    times = []
    for _ in range(7):
        started = time.perf_counter()
        try:
            run()
        except UsageError as error:
            what = f"{what.split(':')[0]}: {error.code}"
        times.append((time.perf_counter() - started) * 1000)
    print(f"  {what}: {statistics.median(times):.2f}")


def lengths() -> None:
    chinese = "".join(
        re.findall(r"[\u4e00-\u9fff，。：；、]+", _text("engine/text/zh.yaml", "engine/questions/sentences.yaml"))
    )
    english = " ".join(
        re.findall(r"\"([A-Z][^\"{}]{20,})\"", _text("engine/text/en.yaml", "engine/questions/sentences.yaml"))
    )
    for name in CANDIDATES:
        encode = load(name).encode
        of_character, of_word = len(encode(chinese)) / len(chinese), len(encode(english)) / len(english.split())
        print(
            f"  {name}: {of_character:.3f} of {len(chinese)} characters, {of_word:.3f} of {len(english.split())} words"
        )


def _text(*paths: str) -> str:
    return "\n".join((ROOT / path).read_text(encoding="utf-8") for path in paths)


if __name__ == "__main__":
    main()
