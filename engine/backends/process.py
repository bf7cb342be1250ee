"""A worker process, from the side of whoever started it."""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import subprocess
import sys
import threading

from engine.backends.jobs import Outcome, Task
from engine.backends.worker import Step


class WorkerProcess:
    """A worker on one device, and the thread that listens to it.

    Attributes:
        pid: of the process.
    """

    def __init__(self, device: str, threads: int, inbox: Inbox) -> None:
        """Start it.

        Args:
            device: as torch names it.
            threads: how many its arithmetic may use on the CPU.
            inbox: gets what it says, and ``None`` when it is gone.
        """
        self.device = device
        paths = os.pathsep.join(path for path in sys.path if path)
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONPATH": paths}
        # A fresh interpreter: accelerators do not survive a fork, and nobody's __main__ is run again.
        # -P: whatever lies in the current directory is none of ours.
        command = [sys.executable, "-P", "-m", "engine.backends.worker", device]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        self.pid = self._process.pid
        threading.Thread(target=self._listen, args=(inbox,), daemon=True, name=f"worker-{self.pid}").start()

    def give(self, task: Task) -> None:
        """Send it a task; where it is dead already, the thread that listens will say so."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            pickle.dump(task, self._process.stdin)
            self._process.stdin.flush()

    def stop(self) -> None:
        """End it at once, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def _listen(self, inbox: Inbox) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stream, contextlib.suppress(EOFError, OSError, pickle.UnpicklingError):
            while True:
                inbox.put((self, pickle.load(stream)))
        inbox.put((self, None))


Message = Step | Outcome | None
"""Steps while it is at a task, then the outcome; ``None``: it is gone."""
Inbox = queue.SimpleQueue[tuple[WorkerProcess, Message]]
