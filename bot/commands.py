"""One grammar for `/r1 …`, @mentions, direct messages and the terminal: text → Request."""

from __future__ import annotations

import difflib
import html
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.requests import Lang, Request, Verb
from bot.understanding import Understood, understand
from engine.errors import UsageError

VERBS: dict[str, Verb] = {
    "identify": "identify", "recommend": "recommend", "history": "history", "explain": "explain", "help": "help",
    "鉴定": "identify", "识别": "identify", "推荐": "recommend", "建议": "recommend", "历史": "history",
    "记录": "history", "解释": "explain", "说明": "explain", "帮助": "help",
}  # fmt: skip
OPTIONS: dict[Verb, tuple[str, ...]] = {
    "identify": ("--family", "--scenario", "--constraint", "--lang"),
    "recommend": ("--scenario", "--constraint", "--lang"),
    "history": ("--limit", "--lang"),
    "explain": ("--lang",),
    "help": ("--lang",),
}
_EXAMPLES = {"--family": "deepseek-r1", "--scenario": "legal contracts", "--constraint": "latency=500ms", "--limit": "10", "--lang": "zh"}  # fmt: skip
MOST_HISTORY = 50
TEXT_LIMIT = 4_000
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_LINK = re.compile(r"<(?P<url>(?:https?|hf)://[^|>]+|mailto:[^|>]+)(?:\|(?P<shown>[^>]*))?>")
_MENTION = re.compile(r"<[@#!][^>]*>")
_QUOTES = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "\u00a0": " ", "\u3000": " ", "\ufeff": "", "\u200b": "",
                         "\u2060": "", "\u200c": "", "\u200d": ""})  # fmt: skip
_SECRET = re.compile(
    r"\b(?:sk-[A-Za-z0-9_-]{16,}|hf_[A-Za-z0-9]{16,}|xox[abprs]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{10,})"
)


@dataclass(slots=True)
class _Parsed:
    words: list[str] = field(default_factory=list)
    options: dict[str, list[str]] = field(default_factory=dict)

    def one(self, name: str, default: str = "") -> str:
        return self.options.get(name, [default])[-1]


def parse(text: str, *, lang: Lang | None = None) -> Request:
    """Understand a message as Slack delivers it.

    Args:
        lang: the reader's language where the surface knows it; else Chinese characters decide.

    Raises:
        UsageError: a sentence that names the wrong word and says what to write.
    """
    if len(text) > TEXT_LIMIT:
        raise UsageError("text_too_long", length=len(text), limit=TEXT_LIMIT)
    if _SECRET.search(text):
        raise UsageError("secret_pasted")
    return parse_words(_split(undecorate(text)), text=text, lang=lang)


def language_of(text: str, lang: Lang | None = None) -> Lang:
    """Chinese where the text has Chinese characters, else the reader's language, else English."""
    return "zh" if _CHINESE.search(text) else lang or "en"


def parse_words(words: Sequence[str], *, text: str, lang: Lang | None = None) -> Request:
    """Understand a command already split into words, as a shell does. Raises as ``parse``."""
    if not words:
        return Request(verb="help", text=text, lang=language_of(text, lang))
    verb = VERBS.get(words[0].lower())
    if verb is None:
        return _understood(understand(words), words, text, lang)
    parsed = _options(verb, words[1:])
    chosen = parsed.one("--lang")
    if chosen not in ("", "en", "zh"):
        raise UsageError("option_value", option="--lang", example="zh")
    spoken: Lang = "zh" if chosen == "zh" else "en" if chosen == "en" else language_of(text, lang)
    if verb == "identify":
        return _identify(parsed, text, spoken)
    if verb == "recommend":
        scenario = " ".join([*parsed.options.get("--scenario", []), *parsed.words])
        return Request(verb=verb, text=text, lang=spoken, constraints=_constraints(parsed), scenario=scenario)
    if verb == "history":
        return Request(verb=verb, text=text, lang=spoken, target=" ".join(parsed.words) or None, limit=_limit(parsed))
    if verb == "explain":
        if not parsed.words:
            raise UsageError("explain_id", example="k3m9x7wq2a")
        return Request(verb=verb, text=text, lang=spoken, verdict_id=parsed.words[0].strip("`#"))
    return Request(verb="help", text=text, lang=spoken)


def undecorate(text: str) -> str:
    """Text as it was typed: Slack's links, mentions, entities, smart quotes and dashes undone."""
    text = _LINK.sub(
        lambda match: match["shown"] if match["shown"] and "://" not in match["url"][:8] else match["url"],
        text,
    )
    text = html.unescape(_MENTION.sub(" ", text)).translate(_QUOTES)
    return re.sub(r"(?<!\S)[—–]{1,2}(?=[a-z])", "--", text)


def _split(text: str) -> list[str]:
    lexer = shlex.shlex(text, posix=True, punctuation_chars=False)
    lexer.whitespace_split, lexer.commenters, lexer.escape = True, "", ""
    # An apostrophe inside a word ("what's") is no quotation mark.
    lexer.quotes = '"' if text.count("'") % 2 else "\"'"
    try:
        return [word.strip("`") or word for word in lexer]
    except ValueError as error:
        raise UsageError("quotes_open") from error


def _options(verb: Verb, words: Sequence[str]) -> _Parsed:
    parsed, waiting = _Parsed(), list(words)
    while waiting:
        word = waiting.pop(0)
        if not word.startswith("--"):
            parsed.words.append(word)
            continue
        name, equals, value = word.partition("=")
        if name not in OPTIONS[verb]:
            raise UsageError("option_unknown", option=name[:40], verb=verb, known=", ".join(OPTIONS[verb]))
        if not equals:
            if not waiting:
                raise UsageError("option_value", option=name, example=_EXAMPLES[name])
            value = waiting.pop(0)
        parsed.options.setdefault(name, []).append(value)
    return parsed


def _identify(parsed: _Parsed, text: str, lang: Lang) -> Request:
    if not parsed.words:
        raise UsageError("identify_target")
    scenario = " ".join([*parsed.options.get("--scenario", []), *parsed.words[1:]])
    return Request(
        verb="identify",
        text=text,
        lang=lang,
        target=parsed.words[0],
        family=parsed.one("--family", "deepseek-r1"),
        constraints=_constraints(parsed),
        scenario=scenario,
    )


def _constraints(parsed: _Parsed) -> dict[str, str]:
    found = {}
    for given in parsed.options.get("--constraint", []):
        name, equals, value = given.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise UsageError("option_constraint", value=given[:40])
        found[name.strip().lower()] = value.strip()
    return found


def _limit(parsed: _Parsed) -> int:
    value = parsed.one("--limit", "10")
    if not value.isascii() or not value.isdigit() or not 1 <= int(value[:6]) <= MOST_HISTORY:
        raise UsageError("option_number", option="--limit", most=MOST_HISTORY, value=value[:20])
    return int(value)


def _understood(found: Understood, words: Sequence[str], text: str, lang: Lang | None) -> Request:
    spoken = language_of(text, lang)
    if found.intent == "identify":
        return Request(verb="identify", text=text, lang=spoken, target=found.target, scenario=found.scenario)
    if found.intent == "recommend":
        return Request(verb="recommend", text=text, lang=spoken, scenario=found.scenario)
    english = [verb for verb in VERBS if verb.isascii()]
    if len(words) <= 2 and not _CHINESE.search(text):
        close = difflib.get_close_matches(words[0].lower(), english, 1, 0.7)
        if close:
            known = ", ".join(english)
            raise UsageError("verb_unknown", word=words[0][:40], known=known, suggestion=close[0])
    return Request(verb="help", text=text, lang=spoken)
