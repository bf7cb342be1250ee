"""A worker process: takes tasks from its standard input, one after another, and writes what becomes of them.

Both directions are pickles back to back. It ends when its input does, in the middle of a task too: whoever
started it is then gone.
"""

from __future__ import annotations

import importlib
import os
import pickle
import queue
import signal
import sys
import threading
from typing import BinaryIO

from engine.backends.jobs import Outcome, Task, measure

Step = tuple[int, int]
Message = Step | Outcome
"""What a worker writes: steps while it is at a task, then its outcome."""


def main(device: str) -> None:
    """Serve until the input ends.

    Args:
        device: as torch names it; everything runs there.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal interrupts the whole group; the parent decides
    # What libraries print must not get between the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    tasks: queue.SimpleQueue[Task] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(sys.stdin.buffer, tasks), daemon=True).start()
    _pin(device)
    while True:
        task = tasks.get()
        _send(
            answers, measure(task.job, device, lambda *step: _send(answers, step), kind=task.kind, budget=task.budget)
        )


def _receive(stream: BinaryIO, tasks: queue.SimpleQueue[Task]) -> None:
    try:
        while True:
            tasks.put(pickle.load(stream))
    finally:
        os._exit(0)


def _send(stream: BinaryIO, message: Message) -> None:
    pickle.dump(message, stream)
    stream.flush()


def _pin(device: str) -> None:
    """Allocations that name no device go to this one too."""
    kind, _, index = device.partition(":")
    if kind != "cpu" and index:
        import torch

        if kind == "npu":
            importlib.import_module("torch_npu")  # makes "npu" known to torch
        torch.accelerator.set_device_index(int(index))


if __name__ == "__main__":
    main(sys.argv[1])
