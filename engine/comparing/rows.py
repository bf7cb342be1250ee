"""Rows of a file that people made: JSONL, JSON, CSV, TSV or YAML, with the line each stood on.

UTF-8, with or without a byte order mark, UTF-16 with one, and GBK, which spreadsheets in China write, are read. Bytes that
are neither are a mistake to be told, as is every other: a row is never passed over.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from engine.catalog.yaml_file import parse_yaml_file
from engine.errors import CatalogError, UsageError

SIZE_LIMIT = 50_000_000
ROW_LIMIT = 200_000
SUFFIXES = (".jsonl", ".json", ".csv", ".tsv", ".yaml", ".yml", ".py")
_COMMON = 0.9  # share of a GBK text's characters beyond ASCII that are in GB 2312, as all but rare names are


@dataclass(frozen=True, slots=True)
class Row:
    """``line`` is where it begins, from 1."""

    line: int
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """A file's rows, and what it says of them all: ``header`` is what stands under ``task``, on ``line``."""

    file: str
    rows: tuple[Row, ...]
    header: Mapping[str, Any]
    line: int = 1


def read_bytes(path: Path) -> bytes:
    """What is in a file.

    Raises:
        UsageError: there is none, it cannot be read, or it is larger than 50 MB.
    """
    try:
        if not path.exists():
            raise UsageError("task_missing", file=str(path))
        if not path.is_file():
            raise UsageError("task_no_file", file=str(path))
        if path.stat().st_size > SIZE_LIMIT:
            raise UsageError("task_too_large", file=path.name, limit=SIZE_LIMIT // 1_000_000)
        return path.read_bytes()
    except OSError as error:
        raise UsageError("task_unreadable", file=str(path), problem=error.strerror or type(error).__name__) from error


def parse_rows(data: bytes, file: str) -> Table:
    """The rows of a file's bytes; what it is, is told by the end of its name.

    Raises:
        UsageError: too large, of another kind, in no known encoding, empty, or with a mistake, whose line is given.
    """
    if len(data) > SIZE_LIMIT:
        raise UsageError("task_too_large", file=file, limit=SIZE_LIMIT // 1_000_000)
    text = decoded(data, file)
    if not text.strip():
        raise UsageError("task_empty", file=file)
    match Path(file).suffix.casefold():
        case ".jsonl":
            table = _headed(file, _json_lines(text, file))
        case ".json":
            table = _headed(file, _json_array(text, file) if text.lstrip().startswith("[") else _json_lines(text, file))
        case ".csv" | ".tsv" as suffix:
            table = Table(file, tuple(_cells(text, file, "\t" if suffix == ".tsv" else "")), {})
        case ".yaml" | ".yml":
            table = _yaml(text, file)
        case _:
            raise UsageError("task_type", file=file, known=", ".join(SUFFIXES))
    if not table.rows and "generate" not in table.header:
        raise UsageError("task_no_cases", file=file)
    if len(table.rows) > ROW_LIMIT:
        raise UsageError("task_too_many", file=file, limit=ROW_LIMIT)
    return table


def decoded(data: bytes, file: str) -> str:
    """The text of ``data``. Raises UsageError: neither UTF-8, UTF-16 with a mark, nor GBK."""
    try:
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return data.decode("utf-16")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = data[: error.start].count(b"\n") + 1
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        text = ""
    beyond = [char for char in text if not char.isascii()]
    # Latin-1 passes for GBK by accident, but as characters that nobody writes.
    if not beyond or len("".join(beyond).encode("gb2312", "ignore")) / 2 < _COMMON * len(beyond):
        raise UsageError("task_encoding", file=file, line=place)
    return text


def _json_lines(text: str, file: str) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield Row(number, _object(_json(line, file, number), file, number))


def _json_array(text: str, file: str) -> Iterator[Row]:
    decoder, place, line = json.JSONDecoder(), text.index("[") + 1, 1
    counted = 0
    while True:
        while place < len(text) and text[place] in " \t\r\n,":
            place += 1
        line, counted = line + text.count("\n", counted, place), place
        if text[place : place + 1] == "]":
            return
        try:
            value, place = decoder.raw_decode(text, place)
        except (json.JSONDecodeError, RecursionError) as error:
            at = error.lineno if isinstance(error, json.JSONDecodeError) else line
            problem = error.msg if isinstance(error, json.JSONDecodeError) else "nested too deeply"
            raise UsageError("task_json", file=file, line=at, problem=problem) from error
        yield Row(line, _object(value, file, line))


def _json(line: str, file: str, number: int) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise UsageError("task_json", file=file, line=number, problem=str(error).partition(": line")[0]) from error


def _object(value: Any, file: str, line: int) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise UsageError("task_not_an_object", file=file, line=line)
    return {str(name): part for name, part in value.items()}


def _headed(file: str, rows: Iterator[Row]) -> Table:
    """A first object with ``task`` alone in it says what holds for all."""
    found = tuple(rows)
    if found and set(found[0].fields) == {"task"} and isinstance(found[0].fields["task"], dict):
        return Table(file, found[1:], found[0].fields["task"], found[0].line)
    return Table(file, found, {})


def _cells(text: str, file: str, delimiter: str) -> Iterator[Row]:
    first = text.lstrip("\r\n").partition("\n")[0]
    delimiter = delimiter or max(",;\t", key=first.count)
    csv.field_size_limit(SIZE_LIMIT)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    names: list[str] = []
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                if not names:
                    names = _columns([cell.strip() for cell in cells], file, line)
                elif len(cells) > len(names):
                    raise UsageError("task_cells", file=file, line=line, found=len(cells), wanted=len(names))
                else:
                    yield Row(line, {name: cell for name, cell in zip(names, cells, strict=False) if cell.strip()})
            line = reader.line_num + 1
    except csv.Error as error:
        raise UsageError("task_csv", file=file, line=line, problem=str(error)) from error


def _columns(names: list[str], file: str, line: int) -> list[str]:
    if twice := next((name for name in names if name and names.count(name) > 1), ""):
        raise UsageError("task_column_twice", file=file, line=line, name=twice)
    return names


def _yaml(text: str, file: str) -> Table:
    try:
        document = parse_yaml_file(text, file)
    except CatalogError as error:
        raise UsageError(
            "task_yaml", file=file, line=error.values.get("line", 1), problem=error.values.get("problem", "empty")
        ) from error
    value = document.value
    header: Any = {}
    if isinstance(value, dict):
        header = value.get("task") or {}
        if unknown := sorted(set(map(str, value)) - {"task", "cases"}):
            raise UsageError("task_yaml_top", file=file, line=document.line((unknown[0],)), name=unknown[0])
        if not isinstance(header, dict):
            raise UsageError("task_yaml_top", file=file, line=document.line(("task",)), name="task")
    under: tuple[str, ...] = ("cases",) if isinstance(value, dict) else ()
    cases = value.get("cases", [] if "generate" in header else None) if isinstance(value, dict) else value
    if not isinstance(cases, list):
        raise UsageError("task_no_cases", file=file)
    lines = [document.line((*under, place)) for place in range(len(cases))]
    rows = tuple(Row(line, _object(case, file, line)) for case, line in zip(cases, lines, strict=True))
    return Table(file, rows, {str(name): part for name, part in header.items()}, document.line(("task",)))
