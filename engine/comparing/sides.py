"""What people name as one of two models → what is asked: an endpoint, a checkpoint that is served here, recorded answers."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from engine.comparing.asking import Side, recorded_side
from engine.comparing.records import Task
from engine.comparing.serving import served
from engine.errors import UsageError
from engine.targets.endpoint import Endpoint, parse_endpoint

_ANSWERS = (".jsonl", ".ndjson")


def opened(target: str | Endpoint, task: Task, open_: ExitStack) -> Side:
    """A side, whose server, if it needs one, runs until ``open_`` ends.

    Raises:
        R1Error: there is no such file, or it is nothing that answers.
    """
    if isinstance(target, Endpoint):
        return _of_endpoint(target)
    if target.startswith(("http://", "https://")):
        return _of_endpoint(parse_endpoint(target))
    path = Path(target).expanduser()
    if path.suffix.lower() in _ANSWERS and path.is_file():
        return recorded_side(path, task)
    if not path.exists() or not (path.suffix.lower() == ".gguf" or (path / "config.json").is_file()):
        raise UsageError("compare_side", target=target[:200])
    endpoint = open_.enter_context(served(path.resolve()))
    return Side(path.name, _file_identity(path.resolve()), endpoint)


def _of_endpoint(endpoint: Endpoint) -> Side:
    name = endpoint.name or endpoint.url + (f"#{endpoint.model}" if endpoint.model else "")
    return Side(name, f"{endpoint.api} {endpoint.url}", endpoint)


def _file_identity(path: Path) -> str:
    """Which weights these are: another file under the same name is another model."""
    files = [path] if path.is_file() else sorted(path.iterdir())
    return " ".join(f"{file}:{file.stat().st_size}:{file.stat().st_mtime_ns}" for file in files if file.is_file())
