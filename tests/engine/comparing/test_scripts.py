"""A task's own checks: scripts that do what they should, and scripts that do what they should not."""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from engine.comparing.records import Answer, Case
from engine.comparing.scripts import ScriptProblem, isolation, run_checks
from engine.comparing.scripts.cell import calls
from engine.comparing.scripts.running import _KINDS
from engine.errors import UsageError
from engine.text import say

ROOT = Path(__file__).parents[3]
linux = pytest.mark.skipif(sys.platform != "linux", reason="scripts are run on Linux alone")

CASES = [
    Case("q1", "Two letters?", answers=("ab",), given={"least": 2}),
    Case("q2", "One letter?", given={"least": 1, datetime.date(2025, 1, 20): {1}}),
]
ANSWERS = [Answer("q1", "ab"), Answer("q2", "")]
PAST_THE_GUARD = "import json\n    os = json.codecs.sys.modules['os']\n    "
"""How a script comes by a module that it may not import."""

# What check() does, and the code of the sentence that comes of it.
HOSTILE = {
    "while True:\n        try:\n            while True: pass\n        except BaseException: pass": "time",
    "return 9**9**9 > 1": "time",
    "import re\n    return bool(re.match('(a+)+$', 'a' * 64 + 'b'))": "time",
    PAST_THE_GUARD + "json.codecs.sys.modules['_thread'].allocate_lock().acquire() and os.sched_yield()": "stopped",
    "return len(bytearray(100 * 10**9)) > 0": "memory",
    "kept = []\n    while True: kept.append('y' * 10**6 + str(len(kept)))": "memory",
    PAST_THE_GUARD + "os.fork()": "process",
    PAST_THE_GUARD + "os.system('id')": "process",
    PAST_THE_GUARD + "json.codecs.sys.modules['_thread'].start_new_thread(print, ())": {"stopped", "process"},
    "open('/etc/passwd')": "file",
    "try:\n        open('/etc/passwd')\n    except BaseException:\n        return True": "file",
    "open('/tmp/r1-script-was-here', 'w')": "file",
    "open(0).read()": "file",
    "open('/proc/self/mem', 'rb')": "file",
    PAST_THE_GUARD + "os.listdir('/')": "file",
    PAST_THE_GUARD + "os.read(0, 1)": "stopped",
    PAST_THE_GUARD + "os.stat('/etc/passwd')": "stopped",
    PAST_THE_GUARD + "os.memfd_create('x')": "stopped",
    PAST_THE_GUARD + "os.kill(1, 9)": {"signal", "stopped"},
    PAST_THE_GUARD + "os.kill(os.getppid(), 9)": {"signal", "stopped"},
    PAST_THE_GUARD + "os._exit(0)": "exited",
    PAST_THE_GUARD + "os.abort()": "crashed",
    "x = ()\n    for _ in range(4 * 10**5): x = (x,)\n    hash(x)": "crashed",
    PAST_THE_GUARD + "while True: os.write(3, b'x' * 10**6)": "stopped",
    PAST_THE_GUARD + "while True: os.write(3, b'1.0\\n' * 10**5)": "stopped",
    PAST_THE_GUARD + "os.write(3, b'[' * 5000 + b'\\n')": "stopped",
    PAST_THE_GUARD + "json.codecs.sys.modules['ctypes'].CDLL(None).getppid()": "stopped",
    PAST_THE_GUARD + "[c for c in object.__subclasses__() if c.__name__ == 'CDLL'][0](None).socket(2, 1, 0)": "stopped",
    "import socket\n    socket.socket()": "network",
    "import subprocess": "process",
    "import urllib.request": "network",
    "import ctypes": "import",
    "import numpy": "import",
    "return check(case, answer)": "raised",
    "raise SystemExit(3)": "raised",
    "return case['nothing']": "raised",
    "return 2": "value",
    "return float('nan')": "value",
    "pass": "value",
    "async def later(): pass\n    return later()": "value",
    "return '1'": "value",
}
BROKEN = {
    "def check(:": "syntax",
    "(" * 10**5: "syntax",
    "x = " + "-" * 10**5 + "1": "syntax",
    "def check(c, a): return 1\0": "syntax",
    "x = 1": "no_check",
    "check = 1": "no_check",
    "1 / 0": "broken",
    "import os": "import",
    "while True: pass": "time",
    "raise MemoryError": "memory",
    "check = lambda case, answer: 1\nopen('/etc/passwd')": "file",
    "def check(answer): return 1": "raised",
}
QUICK = {"time": 0.4}


def _check(body: str) -> str:
    return f"def check(case, answer):\n    {body}"


def _problem(script: str, code: str | set[str]) -> ScriptProblem | dict[str, float]:
    seconds = QUICK.get(code, 20.0) if isinstance(code, str) else 20.0
    try:
        return run_checks(script, CASES, ANSWERS, seconds=seconds, memory=64 * 2**20)
    except ScriptProblem as problem:
        return problem


