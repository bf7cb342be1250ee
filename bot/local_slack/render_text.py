"""Messages as text, for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from bot.local_slack.errors import Body
from bot.local_slack.render_markup import emoji, rich_words, unmarked
from bot.presentation.columns import aligned

_MARKS = {"pending": "○", "in_progress": "◐", "complete": "✓", "error": "✕"}


def blocks_text(blocks: Sequence[Body]) -> list[str]:
    """Blocks one below the other, as lines."""
    return [line for block in blocks for line in _lines(block)]


def _lines(block: Body) -> list[str]:
    kind = block["type"]
    if kind == "divider":
        return [""]
    if kind == "context":
        return [unmarked(element.get("text", "")) for element in block["elements"]]
    if kind in ("actions", "context_actions"):
        return ["  ".join(f"[{label}]" for element in block["elements"] for label in _labels(element))]
    if kind == "markdown":
        return [block["text"]]
    if kind == "rich_text":
        return [rich_words(block)]
    if kind == "table":
        return _table(block)
    if kind == "plan":
        return [block["title"], *(line for task in block.get("tasks", []) for line in _task(task))]
    if kind == "task_card":
        return _task(block)
    if kind == "section":
        said = [block["text"]] if "text" in block else []
        beside = [f"[{label}]" for label in _labels(block["accessory"])] if "accessory" in block else []
        return [*(unmarked(text["text"]) for text in [*said, *block.get("fields", [])]), *beside]
    return [f"▌{unmarked(block['text']['text'])}"] if kind == "header" else []


def _labels(element: Body) -> list[str]:
    if element["type"] == "feedback_buttons":
        return [emoji(element[name]["text"]["text"]) for name in ("positive_button", "negative_button")]
    if "text" in element:
        return [emoji(element["text"]["text"])]
    return [element.get("placeholder", {}).get("text", element["type"])]


def _table(block: Body) -> list[str]:
    rows = [[_cell(cell) for cell in row] for row in block["rows"]]
    longest = max(len(row) for row in rows)
    even = [row + [""] * (longest - len(row)) for row in rows]
    right = {n for n, setting in enumerate(block.get("column_settings", [])) if (setting or {}).get("align") == "right"}
    return aligned(even[0], even[1:], words=set(range(longest)) - right).split("\n")


def _cell(cell: Body) -> str:
    return " ".join((rich_words(cell) if cell["type"] == "rich_text" else str(cell["text"])).split())


def _task(task: Body) -> list[str]:
    below = [rich_words(task[name]) for name in ("details", "output") if name in task]
    return [f"{_MARKS[task.get('status', 'pending')]} {task['title']}", *(f"  {line}" for line in below)]
