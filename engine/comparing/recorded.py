"""Answers that were recorded elsewhere, as one side of a comparison.

A .jsonl file with an answer a line: ``id`` (or ``prompt``, as it was asked) and ``answer``; ``reasoning``, ``seconds``,
``first``, ``prompt_tokens`` and ``completion_tokens`` besides, where they are known.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.comparing.fields import key, one
from engine.comparing.records import Answer, Task
from engine.comparing.rows import Row, Table, parse_rows, read_bytes
from engine.errors import UsageError

_NAMES: Mapping[str, tuple[str, ...]] = {
    "case": ("id", "case", "case_id", "编号", "序号", "题号"),
    "prompt": ("prompt", "question", "input", "问题", "题目", "提问", "输入"),
    "text": ("answer", "response", "completion", "output", "text", "prediction", "回答", "答案", "输出"),
    "reasoning": ("reasoning", "reasoning_content", "thinking", "思考", "思维链"),
    "seconds": ("seconds", "latency", "秒数"),
    "first": ("first", "ttft"),
    "prompt_tokens": ("prompt_tokens", "input_tokens"),
    "completion_tokens": ("completion_tokens", "output_tokens"),
}
_THOUGHT = re.compile(r"^\s*<think(?:ing)?>(?P<thought>.*?)</think(?:ing)?>\s*", re.DOTALL | re.IGNORECASE)


def recorded(path: Path, task: Task) -> tuple[Answer, ...]:
    """The recorded answers to a task's cases, in the order of the cases; cases without one are left out.

    Answers to other cases are left aside, as one recording serves several tasks. What stands in ``<think>`` before an
    answer is its reasoning.

    Raises:
        UsageError: the file cannot be read, has a mistake, or answers none of the cases (``task_*``, ``answers_*``).
    """
    return parse_recorded(read_bytes(path), path.name, task)


def parse_recorded(data: bytes, file: str, task: Task) -> tuple[Answer, ...]:
    """As ``recorded``, of an uploaded file called ``file``."""
    table = parse_rows(data, file)
    ids = {case.id for case in task.cases}
    asked = {_folded(case.prompt): case.id for case in task.cases}
    asked |= {_folded(question): case.id for case in task.cases for question in _questions(case.given)}
    found: dict[str, Answer] = {}
    lines: dict[str, int] = {}
    for row in table.rows:
        fields = _meant(row)
        name = _case(table, row, fields, ids, asked)
        if name in lines:
            raise UsageError("answers_twice", file=file, line=row.line, id=name, first=lines[name])
        lines[name] = row.line
        if name in ids:
            found[name] = _answer(table, row, fields, name)
    if not found:
        raise UsageError("answers_unmatched", file=file, found=len(table.rows), task=task.name)
    return tuple(found[case.id] for case in task.cases if case.id in found)


def _questions(given: Mapping[str, Any]) -> Sequence[str]:
    """What a row asked, by which answers that were recorded without the instruction are known."""
    return [value for name, value in given.items() if key(name) in _NAMES["prompt"] and isinstance(value, str)]


def _folded(prompt: str) -> str:
    return " ".join(prompt.split())


def _meant(row: Row) -> dict[str, Any]:
    filled = {key(name): value for name, value in row.fields.items() if value is not None}
    return {
        meaning: next(filled[name] for name in names if name in filled)
        for meaning, names in _NAMES.items()
        if any(name in filled for name in names)
    }


def _case(table: Table, row: Row, fields: Mapping[str, Any], ids: set[str], asked: Mapping[str, str]) -> str:
    """The id of the case that a row answers; of another task's, its own id or prompt."""
    said = {meaning: _text(table, row, fields, meaning) for meaning in ("case", "prompt") if meaning in fields}
    if not any(said.values()):
        raise UsageError("answers_no_case", file=table.file, line=row.line)
    if said.get("case") in ids:
        return said["case"]
    return asked.get(_folded(said.get("prompt", "")), "") or said.get("case", "") or said["prompt"]


def _text(table: Table, row: Row, fields: Mapping[str, Any], meaning: str) -> str:
    try:
        return one(fields.get(meaning, ""))
    except ValueError as error:
        raise UsageError("task_value", file=table.file, line=row.line, name=meaning) from error


def _answer(table: Table, row: Row, fields: Mapping[str, Any], name: str) -> Answer:
    if "text" not in fields:
        raise UsageError("answers_no_text", file=table.file, line=row.line, known=", ".join(_NAMES["text"][:4]))
    text, reasoning = _text(table, row, fields, "text"), _text(table, row, fields, "reasoning")
    if not reasoning and (thought := _THOUGHT.match(text)):
        text, reasoning = text[thought.end() :], thought["thought"].strip()
    return Answer(
        case=name,
        text=text,
        reasoning=reasoning,
        prompt_tokens=int(_number(table, row, fields, "prompt_tokens") or 0),
        completion_tokens=int(_number(table, row, fields, "completion_tokens") or 0),
        seconds=_number(table, row, fields, "seconds") or 0.0,
        first=_number(table, row, fields, "first"),
    )


def _number(table: Table, row: Row, fields: Mapping[str, Any], meaning: str) -> float | None:
    if fields.get(meaning) in (None, ""):
        return None
    try:
        value = float(fields[meaning])
    except (TypeError, ValueError, OverflowError):
        value = -1.0
    if not math.isfinite(value) or value < 0:
        raise UsageError("answers_number", file=table.file, line=row.line, name=meaning)
    return value
