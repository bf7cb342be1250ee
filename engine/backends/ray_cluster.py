"""Joining a Ray cluster, or starting one on this machine, without its leaving traces: output, signals, files."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import UsageError
from engine.weights.host import cores

log = logging.getLogger("r1.backends")
_STORE = 80 << 20
"""Ray's object store, in bytes: little more than the least it takes, as what our tasks return is small."""
_CONNECT_SECONDS = 5.0
_SETTINGS = 4
_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, _SETTINGS, 0, 0, 0, 0, 0))
"""How HTTP/2, and so gRPC, begins: the preface, and a frame of type SETTINGS from either side (RFC 9113, 3.4)."""


@dataclass(frozen=True, slots=True)
class Connection:
    """This process's tie to a cluster.

    Attributes:
        joined: by us; else by somebody else in this process, who may leave it.
        folder: of the cluster started here, else ``None``.
    """

    joined: bool
    folder: Path | None = None

    @property
    def left(self) -> bool:
        """Whether this process is in no cluster any more."""
        import ray

        return not ray.is_initialized()

    @property
    def started_here(self) -> bool:
        """Whether the cluster is ours alone."""
        return self.folder is not None

    def close(self) -> None:
        """Leave the cluster; end it where it was started here. Doing so twice changes nothing."""
        import ray

        if self.joined and ray.is_initialized():
            ray.shutdown()
            _unhush()
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)


def connect(address: str) -> Connection:
    """Join the cluster at ``address``, or the one this process is in already.

    Raises:
        UsageError: Ray is missing, or no cluster answers.
    """
    if importlib.util.find_spec("ray") is None:
        raise UsageError("ray_missing")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would report to its makers
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "1")  # as it is now; said, it warns of no change
    import ray

    hush()
    if ray.is_initialized():
        return Connection(joined=False)
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    folder = Path(tempfile.mkdtemp(prefix="r1-ray-", dir=_short_folder())) if address == "local" else None
    with _signals_kept():
        try:
            if folder is not None:
                ray.init(
                    num_cpus=cores(),
                    include_dashboard=False,
                    object_store_memory=_STORE,
                    _temp_dir=str(folder),
                    **quiet,
                )
            else:
                _knock(address)
                ray.init(address=address or "auto", **quiet)
        except (OSError, RuntimeError, ValueError) as error:
            _unhush()
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)
            if not address and not os.environ.get("RAY_ADDRESS"):
                raise UsageError("ray_not_running") from error
            said = getattr(error, "strerror", None) or str(error).strip() or type(error).__name__
            shown = address or os.environ["RAY_ADDRESS"]
            problem = said.splitlines()[0][:160].rstrip(".")
            raise UsageError("ray_unreachable", address=shown[:80], problem=problem) from error
    return Connection(joined=True, folder=folder)


def _knock(address: str) -> None:
    """Ray tries an address for minutes; that nobody listens there, or no gRPC server, shows at once.

    Raises:
        OSError: so it is.
    """
    where = (address or os.environ.get("RAY_ADDRESS", "")).removeprefix("ray://")
    host, colon, port = where.rpartition(":")
    if not colon or not port.isdigit():
        return
    with socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_SECONDS) as line:
        if os.environ.get("RAY_USE_TLS", "0") == "1":
            return
        line.sendall(_HELLO)
        if len(reply := line.recv(9)) < 9 or reply[3] != _SETTINGS:
            raise OSError("what answers is no Ray cluster")


def _short_folder() -> str:
    """Where Ray's files go: its sockets lie deep below, and a socket's path has at most 107 bytes."""
    folder = tempfile.gettempdir()
    return folder if len(folder) <= 20 or not os.access("/tmp", os.W_OK) else "/tmp"


@contextlib.contextmanager
def _signals_kept() -> Iterator[None]:
    """Ray takes SIGTERM for itself, which is the caller's."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def hush() -> None:
    """Keep what Ray's own threads print (of every worker that died, a paragraph) off standard output, from now on.
    Such threads live as long as the process is in a cluster, and lag behind."""
    if not isinstance(sys.stdout, _WithoutRay):
        sys.stdout = _WithoutRay(sys.stdout)


def _unhush() -> None:
    now: object = sys.stdout
    if isinstance(now, _WithoutRay):
        sys.stdout = now.stream


class _WithoutRay:
    """Writes through, except for Ray's threads: to the log."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        if not threading.current_thread().name.startswith("ray_"):
            return int(self.stream.write(text))
        if text.strip():
            log.debug("ray: %s", text.strip())
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)
