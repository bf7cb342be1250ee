"""What Slack refuses in a message, by its published limits. Pure.

Sources: docs.slack.dev/reference/block-kit (blocks, block elements, composition objects),
docs.slack.dev/reference/methods/chat.postMessage (text, metadata).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

MESSAGE_BLOCKS, TEXT = 50, 40_000
_SECTION_TEXT, _FIELD_TEXT, _FIELDS = 3000, 2000, 10
_HEADER_TEXT, _CONTEXT_ELEMENTS, _ACTION_ELEMENTS = 150, 10, 25
_BUTTON_TEXT, _BUTTON_VALUE, _URL, _ID = 75, 2000, 3000, 255
_MARKDOWN_TEXT = 12_000
_TABLE_ROWS, _TABLE_COLUMNS = 100, 20

Check = Callable[[Mapping[str, Any], str], Iterator[str]]
_MESSAGES_ONLY = ("markdown", "table")
_KEYS = {
    "header": {"text"},
    "section": {"text", "fields", "accessory", "expand"},
    "context": {"elements"},
    "divider": set(),
    "actions": {"elements"},
    "image": {"image_url", "slack_file", "alt_text", "title"},
    "markdown": {"text"},
    "table": {"rows", "column_settings"},
    "rich_text": {"elements"},
}


def problems_of_message(message: Mapping[str, Any]) -> list[str]:
    """Everything that chat.postMessage or chat.update would refuse, each with a JSON pointer."""
    return [
        *_problems_of_text(message),
        *problems_of_blocks(message.get("blocks")),
        *_metadata(message.get("metadata")),
    ]


def problems_of_blocks(blocks: Any, *, limit: int = MESSAGE_BLOCKS, inputs: Check | None = None) -> list[str]:
    """What is wrong with blocks: a message's, or with ``inputs``, which checks input blocks, a modal's."""
    if blocks is None:
        return []
    if not isinstance(blocks, list):
        return ["must be an array [json-pointer:/blocks]"]
    found = [f"no more than {limit} items allowed [json-pointer:/blocks]"] if len(blocks) > limit else []
    ids: set[str] = set()
    markdown = 0
    for number, block in enumerate(blocks):
        at = f"/blocks/{number}"
        found += _block(block, at, inputs)
        if isinstance(block, Mapping):
            name = block.get("block_id")
            if name is not None and (not isinstance(name, str) or not 1 <= len(name) <= _ID):
                found.append(f"block_id must have 1 to {_ID} characters [json-pointer:{at}/block_id]")
            if isinstance(name, str) and name in ids:
                found.append(f"block_id is not unique [json-pointer:{at}/block_id]")
            ids.add(str(name)) if name is not None else None
            markdown += len(str(block.get("text", ""))) if block.get("type") == "markdown" else 0
    if markdown > _MARKDOWN_TEXT:
        found.append(f"markdown blocks hold more than {_MARKDOWN_TEXT} characters [json-pointer:/blocks]")
    if sum(isinstance(block, Mapping) and block.get("type") == "table" for block in blocks) > 1:
        found.append("only one table is allowed [json-pointer:/blocks]")
    return found


def _problems_of_text(message: Mapping[str, Any]) -> Iterator[str]:
    text = message.get("text")
    if not text and not message.get("blocks"):
        yield "no_text"
    if text is not None and not isinstance(text, str):
        yield "text must be a string [json-pointer:/text]"
    elif text and len(text) > TEXT:
        yield "msg_too_long"


def _metadata(metadata: Any) -> Iterator[str]:
    if metadata is None:
        return
    if (
        not isinstance(metadata, Mapping)
        or set(metadata) - {"event_type", "event_payload"}
        or not isinstance(metadata.get("event_type"), str)
        or not isinstance(metadata.get("event_payload"), Mapping)
    ):
        yield "metadata must hold event_type and event_payload [json-pointer:/metadata]"


def _block(block: Any, at: str, inputs: Check | None) -> list[str]:
    if not isinstance(block, Mapping):
        return [f"must be an object [json-pointer:{at}]"]
    kind = block.get("type")
    if inputs is not None and kind in ("input", *_MESSAGES_ONLY):
        return list(inputs(block, at)) if kind == "input" else [f"unsupported type: {kind} [json-pointer:{at}/type]"]
    if kind not in _KEYS:
        return [f"unsupported type: {kind} [json-pointer:{at}/type]"]
    extra = set(block) - _KEYS[kind] - {"type", "block_id"}
    found = [f"invalid additional property: {name} [json-pointer:{at}]" for name in sorted(extra)]
    check = _CHECKS.get(kind)
    return [*found, *(check(block, at) if check else [])]


def _header(block: Mapping[str, Any], at: str) -> Iterator[str]:
    yield from text_problems(block.get("text"), f"{at}/text", _HEADER_TEXT, kinds=("plain_text",))


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
        yield from _element(block["accessory"], f"{at}/accessory")


def _context(block: Mapping[str, Any], at: str) -> Iterator[str]:
    elements = block.get("elements")
    if not isinstance(elements, list) or not 1 <= len(elements) <= _CONTEXT_ELEMENTS:
        yield f"between 1 and {_CONTEXT_ELEMENTS} items allowed [json-pointer:{at}/elements]"
        return
    for number, element in enumerate(elements):
        where = f"{at}/elements/{number}"
        if isinstance(element, Mapping) and element.get("type") == "image":
            yield from _image(element, where)
        else:
            yield from text_problems(element, where, _SECTION_TEXT)


def _actions(block: Mapping[str, Any], at: str) -> Iterator[str]:
    elements = block.get("elements")
    if not isinstance(elements, list) or not 1 <= len(elements) <= _ACTION_ELEMENTS:
        yield f"between 1 and {_ACTION_ELEMENTS} items allowed [json-pointer:{at}/elements]"
        return
    for number, element in enumerate(elements):
        yield from _element(element, f"{at}/elements/{number}")


def _image(block: Mapping[str, Any], at: str) -> Iterator[str]:
    if not ("image_url" in block) ^ ("slack_file" in block):
        yield f"exactly one of image_url and slack_file is needed [json-pointer:{at}]"
    if not isinstance(block.get("alt_text"), str) or len(block["alt_text"]) > 2000:
        yield f"alt_text must be a string of at most 2000 characters [json-pointer:{at}/alt_text]"


def _markdown(block: Mapping[str, Any], at: str) -> Iterator[str]:
    if not isinstance(block.get("text"), str) or not block["text"]:
        yield f"text must be a string [json-pointer:{at}/text]"


def _table(block: Mapping[str, Any], at: str) -> Iterator[str]:
    rows = block.get("rows")
    if not isinstance(rows, list) or not 1 <= len(rows) <= _TABLE_ROWS:
        yield f"between 1 and {_TABLE_ROWS} rows allowed [json-pointer:{at}/rows]"
        return
    if any(not isinstance(row, list) or not 1 <= len(row) <= _TABLE_COLUMNS for row in rows):
        yield f"between 1 and {_TABLE_COLUMNS} cells a row allowed [json-pointer:{at}/rows]"


def _rich_text(block: Mapping[str, Any], at: str) -> Iterator[str]:
    if not isinstance(block.get("elements"), list):
        yield f"elements must be an array [json-pointer:{at}/elements]"


def text_problems(value: Any, at: str, limit: int, kinds: tuple[str, ...] = ("plain_text", "mrkdwn")) -> Iterator[str]:
    """What is wrong with a text object of at most ``limit`` characters."""
    if not isinstance(value, Mapping) or value.get("type") not in kinds:
        yield f"must be a text object of type {' or '.join(kinds)} [json-pointer:{at}]"
        return
    allowed = {"type", "text", "emoji"} if value["type"] == "plain_text" else {"type", "text", "verbatim"}
    for name in sorted(set(value) - allowed):
        yield f"invalid additional property: {name} [json-pointer:{at}]"
    text = value.get("text")
    if not isinstance(text, str) or not text:
        yield f"must be more than 0 characters [json-pointer:{at}/text]"
    elif len(text) > limit:
        yield f"must be less than {limit + 1} characters [json-pointer:{at}/text]"


def _element(element: Any, at: str) -> Iterator[str]:
    if not isinstance(element, Mapping):
        yield f"must be an object [json-pointer:{at}]"
        return
    kind = element.get("type")
    if kind == "image":
        yield from _image(element, at)
    elif kind == "button":
        yield from text_problems(element.get("text"), f"{at}/text", _BUTTON_TEXT, kinds=("plain_text",))
        for name, limit in (("action_id", _ID), ("value", _BUTTON_VALUE), ("url", _URL)):
            if name in element and (not isinstance(element[name], str) or len(element[name]) > limit):
                yield f"must be a string of at most {limit} characters [json-pointer:{at}/{name}]"
        if element.get("style") not in (None, "primary", "danger"):
            yield f"style must be primary or danger [json-pointer:{at}/style]"
    else:
        yield f"unsupported element: {kind} [json-pointer:{at}/type]"


_CHECKS: Mapping[str, Check] = {
    "header": _header, "section": _section, "context": _context, "actions": _actions, "image": _image,
    "markdown": _markdown, "table": _table, "rich_text": _rich_text,
}  # fmt: skip
