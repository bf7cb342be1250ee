"""Slack's own mark-up, Markdown and rich text, as HTML."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable
from typing import Any

from bot.local_slack.errors import Body

_CODE = re.compile(r"`([^`\n]+)`")
_BLOCK = re.compile(r"```\n?(.+?)\n?```\n?", re.DOTALL)
_BOLD = re.compile(r"(?<![\w*])\*([^*\n]+)\*(?![\w*])")
_ITALIC = re.compile(r"(?<![\w_])_([^_\n]+(?:_[^_\n]+)*)_(?![\w_])")
_STRIKE = re.compile(r"(?<![\w~])~([^~\n]+)~(?![\w~])")
_LINK = re.compile(r"&lt;((?:https?://|mailto:)[^|&]*(?:&amp;[^|&]*)*)\|([^&]*(?:&(?!gt;)[^&]*)*)&gt;")
_BARE = re.compile(r"&lt;(https?://[^|\s]*?)&gt;")
_DATE = re.compile(r"&lt;!date\^[^|]*\|(.*?)&gt;")
_PING = re.compile(r"&lt;([!@#][^&]*)&gt;")
_TERMINAL = re.compile(r"<(https?://[^|>\s]+)(?:\|([^>]*))?>")
_EMOJI = re.compile(r"(?<![\w:]):([a-z0-9_+'-]+):(?![\w:])")
_NAMED = {
    "eyes": "👀", "white_check_mark": "✅", "heavy_check_mark": "✔️", "warning": "⚠️", "x": "❌", "hourglass": "⌛",
    "hourglass_flowing_sand": "⏳", "mag": "🔍", "bell": "🔔", "thumbsup": "👍", "+1": "👍", "thumbsdown": "👎",
    "-1": "👎", "wave": "👋", "rocket": "🚀", "bulb": "💡", "lock": "🔒", "memo": "📝", "calendar": "📅",
    "bar_chart": "📊", "large_green_circle": "🟢", "large_yellow_circle": "🟡", "red_circle": "🔴",
    "no_entry": "⛔", "question": "❓", "information_source": "ℹ️", "tada": "🎉",
}  # fmt: skip
_TAGS = {"bold": "b", "italic": "i", "strike": "s", "underline": "u", "code": "code"}


def mrkdwn(text: str) -> str:
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
    if "<" in text:
        escaped = _DATE.sub(r"\1", escaped)
        escaped = _BARE.sub(_anchor, _LINK.sub(_anchor, escaped))
        escaped = _PING.sub(_mention, escaped)
    escaped = _STRIKE.sub(r"<s>\1</s>", _ITALIC.sub(r"<i>\1</i>", _BOLD.sub(r"<b>\1</b>", escaped)))
    escaped = _quoted(emoji(escaped)).replace("\n", "<br>")
    return re.sub("\x00(\\d+)\x00", lambda match: codes[int(match[1])], escaped)


def markdown(text: str) -> str:
    """Markdown as HTML, tables and strikethrough too; what looks like HTML in it is shown, not done."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    return f'<div class="markdown">{emoji(str(parser.render(text)))}</div>'


def rich(block: Body) -> str:
    """A rich text block as HTML."""
    return "".join(_part(part) for part in block["elements"])


def rich_words(block: Body) -> str:
    """A rich text block's words alone."""
    return "\n".join(_words(part) for part in block["elements"])


def emoji(text: str) -> str:
    """Names between colons as what they name, as far as we know them."""
    return _EMOJI.sub(lambda match: _NAMED.get(match[1], match[0]), text)


def plain(text: Any) -> str:
    """A plain text object's words as HTML."""
    shown = text.get("text", "") if isinstance(text, dict) else str(text)
    return emoji(html.escape(shown))


def either(text: Body) -> str:
    """A text object as HTML, marked up or plain."""
    return mrkdwn(text["text"]) if text["type"] == "mrkdwn" else plain(text)


def unmarked(text: str) -> str:
    """The words of Slack's mark-up, for a terminal."""
    between = _BLOCK.split(text)  # words and code by turns
    shown = [f"{part}\n" if number % 2 else _bare(part) for number, part in enumerate(between)]
    return html.unescape("".join(shown)).rstrip("\n")


def _bare(text: str) -> str:
    text = emoji(_TERMINAL.sub(lambda match: match[2] or match[1], text))
    return _CODE.sub(r"\1", _BOLD.sub(r"\1", _ITALIC.sub(r"\1", text)))


def _anchor(match: re.Match[str]) -> str:
    url = match[1].replace('"', "%22")
    return f'<a href="{url}">{match[match.lastindex or 1]}</a>'


def _mention(match: re.Match[str]) -> str:
    who = match[1]
    if who.endswith("R1BOT"):
        return '<span class="mention">@R1 Detective</span>'
    return f'<mark class="ping">{who}</mark>'


def _quoted(escaped: str) -> str:
    if "&gt; " not in escaped and not escaped.startswith("&gt;"):
        return escaped
    lines = [f"<q>{line[4:].strip()}</q>" if line.startswith("&gt;") else line for line in escaped.split("\n")]
    return "\n".join(lines).replace("</q>\n<q>", "<br>")


def _part(part: Body) -> str:
    kind, elements = part["type"], part["elements"]
    if kind == "rich_text_list":
        tag = "ol" if part["style"] == "ordered" else "ul"
        items = "".join(f"<li>{_inlines(item['elements'])}</li>" for item in elements)
        return f'<{tag} style="margin-left:{part.get("indent", 0) * 1.5}em">{items}</{tag}>'
    tag = {"rich_text_preformatted": "pre", "rich_text_quote": "blockquote"}.get(kind, "p")
    return f"<{tag}>{_inlines(elements)}</{tag}>"


def _inlines(elements: Iterable[Body]) -> str:
    return "".join(_inline(element) for element in elements)


def _inline(element: Body) -> str:
    shown = html.escape(_inline_words(element)).replace("\n", "<br>")
    if element["type"] == "link" and element["url"].startswith(("https://", "http://", "mailto:")):
        shown = f'<a href="{html.escape(element["url"])}">{shown}</a>'
    elif element["type"] in ("user", "usergroup", "channel", "broadcast"):
        return f'<mark class="ping">{shown}</mark>'
    for style, tag in _TAGS.items():
        if element.get("style", {}).get(style):
            shown = f"<{tag}>{shown}</{tag}>"
    return shown


def _inline_words(element: Body) -> str:
    kind = element["type"]
    if kind == "link":
        return str(element.get("text") or element["url"])
    if kind == "emoji":
        return _NAMED.get(element["name"], f":{element['name']}:")
    if kind == "date":
        return str(element.get("fallback") or element["format"])
    named = {"user": "user_id", "channel": "channel_id", "usergroup": "usergroup_id", "broadcast": "range",
             "color": "value", "team": "team_id"}  # fmt: skip
    return str(element["text"]) if kind == "text" else f"@{element[named[kind]]}"


def _words(part: Body) -> str:
    if part["type"] == "rich_text_list":
        return "\n".join(f"• {''.join(map(_inline_words, item['elements']))}" for item in part["elements"])
    return "".join(map(_inline_words, part["elements"]))
