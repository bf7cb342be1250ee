"""One grammar for `/r1 …`, @mentions, direct messages and the terminal: text → Request."""

from __future__ import annotations

import difflib
import html
import re
import shlex
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from bot.pasted import holds_secret
from bot.requests import MOST_TOKENS, Action, Lang, Request, Verb
from bot.understanding import Understood, understand
from engine.errors import UsageError

VERBS: dict[str, Verb] = {
    "identify": "identify", "recommend": "recommend", "history": "history", "explain": "explain", "help": "help",
    "鉴定": "identify", "识别": "identify", "推荐": "recommend", "建议": "recommend", "历史": "history",
    "记录": "history", "解释": "explain", "说明": "explain", "帮助": "help", "report": "report", "报告": "report",
    "endpoint": "endpoint", "endpoints": "endpoint", "接口": "endpoint", "端点": "endpoint",
    "devices": "devices", "设备": "devices", "选型": "recommend", "size": "size", "估算": "size", "规格": "size",
    "forget": "forget", "忘记": "forget", "忘记我": "forget",
}  # fmt: skip
ACTIONS: dict[str, Action] = {
    "add": "add", "list": "list", "remove": "remove", "添加": "add", "登记": "add", "列表": "list", "删除": "remove",
}  # fmt: skip
SHORTHANDS: dict[str, str] = {
    "--gpu": "hardware", "--context": "context", "--concurrency": "concurrency", "--ttft": "ttft", "--budget": "budget",
    "--task": "task", "--language": "language", "--prompt": "prompt", "--output": "output",
}  # fmt: skip
"""Options that stand for ``--constraint name=value``."""
OPTIONS: dict[Verb, tuple[str, ...]] = {
    "identify": ("--family", "--scenario", "--constraint", *SHORTHANDS, "--budget-tokens", "--thorough", "--lang"),
    "recommend": ("--scenario", "--constraint", *SHORTHANDS, "--lang"),
    "size": ("--gpu", "--quantization", "--context", "--concurrency", "--prompt", "--output", "--lang"),
    "history": ("--limit", "--lang"),
    "explain": ("--lang",),
    "report": ("--lang",),
    "endpoint": ("--lang",),
    "devices": ("--lang",),
    "help": ("--lang",),
    "forget": ("--lang",),
}
_SURE = ("yes", "确认")
FLAGS = frozenset({"--thorough"})
_SHORT: dict[Verb, int] = {"devices": 0, "report": 1}
"""Verbs that a question may begin with: how many words follow them where they are meant as verbs."""
_EXAMPLES = {
    "--family": "deepseek-r1", "--scenario": "legal contracts", "--constraint": "latency=500ms", "--limit": "10",
    "--budget-tokens": "2000", "--lang": "zh", "--gpu": "2x4090", "--context": "32k", "--concurrency": "8", "--ttft": "1s",
    "--budget": "5USD/h", "--task": "customer-service", "--language": "zh", "--prompt": "2000", "--output": "500",
    "--quantization": "awq-int4",
}  # fmt: skip
MOST_HISTORY = 50
TEXT_LIMIT = 4_000
_SEARCHED = 40_000
"""Characters searched for secrets: as many as a message in Slack can have."""
Names = Callable[[], Collection[str]]
"""Looks up the names of registered endpoints; called only for messages without a verb."""
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_LINK = re.compile(r"<(?P<url>(?:https?|hf)://[^|<>]+|mailto:[^|<>]+)(?:\|(?P<shown>[^<>]*))?>")
_MENTION = re.compile(r"<[@#!][^<>]*>")
_QUOTES = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "\u00a0": " ", "\u3000": " ", "\ufeff": "", "\u200b": "",
                         "\u2060": "", "\u200c": "", "\u200d": ""})  # fmt: skip


