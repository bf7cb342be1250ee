"""Views as Block Kit messages that Slack accepts, whatever they contain."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from bot.presentation import View

Block = dict[str, Any]

# https://docs.slack.dev/reference/block-kit/blocks
BLOCKS, HEADER, SECTION, CONTEXT, FALLBACK = 50, 150, 3000, 3000, 3000
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


def blocks(view: View) -> list[Block]:
    """The view as blocks, cut to Slack's limits."""
    rendered: list[Block] = json.loads(_layout().render(view=view))
    kept = rendered if len(rendered) <= BLOCKS else [*rendered[: BLOCKS - 1], rendered[-1]]
    return [_fit(block) for block in kept]


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


def _fit(block: Block) -> Block:
    if block["type"] == "header":
        # Plain text knows no entities, and angle brackets would be control sequences anywhere else.
        plain = re.sub(r"[`*]", "", block["text"]["text"])
        plain = plain.replace("&lt;", "‹").replace("&gt;", "›").replace("&amp;", "&")
        return {**block, "text": {**block["text"], "text": cut(plain, HEADER) or "–"}}
    if block["type"] == "section":
        return {**block, "text": {**block["text"], "text": cut(block["text"]["text"], SECTION)}}
    if block["type"] == "context":
        return {
            **block,
            "elements": [{**element, "text": cut(element["text"], CONTEXT)} for element in block["elements"]],
        }
    return block


@cache
def _layout() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("bot", "templates/layout"), undefined=StrictUndefined, autoescape=False
    )
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False}
    environment.filters["code"] = code
    return environment.get_template("message.json.j2")
