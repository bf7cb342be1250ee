"""What Slack refuses in a message, by its published limits. Pure.

Sources: docs.slack.dev/reference/block-kit (blocks, block elements, composition objects),
docs.slack.dev/reference/methods/chat.postMessage (text, metadata).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from bot.local_slack.validate_elements import (
    ID,
    PLAIN,
    Check,
    duplicated_actions,
    element_problems,
    image_problems,
    text_problems,
)
from bot.local_slack.validate_rich import (
    MARKDOWN_TEXT,
    plan_problems,
    rich_text_problems,
    table_problems,
    task_problems,
)

Surface = Literal["message", "modal", "home"]
MESSAGE_BLOCKS, VIEW_BLOCKS, TEXT, UPDATED_TEXT, METADATA_BYTES = 50, 100, 40_000, 4_000, 16_000
_SECTION_TEXT, _FIELD_TEXT, _FIELDS, _LABEL = 3000, 2000, 10, 2000
_HEADER_TEXT, _IMAGE_TITLE = 150, 2000
_ELEMENTS = {"context": 10, "actions": 25, "context_actions": 5}
_MESSAGES_ONLY = ("markdown", "table", "context_actions", "task_card", "plan")
_KEYS = {
    "header": {"text"},
    "section": {"text", "fields", "accessory", "expand"},
    "context": {"elements"},
    "divider": set(),
    "actions": {"elements"},
    "context_actions": {"elements"},
    "image": {"image_url", "slack_file", "alt_text", "title"},
    "input": {"label", "element", "hint", "optional", "dispatch_action"},
    "markdown": {"text"},
    "table": {"rows", "column_settings"},
    "rich_text": {"elements"},
    "task_card": {"task_id", "title", "details", "output", "sources", "status"},
    "plan": {"title", "tasks"},
}


def problems_of_message(message: Mapping[str, Any], *, text: int = TEXT) -> list[str]:
    """Everything that chat.postMessage or, with ``UPDATED_TEXT``, chat.update would refuse, each with a JSON pointer
    or as the error's own name."""
    return [
        *_problems_of_text(message, text),
        *problems_of_blocks(message.get("blocks")),
        *_metadata(message.get("metadata")),
    ]


def problems_of_blocks(blocks: Any, surface: Surface = "message") -> list[str]:
    """What is wrong with the blocks of a message or view."""
    if blocks is None:
        return []
    if not isinstance(blocks, list):
        return ["must be an array [json-pointer:/blocks]"]
    limit = MESSAGE_BLOCKS if surface == "message" else VIEW_BLOCKS
    found = [f"no more than {limit} items allowed [json-pointer:/blocks]"] if len(blocks) > limit else []
    ids: set[str] = set()
    markdown = 0
    for number, block in enumerate(blocks):
        at = f"/blocks/{number}"
        found += _block(block, at, surface)
        if isinstance(block, Mapping):
            name = block.get("block_id")
            if name is not None and (not isinstance(name, str) or not 1 <= len(name) <= ID):
                found.append(f"block_id must have 1 to {ID} characters [json-pointer:{at}/block_id]")
            if isinstance(name, str) and name in ids:
                found.append(f"block_id is not unique [json-pointer:{at}/block_id]")
            ids.add(str(name)) if name is not None else None
            markdown += len(str(block.get("text", ""))) if block.get("type") == "markdown" else 0
    if markdown > MARKDOWN_TEXT:
        found.append(f"markdown blocks hold more than {MARKDOWN_TEXT} characters [json-pointer:/blocks]")
    if sum(isinstance(block, Mapping) and block.get("type") == "table" for block in blocks) > 1:
        found.append("only one table is allowed [json-pointer:/blocks]")
    return found


def _problems_of_text(message: Mapping[str, Any], limit: int) -> Iterator[str]:
    text = message.get("text")
    if not text and not message.get("blocks"):
        yield "no_text"
    if text is not None and not isinstance(text, str):
        yield "text must be a string [json-pointer:/text]"
    elif text and len(text) > limit:
        yield "msg_too_long"


