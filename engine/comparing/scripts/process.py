"""The restricted process, from the side of whoever started it: what it is given, what it says, and its end."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

START = 30.0
"""Seconds until the process must be locked in; what a script may take counts from then on."""
_LONGEST = 8_192
"""Bytes of one line: a fault with 200 characters of text has 2,500 at most."""
_FOR_THE_INTERPRETER = ("LD_LIBRARY_PATH",)
"""Without which some do not start."""
_PATIENCE = 60.0
_BEGIN = "import sys; sys.path.insert(0, sys.argv[1]); from cell.inside import main; main()"


@dataclass(frozen=True, slots=True)
class End:
    """How the process ended.

    Attributes:
        status: its exit status, negative for a signal; ``None``: it is still there, and cannot be stopped from here.
        late: it was stopped because its time was up.
        garbled: it was stopped because it said what the process never says.
    """

    status: int | None
    late: bool = False
    garbled: bool = False


def replies(job: object, *, seconds: float) -> Generator[Any, None, None]:
    """Start the process on a job and yield what it says, line by line, and an ``End`` last.

    The process is gone when the generator is, however that comes.

    Args:
        job: what ``cell.inside`` reads.
        seconds: from its first line to its end.

    Raises:
        OSError: it cannot be started: no memory, no disk.
    """
    with tempfile.TemporaryFile() as given:
        given.write(json.dumps(_plain(job)).encode())
        given.seek(0)
        # The process stays in its directory when that is gone from the disk, and is the last to know of it.
        with tempfile.TemporaryDirectory(prefix="r1-script-") as empty:
            process = _started(given, empty)
    try:
        yield from _said(process, seconds)
    finally:
        _ended(process)


def _plain(node: object) -> object:
    """As JSON can say it: YAML has dates and sets, and keys that are no text."""
    if isinstance(node, Mapping):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, list | tuple | set):
        return [_plain(value) for value in node]
    return node if node is None or isinstance(node, str | int | float) else str(node)


def _started(given: IO[bytes], empty: str) -> subprocess.Popen[bytes]:
    # -I and -S: neither the environment, the directory nor installed packages have a say in what runs.
    command = [sys.executable, "-I", "-S", "-W", "ignore", "-c", _BEGIN, str(Path(__file__).parent)]
    return subprocess.Popen(
        command,
        stdin=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=empty,
        env={"TZ": "UTC", **{name: os.environ[name] for name in _FOR_THE_INTERPRETER if name in os.environ}},
        start_new_session=True,
    )


def _said(process: subprocess.Popen[bytes], seconds: float) -> Iterator[Any]:
    assert process.stdout is not None
    deadline, rest, locked = time.monotonic() + START, b"", False
    with selectors.DefaultSelector() as ready:
        ready.register(process.stdout, selectors.EVENT_READ)
        while True:
            if not ready.select(max(0.0, deadline - time.monotonic())):
                _ended(process)
                yield End(process.returncode, late=True)
                return
            data = os.read(process.stdout.fileno(), 65_536)
            if not data:
                break
            *lines, rest = (rest + data).split(b"\n")
            for said in map(_read, lines if len(rest) <= _LONGEST else [*lines, rest]):
                if isinstance(said, _Garbled):
                    _ended(process)
                    yield End(process.returncode, garbled=True)
                    return
                if not locked:
                    deadline, locked = time.monotonic() + seconds, True
                yield said
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(max(0.0, deadline - time.monotonic()))
    late = process.returncode is None
    _ended(process)
    yield End(process.returncode, late=late or process.returncode in (-signal.SIGXCPU, -signal.SIGALRM))


class _Garbled:
    """What no process that is well says."""


def _read(line: bytes) -> Any:
    try:
        return json.loads(line) if len(line) <= _LONGEST else _Garbled()
    except (ValueError, RecursionError):
        return _Garbled()


def _ended(process: subprocess.Popen[bytes]) -> None:
    """End it at once, and whatever it may have started."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE)  # whoever may not send signals waits for the process's own alarm
    assert process.stdout is not None
    process.stdout.close()
