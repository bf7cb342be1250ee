"""The restricted process: reads the cases, locks itself in, and only then runs a script over them.

It says what it finds line by line, as JSON, through the one pipe it keeps: ``{"walls": …}`` once it is locked in,
``true`` once the script is loaded, then of each case its score or a fault, and ``"end"``. A fault is ``[kind, what, line]``.

The kernel stops what a script may not do, and says nothing but that. So an audit hook stands before it, which sees what
Python is about to do, names it and ends the process. A script that gets past the hook is ended by the kernel.
"""

from __future__ import annotations

import builtins
import importlib
import json
import math
import os
import re
import sys
from collections.abc import Callable
from types import CodeType, ModuleType, TracebackType

from . import declared, walls

TYPE_CHECKING = False  # typing takes as long to load as the rest of this
if TYPE_CHECKING:
    from typing import Any

    Check = Callable[[dict[str, Any], str], Any]

MODULES = (
    "ast", "bisect", "cmath", "collections", "copy", "csv", "dataclasses", "datetime", "decimal", "difflib", "enum", "fractions",
    "functools", "heapq", "html", "itertools", "json", "math", "numbers", "operator", "re", "statistics", "string", "textwrap",
    "typing", "unicodedata",
)  # fmt: skip
"""What scripts may import. Each is loaded before the walls go up, if the script names it."""
_LATER = {"datetime": "_strptime", "html": "html.parser"}
"""What these import only when they are used, which is too late."""
_SCRIPT = "<script>"

_PROCESS = "os.fork os.forkpty os.exec os.spawn os.posix_spawn os.system subprocess. pty. _thread. _posixsubprocess."
_SIGNAL = "os.kill os.killpg signal."
_FILE = "open os. shutil. glob. pathlib. tempfile. fcntl. sqlite3. mmap."
_NETWORK = "socket. urllib. http. ftplib. smtplib. imaplib. poplib. nntplib. telnetlib. webbrowser."
_SYSTEM = "ctypes. resource. syslog."
_KINDS = {
    name: kind
    for names, kind in (
        (_PROCESS, "process"),
        (_SIGNAL, "signal"),
        (_FILE, "file"),
        (_NETWORK, "network"),
        (_SYSTEM, "stopped"),
    )
    for name in names.split()
}
"""Audit events, or what stands before their dot, that a script has no business causing."""

_MODULES_FOR = {
    "network": "socket ssl urllib http ftplib smtplib requests httpx aiohttp",
    "process": "subprocess multiprocessing threading concurrent asyncio",
    "file": "pathlib shutil tempfile glob",
}
_KIND_OF_MODULE = {module: kind for kind, modules in _MODULES_FOR.items() for module in modules.split()}
"""What somebody wants who imports a module; any other is just told to be none of ``MODULES``."""


def main() -> None:
    """All of it; never returns."""
    job = json.loads(sys.stdin.buffer.read())
    results = os.dup(1)
    for descriptor in (0, 1, 2):
        os.close(descriptor)
    sys.stdin, sys.stdout, sys.stderr = None, _Nowhere(), _Nowhere()
    sys.unraisablehook = lambda problem: None
    _load(job["script"])
    standing = walls.lock(results, memory=job["memory"], seconds=job["seconds"])
    say = _speaker(results)
    say({"walls": standing})
    if job["script"] and standing[walls.INDISPENSABLE]:
        os._exit(0)
    check: Check | None = declared.share
    if job["script"]:
        sys.addaudithook(_watching(say))
        check = _checking(job["script"], say)
    if check is not None:
        say(True)
        for case, answer in job["cases"]:
            say(_score(check, case, answer))
        say("end")
    os._exit(0)


class _Nowhere:
    """Where printing goes."""

    def write(self, text: str) -> int:
        return len(text)

    def flush(self) -> None:
        pass


