"""One grammar for `/r1 …`, @mentions, direct messages and the terminal: text → Request."""

from __future__ import annotations

import html
import re
import shlex
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import date

from bot.comparing.typed import lists, on_task
from bot.options import ACTIONS, OPTIONS, VERBS, WATCH_ACTIONS, Parsed, read_options
from bot.pasted import holds_secret
from bot.requests import MOST_TOKENS, Earlier, Lang, Request, Verb
from bot.understanding import understand
from bot.understanding.lexicon import lexicon
from bot.understanding.named import named, notifying
from bot.understanding.scheduled import typed_watch
from bot.understanding.targets import is_target, is_verdict
from engine.errors import UsageError

MOST_HISTORY = 50
_EXPORT = ("export", "导出")
TEXT_LIMIT = 4_000
_SEARCHED = 40_000
"""Characters searched for secrets: as many as a message in Slack can have."""
Names = Callable[[], Collection[str]]
"""Looks up the names of registered endpoints; called only for messages without a verb."""
_SURE = ("yes", "确认")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_LINK = re.compile(r"<(?P<url>(?:https?|hf)://[^|<>]+|mailto:[^|<>]+)(?:\|(?P<shown>[^<>]*))?>")
_CHANNEL = re.compile(r"<#(?P<id>[A-Z0-9]{1,20})(?:\|(?P<name>[\w-]{0,80}))?>")
_MENTION = re.compile(r"<[@#!][^<>]*>")
_QUOTES = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "\u00a0": " ", "\u3000": " ", "\ufeff": "", "\u200b": "",
                         "\u2060": "", "\u200c": "", "\u200d": ""})  # fmt: skip
_DENIES = re.compile(
    r"(?:\b(?:without|no|not|never|skip|omit|drop)|n't(?: \w{1,8})?|不要|不用|不加|不带|别|无需|没有|去掉)$"
)


def parse(
    text: str,
    *,
    lang: Lang | None = None,
    names: Names = tuple,
    earlier: Callable[[], Earlier | None] = lambda: None,
    today: date | None = None,
) -> Request:
    """Understand a message as Slack delivers it.

    Args:
        lang: the reader's language where the surface knows it; else Chinese characters decide.
        earlier: looks up what was last asked in the same thread; called only for messages without a verb,
            and for "report" and "explain" alone.
        today: the reader's day, which "tomorrow" follows.

    Raises:
        UsageError: a sentence that names the wrong word and says what to write.
    """
    length, text = len(text), text[:_SEARCHED]
    said = named(text)
    typed = undecorate(said.text)
    if holds_secret(text) or holds_secret(typed):
        raise UsageError("secret_pasted")
    if length > TEXT_LIMIT:
        raise UsageError("text_too_long", length=length, limit=TEXT_LIMIT)
    words = _split(typed)
    if words is None:
        if typed.split()[0].lower() in VERBS:
            raise UsageError("quotes_open")
        words = []
    elif not words:
        return Request(verb="help", text=text, lang=language_of(text, lang))
    if command := _command(words, text, lang):
        return notifying(_of_the_thread(command, earlier), said)
    spoken = language_of(text, lang)
    request = understand(typed, text=text, lang=spoken, names=names(), earlier=earlier(), today=today)
    return notifying(_or_refuse(request, words), said)


def _of_the_thread(command: Request, earlier: Callable[[], Earlier | None]) -> Request:
    """ "report" and "explain" alone are of the model that the thread is about."""
    if command.verb not in ("explain", "report") or command.ask != "target":
        return command
    before = earlier()
    subject = before.subject() if before is not None else None
    if subject is None:
        return command
    target = None if subject.verdict_id else subject.request.target
    return replace(command, verdict_id=subject.verdict_id, target=target, ask=None)


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
    if command := _command(words, text, lang):
        return command
    request = understand(" ".join(words), text=text, lang=language_of(text, lang), names=names())
    return _or_refuse(request, words)


def undecorate(text: str) -> str:
    """Text as it was typed: Slack's links, mentions, entities, smart quotes and dashes undone."""
    text = _LINK.sub(
        lambda match: match["shown"] if match["shown"] and "://" not in match["url"][:8] else match["url"],
        text,
    )
    text = _CHANNEL.sub(lambda match: f"#{match['name']}" if match["name"] else match["id"], text)
    text = html.unescape(_MENTION.sub(" ", text)).translate(_QUOTES)
    return re.sub(r"(?<!\S)[—–]{1,2}(?=[a-z])", "--", text)


