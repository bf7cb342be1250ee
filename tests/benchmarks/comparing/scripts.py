"""What a script's own process costs: starting and locking it in, a case, and being stopped; and which walls stand here."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

from engine.comparing.records import Answer, Case
from engine.comparing.scripts import ScriptProblem, isolation, run_checks

BAR = 0.15
REPEATS, MANY = 20, 10_000
SCRIPTS = {
    "no import": "def check(case, answer): return True",
    "re": "import re\ndef check(case, answer): return bool(re.search('a', answer))",
    "datetime, statistics, unicodedata": "import datetime, statistics, unicodedata\ndef check(case, answer): return True",
    "checks declared in the case": "",
}
STOPPED = {
    "loops": "while True: pass",
    "forks": "import json\n    json.codecs.sys.modules['os'].fork()",
    "allocates 100 GB": "bytearray(100 * 10**9)",
    "opens a socket": "[c for c in object.__subclasses__() if c.__name__ == 'CDLL'][0](None).socket(2, 1, 0)",
    "reads /etc/passwd": "open('/etc/passwd')",
}


def main() -> int:
    for wall, why in isolation().walls.items():
        print(f"{wall:20} {why or 'stands'}")
    interpreter = seconds(bare)
    print(
        f"\nPython by itself, -I -S: {1e3 * min(interpreter):.0f} ms at best, {1e3 * statistics.median(interpreter):.0f} ms in the middle"
    )
    medians = []
    for name, script in SCRIPTS.items():
        taken = seconds(lambda script=script: checked(script, 1))
        medians.append(statistics.median(taken))
        print(
            f"one case, {name}: {1e3 * min(taken):.0f} ms at best, {1e3 * medians[-1]:.0f} ms in the middle of {REPEATS}"
        )
    each = min(seconds(lambda: checked(SCRIPTS["re"], MANY), 3)) - min(seconds(lambda: checked(SCRIPTS["re"], 1), 3))
    print(f"{MANY:,} answers: {1e6 * each / MANY:.0f} µs each beside the start\n")
    for name, body in STOPPED.items():
        started = time.perf_counter()
        try:
            run_checks(f"def check(case, answer):\n    {body}", *given(1), seconds=0.5)
        except ScriptProblem as problem:
            print(f"{name}: {1e3 * (time.perf_counter() - started):.0f} ms – {problem}")
    return int(max(medians) > BAR)


def given(count: int) -> tuple[list[Case], list[Answer]]:
    cases = [Case(str(n), "?", given={"checks": {"contains": "a"}}) for n in range(count)]
    return cases, [Answer(case.id, "an answer of a few words") for case in cases]


def checked(script: str, count: int) -> None:
    assert set(run_checks(script, *given(count), seconds=60).values()) == {1.0}


def bare() -> None:
    import subprocess

    subprocess.run([sys.executable, "-I", "-S", "-c", ""], check=True)


def seconds(what: Callable[[], None], repeats: int = REPEATS) -> list[float]:
    taken = []
    for _ in range(repeats):
        started = time.perf_counter()
        what()
        taken.append(time.perf_counter() - started)
    return taken


if __name__ == "__main__":
    sys.exit(main())