def _load(script: str) -> None:
    named = set(re.findall(r"\w+", script))
    for module in MODULES:
        if module in named:
            importlib.import_module(module)
            importlib.import_module(_LATER.get(module, module))
    # Nothing is looked for on the disk from here on: what is not there is "no module named so".
    sys.meta_path.clear()
    sys.path.clear()


def _speaker(results: int) -> Callable[[object], None]:
    encode, write, end = json.JSONEncoder().encode, os.write, os._exit

    def say(what: object) -> None:
        try:
            write(results, encode(what).encode() + b"\n")
        except MemoryError:
            write(results, b'["memory", "", 0]\n')
        except OSError:
            end(0)  # whoever asked is gone

    return say


def _watching(say: Callable[[object], None]) -> Callable[[str, tuple[Any, ...]], None]:
    frame, end = sys._getframe, os._exit

    def watch(event: str, details: tuple[Any, ...]) -> None:
        kind = _KINDS.get(event) or _KINDS.get(event.partition(".")[0] + ".")
        if kind is None:
            return
        what = str(details[0])[:200] if details and isinstance(details[0], str | bytes | int) else ""
        if what == _SCRIPT:  # Python wants to show the line of a syntax error, and does without.
            return
        at: Any = frame(1)
        while at is not None and at.f_code.co_filename != _SCRIPT:
            at = at.f_back
        say([kind, what, at.f_lineno if at is not None else 0])
        end(0)

    return watch


def _checking(script: str, say: Callable[[object], None]) -> Check | None:
    """The script's ``check``; ``None`` if it has none, which is said already."""
    module = ModuleType("script")
    sys.modules["script"] = module  # where dataclasses look their annotations up
    space = vars(module)
    space["__builtins__"] = {**vars(builtins), "__import__": _importing}
    try:
        code: CodeType = compile(script, _SCRIPT, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as problem:
        said, line = (problem.msg, problem.lineno) if isinstance(problem, SyntaxError) else (str(problem), 0)
        say(["syntax", (said or type(problem).__name__)[:200], line or 1])
        return None
    try:
        exec(code, space)
    except BaseException as problem:
        say(_fault(problem))
        return None
    if not callable(space.get("check")):
        say(["no_check", "", 0])
        return None
    check: Check = space["check"]
    return check


def _importing(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:
    if level or name.partition(".")[0] not in (*MODULES, "__future__", "_strptime"):
        raise ModuleNotFoundError(f"scripts may not import {name}", name=name)
    return builtins.__import__(name, globals, locals, fromlist, level)


def _score(check: Check, case: dict[str, Any], answer: str) -> float | list[Any]:
    try:
        found = check(case, answer)
    except BaseException as problem:
        fault = _fault(problem)
        begun = getattr(check, "__code__", None)
        # Called with arguments that it does not take: there is no line of its own but the first.
        return fault if fault[2] or begun is None else [*fault[:2], begun.co_firstlineno]
    try:
        score = math.nan if isinstance(found, str | bytes) else float(found)
    except BaseException:
        score = math.nan
    return score if 0 <= score <= 1 else ["value", _shown(lambda: repr(found)), 0]


def _fault(problem: BaseException) -> list[Any]:
    line = _line(problem.__traceback__)
    if isinstance(problem, MemoryError):
        return ["memory", "", line]
    if isinstance(problem, ModuleNotFoundError):
        module = str(problem.name)
        return [_KIND_OF_MODULE.get(module.partition(".")[0], "import"), module[:200], line]
    said = _shown(lambda: str(problem))
    if isinstance(problem, declared.NoPattern):
        return ["pattern", said, 0]
    name = type(problem).__name__
    return ["raised", f"{name}: {said}" if said else name, line]


def _shown(text: Callable[[], str]) -> str:
    """At most 200 characters of what the script's own ``__str__`` may make."""
    try:
        return str(text())[:200]
    except BaseException:
        return ""


def _line(trace: TracebackType | None) -> int:
    """The innermost line of the script itself."""
    line = 0
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == _SCRIPT:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