@pytest.fixture(scope="module")
def ends() -> Iterator[dict[str, Future[Any]]]:
    """Every bad script, all started together: most of a start is waiting."""
    with ThreadPoolExecutor(4) as pool:
        scripts = {**{_check(body): code for body, code in HOSTILE.items()}, **BROKEN}
        yield {script: pool.submit(_problem, script, code) for script, code in scripts.items()}


@linux
@pytest.mark.parametrize(
    ("script", "code"), [*((_check(body), code) for body, code in HOSTILE.items()), *BROKEN.items()]
)
def test_a_script_that_does_what_it_may_not_is_stopped_with_a_sentence(
    ends: dict[str, Future[Any]], script: str, code: str | set[str]
) -> None:
    problem = ends[script].result()
    assert isinstance(problem, ScriptProblem), problem
    assert problem.code.removeprefix("script_") in ({code} if isinstance(code, str) else code), problem
    for language in ("en", "zh"):
        assert len(problem.sentence(language)) > 10


@linux
def test_the_sentence_names_what_was_wanted_and_where(ends: dict[str, Future[Any]]) -> None:
    assert "/etc/passwd, line 2" in str(ends[_check("open('/etc/passwd')")].result())
    assert "KeyError: 'nothing'" in str(ends[_check("return case['nothing']")].result())
    assert "more memory than 64 MB" in str(ends[_check("return len(bytearray(100 * 10**9)) > 0")].result())
    assert "in line 1 at case q1: TypeError" in str(ends["def check(answer): return 1"].result())
    assert "第 4 行" in ends[_check(PAST_THE_GUARD + "os.fork()")].result().sentence("zh")
    assert not Path("/tmp/r1-script-was-here").exists()


def test_every_way_to_end_has_its_sentence() -> None:
    for kind in _KINDS | {"time", "exited", "crashed", "broken"}:
        assert say(
            f"errors.script_{kind}",
            "zh",
            what="?",
            line=1,
            case="q",
            done=1,
            cases=2,
            failed=1,
            seconds=1,
            memory=1,
            allowed="re",
        )


@linux
def test_a_script_scores_each_answer_and_may_print() -> None:
    script = """
from __future__ import annotations
import datetime, decimal, fractions, re, statistics, unicodedata
from collections import Counter
from dataclasses import dataclass
try:
    import numpy
except ImportError:
    numpy = None
@dataclass
class Share:
    of: int
def check(case, answer):
    for _ in range(1_000):
        print("x" * 10**6)
    assert case["answers"] == (["ab"] if case["id"] == "q1" else []) and case["prompt"].endswith("letter" + "s?"[case["least"] == 1:])
    assert case["id"] == "q1" or case["2025-01-20"] == [1]
    assert datetime.datetime.strptime("2025-01-20", "%Y-%m-%d") < datetime.datetime.now().astimezone().replace(tzinfo=None)
    assert '\\d' != unicodedata.normalize("NFKC", "１") and re.search("a", "ba")
    return fractions.Fraction(len(answer), Share(4).of) if numpy is None else -1
"""
    assert run_checks(script, CASES, ANSWERS) == {"q1": 0.5, "q2": 0.0}
    assert run_checks(_check("return True"), CASES, [Answer("q1", failed="timeout"), Answer("q2")]) == {"q2": 1.0}
    assert run_checks(_check("return True"), CASES, []) == {}


@linux
def test_scores_that_there_are_outlive_a_script_that_is_stopped() -> None:
    cases = [Case(str(number), "?") for number in range(6)]
    answers = [Answer(str(number), str(number)) for number in range(6)]
    with pytest.raises(ScriptProblem) as stopped:
        run_checks(_check("while answer == '3': pass\n    return 0.25"), cases, answers, seconds=0.3)
    assert stopped.value.scores == {"0": 0.25, "1": 0.25, "2": 0.25}
    assert "3 of 6" in str(stopped.value) and not stopped.value.complete
    with pytest.raises(ScriptProblem) as failed:
        run_checks(_check("return 1 / (int(answer) - 3) ** 2"), cases, answers)
    assert failed.value.failed == ("3",) and failed.value.complete
    assert failed.value.scores["5"] == 0.25


@linux
def test_nothing_of_a_script_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = {file.name for file in Path("/proc/self/fd").iterdir()}
    with pytest.raises(ScriptProblem, match="longer than"):
        run_checks(_check("while True: pass"), CASES, ANSWERS, seconds=0.1)
    assert not list(tmp_path.iterdir())
    assert {file.name for file in Path("/proc/self/fd").iterdir()} == before
    children = Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split()
    assert not [child for child in children if "cell.inside" in _command(child)]


