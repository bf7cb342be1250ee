"""YAML files into validated records, with the line of whatever is wrong.

PyYAML's composer gives every node its line; pydantic says which field is wrong; joined, they make one
sentence for the person who wrote the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from engine.errors import CatalogError

Model = TypeVar("Model", bound=BaseModel)

SIZE_LIMIT = 2_000_000
_DEPTH_LIMIT = 40
_NODE_LIMIT = 200_000
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_records(path: Path, model: type[Model]) -> Model:
    """The file at ``path`` as a ``model``.

    Raises:
        CatalogError: unreadable, no YAML, or not what ``model`` asks for; names the file and the line.
    """
    return parse_records(read_text(path), model, path.name)


def parse_records(text: str, model: type[Model], name: str) -> Model:
    """``text`` as a ``model``; ``name`` is the file's name in a sentence. Raises as ``read_records``."""
    document = parse_yaml_file(text, name)
    try:
        return model.model_validate(document.value)
    except ValidationError as error:
        first = error.errors()[0]
        raise CatalogError(
            "catalog_invalid",
            file=name,
            line=document.line(first["loc"]),
            field=".".join(str(part) for part in first["loc"]) or "file",
            problem=first["msg"].removeprefix("Value error, ").lower(),
        ) from error


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML file as plain data, which still knows where everything stood."""

    value: Any
    node: yaml.Node

    def line(self, location: tuple[int | str, ...]) -> int:
        """The line of what is at ``location``, or of the deepest that is there on the way to it."""
        return _line(_locate(self.node, location))


def read_document(path: Path) -> Document:
    """The file at ``path``. Raises as ``read_records``, but for what the data means."""
    return parse_yaml_file(read_text(path), path.name)


def parse_yaml_file(text: str, name: str) -> Document:
    """``text`` as a document. Raises as ``read_document``."""
    try:
        node = yaml.compose(text, Loader=_LOADER)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise CatalogError("catalog_yaml", file=name, line=_line_of(error), problem=_problem_of(error)) from error
    if node is None:
        raise CatalogError("catalog_empty", file=name)
    for child, depth in _walk(node, name):
        if depth > _DEPTH_LIMIT:
            raise CatalogError("catalog_yaml", file=name, line=_line(child), problem="nested too deeply")
    try:
        return Document(_LOADER("").construct_document(node), node)
    except (yaml.YAMLError, ValueError, TypeError, OverflowError) as error:
        raise CatalogError("catalog_yaml", file=name, line=_line_of(error), problem=_problem_of(error)) from error


def last_written(path: Path) -> int:
    """When a file was last written, by which what was read of it is kept: a worker runs for weeks, and its users edit their
    files. 0: it is not there, which reading it will say."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def read_text(path: Path) -> str:
    """What a file says, of bounded size. Raises as ``read_document`` for what cannot be read."""
    try:
        if not path.is_file():
            raise CatalogError("catalog_missing", file=str(path))
        if path.stat().st_size > SIZE_LIMIT:
            raise CatalogError("catalog_too_large", file=path.name, limit=SIZE_LIMIT // 1_000_000)
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise CatalogError("catalog_missing", file=str(path)) from error
    except UnicodeDecodeError as error:
        raise CatalogError("catalog_yaml", file=path.name, line="?", problem="not UTF-8 text") from error


def _walk(root: yaml.Node, name: str) -> Iterator[tuple[yaml.Node, int]]:
    """Every node once per appearance, refusing what YAML allows and a catalog never needs.

    Aliases share nodes, so a few bytes can stand for billions of them; duplicate keys silently win.
    """
    stack, seen = [(root, 0)], 0
    while stack:
        node, depth = stack.pop()
        seen += 1
        if seen > _NODE_LIMIT:
            raise CatalogError("catalog_yaml", file=name, line=_line(node), problem="too many entries or aliases")
        yield node, depth
        if isinstance(node, yaml.MappingNode):
            keys = set()
            for key, child in node.value:
                if isinstance(key, yaml.ScalarNode):
                    if key.value in keys:
                        problem = f"duplicate key {key.value!r}"
                        raise CatalogError("catalog_yaml", file=name, line=_line(key), problem=problem)
                    keys.add(key.value)
                stack.append((child, depth + 1))
        elif isinstance(node, yaml.SequenceNode):
            stack.extend((child, depth + 1) for child in node.value)


def _locate(node: yaml.Node, location: tuple[int | str, ...]) -> yaml.Node:
    """The deepest node on the way to ``location``: what is missing is blamed on what should hold it."""
    for part in location:
        child: yaml.Node | None = None
        if isinstance(node, yaml.MappingNode):
            child = next((value for key, value in node.value if getattr(key, "value", None) == str(part)), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            child = node.value[part]
        if child is None:
            break
        node = child
    return node


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _line_of(error: Exception) -> int | str:
    mark = getattr(error, "problem_mark", None)
    return int(mark.line) + 1 if mark is not None else "?"


def _problem_of(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return str(getattr(error, "problem", None) or error).splitlines()[0][:120]
