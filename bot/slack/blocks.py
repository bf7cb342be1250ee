"""Views as Block Kit messages that Slack accepts, whatever they contain."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from bot.presentation.columns import columns
from bot.presentation.view import Button, Part, Table, View, words
from bot.requests import Lang

Block = dict[str, Any]

# https://docs.slack.dev/reference/block-kit/blocks
BLOCKS, HEADER, SECTION, CONTEXT, FALLBACK = 50, 150, 3000, 3000, 3000
BUTTONS, ROW, LABEL, VALUE, SURE = 25, 5, 75, 2000, 300
ROWS, COLUMNS, CELL, LETTERS = 100, 20, 500, 9000  # all cells of a message's table together: 10,000
_PLAIN = re.compile(
    r"(?:[^*_~`<>&@#:\n\r\x00-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff]|(?<=\w)_(?=\w))*"
)
_HIDDEN = re.compile(r"[\x00-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]+")
_VALUE = 300


def mark(value: object) -> str:
    """Foreign text that can neither format, link nor ping: entities escaped, anything with a meaning in
    mrkdwn set as code, control and direction characters taken out."""
    text = str(value)
    if len(text) > _VALUE:
        text = text[: _VALUE - 1] + "…"
    if _PLAIN.fullmatch(text):
        return text
    text = _HIDDEN.sub(" ", text).replace("`", "ʼ").strip()
    return f"`{escape(text)}`" if text else "–"


def code(text: str) -> str:
    """Text for a code block: as it is to be copied, but for what would end the block, ping or hide."""
    lines = (_HIDDEN.sub(" ", line).rstrip() for line in text.splitlines())
    return escape("\n".join(lines)).replace("```", "ʼʼʼ")


def escape(text: str) -> str:
    """Slack's three entities."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def blocks(view: View, lang: Lang = "en") -> list[Block]:
    """The view as blocks, cut to Slack's limits: what is at its end, buttons above all, is kept."""
    first = next((part for part in view.parts if part.table is not None), None)
    said = words(lang)["answering"]

    def table(part: Part) -> Block:
        return _table(part, said) if part is first else _as_code(part)  # Slack takes one a message

    rendered = _layout().render(view=view, said=said, table=table)
    kept = [fitting for block in json.loads(rendered) for fitting in _fit(block)]
    foot = len(kept) - _content(kept)
    return kept if len(kept) <= BLOCKS else [*kept[: BLOCKS - foot - 1], *kept[-foot - 1 :]]


def _content(rendered: list[Block]) -> int:
    """How many blocks there are before those with buttons."""
    pressed = ("actions", "context_actions")
    return next((at for at, block in enumerate(rendered) if block["type"] in pressed), len(rendered))


def rows(buttons: Iterable[Button]) -> list[list[tuple[str, Button]]]:
    """Buttons with their action ids, five in a row. What Slack would refuse or what would act on something else once
    cut is left out."""
    whole = [button for button in buttons if button.label.strip() and 0 < len(button.value) <= VALUE][:BUTTONS]
    lines = [whole[at : at + ROW] for at in range(0, len(whole), ROW)]
    return [[(_action_id(line, at), _short(line[at])) for at in range(len(line))] for line in lines]


def _action_id(line: list[Button], at: int) -> str:
    """Slack wants ids to differ within a block."""
    same = sum(button.action == line[at].action for button in line[:at])
    return f"r1.{line[at].action}" + (f".{same + 1}" if same else "")


def _short(button: Button) -> Button:
    return replace(
        button, label=_clip(plain(button.label), LABEL), sure=_clip(plain(button.sure), SURE) if button.sure else ""
    )


def plain(text: str) -> str:
    """A marked line where Slack knows no formatting; angle brackets would be control sequences anywhere else."""
    text = re.sub(r"[`*]", "", text)
    return text.replace("&lt;", "‹").replace("&gt;", "›").replace("&amp;", "&").strip() or "–"


def _clip(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _table(part: Part, said: Mapping[str, Any]) -> Block:
    """A table block: its heads, and as many rows as Slack takes."""
    table = part.table or Table((), ())
    count = min(max(len(row) for row in (table.heads, *table.rows)), COLUMNS)
    every = [[_cell(cell) for cell in (*row, *[""] * count)[:count]] for row in (table.heads, *table.rows)]
    kept, letters = 0, 0
    for row in every[: ROWS - 1]:
        letters += sum(len(cell) for cell in row)
        if kept and letters > LETTERS:
            break
        kept += 1
    shown = every if kept == len(every) else every[:kept]
    if left := len(every) - kept:
        shown = [*shown, [said["more_rows"].format(count=left), *["–"] * (count - 1)]]
    return {
        "type": "table",
        "rows": [[{"type": "raw_text", "text": cell} for cell in row] for row in shown],
        "column_settings": [{"is_wrapped": True}] * count,
    }


def _cell(text: str) -> str:
    return _clip(" ".join(plain(text).split()), CELL)


def _as_code(part: Part) -> Block:
    """A table in letters of one width."""
    table = part.table or Table((), ())
    flat = Table(tuple(map(_cell, table.heads)), tuple(tuple(map(_cell, row)) for row in table.rows))
    text = "```\n" + code("\n".join(columns(flat))) + "\n```"
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def fallback(view: View) -> str:
    """The line that a notification shows."""
    return cut(view.summary.replace("*", ""), FALLBACK)


def cut(text: str, limit: int) -> str:
    """Text of at most ``limit`` characters, not ending inside an entity or an open code span or block."""
    if len(text) <= limit:
        return text
    kept = re.sub(r"&[a-z]{0,4}$", "", text[: limit - 6])
    if (block := kept.rstrip("`")).count("```") % 2:
        return block + "\n…```"
    line = kept.rpartition("\n")[2]
    return kept + ("`" if line.count("`") % 2 else "") + "…"


def _fit(block: Block) -> list[Block]:
    """The block within Slack's limits; lines too many for one section go on in a second."""
    if block["type"] == "header":
        return [{**block, "text": {**block["text"], "text": _clip(plain(block["text"]["text"]), HEADER)}}]
    if block["type"] == "section":
        return [{**block, "text": {**block["text"], "text": text}} for text in _pages(block["text"]["text"])]
    if block["type"] == "context":
        elements = [{**element, "text": cut(element["text"], CONTEXT) or "–"} for element in block["elements"]]
        return [{**block, "elements": elements}]
    return [block]


def _pages(text: str) -> list[str]:
    """A text as one section or two; what holds a code block, and what is longer still, is cut."""
    if len(text) <= SECTION or "```" in text:
        return [cut(text, SECTION) or "–"]
    first = text.rfind("\n", 0, SECTION)
    return [text[:first], cut(text[first + 1 :], SECTION) or "–"] if first > 0 else [cut(text, SECTION)]


@cache
def _layout() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("bot", "templates/layout"), undefined=StrictUndefined, autoescape=False
    )
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False}
    environment.filters |= {"code": code, "rows": rows}
    return environment.get_template("message.json.j2")