def _metadata(metadata: Any) -> Iterator[str]:
    if not metadata and metadata in (None, {}):
        return  # an empty object takes away what there was
    if (
        not isinstance(metadata, Mapping)
        or set(metadata) - {"event_type", "event_payload"}
        or not isinstance(metadata.get("event_type"), str)
        or not metadata["event_type"]
        or not isinstance(metadata.get("event_payload"), Mapping)
    ):
        yield "invalid_metadata_format"
    elif len(json.dumps(metadata, ensure_ascii=False).encode()) > METADATA_BYTES:
        yield "metadata_too_large"


def _block(block: Any, at: str, surface: Surface) -> list[str]:
    if not isinstance(block, Mapping):
        return [f"must be an object [json-pointer:{at}]"]
    kind = block.get("type")
    if kind not in _KEYS or (surface != "message" and kind in _MESSAGES_ONLY):
        return [f"unsupported type: {kind} [json-pointer:{at}/type]"]
    extra = set(block) - _KEYS[kind] - {"type", "block_id"}
    found = [f"invalid additional property: {name} [json-pointer:{at}]" for name in sorted(extra)]
    check = _CHECKS.get(kind)
    return [*found, *(check(block, at) if check else [])]


def _header(block: Mapping[str, Any], at: str) -> Iterator[str]:
    yield from text_problems(block.get("text"), f"{at}/text", _HEADER_TEXT, PLAIN)


def _section(block: Mapping[str, Any], at: str) -> Iterator[str]:
    if "text" not in block and "fields" not in block:
        yield f"missing required field: text or fields [json-pointer:{at}]"
    if "text" in block:
        yield from text_problems(block["text"], f"{at}/text", _SECTION_TEXT)
    fields = block.get("fields", [])
    if not isinstance(fields, list) or len(fields) > _FIELDS or ("fields" in block and not fields):
        yield f"between 1 and {_FIELDS} items allowed [json-pointer:{at}/fields]"
        return
    for number, field in enumerate(fields):
        yield from text_problems(field, f"{at}/fields/{number}", _FIELD_TEXT)
    if "accessory" in block:
        yield from element_problems(block["accessory"], f"{at}/accessory", "section")


def _elements(block: Mapping[str, Any], at: str) -> Iterator[str]:
    """Of a context, of actions or of actions below an answer."""
    kind, elements = str(block["type"]), block.get("elements")
    if not isinstance(elements, list) or not 1 <= len(elements) <= _ELEMENTS[kind]:
        yield f"between 1 and {_ELEMENTS[kind]} items allowed [json-pointer:{at}/elements]"
        return
    for number, element in enumerate(elements):
        where = f"{at}/elements/{number}"
        if kind == "context" and not (isinstance(element, Mapping) and element.get("type") == "image"):
            yield from text_problems(element, where, _SECTION_TEXT)
        else:
            yield from element_problems(element, where, kind)
    yield from duplicated_actions(elements, at)


def _input(block: Mapping[str, Any], at: str) -> Iterator[str]:
    yield from text_problems(block.get("label"), f"{at}/label", _LABEL, PLAIN)
    if "hint" in block:
        yield from text_problems(block["hint"], f"{at}/hint", _LABEL, PLAIN)
    for name in ("optional", "dispatch_action"):
        if not isinstance(block.get(name, False), bool):
            yield f"must be a boolean [json-pointer:{at}/{name}]"
    yield from element_problems(block.get("element"), f"{at}/element", "input")


def _image(block: Mapping[str, Any], at: str) -> Iterator[str]:
    yield from image_problems(block, at)
    if "title" in block:
        yield from text_problems(block["title"], f"{at}/title", _IMAGE_TITLE, PLAIN)


def _markdown(block: Mapping[str, Any], at: str) -> Iterator[str]:
    if not isinstance(block.get("text"), str) or not block["text"]:
        yield f"text must be a string [json-pointer:{at}/text]"


_CHECKS: Mapping[str, Check] = {
    "header": _header, "section": _section, "context": _elements, "actions": _elements, "context_actions": _elements,
    "image": _image, "input": _input, "markdown": _markdown, "table": table_problems, "rich_text": rich_text_problems,
    "task_card": task_problems, "plan": plan_problems,
}  # fmt: skip
