"""What a script's own process costs: starting and locking it in, a case, and being stopped; and which walls stand here."""

from __future__ import annotations

import resource
import subprocess
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
    print()
    told("Python by itself, -I -S", *seconds(bare))
    medians = []
    for name, script in SCRIPTS.items():
        taken, computing = seconds(lambda script=script: checked(script, 1))
        told(f"one case, {name}", taken, computing)
        medians.append(median(taken))
    many, one = (min(seconds(lambda count=count: checked(SCRIPTS["re"], count), 3)[0]) for count in (MANY, 1))
    print(f"{MANY:,} answers: {1e6 * (many - one) / MANY:.0f} µs each beside the start\n")
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
    subprocess.run([sys.executable, "-I", "-S", "-c", ""], check=True)


def seconds(what: Callable[[], None], repeats: int = REPEATS) -> tuple[list[float], float]:
    """On the clock, each time; and of a processor in the child, on average: the clock runs on when others compute too."""
    taken, before = [], resource.getrusage(resource.RUSAGE_CHILDREN)
    for _ in range(repeats):
        started = time.perf_counter()
        what()
        taken.append(time.perf_counter() - started)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return taken, (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / repeats


def median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def told(name: str, taken: list[float], computing: float) -> None:
    best, middle = 1e3 * min(taken), 1e3 * median(taken)
    print(
        f"{name}: {best:.0f} ms at best, {middle:.0f} ms in the middle of {len(taken)}; {1e3 * computing:.0f} ms of a processor"
    )


if __name__ == "__main__":
    sys.exit(main())
