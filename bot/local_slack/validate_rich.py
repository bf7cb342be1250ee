"""What Slack refuses in rich text, tables, tasks and plans. Pure.

Sources: docs.slack.dev/reference/block-kit/blocks (rich-text, table, task-card, plan),
docs.slack.dev/reference/methods/chat.appendStream (chunks).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bot.local_slack.validate_elements import URL, string_problems

ROWS, COLUMNS, INDENT = 100, 20, 8
TASK_TEXT, MARKDOWN_TEXT = 256, 12_000
STATES = ("pending", "in_progress", "complete", "error")
_STYLES = {"bold", "italic", "strike", "code", "underline", "highlight", "client_highlight", "unlink"}
_INLINE = {
    "text": ("text", {"text", "style"}),
    "link": ("url", {"url", "text", "style", "unsafe"}),
    "emoji": ("name", {"name", "unicode", "style"}),
    "user": ("user_id", {"user_id", "style"}),
    "usergroup": ("usergroup_id", {"usergroup_id", "style"}),
    "channel": ("channel_id", {"channel_id", "style"}),
    "team": ("team_id", {"team_id", "style"}),
    "date": ("format", {"timestamp", "format", "url", "fallback"}),
    "broadcast": ("range", {"range"}),
    "color": ("value", {"value"}),
}
_PARTS = {
    "rich_text_section": {"elements"},
    "rich_text_preformatted": {"elements", "border", "language"},
    "rich_text_quote": {"elements", "border"},
    "rich_text_list": {"elements", "style", "indent", "offset", "border"},
}


def rich_text_problems(block: Mapping[str, Any], at: str) -> Iterator[str]:
    """What is wrong with a rich_text block or cell."""
    elements = block.get("elements")
    if not isinstance(elements, list):
        yield f"elements must be an array [json-pointer:{at}/elements]"
        return
    for number, part in enumerate(elements):
        yield from _part(part, f"{at}/elements/{number}")


def table_problems(block: Mapping[str, Any], at: str) -> Iterator[str]:
    """What is wrong with a table."""
    rows = block.get("rows")
    if not isinstance(rows, list) or not 1 <= len(rows) <= ROWS:
        yield f"between 1 and {ROWS} rows allowed [json-pointer:{at}/rows]"
        return
    for number, row in enumerate(rows):
        if not isinstance(row, list) or not 1 <= len(row) <= COLUMNS:
            yield f"between 1 and {COLUMNS} cells a row allowed [json-pointer:{at}/rows/{number}]"
            continue
        for place, cell in enumerate(row):
            yield from _cell(cell, f"{at}/rows/{number}/{place}")
    settings = block.get("column_settings", [])
    if not isinstance(settings, list) or len(settings) > COLUMNS:
        yield f"no more than {COLUMNS} items allowed [json-pointer:{at}/column_settings]"
        return
    for number, setting in enumerate(settings):
        if setting is not None and not _is_setting(setting):
            yield f"must be a column setting [json-pointer:{at}/column_settings/{number}]"


def task_problems(block: Mapping[str, Any], at: str) -> Iterator[str]:
    """What is wrong with a task card."""
    for name in ("task_id", "title"):
        if not isinstance(block.get(name), str) or not block[name]:
            yield f"missing required field: {name} [json-pointer:{at}]"
    if block.get("status", "pending") not in STATES:
        yield f"status must be one of {', '.join(STATES)} [json-pointer:{at}/status]"
    for name in ("details", "output"):
        if name in block:
            given = block[name]
            if not isinstance(given, Mapping) or given.get("type") != "rich_text":
                yield f"must be a rich_text entity [json-pointer:{at}/{name}]"
            else:
                yield from rich_text_problems(given, f"{at}/{name}")
    yield from _sources(block.get("sources", []), at)


def plan_problems(block: Mapping[str, Any], at: str) -> Iterator[str]:
    """What is wrong with a plan."""
    if not isinstance(block.get("title"), str) or not block["title"]:
        yield f"missing required field: title [json-pointer:{at}]"
    tasks = block.get("tasks", [])
    if not isinstance(tasks, list):
        yield f"tasks must be an array [json-pointer:{at}/tasks]"
        return
    for number, task in enumerate(tasks):
        where = f"{at}/tasks/{number}"
        if not isinstance(task, Mapping) or task.get("type") != "task_card":
            yield f"must be a task_card [json-pointer:{where}]"
        else:
            yield from task_problems(task, where)


def chunk_problems(chunks: Any, blocks: Callable[[Any], list[str]]) -> list[str]:
    """What is wrong with a stream's chunks; ``blocks`` tells what is wrong with blocks."""
    if not isinstance(chunks, list) or not all(isinstance(chunk, Mapping) for chunk in chunks):
        return ["must be an array of objects [json-pointer:/chunks]"]
    found = [problem for number, chunk in enumerate(chunks) for problem in _chunk(chunk, f"/chunks/{number}")]
    given = [chunk.get("blocks") for chunk in chunks if chunk.get("type") == "blocks"]
    return found + [problem for value in given for problem in blocks(value if value is not None else 0)]