@dataclass(slots=True)
class _Parsed:
    words: list[str] = field(default_factory=list)
    options: dict[str, list[str]] = field(default_factory=dict)

    def one(self, name: str, default: str = "") -> str:
        return self.options.get(name, [default])[-1]


def parse(text: str, *, lang: Lang | None = None, names: Names = tuple) -> Request:
    """Understand a message as Slack delivers it.

    Args:
        lang: the reader's language where the surface knows it; else Chinese characters decide.

    Raises:
        UsageError: a sentence that names the wrong word and says what to write.
    """
    length, text = len(text), text[:_SEARCHED]
    typed = undecorate(text)
    if holds_secret(text) or holds_secret(typed):
        raise UsageError("secret_pasted")
    if length > TEXT_LIMIT:
        raise UsageError("text_too_long", length=length, limit=TEXT_LIMIT)
    return parse_words(_split(typed), text=text, lang=lang, names=names)


def language_of(text: str, lang: Lang | None = None) -> Lang:
    """Chinese where the text has Chinese characters, else the reader's language, else English."""
    return "zh" if _CHINESE.search(text) else lang or "en"


def parse_words(words: Sequence[str], *, text: str, lang: Lang | None = None, names: Names = tuple) -> Request:
    """Understand a command already split into words, as a shell does. Raises as ``parse``."""
    if holds_secret(text[:_SEARCHED]):
        raise UsageError("secret_pasted")
    if len(text) > TEXT_LIMIT:
        raise UsageError("text_too_long", length=len(text), limit=TEXT_LIMIT)
    if not words:
        return Request(verb="help", text=text, lang=language_of(text, lang))
    verb = VERBS.get(words[0].lower())
    if (
        verb is None
        or (verb == "endpoint" and not _acts(words))
        or (verb == "forget" and not _about_me(words))
        or (verb in _SHORT and not _alone(verb, words))
    ):
        return _understood(understand(words, names()), words, text, lang)
    parsed = _options(verb, words[1:])
    chosen = parsed.one("--lang")
    if chosen not in ("", "en", "zh"):
        raise UsageError("option_value", option="--lang", example="zh")
    spoken: Lang = "zh" if chosen == "zh" else "en" if chosen == "en" else language_of(text, lang)
    if verb == "identify":
        return _identify(parsed, text, spoken)
    if verb == "size":
        return _size(parsed, text, spoken)
    if verb == "recommend":
        scenario = " ".join([*parsed.options.get("--scenario", []), *parsed.words])
        return Request(verb=verb, text=text, lang=spoken, constraints=_constraints(parsed), scenario=scenario)
    if verb == "history":
        return Request(
            verb=verb,
            text=text,
            lang=spoken,
            target=" ".join(parsed.words) or None,
            limit=_number(parsed, "--limit", MOST_HISTORY) or 10,
        )
    if verb in ("explain", "report"):
        if not parsed.words:
            raise UsageError(f"{verb}_id", example="k3m9x7wq2a")
        return Request(verb=verb, text=text, lang=spoken, verdict_id=parsed.words[0].strip("`#"))
    if verb == "endpoint":
        return _endpoint(parsed, text, spoken)
    if verb == "devices":
        return Request(verb=verb, text=text, lang=spoken)
    if verb == "forget":
        return Request(verb=verb, text=text, lang=spoken, action="remove" if _is_sure(parsed.words) else "list")
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
        if name in FLAGS and equals:
            raise UsageError("option_flag", option=name)
        if name not in FLAGS and not equals:
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
        budget_tokens=_number(parsed, "--budget-tokens", MOST_TOKENS),
        thorough="--thorough" in parsed.options,
    )


def _size(parsed: _Parsed, text: str, lang: Lang) -> Request:
    """The model first; words after it are the hardware, where no option names it."""
    if not parsed.words:
        raise UsageError("size_model")
    model, *rest = parsed.words
    constraints = _constraints(parsed)
    if rest and "hardware" in constraints:
        raise UsageError("size_words", words=" ".join(rest)[:40])
    return Request(
        verb="size",
        text=text,
        lang=lang,
        target=model,
        constraints=constraints,
        scenario=" ".join(rest),
        quantization=parsed.one("--quantization") or None,
    )


