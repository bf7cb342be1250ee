"""A table's rows as the cases of a task: what is asked, what is right."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from engine.comparing.fields import NAMES, one, plural, several, ways
from engine.comparing.records import Case, Kind, Language
from engine.comparing.rows import Row, Table
from engine.errors import UsageError
from engine.text import parse_yaml

_MOST_LABELS = 100
_RIGHT: Mapping[Kind, tuple[str, ...]] = {
    "classification": ("label", "answers"),
    "summary": ("summary", "answers"),
    "qa": ("answers", "label"),
    "maths": ("answers",),
}
"""What of a row is right, by kind. Of the other kinds answers are welcome, and not needed."""


def cases(
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    kind: Kind,
    language: Language,
    labels: tuple[str, ...],
    instruction: str | None,
) -> tuple[Case, ...]:
    """The cases of ``rows``, which are ``table``'s by meaning.

    What a model is asked is the instruction, the document and the question; or a row's own whole prompt, before which an
    instruction stands only if the file gives one.

    Raises:
        UsageError: a row lacks what its kind needs, or says what an earlier one said.
    """
    found: list[Case] = []
    ids: dict[str, int] = {}
    prompts: dict[str, int] = {}
    for number, (row, fields) in enumerate(zip(table.rows, rows, strict=True), 1):
        reader = _Reader(table, row, fields)
        name = reader.text("id") or str(number)
        prompt = _prompt(reader, kind, language, labels, instruction)
        for seen, said, code in ((ids, name, "task_id_twice"), (prompts, prompt, "task_prompt_twice")):
            if said in seen:
                raise UsageError(code, file=table.file, line=row.line, first=seen[said], id=name)
            seen[said] = row.line
        found.append(
            Case(
                id=name,
                prompt=prompt,
                answers=reader.right(kind, labels),
                terms=reader.ways("terms", needed=kind == "terms"),
                steps=reader.ways("steps"),
                points=reader.ways("points"),
                given=reader.given(),
            )
        )
    return tuple(found)


def labels(table: Table, given: Any, rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The labels of a classification: those given, else all that occur, in order.

    Raises:
        UsageError: they are no texts, fewer than two, or too many to be labels.
    """
    try:
        found = several(given, "|") if given is not None else ()
    except ValueError as error:
        raise UsageError("task_value", file=table.file, line=table.line, name="labels") from error
    if not found:
        readers = (_Reader(table, row, fields) for row, fields in zip(table.rows, rows, strict=True))
        found = tuple(dict.fromkeys(reader.right("classification", ())[0] for reader in readers))
    folded = {label.casefold() for label in found}
    if not 2 <= len(folded) <= _MOST_LABELS:
        raise UsageError("task_labels", file=table.file, found=len(folded), most=_MOST_LABELS)
    return found


class _Reader:
    """A row by meaning; its mistakes name its line."""

    def __init__(self, table: Table, row: Row, fields: Mapping[str, Any]) -> None:
        self._table, self._row, self._fields = table, row, fields

    def __contains__(self, meaning: str) -> bool:
        return meaning in self._fields

    def problem(self, code: str, **values: object) -> UsageError:
        return UsageError(code, file=self._table.file, line=self._row.line, **values)

    def text(self, meaning: str) -> str:
        """What the row has of ``meaning``; empty: nothing."""
        if meaning not in self._fields:
            return ""
        try:
            return one(self._fields[meaning])
        except ValueError as error:
            raise self.problem("task_value", name=meaning) from error

    def right(self, kind: Kind, labels: tuple[str, ...]) -> tuple[str, ...]:
        needed = kind in _RIGHT
        meaning = next((meaning for meaning in _RIGHT.get(kind, ("answers",)) if meaning in self._fields), "")
        if not meaning:
            if needed:
                known = [name for wanted in _RIGHT[kind] for name in NAMES[wanted]]
                raise self.problem("task_no_answer", kind=kind, known=", ".join(known[:4]))
            return ()
        mark = "|" if plural(self._row.fields, meaning) else ""
        try:
            found = several(self._fields[meaning], mark)
        except ValueError as error:
            raise self.problem("task_value", name=meaning) from error
        if needed and not found:
            raise self.problem("task_no_answer", kind=kind, known=meaning)
        return self._labelled(found, labels) if kind == "classification" else found

    def _labelled(self, found: tuple[str, ...], labels: tuple[str, ...]) -> tuple[str, ...]:
        if len(found) > 1:
            raise self.problem("task_label_several", found=", ".join(found))
        if not labels:
            return found
        match = next((label for label in labels if label.casefold() == found[0].casefold()), None)
        if match is None:
            raise self.problem("task_label", label=found[0], known=", ".join(labels))
        return (match,)

    def ways(self, meaning: str, *, needed: bool = False) -> tuple[tuple[str, ...], ...]:
        try:
            found = ways(self._fields[meaning]) if meaning in self._fields else ()
        except ValueError as error:
            raise self.problem("task_value", name=meaning) from error
        if needed and not found:
            raise self.problem("task_no_answer", kind="terms", known=", ".join(NAMES["terms"]))
        return found

    def given(self) -> Mapping[str, Any]:
        """The row as it stood; checks that a cell holds as JSON are read."""
        given = dict(self._row.fields)
        if "checks" in self._fields:
            checks = self._fields["checks"]
            try:
                given["checks"] = json.loads(checks) if isinstance(checks, str) else checks
            except (ValueError, RecursionError) as error:
                raise self.problem("task_value", name="checks") from error
        return given


def _prompt(reader: _Reader, kind: Kind, language: Language, labels: tuple[str, ...], instruction: str | None) -> str:
    whole, document, question = (reader.text(meaning) for meaning in ("prompt", "document", "question"))
    if not (whole or document or question):
        known = [NAMES[meaning][0] for meaning in ("prompt", "question", "document")]
        raise reader.problem("task_no_prompt", known=", ".join(known))
    words = _wording(language)
    if instruction is None:
        instruction = (
            "" if whole else words[kind].format(labels=", ".join(labels) if language == "en" else "、".join(labels))
        )
    parts = [instruction, document, whole or question]
    if document and question and not whole:
        parts = [instruction, words["document"].format(document=document), words["question"].format(question=question)]
    return "\n\n".join(part for part in parts if part)


@cache
def _wording(language: Language) -> Mapping[str, str]:
    words: Mapping[str, str] = parse_yaml(files(__package__).joinpath("wording.yaml").read_text(encoding="utf-8"))[
        language
    ]
    return words
