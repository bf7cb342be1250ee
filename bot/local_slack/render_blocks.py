"""Blocks and elements as HTML, as a person sees them in Slack."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence

from bot.local_slack.choosing import Typed, initial, options_of
from bot.local_slack.errors import Body
from bot.local_slack.render_markup import either, markdown, plain, rich

_MARKS = {"pending": "○", "in_progress": "◐", "complete": "✓", "error": "✕"}
_SAID = {"pending": "not begun", "in_progress": "under way", "complete": "done", "error": "failed"}
_NOTHING: Mapping[str, Typed] = {}


def blocks_html(blocks: Sequence[Body], chosen: Mapping[str, Typed] = _NOTHING) -> str:
    """Blocks one below the other; ``chosen`` holds what was chosen in them, by action id."""
    return "".join(_SHOW[block["type"]](block, chosen) for block in blocks if block["type"] in _SHOW)


def field_html(block: Body, typed: Mapping[str, Typed], errors: Mapping[str, str]) -> str:
    """An input block; ``typed`` and ``errors`` by block id."""
    element, name = block["element"], block.get("block_id", "")
    optional = " <small>(optional)</small>" if block.get("optional") else ""
    wrong = f'<p class="wrong">{html.escape(errors[name])}</p>' if name in errors else ""
    hint = f'<p class="hint">{plain(block["hint"])}</p>' if "hint" in block else ""
    shown = element_html(element, typed.get(name, initial(element)), bad=bool(wrong))
    return f'<div class="field"><label>{plain(block["label"])}{optional}</label>{shown}{wrong}{hint}</div>'


def element_html(element: Body, value: Typed | None, *, bad: bool = False) -> str:
    """An element holding a value."""
    kind = element["type"]
    if kind in ("button", "workflow_button"):
        label = html.escape(element.get("accessibility_label", ""), quote=True)
        aria = f' aria-label="{label}"' if label else ""
        arrow = " ↗" if element.get("url") else ""
        return f'<button class="{element.get("style", "plain")}"{aria}>{plain(element["text"])}{arrow}</button>'
    if kind == "overflow":
        return '<button class="plain overflow" aria-label="More">⋯</button>'
    if kind == "image":
        return _picture(element)
    if kind in ("checkboxes", "radio_buttons"):
        return _ticks(element, value)
    return _box(element, value, bad=bad)


def _box(element: Body, value: Typed | None, *, bad: bool) -> str:
    kind, names = element["type"], {option["value"]: option["text"]["text"] for option in options_of(element)}
    hint = plain(element.get("placeholder", "")) or _HINTS.get(kind, "")
    if isinstance(value, list):
        chips = "".join(f'<span class="chip">{html.escape(names.get(one, one))} ×</span>' for one in value)
        shown = chips or f"<i>{hint}</i>"
    else:
        text = names.get(value or "", value or "")
        shown = html.escape(text).replace("\n", "<br>") or f"<i>{hint}</i>"
    if kind == "file_input":
        return f'<div class="input file">{shown}</div>'
    end = "" if kind.endswith("_input") else f'<span class="arrow">{_ENDS.get(kind, "⌄")}</span>'
    classes = f"input{' tall' if element.get('multiline') else ''}{' bad' if bad else ''}"
    return f'<div class="{classes}"><span>{shown}</span>{end}</div>'


def _ticks(element: Body, value: Typed | None) -> str:
    round_, chosen = element["type"] == "radio_buttons", value if isinstance(value, list) else [value]
    rows = []
    for option in options_of(element):
        on = option["value"] in chosen
        mark = ("◉" if on else "○") if round_ else ("☑" if on else "☐")
        more = f"<small>{either(option['description'])}</small>" if "description" in option else ""
        rows.append(
            f'<div class="tick{" on" if on else ""}"><b>{mark}</b><span>{either(option["text"])}{more}</span></div>'
        )
    return "".join(rows)


def _picture(image: Body) -> str:
    alt, url = html.escape(image.get("alt_text", ""), quote=True), html.escape(image.get("image_url", ""), quote=True)
    return f'<img src="{url}" alt="{alt}">'


def _section(block: Body, chosen: Mapping[str, Typed]) -> str:
    text = f"<p>{either(block['text'])}</p>" if "text" in block else ""
    fields = "".join(f"<p>{either(field)}</p>" for field in block.get("fields", []))
    shown = text + (f'<div class="fields">{fields}</div>' if fields else "")
    if "accessory" not in block:
        return shown
    return f'<div class="beside"><div>{shown}</div><div>{_live(block["accessory"], chosen)}</div></div>'


def _context(block: Body, chosen: Mapping[str, Typed]) -> str:
    inner = (
        _picture(element) if element["type"] == "image" else f"<span>{either(element)}</span>"
        for element in block["elements"]
    )
    return f'<div class="context">{" ".join(inner)}</div>'


def _actions(block: Body, chosen: Mapping[str, Typed]) -> str:
    return f'<div class="actions">{"".join(_live(element, chosen) for element in block["elements"])}</div>'


def _context_actions(block: Body, chosen: Mapping[str, Typed]) -> str:
    shown = []
    for element in block["elements"]:
        if element["type"] == "icon_button":
            shown.append(f'<button class="icon" title="{plain(element["text"])}">🗑</button>')
            continue
        for name in ("positive_button", "negative_button"):
            thumb = element[name]
            label = html.escape(thumb.get("accessibility_label", thumb["text"]["text"]), quote=True)
            shown.append(f'<button class="icon" aria-label="{label}">{plain(thumb["text"])}</button>')
    return f'<div class="actions thumbs">{"".join(shown)}</div>'


def _live(element: Body, chosen: Mapping[str, Typed]) -> str:
    return element_html(element, chosen.get(element.get("action_id", ""), initial(element)))


def _table(block: Body, chosen: Mapping[str, Typed]) -> str:
    settings = block.get("column_settings", [])
    rows = []
    for number, row in enumerate(block["rows"]):
        tag = "td" if number else "th"
        cells = []
        for place, cell in enumerate(row):
            setting = (settings[place] if place < len(settings) else None) or {}
            wrapped = " wrapped" if setting.get("is_wrapped") else ""
            shown = rich(cell) if cell["type"] == "rich_text" else plain(cell)
            cells.append(f'<{tag} class="{setting.get("align", "left")}{wrapped}">{shown}</{tag}>')
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return f'<div class="table" tabindex="0"><table>{"".join(rows)}</table></div>'


def _task(block: Body, chosen: Mapping[str, Typed]) -> str:
    status = block.get("status", "pending")
    details = f'<div class="details">{rich(block["details"])}</div>' if "details" in block else ""
    output = f'<div class="output">{rich(block["output"])}</div>' if "output" in block else ""
    sources = "".join(
        f'<a class="source" href="{html.escape(source["url"], quote=True)}">{html.escape(source["text"])}</a>'
        for source in block.get("sources", [])
    )
    return (
        f'<div class="task {status}"><span class="mark" role="img" aria-label="{_SAID[status]}">{_MARKS[status]}</span>'
        f"<div><b>{html.escape(block['title'])}</b>{details}{output}{sources}</div></div>"
    )


def _plan(block: Body, chosen: Mapping[str, Typed]) -> str:
    tasks = "".join(_task(task, chosen) for task in block.get("tasks", []))
    return f'<div class="plan"><p class="title">{html.escape(block["title"])} <span>⌄</span></p>{tasks}</div>'


def _image(block: Body, chosen: Mapping[str, Typed]) -> str:
    title = f'<div class="context">{plain(block["title"])}</div>' if "title" in block else ""
    return title + _picture(block)


_HINTS = {
    "datepicker": "Select a date", "timepicker": "Select a time", "datetimepicker": "Select a date and time",
    "static_select": "Select an item", "external_select": "Select an item", "multi_static_select": "Select options",
    "users_select": "Select a user", "conversations_select": "Select a conversation", "file_input": "Upload files",
    "channels_select": "Select a channel",
}  # fmt: skip
_ENDS = {"datepicker": "📅", "timepicker": "🕑", "datetimepicker": "📅"}
_SHOW: dict[str, Callable[[Body, Mapping[str, Typed]], str]] = {
    "header": lambda block, chosen: f"<h2>{plain(block['text'])}</h2>",
    "divider": lambda block, chosen: "<hr>",
    "section": _section,
    "context": _context,
    "actions": _actions,
    "context_actions": _context_actions,
    "image": _image,
    "input": lambda block, chosen: field_html(block, {}, {}),
    "markdown": lambda block, chosen: markdown(block["text"]),
    "rich_text": lambda block, chosen: f'<div class="rich">{rich(block)}</div>',
    "table": _table,
    "task_card": lambda block, chosen: f'<div class="plan single">{_task(block, chosen)}</div>',
    "plan": _plan,
}