def _split(text: str) -> list[str] | None:
    """Words as a shell splits them; ``None`` where a quotation mark stays open."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=False)
    lexer.whitespace_split, lexer.commenters, lexer.escape = True, "", ""
    # An apostrophe inside a word ("what's") is no quotation mark.
    lexer.quotes = '"' if text.count("'") % 2 else "\"'"
    try:
        return [word.strip("`") or word for word in lexer]
    except ValueError:
        return None


def _command(words: Sequence[str], text: str, lang: Lang | None) -> Request | None:
    """The request that a typed command makes; ``None`` where the words are prose."""
    verb = VERBS.get(words[0].lower()) if words else None
    if verb is None or not _typed(verb, words):
        return None
    parsed = read_options(verb, words[1:])
    chosen = parsed.one("--lang")
    if chosen not in ("", "en", "zh"):
        raise UsageError("option_value", option="--lang", example="zh")
    spoken: Lang = "zh" if chosen == "zh" else "en" if chosen == "en" else language_of(text, lang)
    plain = Request(verb=verb, text=text, lang=spoken, private=parsed.private())
    return _READERS[verb](replace(plain, fresh="--fresh" in parsed.options), parsed)


def _typed(verb: Verb, words: Sequence[str]) -> bool:
    """Whether a word that is a verb is meant as one; else it begins a sentence ("report writing for lawyers")."""
    rest = list(words[1:])
    at = next((place for place, word in enumerate(rest) if word.startswith("--")), len(rest))
    plain, options = rest[:at], rest[at:]
    if not rest:
        return True
    asks = rest[-1].endswith(("?", "？")) and " " not in rest[-1] and not rest[-2:][0].startswith("--")
    if asks and len(rest) > 1 and verb != "recommend":
        return False
    if any(option.split("=")[0] in OPTIONS[verb] for option in options) and not _denied(rest):
        two = verb == "compare" and len(plain) == 2 and not any(map(_pronoun, plain))
        return two or verb in ("identify", "recommend", "size", "history") or _TELLS[verb](words[0].lower(), plain)
    return _TELLS[verb](words[0].lower(), plain) and not _denied(rest)


def _denied(rest: Sequence[str]) -> bool:
    """Whether an option is named only to be denied, as in "without --thorough"."""
    for place, word in enumerate(rest):
        if word.startswith("--") and place and _DENIES.search(rest[place - 1].lower()):
            return True
    return False


def _about_me(verb: str, plain: Sequence[str]) -> bool:
    """Whether "forget" is said of oneself, with "yes" behind it or not."""
    said = [word.lower() for word in plain]
    if _is_sure(said):
        said = said[:-1]
    return said in (["me"], ["我"]) or (verb == "忘记我" and not said)


def _is_sure(words: Sequence[str]) -> bool:
    return bool(words) and words[-1].lower() in _SURE


def _acts(plain: Sequence[str]) -> bool:
    """Whether words after "endpoint" say what to do, and to one endpoint."""
    action = ACTIONS.get(plain[0].lower()) if plain else "list"
    return action == "add" or (action is not None and len(plain) <= 2)


def _watches(plain: Sequence[str]) -> bool:
    """Whether words after "watch" are one target, or what to do with which watch."""
    if plain and plain[0].lower() in WATCH_ACTIONS:
        return len(plain) <= 2
    return len(plain) == 1 and (is_target(plain[0]) or not _pronoun(plain[0]))


def _unexported(plain: Sequence[str]) -> Sequence[str]:
    """The words of a question for history without the last, where that asks for a table."""
    return plain[:-1] if plain and plain[-1].lower() in _EXPORT else plain


def _pronoun(word: str) -> bool:
    return word.lower().strip("?!.,。，？！") in lexicon().no_names or bool(_CHINESE.search(word))


_MODEL = re.compile(r"(?:deepseek-?)?r1(?:[-:.].*)?|full|\d{1,3}(?:\.\d)?b|[\w.-]*[\d_:-][\w.:-]*", re.I | re.ASCII)
_TELLS: dict[Verb, Callable[[str, Sequence[str]], bool]] = {
    "identify": lambda verb, plain: not plain or is_target(plain[0]) or (len(plain) == 1 and not _pronoun(plain[0])),
    "recommend": lambda verb, plain: True,
    "size": lambda verb, plain: not plain or is_target(plain[0]) or bool(_MODEL.fullmatch(plain[0])),
    "compare": lambda verb, plain: not plain or lists(plain) or (len(plain) == 2 and all(map(is_target, plain))),
    "watch": lambda verb, plain: not plain or _watches(plain),
    "history": lambda verb, plain: len(_unexported(plain)) < 2 and not any(map(_pronoun, _unexported(plain))),
    "explain": lambda verb, plain: not plain or (len(plain) == 1 and not _pronoun(plain[0])),
    "report": lambda verb, plain: not plain or (len(plain) == 1 and not _pronoun(plain[0])),
    "endpoint": lambda verb, plain: _acts(plain),
    "devices": lambda verb, plain: not plain,
    "help": lambda verb, plain: not plain or (len(plain) == 1 and plain[0].lower() in VERBS),
    "forget": _about_me,
}
"""Whether a verb, as it was written, and the words up to the first option are a command."""


def _identify(plain: Request, parsed: Parsed) -> Request:
    if not parsed.words:
        return replace(plain, ask="target", constraints=parsed.constraints())
    return replace(
        plain,
        target=parsed.words[0],
        family=parsed.one("--family", "deepseek-r1"),
        constraints=parsed.constraints(),
        scenario=" ".join([*parsed.options.get("--scenario", []), *parsed.words[1:]]),
        budget_tokens=parsed.number("--budget-tokens", MOST_TOKENS),
        thorough="--thorough" in parsed.options,
    )


def _recommend(plain: Request, parsed: Parsed) -> Request:
    scenario = " ".join([*parsed.options.get("--scenario", []), *parsed.words])
    given = parsed.constraints()
    return replace(plain, constraints=given, scenario=scenario, ask=None if given or scenario else "constraints")


def _size(plain: Request, parsed: Parsed) -> Request:
    """The model first; words after it are the hardware, where no option names it."""
    constraints = parsed.constraints()
    if not parsed.words:
        return replace(plain, ask="target", constraints=constraints)
    model, *rest = parsed.words
    if rest and rest[0].lower() in ("on", "with", "@", "in", "用", "在"):
        rest = rest[1:]
    if rest and "hardware" in constraints:
        raise UsageError("size_words", words=" ".join(rest)[:40])
    quantization = parsed.one("--quantization") or None
    return replace(plain, target=model, constraints=constraints, scenario=" ".join(rest), quantization=quantization)


def _compare(plain: Request, parsed: Parsed) -> Request:
    if lists(parsed.words):
        return replace(plain, action="list")
    budget = parsed.number("--budget-tokens", MOST_TOKENS)
    asked = replace(plain, family=parsed.one("--family", "deepseek-r1"), budget_tokens=budget)
    asked = on_task(asked, parsed)
    if len(parsed.words) < 2:
        return replace(asked, ask="target")
    first, second = parsed.words
    return replace(asked, target=first, other=second)


def _history(plain: Request, parsed: Parsed) -> Request:
    limit = parsed.number("--limit", MOST_HISTORY) or 10
    words = list(parsed.words)
    exported = bool(words) and words[-1].lower() in _EXPORT
    target = " ".join(words[:-1] if exported else words) or None
    return replace(plain, target=target, limit=limit, action="export" if exported else None)


def _past(plain: Request, parsed: Parsed) -> Request:
    if not parsed.words:
        return replace(plain, ask="target")
    said = parsed.words[0].strip("`#")
    return replace(plain, verdict_id=said) if is_verdict(said, certain=False) else replace(plain, target=said)


def _endpoint(plain: Request, parsed: Parsed) -> Request:
    action = ACTIONS[parsed.words[0].lower()] if parsed.words else "list"
    target = " ".join(parsed.words[1:]) or None
    return replace(plain, action=action, target=target, ask="target" if action == "remove" and not target else None)


def _forget(plain: Request, parsed: Parsed) -> Request:
    return replace(plain, action="remove" if _is_sure(parsed.words) else "list")


_READERS: dict[Verb, Callable[[Request, Parsed], Request]] = {
    "identify": _identify, "recommend": _recommend, "size": _size, "compare": _compare, "watch": typed_watch,
    "history": _history, "explain": _past, "report": _past, "endpoint": _endpoint, "forget": _forget,
    "devices": lambda plain, parsed: plain, "help": lambda plain, parsed: plain,
}  # fmt: skip


def _or_refuse(request: Request, words: Sequence[str]) -> Request:
    """The request; or, where it says nothing and begins with a verb that needs more, what to write."""
    verb = VERBS.get(words[0].lower()) if words else None
    if request.verb == "other" and len(words) <= 2 and verb == "endpoint":
        known = ", ".join(action for action in ACTIONS if action.isascii())
        raise UsageError("endpoint_action", word=words[1][:40], known=known)
    return request