def _acts(words: Sequence[str]) -> bool:
    """Whether words after "endpoint" say what to do, or nothing; else it is the first word of a question."""
    return not words[1:] or words[1].startswith("--") or words[1].lower() in ACTIONS


def _alone(verb: Verb, words: Sequence[str]) -> bool:
    """Whether only options follow "devices", or an id and options "report"; else it is the first word of a question."""
    rest = next((at for at, word in enumerate(words[1:]) if word.startswith("--")), len(words) - 1)
    return rest <= _SHORT[verb]


def _about_me(words: Sequence[str]) -> bool:
    """Whether "forget" is said of oneself, with "yes" behind it or not; else it is the first word of a question."""
    said = [word.lower() for word in words[1:] if not word.startswith("--") and word not in ("en", "zh")]
    if _is_sure(said):
        said = said[:-1]
    return said in (["me"], ["我"]) or (words[0] == "忘记我" and not said)


def _is_sure(words: Sequence[str]) -> bool:
    return bool(words) and words[-1].lower() in _SURE


def _endpoint(parsed: _Parsed, text: str, lang: Lang) -> Request:
    action = ACTIONS[parsed.words[0].lower()] if parsed.words else "list"
    target = " ".join(parsed.words[1:]) or None
    if action == "remove" and target is None:
        raise UsageError("endpoint_remove_name")
    return Request(verb="endpoint", text=text, lang=lang, action=action, target=target)


def _constraints(parsed: _Parsed) -> dict[str, str]:
    found: dict[str, str] = {}
    for given in parsed.options.get("--constraint", []):
        name, equals, value = given.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise UsageError("option_constraint", value=given[:40])
        _add(found, name.strip().lower(), value.strip())
    for option, name in SHORTHANDS.items():
        for value in parsed.options.get(option, []):
            if not value.strip():
                raise UsageError("option_value", option=option, example=_EXAMPLES[option])
            _add(found, name, value.strip())
    return found


def _add(found: dict[str, str], name: str, value: str) -> None:
    if found.setdefault(name, value) != value:
        raise UsageError("constraint_twice", name=name[:40], first=found[name][:40], second=value[:40])


def _number(parsed: _Parsed, option: str, most: int) -> int | None:
    value = parsed.one(option)
    if option not in parsed.options:
        return None
    if not value.isascii() or not value.isdigit() or not 1 <= int(value[:9]) <= most:
        raise UsageError("option_number", option=option, most=most, value=value[:20])
    return int(value)


def _understood(found: Understood, words: Sequence[str], text: str, lang: Lang | None) -> Request:
    spoken = language_of(text, lang)
    if found.intent == "identify":
        return Request(verb="identify", text=text, lang=spoken, target=found.target, scenario=found.scenario)
    if found.intent == "recommend":
        return Request(verb="recommend", text=text, lang=spoken, scenario=found.scenario)
    if found.intent == "size":
        return Request(verb="size", text=text, lang=spoken, target=found.target, scenario=found.scenario)
    if VERBS.get(words[0].lower()) == "forget":
        raise UsageError("forget_whom")
    if words[0].lower() in VERBS:  # "endpoint", no action, and no question about one either
        known = ", ".join(action for action in ACTIONS if action.isascii())
        raise UsageError("endpoint_action", word=words[1][:40], known=known)
    english = [verb for verb in VERBS if verb.isascii()]
    if len(words) <= 2 and not _CHINESE.search(text):
        close = difflib.get_close_matches(words[0].lower(), english, 1, 0.7)
        if close:
            known = ", ".join(english)
            raise UsageError("verb_unknown", word=words[0][:40], known=known, suggestion=close[0])
    return Request(verb="help", text=text, lang=spoken)
