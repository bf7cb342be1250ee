"""A lone Python file as a task: its ``CASES`` are read as data, and its ``check`` is left for the restricted process."""

from __future__ import annotations

import ast
from typing import Any

from engine.comparing.rows import Row, Table, decoded
from engine.errors import UsageError

SIZE_LIMIT = 1_000_000
_HEADER = {"NAME", "LANGUAGE", "INSTRUCTION", "SYSTEM", "MAX_TOKENS"}


def parse_script(data: bytes, file: str, *, cases: bool = True) -> Table:
    """The cases of ``CASES = [{...}, ...]`` and what ``NAME``, ``LANGUAGE``, ``INSTRUCTION``, ``SYSTEM`` or ``MAX_TOKENS`` say.

    Nothing is run: what is no literal cannot be read. The header's ``script`` is the source itself.

    Raises:
        UsageError: no Python, no ``check(case, answer)``; or, where ``cases`` are asked for, no such list.
    """
    if len(data) > SIZE_LIMIT:
        raise UsageError("task_too_large", file=file, limit=SIZE_LIMIT // 1_000_000)
    source = decoded(data, file)
    try:
        module = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        problem = getattr(error, "msg", None) or "nested too deeply"
        raise UsageError("task_python", file=file, line=getattr(error, "lineno", None) or 1, problem=problem) from error
    if not any(isinstance(node, ast.FunctionDef) and node.name == "check" for node in module.body):
        raise UsageError("task_no_check", file=file)
    header: dict[str, Any] = {"kind": "script", "script": source}
    rows: tuple[Row, ...] = ()
    for name, value in _assigned(module):
        if name in _HEADER:
            header[name.casefold()] = _literal(value, file)
        elif name == "CASES":
            rows = _rows(value, file)
    if cases and not rows:
        raise UsageError("task_no_literal_cases", file=file)
    return Table(file, rows, header)


def _assigned(module: ast.Module) -> list[tuple[str, ast.expr]]:
    found = []
    for node in module.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        found += [(target.id, value) for target in targets if isinstance(target, ast.Name) and value is not None]
    return found


def _rows(value: ast.expr, file: str) -> tuple[Row, ...]:
    if not isinstance(value, ast.List | ast.Tuple):
        raise UsageError("task_no_literal_cases", file=file)
    rows = []
    for element in value.elts:
        case = _literal(element, file)
        if not isinstance(case, dict):
            raise UsageError("task_not_an_object", file=file, line=element.lineno)
        rows.append(Row(element.lineno, {str(name): part for name, part in case.items()}))
    return tuple(rows)


def _literal(node: ast.expr, file: str) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError) as error:
        raise UsageError("task_no_literal", file=file, line=node.lineno) from error