def _chunk(chunk: Mapping[str, Any], at: str) -> Iterator[str]:
    kind = str(chunk.get("type"))
    keys = {
        "markdown_text": {"text"},
        "plan_update": {"title"},
        "task_update": {"id", "title", "status", "details", "output", "sources"},
        "blocks": {"blocks"},
    }
    if kind not in keys:
        yield f"unsupported type: {kind} [json-pointer:{at}/type]"
        return
    for name in sorted(set(chunk) - keys[kind] - {"type"}):
        yield f"invalid additional property: {name} [json-pointer:{at}]"
    if kind == "markdown_text":
        yield from string_problems(chunk, "text", MARKDOWN_TEXT, at, required=True)
    elif kind == "plan_update":
        yield from string_problems(chunk, "title", TASK_TEXT, at, required=True)
    elif kind == "task_update":
        for name in ("id", "title"):
            yield from string_problems(chunk, name, TASK_TEXT, at, required=True)
        for name in ("details", "output"):
            yield from string_problems(chunk, name, TASK_TEXT, at)
        if chunk.get("status") not in STATES:
            yield f"status must be one of {', '.join(STATES)} [json-pointer:{at}/status]"
        yield from _sources(chunk.get("sources", []), at)


def _part(part: Any, at: str) -> Iterator[str]:
    kind = part.get("type") if isinstance(part, Mapping) else None
    if kind not in _PARTS:
        yield f"unsupported type: {kind} [json-pointer:{at}/type]"
        return
    for name in sorted(set(part) - _PARTS[kind] - {"type"}):
        yield f"invalid additional property: {name} [json-pointer:{at}]"
    elements = part.get("elements")
    if not isinstance(elements, list):
        yield f"elements must be an array [json-pointer:{at}/elements]"
        return
    if kind != "rich_text_list":
        for number, inline in enumerate(elements):
            yield from _inline(inline, f"{at}/elements/{number}")
        return
    if part.get("style") not in ("bullet", "ordered"):
        yield f"style must be bullet or ordered [json-pointer:{at}/style]"
    if not 0 <= part.get("indent", 0) <= INDENT:
        yield f"indent must be from 0 to {INDENT} [json-pointer:{at}/indent]"
    for number, item in enumerate(elements):
        if not isinstance(item, Mapping) or item.get("type") != "rich_text_section":
            yield f"must be a rich_text_section [json-pointer:{at}/elements/{number}]"
        else:
            yield from _part(item, f"{at}/elements/{number}")


def _inline(inline: Any, at: str) -> Iterator[str]:
    kind = inline.get("type") if isinstance(inline, Mapping) else None
    if kind not in _INLINE:
        yield f"unsupported type: {kind} [json-pointer:{at}/type]"
        return
    needed, keys = _INLINE[kind]
    for name in sorted(set(inline) - keys - {"type"}):
        yield f"invalid additional property: {name} [json-pointer:{at}]"
    if not isinstance(inline.get(needed), str) or not inline[needed]:
        yield f"must be more than 0 characters [json-pointer:{at}/{needed}]"
    style = inline.get("style", {})
    if not isinstance(style, Mapping) or set(style) - _STYLES or not all(isinstance(on, bool) for on in style.values()):
        yield f"style must say what is on [json-pointer:{at}/style]"


def _cell(cell: Any, at: str) -> Iterator[str]:
    kind = cell.get("type") if isinstance(cell, Mapping) else None
    if kind == "raw_text":
        if not isinstance(cell.get("text"), str) or not cell["text"]:
            yield f"must be more than 0 characters [json-pointer:{at}/text]"
        for name in sorted(set(cell) - {"type", "text"}):
            yield f"invalid additional property: {name} [json-pointer:{at}]"
    elif kind == "rich_text":
        yield from rich_text_problems(cell, at)
    else:
        yield f"must be raw_text or rich_text [json-pointer:{at}/type]"


def _is_setting(setting: Any) -> bool:
    return (
        isinstance(setting, Mapping)
        and not set(setting) - {"align", "is_wrapped"}
        and setting.get("align", "left") in ("left", "center", "right")
        and isinstance(setting.get("is_wrapped", False), bool)
    )


def _sources(sources: Any, at: str) -> Iterator[str]:
    if not isinstance(sources, list):
        yield f"sources must be an array [json-pointer:{at}/sources]"
        return
    for number, source in enumerate(sources):
        where = f"{at}/sources/{number}"
        if not isinstance(source, Mapping) or source.get("type") != "url" or set(source) - {"type", "url", "text"}:
            yield f"must be a URL source [json-pointer:{where}]"
            continue
        yield from string_problems(source, "url", URL, where, required=True)
        yield from string_problems(source, "text", TASK_TEXT, where, required=True)
