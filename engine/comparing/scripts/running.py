"""Runs a task's own checks over answers, in a process that can do nothing else; tells what came of it."""

from __future__ import annotations

import math
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, NoReturn

from engine.comparing.records import Answer, Case
from engine.comparing.scripts.cell import declared, inside, walls
from engine.comparing.scripts.process import START, End, replies
from engine.errors import UsageError

MEGABYTE = 2**20
LEAST_MEMORY = 16 * MEGABYTE
_GOES_ON = frozenset({"raised", "value", "memory", "import"})
"""Faults of one case, after which the others are still checked."""
_KINDS = _GOES_ON | {"pattern", "syntax", "no_check", "file", "network", "process", "signal", "stopped"}


class ScriptProblem(UsageError):
    """A task's checks did not come to their end, or not for every case.

    Attributes:
        scores: by case id, of the cases that were checked before, or besides. They are sound.
        failed: ids of the cases that were checked and have no score.
        complete: every case was checked, so that those that failed are all that is missing.
    """

    scores: Mapping[str, float]
    failed: tuple[str, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class Isolation:
    """How this machine locks scripts in.

    Attributes:
        walls: by name (``engine.comparing.scripts.cell.walls.WALLS``), why it does not stand here; empty where it does.
    """

    walls: Mapping[str, str]

    @property
    def enough(self) -> bool:
        """Whether scripts are run: files, network and other processes are out of their reach."""
        return not self.walls[walls.INDISPENSABLE]


def isolation() -> Isolation:
    """Ask this machine's kernel: start a process, have it lock itself in and say which walls stand.

    Raises:
        UsageError: it did not start, or this is no Linux (``script_*``).
    """
    _on_linux()
    job = {"script": "", "cases": [], "memory": 64 * MEGABYTE, "seconds": 1.0}
    with closing(replies(job, seconds=1.0)) as said:
        return _isolation(said)


def require_declared(cases: Sequence[Case]) -> None:
    """Nothing if each case declares checks that can be run (see ``cell.declared``).

    Raises:
        UsageError: a case has none, or one that is unknown or not of its form (``check_*``).
    """
    for case in cases:
        checks = list(declared.each(case.given["checks"])) if case.given.get("checks") else []
        if not checks:
            raise UsageError("check_missing", case=case.id)
        for name, asked in checks:
            if name not in declared.FORMS:
                raise UsageError("check_unknown", case=case.id, name=str(name), known=", ".join(declared.FORMS))
            if not declared.well_formed(name, asked):
                raise UsageError("check_invalid", case=case.id, name=name, form=declared.FORMS[name])


def run_checks(
    script: str,
    cases: Sequence[Case],
    answers: Sequence[Answer],
    *,
    seconds: float = 10.0,
    memory: int = 512 * MEGABYTE,
) -> dict[str, float]:
    """Score answers by a script's ``check(case: dict, answer: str) -> bool | float``, or by the checks that cases declare.

    One process for all the answers, which locks itself in before it runs any of the script: no files, no network, no
    other processes, and only the modules of ``cell.inside.MODULES``. A case is given as it stood in its file, with ``id``,
    ``prompt`` and ``answers`` besides.

    Args:
        script: Python source; empty: each case's own ``checks``.
        answers: any of the cases'; those that failed are left out.
        seconds: for all of them, from when the process is ready.
        memory: bytes it may take beyond what the interpreter has; ``LEAST_MEMORY`` at least.

    Returns:
        By case id, 0..1.

    Raises:
        ScriptProblem: something is wrong with the checks, or they were stopped; it has the scores there are.
        UsageError: scripts cannot be locked in here, so none is run; or declared checks are none (``script_*``, ``check_*``).
        ValueError: limits that leave no room, or two answers to a case.
    """
    if not 0 < seconds < math.inf or memory < LEAST_MEMORY:
        raise ValueError(f"a script needs some time, and {LEAST_MEMORY} bytes")
    if not script:
        require_declared(cases)
    if script or sys.platform == "win32":
        _on_linux()
    by_id = {case.id: case for case in cases}
    asked = [(by_id[answer.case], answer.text) for answer in answers if not answer.failed]
    if len({case.id for case, _ in asked}) < len(asked):
        raise ValueError("two answers to a case")
    if not asked:
        return {}
    job = {
        "script": script,
        "cases": [(_as_given(case), text) for case, text in asked],
        "memory": memory,
        "seconds": seconds,
    }
    with closing(replies(job, seconds=seconds)) as said:
        standing = _isolation(said)
        if script and not standing.enough:
            raise UsageError("script_not_locked", problem=standing.walls[walls.INDISPENSABLE])
        return _Tally([case.id for case, _ in asked], seconds, memory).of(said)


def _on_linux() -> None:
    if sys.platform != "linux":
        raise UsageError("script_needs_linux", system=sys.platform)


def _as_given(case: Case) -> dict[str, Any]:
    return {"id": case.id, "prompt": case.prompt, "answers": list(case.answers), **case.given}


def _isolation(said: Iterator[Any]) -> Isolation:
    try:
        first = next(said)
    except OSError as error:
        raise UsageError("script_no_start", problem=error.strerror or str(error)) from error
    if isinstance(first, End):
        if first.late:
            raise UsageError("script_slow_start", seconds=int(START))
        raise UsageError("script_no_start", problem=f"exit {first.status}")
    return Isolation(first["walls"])


class _Tally:
    """Scores as they come, in the order of the cases, and the first fault."""

    def __init__(self, ids: Sequence[str], seconds: float, memory: int) -> None:
        self._ids = ids
        self._limits = {"seconds": f"{seconds:g}", "memory": memory // MEGABYTE}
        self._scores: dict[str, float] = {}
        self._failed: list[str] = []
        self._fault: tuple[str, dict[str, object]] | None = None

    def of(self, said: Iterator[Any]) -> dict[str, float]:
        """Listen to the end."""
        loaded = False
        for reply in said:
            done = len(self._scores) + len(self._failed)
            match reply:
                case True if not loaded:
                    loaded = True
                case bool():
                    self._stop("stopped")
                case int() | float() if loaded and done < len(self._ids) and 0 <= reply <= 1:
                    self._scores[self._ids[done]] = float(reply)
                case [str(kind), str(what), int(line)] if kind in _KINDS and done < len(self._ids):
                    if not loaded or kind not in _GOES_ON:
                        self._stop("broken" if kind == "raised" else kind, what=what[:200], line=line)
                    if self._fault is None:
                        self._fault = (kind, {"what": what[:200], "line": line, "case": self._ids[done]})
                    self._failed.append(self._ids[done])
                case "end" if done == len(self._ids):
                    break
                case End():
                    self._stop(_end(reply))
                case _:
                    self._stop("stopped")
        if self._fault is not None:
            self._stop(self._fault[0], **self._fault[1])
        return self._scores

    def _stop(self, kind: str, **values: object) -> NoReturn:
        done = len(self._scores) + len(self._failed)
        problem = ScriptProblem(
            f"script_{kind}",
            **{
                "case": self._ids[min(done, len(self._ids) - 1)],
                "done": done,
                "cases": len(self._ids),
                "failed": len(self._failed),
                "allowed": ", ".join(inside.MODULES),
                **self._limits,
                **values,
            },
        )
        problem.scores, problem.failed = self._scores, tuple(self._failed)
        problem.complete = kind in _GOES_ON and done == len(self._ids)
        raise problem


def _end(end: End) -> str:
    if end.late:
        return "time"
    if end.status in _CRASHES:
        return "crashed"
    return "exited" if not end.garbled and end.status is not None and end.status >= 0 else "stopped"


_CRASHES = {-getattr(signal, name, 0) for name in ("SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE")} - {0}
