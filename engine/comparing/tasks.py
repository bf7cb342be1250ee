"""Tasks: a user's own files, and those that ship.

A file has a case a row: JSONL, JSON, CSV, TSV, YAML, or a Python file with ``CASES`` and ``check``. The names of columns
are in ``engine.comparing.fields``. YAML (``task:`` and ``cases:``), and JSONL whose first object is ``{"task": {...}}``,
can also say the task's kind, language, labels, instruction, system, rubric, max_tokens and script.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

from engine.comparing import cases as reading
from engine.comparing.fields import HEADER, key, meant, one
from engine.comparing.guessing import guessed_kind, guessed_language
from engine.comparing.harness import PREFIX, harness_task
from engine.comparing.long_documents import long_cases
from engine.comparing.records import Kind, Language, Task
from engine.comparing.rows import Table, parse_rows, read_bytes
from engine.comparing.scripted import parse_script
from engine.errors import UsageError
from engine.text import LANGUAGES

KINDS: tuple[Kind, ...] = get_args(Kind)
_MOST_TOKENS = 131_072
_TOKENS = Task("", "qa", "en", ()).max_tokens


def load_task(path: Path, *, name: str = "", kind: str | None = None, language: str | None = None) -> Task:
    """The task in a file; or ``lm-eval:NAME``, see ``harness``.

    Args:
        name: what it is called; the file's name without its end if empty, and the file says none.
        kind: one of ``KINDS``; ``None``: what the file says, or what its columns leave no doubt about.
        language: ``en`` or ``zh``; ``None``: what the file says, or what its texts are in.

    Raises:
        UsageError: it cannot be read, or has a mistake in it; the sentence gives the line (``task_*``, ``check_*``).
    """
    if path.parent == Path() and not path.suffix and not path.exists():
        return _named(path.name)
    return parse_task(read_bytes(path), path.name, name=name, kind=kind, language=language, folder=path.parent)


def parse_task(
    data: bytes,
    file: str,
    *,
    name: str = "",
    kind: str | None = None,
    language: str | None = None,
    folder: Path | None = None,
) -> Task:
    """The task in an uploaded file called ``file``; as ``load_task``.

    Args:
        folder: where a script that the file names is looked for; ``None``: nowhere, it has to be in the file itself.
    """
    if Path(file).suffix.casefold() == ".py":
        return _task(parse_script(data, file), name, kind, language, folder)
    return _task(parse_rows(data, file), name, kind, language, folder)


def _named(name: str) -> Task:
    """What is called ``name`` and is no file: a task of lm-eval, or a slip."""
    if name.startswith(PREFIX):
        return harness_task(name.removeprefix(PREFIX))
    near = get_close_matches(name, _seed_names(), 3, cutoff=0.4)
    raise UsageError("task_unknown", name=name, known=", ".join(near or _seed_names()))


def _task(table: Table, name: str, kind: str | None, language: str | None, folder: Path | None) -> Task:
    header = _header(table)
    rows = [meant(row.fields) for row in table.rows]
    asked = _kind(kind or header.get("kind"), table) or guessed_kind(rows, header)
    if "generate" in header:
        asked = "terms"
    if asked is None:
        raise UsageError("task_kind_unclear", file=table.file, known=", ".join(KINDS))
    script = _script(table, header, folder) if asked == "script" else ""
    spoken = _language(language or header.get("language"), table) or guessed_language(
        [str(row.get("prompt", row.get("question", ""))) + str(row.get("document", "")) for row in rows]
    )
    if "generate" in header:
        return _generated(table, header, name, spoken)
    instruction = one(header["instruction"]) if "instruction" in header else None
    labels = reading.labels(table, header.get("labels"), rows) if asked == "classification" else ()
    task = Task(
        name=name or header.get("name") or Path(table.file).stem,
        kind=asked,
        language=spoken,
        cases=reading.cases(table, rows, asked, spoken, labels, instruction),
        labels=labels,
        rubric=header.get("rubric", ""),
        script=script,
        system=header.get("system", ""),
        max_tokens=_max_tokens(header.get("max_tokens", _TOKENS), table),
    )
    if asked == "rubric" and not task.rubric and not all("rubric" in row for row in rows):
        raise UsageError("task_no_rubric", file=table.file)
    if asked == "script" and not script:
        from engine.comparing.scripts import require_declared

        require_declared(task.cases)
    return task


def _generated(table: Table, header: Mapping[str, Any], name: str, language: Language) -> Task:
    """A task of long documents, see ``long_documents``."""
    try:
        cases = long_cases(header["generate"], language)
    except (ValueError, TypeError, AttributeError) as error:
        raise UsageError("task_generate", file=table.file, line=table.line, problem=str(error)) from error
    named = name or header.get("name") or Path(table.file).stem
    return Task(named, "terms", language, cases, max_tokens=_max_tokens(header.get("max_tokens", _TOKENS), table))


def _header(table: Table) -> dict[str, Any]:
    """What the file says of all its cases, by the names of ``Task``."""
    found: dict[str, Any] = {}
    for written, value in table.header.items():
        meaning = next((meaning for meaning, names in HEADER.items() if key(written) in names), None)
        if meaning is None:
            near = get_close_matches(key(written), HEADER, 1)
            raise UsageError(
                "task_header", file=table.file, line=table.line, name=written, known=", ".join(near or HEADER)
            )
        if value is None:
            continue
        try:
            found[meaning] = value if meaning in ("labels", "max_tokens", "generate") else one(value)
        except ValueError as error:
            raise UsageError("task_value", file=table.file, line=table.line, name=written) from error
    return found


def _kind(kind: str | None, table: Table) -> Kind | None:
    found = next((known for known in KINDS if kind and key(kind) == known), None)
    if kind and found is None:
        raise UsageError("task_kind_unknown", file=table.file, kind=kind, known=", ".join(KINDS))
    return found


def _language(language: str | None, table: Table) -> Language | None:
    if language and language not in LANGUAGES:
        raise UsageError("task_language", file=table.file, language=language)
    return "zh" if language == "zh" else "en" if language else None


def _max_tokens(value: Any, table: Table) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _MOST_TOKENS:
        return value
    raise UsageError("task_max_tokens", file=table.file, line=table.line, most=_MOST_TOKENS)


def _script(table: Table, header: Mapping[str, Any], folder: Path | None) -> str:
    """The source of a task's checks: written out, or in a file beside the task's."""
    script = str(header.get("script", ""))
    if not script or "\n" in script or not script.endswith(".py"):
        if script and Path(table.file).suffix.casefold() != ".py":
            parse_script(script.encode(), table.file, cases=False)
        return script
    if folder is None or Path(script).name != script:
        raise UsageError("task_script_elsewhere", file=table.file, line=table.line, script=script)
    return str(parse_script(read_bytes(folder / script), script, cases=False).header["script"])


class _Seeds(Mapping[str, Task]):
    """The tasks that ship, each read when it is asked for."""

    def __getitem__(self, name: str) -> Task:
        if name not in _seed_names():
            raise KeyError(name)
        return _seed(name)

    def __iter__(self) -> Iterator[str]:
        return iter(_seed_names())

    def __len__(self) -> int:
        return len(_seed_names())


def seeds() -> Mapping[str, Task]:
    """The tasks that ship, by name: ``qa-en``, ``maths-zh``, ``long-4k-en``…"""
    return _Seeds()


@cache
def _seed_names() -> tuple[str, ...]:
    folder = files(__package__).joinpath("seeds")
    return tuple(
        sorted(
            f"{entry.name.removesuffix('.yaml')}-{language}"
            for language in LANGUAGES
            for entry in folder.joinpath(language).iterdir()
            if entry.name.endswith(".yaml")
        )
    )


@cache
def _seed(name: str) -> Task:
    stem, _, language = name.rpartition("-")
    path = Path(str(files(__package__).joinpath("seeds", language, f"{stem}.yaml")))
    table = parse_rows(path.read_bytes(), path.name)
    return _task(table, name, None, language, None)
