"""A conversation, modal or Home tab as a person would see it: as text for a terminal, as a page for a picture."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from urllib.parse import urlsplit

from bot.local_slack.assistants import Thread
from bot.local_slack.messages import Message
from bot.local_slack.modals import Home, Modal
from bot.local_slack.render_blocks import blocks_html, field_html
from bot.local_slack.render_markup import emoji, mrkdwn, plain, unmarked
from bot.local_slack.render_text import blocks_text
from bot.local_slack.uploads import Upload

_BOT, _YOU = "R1 Detective", "You"
_FACES = ("#5b7", "#e0a030", "#4a9fd8", "#b565a7", "#7a6fd0")


def as_text(messages: Iterable[Message]) -> str:
    """Messages with their sender, blocks one after another."""
    return "\n\n".join(
        f"{_name(message.user, {})}{_remarks(message)}\n{_indented(_plain(message))}" for message in messages
    )


def as_page(
    messages: Iterable[Message],
    title: str = "#models",
    *,
    names: Mapping[str, str] | None = None,
    thread: Thread | None = None,
) -> str:
    """One self-contained page that looks like a channel, or like an assistant's ``thread`` with its status and what it
    suggests. ``names`` are people's, by id."""
    said = list(messages)
    body = "\n".join(_article(message, names or {}, alone=thread is not None) for message in said)
    shown = thread.title if thread is not None and thread.title else title
    return _page(shown, f"<h1>{html.escape(shown)}</h1>{body}{_around(thread)}")


def modal_page(modal: Modal) -> str:
    """One self-contained page with a modal, as its person sees it now."""
    view = modal.view
    buttons = f'<button class="plain">{plain(view["close"])}</button>' if "close" in view else ""
    if "submit" in view:
        buttons += f'<button class="primary">{plain(view["submit"])}</button>'
    body = "".join(
        field_html(block, modal.typed, modal.errors) if block["type"] == "input" else blocks_html([block], modal.chosen)
        for block in view["blocks"]
    )
    trouble = f'<p class="wrong">{html.escape(modal.errors[""])}</p>' if "" in modal.errors else ""
    title = plain(view["title"])
    inner = f'<h1>{title}<span class="x">×</span></h1><div class="body">{body}{trouble}</div><footer>{buttons}</footer>'
    return _page(html.unescape(title), inner, kind="modal")


def home_page(home: Home) -> str:
    """One self-contained page with a Home tab."""
    tabs = "<nav><b>Home</b><span>Messages</span><span>About</span></nav>"
    inner = f'<h1><span class="face bot">R1</span>{_BOT}</h1>{tabs}{blocks_html(home.blocks, home.chosen)}'
    return _page(f"{_BOT} – Home", inner, kind="home")


def _page(title: str, inner: str, *, kind: str = "channel") -> str:
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>
<meta name="viewport" content="width=device-width,initial-scale=1"><style>{_style()}</style></head>
<body class="{kind}"><main>{inner}</main></body></html>"""


def _article(message: Message, names: Mapping[str, str], *, alone: bool) -> str:
    """A message; ``alone``: with nothing but the thread that it is in."""
    who, bot = _name(message.user, names), _is_bot(message.user)
    text = "" if message.stream is not None or message.files else f"<p>{mrkdwn(message.text)}</p>"
    inner = blocks_html(message.blocks, message.chosen) or text
    inner += "".join(_file(file) for file in message.files)
    inner += "".join(_unfurl(url, attachment) for url, attachment in message.unfurls.items())
    if message.stream is not None and not message.stream.done:
        inner += '<p class="typing">● ● ●</p>'
    inner += _reactions(message)
    badge = '<span class="app">APP</span>' if bot else ""
    only = '<p class="only">👁 Only visible to you</p>' if message.ephemeral_to else ""
    edited = "<time>(edited)</time>" if message.edits and not message.blocks else ""
    color = "" if bot else f' style="background:{_FACES[sum(map(ord, message.user)) % len(_FACES)]}"'
    below = message.thread_ts not in (None, message.ts) and not alone
    classes = f"{' reply' if below else ''}{' private' if only else ''}"
    return (
        f'<article class="message{classes}"><div class="face{" bot" if bot else ""}"{color}>'
        f'{"R1" if bot else html.escape(who[:1].upper())}</div><div class="said">{only}'
        f"<header><b>{html.escape(who)}</b>{badge}{edited}</header>{inner}</div></article>"
    )


def _around(thread: Thread | None) -> str:
    """What an assistant's thread shows below its messages."""
    if thread is None:
        return ""
    prompts = "".join(f'<button class="prompt">{html.escape(prompt["title"])}</button>' for prompt in thread.prompts)
    title = f"<p>{html.escape(thread.prompts_title)}</p>" if thread.prompts_title else ""
    shown = f'<div class="prompts">{title}{prompts}</div>' if prompts else ""
    if not (status := thread.shown()):
        return shown
    said = thread.loading_messages[0] if thread.loading_messages else f"{_BOT} {status}"
    return f'{shown}<p class="status"><span class="face bot">R1</span>{html.escape(said)}</p>'


def _unfurl(url: str, attachment: Mapping[str, object]) -> str:
    blocks = attachment.get("blocks")
    inner = blocks_html(blocks) if isinstance(blocks, list) else f"<p>{mrkdwn(str(attachment.get('text', '')))}</p>"
    host = html.escape(urlsplit(url).hostname or "")
    return f'<div class="unfurl">{inner}<div class="context">{host} · Added by {_BOT}</div></div>'


def _reactions(message: Message) -> str:
    counts = {name: sum(given == name for given, _ in message.reactions) for name, _ in message.reactions}
    pills = "".join(f'<span class="reaction">{emoji(f":{name}:")} {count}</span>' for name, count in counts.items())
    return f'<div class="reactions">{pills}</div>' if pills else ""


def _file(file: Upload) -> str:
    title, alt = html.escape(file.title), html.escape(file.alt or file.title, quote=True)
    if not (file.data or b"").startswith(b"\x89PNG"):
        kind = html.escape(file.name.rpartition(".")[2].upper())
        return f'<div class="document"><span>{kind}</span><div><b>{title}</b><small>{html.escape(file.name)}</small></div></div>'
    data = base64.b64encode(file.data or b"").decode()
    return f'<div class="context">{title}</div><img src="data:image/png;base64,{data}" alt="{alt}">'


def _plain(message: Message) -> str:
    lines = blocks_text(message.blocks) or [unmarked(message.text)]
    files_below = [f"[{file.title}]" for file in message.files]
    lines = [*(line for line in lines if line or not files_below), *files_below]
    for url, attachment in message.unfurls.items():
        lines += [f"│ {line}" for line in [*blocks_text(attachment.get("blocks", [])), url]]
    return "\n".join(lines)


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())


def _is_bot(user: str) -> bool:
    return user.endswith("R1BOT")


def _name(user: str, names: Mapping[str, str]) -> str:
    return names.get(user, _BOT if _is_bot(user) else _YOU)


def _remarks(message: Message) -> str:
    edited = " (edited)" if message.edits and not message.blocks else ""
    private = " · only you see this" if message.ephemeral_to else ""
    return edited + private


@cache
def _style() -> str:
    return files("bot.local_slack").joinpath("page.css").read_text(encoding="utf-8")