@linux
def test_a_script_ends_with_whoever_runs_it() -> None:
    code = f"""
from engine.comparing.records import Answer, Case
from engine.comparing.scripts import run_checks
run_checks({_check("while True: pass")!r}, [Case("q", "?")], [Answer("q", "")], seconds=60)
"""
    asking = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT)})
    children = Path(f"/proc/{asking.pid}/task/{asking.pid}/children")
    _until(lambda: any("cell.inside" in _command(child) and _locked(child) for child in children.read_text().split()))
    (script,) = children.read_text().split()
    asking.kill()
    asking.wait()
    _until(lambda: not _command(script))  # a zombie, where nobody takes notice of orphans, has none


def _locked(pid: str) -> bool:
    return "Seccomp:\t2" in Path(f"/proc/{pid}/status").read_text()


def _until(so: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _command(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


# One wall at a time, in a forked process, with no hook of Python's before it; 0 if the code after it went through.
ALONE = """
import ctypes, json, os, socket, sys
from engine.comparing.scripts.cell import walls
listening = socket.create_server(("127.0.0.1", 0))
kernel, parent, readable, results = ctypes.CDLL(None, use_errno=True), os.getpid(), *os.pipe()
ended = {}
for which, code in json.load(sys.stdin):
    if os.fork() == 0:
        try:
            standing = walls.lock(results, memory=2**30, seconds=9, which=which.split())
            if any(standing.values()):
                os._exit(77)
            exec(code)
        except OSError:
            os._exit(1)
        except BaseException:
            os._exit(99)
        os._exit(0)
    ended[which + ": " + code] = os.waitstatus_to_exitcode(os.wait()[1])
print(json.dumps(ended))
"""
SECCOMP = "no_new_privileges seccomp"
KILLED = [
    f"kernel.syscall({call})"
    for call in (
        "41, 2, 1, 0",  # socket
        "42, 3, 0, 0",  # connect
        "57",  # fork
        "56, 0, 0, 0, 0, 0",  # clone
        "435, 0, 0",  # clone3
        "59, 0, 0, 0",  # execve
        "62, parent, 0",  # kill
        "234, parent, parent, 0",  # tgkill
        "101, 16, parent, 0, 0",  # ptrace
        "310, parent, 0, 0, 0, 0, 0",  # process_vm_readv
        "0, 0, 0, 0",  # read
        "1, 2, 0, 0",  # write, not to the results
        "4, 0, 0",  # stat
        "437, 0, 0, 0, 0",  # openat2
        "425, 1, 0",  # io_uring_setup
        "321, 0, 0, 0",  # bpf
        "157, 4, 1, 0, 0, 0",  # prctl
        "9, 0, 4096, 7, 34, -1, 0",  # mmap, to be executed
        "9, 0, 4096, 1, 2, 0, 0",  # mmap, of a file
        "10, 0, 4096, 7",  # mprotect, to be executed
        "0x40000001, results, 0, 0",  # write, by x32's number
        "9999",
    )
]
LET_THROUGH = [f"kernel.syscall({call})" for call in ("1, results, 0, 0", "39", "9, 0, 4096, 3, 34, -1, 0")]
SECOND = [
    ("landlock no_new_privileges", "open('/etc/passwd')"),
    ("landlock no_new_privileges", "open('/tmp/r1-script-was-here', 'w')"),
    ("no_new_privileges landlock", "os.kill(parent, 0)"),
    ("no_new_privileges landlock", "socket.create_connection(listening.getsockname())"),
    ("namespaces", "socket.create_connection(listening.getsockname(), 1)"),
    ("limits", "open('/etc/passwd')"),
    ("nobody limits", "os.fork()"),
]


def _driven(code: str, given: object) -> Any:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(given), env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.skipif(sys.platform != "linux" or os.uname().machine != "x86_64", reason="the numbers are those of x86_64")
def test_the_kernel_ends_what_no_hook_sees() -> None:
    asked = [(SECCOMP, code) for code in (*KILLED, *LET_THROUGH, "os.open('/etc/passwd', os.O_RDONLY)")]
    ended = _driven(ALONE, asked)
    for code in KILLED:
        assert ended[f"{SECCOMP}: {code}"] == -31, code  # SIGSYS
    for code in LET_THROUGH:
        assert ended[f"{SECCOMP}: {code}"] == 0, code
    assert ended[f"{SECCOMP}: os.open('/etc/passwd', os.O_RDONLY)"] == 1


@linux
def test_a_wall_holds_without_the_others() -> None:
    """Of those that this machine has: a container may have none but seccomp."""
    standing = isolation()
    assert standing.enough
    there = [(which, code) for which, code in SECOND if not any(standing.walls[wall] for wall in which.split())]
    for case, end in _driven(ALONE, there).items():
        assert end == 1, case


# A kernel, or a container, that refuses: here it is a filter of our own that stands in the way.
REFUSING = """
import ctypes, json, sys
from engine.comparing.records import Answer, Case
from engine.comparing.scripts import isolation, run_checks
from engine.comparing.scripts.cell import calls, walls
from engine.errors import UsageError
kernel = ctypes.CDLL(None, use_errno=True)
what = json.load(sys.stdin)
if what == "capabilities":
    for capability in range(64):
        kernel.prctl(24, capability, 0, 0, 0)  # the bounding set, which is root's after the next exec
    walls._no_capabilities(kernel)
else:
    refuse = [(0x20, 0, 0, 16), (0x15, 0, 1, 22), (0x06, 0, 0, 0x50016)] if what == "seccomp" else [(0x06, 0, 0, 0x50026)]
    number = {"seccomp": {"x86_64": 157, "aarch64": 167}[walls.os.uname().machine], "landlock": 444}[what]
    steps = [(0x20, 0, 0, 0), (0x15, 0, len(refuse), number), *refuse, (0x06, 0, 0, calls.ALLOW)]
    calls.program = lambda machine, **values: steps
    walls.lock(1, memory=0, seconds=0, which=["no_new_privileges", "seccomp"])
found = {"walls": dict(isolation().walls)}
case, answer = Case("q", "?", given={"checks": {"contains": "b"}}), Answer("q", "abc")
for name, script in {"script": "def check(case, answer): return 0.5", "declared": ""}.items():
    try:
        found[name] = run_checks(script, [case], [answer])
    except UsageError as problem:
        found[name] = str(problem)
print(json.dumps(found))
"""


@linux
def test_where_the_kernel_cannot_lock_scripts_in_none_is_run() -> None:
    found = _driven(REFUSING, "seccomp")
    assert found["walls"]["seccomp"] == "Invalid argument"
    assert "seccomp: Invalid argument" in found["script"]
    assert found["declared"] == {"q": 1.0}  # which run no code of a stranger's


@linux
@pytest.mark.parametrize(("refused", "missing"), [("landlock", {"landlock"}), ("capabilities", {"nobody"})])
def test_walls_that_are_not_to_be_had_are_named_and_done_without(refused: str, missing: set[str]) -> None:
    found = _driven(REFUSING, refused)
    gone = {wall for wall, why in found["walls"].items() if why}
    assert gone >= missing if os.geteuid() == 0 or refused == "landlock" else "seccomp" not in gone
    assert found["script"] == {"q": 0.5}


@pytest.mark.parametrize("machine", calls.ARCHITECTURES)
def test_the_filter_lets_through_what_it_lists_on_every_architecture(machine: str) -> None:
    steps = calls.program(machine, results=3, pid=77)
    arch, numbers = calls.ARCHITECTURES[machine], calls.ALLOWED[machine]
    anonymous, executable = [0, 4096, 3, 0x22], [0, 4096, 7, 0x22]
    fine = {"write": [3], "tgkill": [77], "mmap": anonymous, "mprotect": [0, 4096, 3]}
    for number in range(512):
        name = next((name for name, listed in numbers.items() if listed == number), "")
        ends = calls.ALLOW if name else calls.REFUSE if number in calls.OPEN[machine] else calls.KILL
        assert _filtered(steps, number, arch, fine.get(name, [])) == ends, (number, name)
        assert _filtered(steps, number, arch ^ 1, fine.get(name, [])) == calls.KILL
    for name, arguments in (
        ("write", [1]),
        ("tgkill", [1]),
        ("mmap", executable),
        ("mmap", [0, 4096, 3, 2]),
        ("mprotect", [0, 4096, 7]),
    ):
        assert _filtered(steps, numbers[name], arch, arguments) == calls.KILL


def _filtered(steps: Sequence[calls.Instruction], number: int, arch: int, arguments: Sequence[int]) -> int:
    """What the kernel makes of a program: the five instructions that are used."""
    words = {0: number, 4: arch, **{16 + 8 * index: value for index, value in enumerate(arguments)}}
    accumulator = at = 0
    while True:
        code, if_true, if_false, constant = steps[at]
        at += 1
        match code:
            case 0x20:
                accumulator = words.get(constant, 0)
            case 0x06:
                return constant
            case 0x15:
                at += if_true if accumulator == constant else if_false
            case 0x45:
                at += if_true if accumulator & constant else if_false


def test_elsewhere_scripts_need_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(UsageError, match="on Linux alone"):
        run_checks("def check(case, answer): return 1", CASES, ANSWERS)


@linux
def test_a_process_that_does_not_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(UsageError, match=r"did not start \(exit 1\)"):
        run_checks("def check(case, answer): return 1", CASES, ANSWERS)
