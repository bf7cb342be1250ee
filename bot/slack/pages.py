"""The few pages that a browser gets from us beside reports: a sentence, in the language that it asks for."""

from __future__ import annotations

import html

from bot.presentation.view import words
from bot.requests import Lang

CSP = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""A page, or a report: nothing is loaded, run, sent or framed."""
HEADERS = {
    "Content-Security-Policy": CSP,
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
    "Referrer-Policy": "no-referrer",  # a link's key, and an installation's code, are in the address
    "X-Content-Type-Options": "nosniff",
}
_PAGE = """<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex">
<style>:root{{color-scheme:light dark}}body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:15vh auto;
padding:0 1rem}}</style></head><body><main><h1>{title}</h1><p>{sentence}</p></main></body></html>"""


def page(about: str, what: str, lang: Lang, **values: str) -> str:
    """The page on ``what`` happened, from ``pages.<about>`` in the words."""
    said = words(lang)["pages"][about]
    title, sentence = (html.escape(said[key].format(**values)) for key in ("title", what))
    return _PAGE.format(lang="zh-CN" if lang == "zh" else "en", title=title, sentence=sentence)


def spoken_by(accepted: str) -> Lang:
    """The language that a browser's Accept-Language asks for first, of the two there are."""
    first = next((part.strip().lower() for part in accepted.split(",") if part.strip()[:2].lower() in ("en", "zh")), "")
    return "zh" if first.startswith("zh") else "en"
