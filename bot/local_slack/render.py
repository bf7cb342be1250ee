"""A conversation as a person would see it: as text for a terminal, as a page for a picture."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Callable, Iterable
from itertools import cycle
from typing import Any

from bot.local_slack.modals import Modal
from bot.local_slack.uploads import Upload
from bot.local_slack.workspace import Message

_NAMES = {"U0R1BOT": "R1 Detective"}
_CODE = re.compile(r"`([^`\n]+)`")
_BLOCK = re.compile(r"```\n?(.+?)\n?```\n?", re.DOTALL)
_BOLD = re.compile(r"(?<![\w*])\*([^*\n]+)\*(?![\w*])")
_ITALIC = re.compile(r"(?<![\w_])_([^_\n]+(?:_[^_\n]+)*)_(?![\w_])")
_LINK = re.compile(r"&lt;(https?://[^|&]+)\|([^&]*)&gt;")
_PING = re.compile(r"&lt;([!@#][^&]*)&gt;")


def as_text(messages: Iterable[Message]) -> str:
    """Messages with their sender, blocks one after another."""
    return "\n\n".join(f"{_name(message.user)}{_time(message)}\n{_indented(_plain(message))}" for message in messages)


def as_page(messages: Iterable[Message], title: str = "#models") -> str:
    """One self-contained page that looks like a channel."""
    body = "\n".join(_article(message) for message in messages)
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>
<meta name="viewport" content="width=device-width,initial-scale=1"><style>{_STYLE}</style></head>
<body><main><h1>{html.escape(title)}</h1>{body}</main></body></html>"""


