"""What Slack refuses in a modal and in a Home tab. Pure.

Sources: docs.slack.dev/reference/views/modal-views and /reference/views/home-tab-views.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from bot.local_slack.validate import problems_of_blocks
from bot.local_slack.validate_elements import ID, PLAIN, string_problems, text_problems

VIEW_BYTES = 250_000
_TITLE, _METADATA = 24, 3000
_SHARED = {"type", "blocks", "private_metadata", "callback_id", "external_id"}
_KEYS = {
    "home": _SHARED,
    "modal": _SHARED | {"title", "close", "submit", "clear_on_close", "notify_on_close", "submit_disabled"},
}


def problems_of_view(view: Any, kind: Literal["modal", "home"] = "modal") -> list[str]:
    """Everything that views.open or, for a Home tab, views.publish would refuse, each with a JSON pointer."""
    if not isinstance(view, Mapping):
        return ["must be an object [json-pointer:/view]"]
    if len(json.dumps(view, ensure_ascii=False).encode()) > VIEW_BYTES:
        return ["view_too_large"]
    return [*_frame(view, kind), *problems_of_blocks(view.get("blocks"), kind)]


def _frame(view: Mapping[str, Any], kind: Literal["modal", "home"]) -> Iterator[str]:
    if view.get("type") != kind:
        yield f"type must be {kind} [json-pointer:/view/type]"
    for name in sorted(set(view) - _KEYS[kind]):
        yield f"invalid additional property: {name} [json-pointer:/view]"
    if not isinstance(view.get("blocks"), list):
        yield "missing required field: blocks [json-pointer:/view]"
    for name, limit in (("private_metadata", _METADATA), ("callback_id", ID), ("external_id", ID)):
        yield from string_problems(view, name, limit, "/view")
    if kind == "modal":
        yield from _words(view)


def _words(view: Mapping[str, Any]) -> Iterator[str]:
    yield from text_problems(view.get("title"), "/view/title", _TITLE, PLAIN)
    for name in ("submit", "close"):
        if name in view:
            yield from text_problems(view[name], f"/view/{name}", _TITLE, PLAIN)
    for name in ("clear_on_close", "notify_on_close", "submit_disabled"):
        if not isinstance(view.get(name, False), bool):
            yield f"must be a boolean [json-pointer:/view/{name}]"
    blocks = view.get("blocks")
    asks = any(isinstance(block, Mapping) and block.get("type") == "input" for block in blocks or ())
    if asks and "submit" not in view:
        yield "submit is required where there are inputs [json-pointer:/view/submit]"