def modal_page(modal: Modal) -> str:
    """One self-contained page with a modal, as its person sees it now."""
    view = modal.view
    buttons = f'<button class="close">{html.escape(view["close"]["text"])}</button>' if "close" in view else ""
    if "submit" in view:
        buttons += f'<button class="submit">{html.escape(view["submit"]["text"])}</button>'
    body = "".join(_field(block, modal) if block["type"] == "input" else _block(block) for block in view["blocks"])
    trouble = f'<p class="wrong">{html.escape(modal.errors[""])}</p>' if "" in modal.errors else ""
    title = html.escape(view["title"]["text"])
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>{_STYLE}</style></head><body class="dim"><main class="modal"><h1>{title}</h1>{body}{trouble}
<footer>{buttons}</footer></main></body></html>"""


def _field(block: dict[str, Any], modal: Modal) -> str:
    element, name = block["element"], block["block_id"]
    chosen = (element.get("initial_option") or {}).get("value")
    text = modal.typed.get(name) or element.get("initial_value") or chosen or ""
    text = next((option["text"]["text"] for option in element.get("options", []) if option["value"] == text), text)
    shown = html.escape(text) or f"<i>{html.escape(element.get('placeholder', {}).get('text', ''))}</i>"
    optional = " <small>(optional)</small>" if block.get("optional") else ""
    arrow = '<span class="arrow">⌄</span>' if "options" in element else ""
    wrong = f'<p class="wrong">{html.escape(modal.errors[name])}</p>' if name in modal.errors else ""
    hint = f'<p class="context">{html.escape(block["hint"]["text"])}</p>' if "hint" in block else ""
    return (
        f'<label>{html.escape(block["label"]["text"])}{optional}</label><div class="input{" bad" if wrong else ""}">'
        f"<span>{shown}</span>{arrow}</div>{wrong}{hint}"
    )


def _article(message: Message) -> str:
    who = _name(message.user)
    bot = message.user in _NAMES
    blocks = "".join(_block(block) for block in message.blocks) or f"<p>{_mrkdwn(message.text)}</p>"
    blocks += "".join(_file(file) for file in message.files)
    badge = '<span class="app">APP</span>' if bot else ""
    initial = "R1" if bot else html.escape(who[:1])
    return (
        f'<article><div class="face{" bot" if bot else ""}">{initial}</div><div class="said">'
        f"<header><b>{html.escape(who)}</b>{badge}<time>{_time(message)}</time></header>{blocks}</div></article>"
    )


def _file(file: Upload) -> str:
    title, alt = html.escape(file.title), html.escape(file.alt or file.title, quote=True)
    if not (file.data or b"").startswith(b"\x89PNG"):
        return f'<p class="context">{title}</p>'
    data = base64.b64encode(file.data or b"").decode()
    return f'<p class="context">{title}</p><img src="data:image/png;base64,{data}" alt="{alt}">'


def _block(block: dict[str, Any]) -> str:
    kind = block["type"]
    if kind == "header":
        return f"<h2>{html.escape(block['text']['text'])}</h2>"
    if kind == "divider":
        return "<hr>"
    if kind == "section":
        fields = "".join(f"<p>{_mrkdwn(field['text'])}</p>" for field in block.get("fields", []))
        return (f"<p>{_mrkdwn(block['text']['text'])}</p>" if "text" in block else "") + fields
    if kind == "context":
        inner = " ".join(_mrkdwn(element.get("text", "")) for element in block["elements"])
        return f'<p class="context">{inner}</p>'
    return ""


def _mrkdwn(text: str) -> str:
    """Slack's mark-up as HTML. The text's own entities are already escaped, as Slack asks; the rest is here."""
    escaped = html.escape(html.unescape(text), quote=False)
    if "<" in text:  # raw angle brackets are Slack's control sequences: show what they would do
        escaped = (
            html.escape(text, quote=False)
            .replace("&amp;amp;", "&amp;")
            .replace("&amp;lt;", "&lt;")
            .replace("&amp;gt;", "&gt;")
        )
    codes: list[str] = []

    def keep(tag: str) -> Callable[[re.Match[str]], str]:
        def kept(match: re.Match[str]) -> str:
            codes.append(f"<{tag}>{match[1]}</{tag}>")
            return f"\x00{len(codes) - 1}\x00"

        return kept

    escaped = _CODE.sub(keep("code"), _BLOCK.sub(keep("pre"), escaped))
    escaped = _LINK.sub(r'<a href="\1">\2</a>', escaped)
    if "<" in text:
        escaped = _PING.sub(r'<mark class="ping">\1</mark>', escaped)
    escaped = _ITALIC.sub(r"<i>\1</i>", _BOLD.sub(r"<b>\1</b>", escaped)).replace("\n", "<br>")
    return re.sub("\x00(\\d+)\x00", lambda match: codes[int(match[1])], escaped)


def _plain(message: Message) -> str:
    lines: list[str] = []
    for block in message.blocks:
        if block["type"] == "divider":
            lines.append("")
        elif block["type"] == "context":
            lines += [_unmarked(element.get("text", "")) for element in block["elements"]]
        elif "text" in block:
            text = _unmarked(block["text"]["text"])
            lines.append(f"▌{text}" if block["type"] == "header" else text)
    lines += [f"[{file.title}]" for file in message.files]
    return "\n".join(lines) or _unmarked(message.text)


def _unmarked(text: str) -> str:
    between = _BLOCK.split(text)  # words and code by turns
    shown = [
        part + "\n" if code else _plain_words(part) for code, part in zip(cycle((False, True)), between, strict=False)
    ]
    return html.unescape("".join(shown)).rstrip("\n")


def _plain_words(text: str) -> str:
    return _CODE.sub(r"\1", _BOLD.sub(r"\1", _ITALIC.sub(r"\1", text)))


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())


def _name(user: str) -> str:
    return _NAMES.get(user, "You")


def _time(message: Message) -> str:
    edited = " (edited)" if message.edits else ""
    private = " · only you see this" if message.ephemeral_to else ""
    return edited + private


_STYLE = """
body{margin:0;background:#fff;color:#1d1c1d;font:15px/1.47 Lato,"Noto Sans","Noto Sans CJK SC",sans-serif}
main{max-width:860px;margin:0 auto;padding:12px 24px}h1{font-size:18px;border-bottom:1px solid #ddd;padding-bottom:10px}
article{display:flex;gap:10px;margin:18px 0}.face{flex:none;width:36px;height:36px;border-radius:6px;background:#5b7;color:#fff;
display:grid;place-items:center;font-weight:700}.face.bot{background:#2b3a67}.said{min-width:0;flex:1;overflow-wrap:anywhere}
header{display:flex;gap:6px;align-items:baseline}.app{font-size:10px;background:#ddd;border-radius:3px;padding:0 4px}
time{color:#616061;font-size:12px}h2{font-size:18px;margin:6px 0}p{margin:6px 0}.context{color:#616061;font-size:13px}
img{max-width:440px;border-radius:8px}hr{border:0;border-top:1px solid #ddd;margin:8px 0}code{font:12px/1.5 "Noto Sans Mono",monospace;color:#b0123c;background:#f6f6f6;
border:1px solid #ddd;border-radius:3px;padding:1px 3px}pre{font:12px/1.5 "Noto Sans Mono","Noto Sans Mono CJK SC",monospace;background:#f8f8f8;border:1px solid #ddd;
border-radius:4px;padding:8px;margin:4px 0;white-space:pre-wrap;overflow-wrap:anywhere}.ping{background:#ffd54a;color:#8a1c00}
.dim{background:#8a8a8c;padding:24px 0}.modal{background:#fff;border-radius:10px;max-width:520px}label{display:block;font-weight:700;
margin-top:14px}label small{color:#616061;font-weight:400}.input{display:flex;justify-content:space-between;border:1px solid #8b8b8d;
border-radius:4px;padding:6px 10px;margin:4px 0;overflow-wrap:anywhere;min-height:22px}.input i{color:#868686;font-style:normal}
.bad{border-color:#e01e5a}.wrong{color:#b0123c;font-size:13px;margin:2px 0}.modal .context{margin:2px 0}footer{display:flex;gap:10px;
justify-content:flex-end;border-top:1px solid #ddd;margin-top:18px;padding-top:12px}button{font:700 15px Lato,"Noto Sans",sans-serif;
border:1px solid #bbb;border-radius:4px;padding:7px 14px;background:#fff}.submit{background:#007a5a;border-color:#007a5a;color:#fff}
"""
