"""Models named in a text: paths, Hub ids, URLs, files, names at Ollama, endpoints, verdicts. Pure; guesses none."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from bot.understanding.lexicon import lexicon

Kind = Literal["url", "hub", "path", "file", "ollama", "endpoint", "verdict"]
_TARGET = re.compile(
    r"(?P<url>https?://[\w\[][\w.~:/?#\[\]@!$&*+,;=%-]{0,500})"
    r"|(?P<site>(?<![\w./:@-])(?:www\.)?(?:huggingface\.co|hf\.co|hf-mirror\.com)/[\w.-]{1,96}/[\w.-]{1,96}(?:@[\w./-]{1,128})?(?::[\w.-]{1,64})?)"
    r"|(?P<other>(?<![a-z])[a-z][a-z0-9+.-]{1,10}://(?<!hf://)[^\s,，。；]{1,500})"
    r"|(?P<file>(?<![\w./~-])(?:[~.]{0,2}/)?[\w.+-]{1,200}(?:/[\w.+-]{1,200}){0,12}\.(?:gguf|safetensors)(?![\w-]))"
    r"|(?P<path>(?<![\w.~:/-])(?:~|\.{1,2})?/[\w.~+-]{1,200}(?:/[\w.~+-]{1,200}){0,20}/?)"
    r"|(?P<hub>(?<![\w./@-])(?:hf://)?[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}(?:@[\w./-]{1,128})?(?::[\w.-]{1,64})?(?![/\w]))"
    r"|(?P<ollama>(?<![\w./:-])[A-Za-z][\w.-]{1,60}:(?:\d{1,4}(?:\.\d{1,2})?[bm]|latest)(?:-[\w.-]{1,40})?(?![\w:/]))",
    re.ASCII,
)
_VERDICT = re.compile(r"(?<![\w./:@-])#?(?P<id>[a-hjkmnp-z2-9]{10})(?![\w./:-])", re.ASCII)
_PROGRAM = re.compile(
    r"\.(?:py|sh|log|json|ya?ml|md|txt|so|toml|cfg|ini|html?|pdf|png|jpe?g|js|ts|c|cpp|h|go|rs|whl|zip)$", re.I
)
_SYSTEM = re.compile(r"^/(?:usr|etc|bin|sbin|lib\d*|proc|sys|dev|var/log|tmp/?$)(?:/|$)")
_UNIT = re.compile(
    r"^(?:[\w.]{1,20}/(?:s|sec|second|min|minute|h|hr|hour|day|d|wk|week|mo|month|y|yr|year|tok|token|req|request|user|gpu|card|m)"
    r"|[A-Za-z]/[A-Za-z]|\d{1,4}/\d{1,4}|w/\w{1,20}|[A-Z]{2,4}/[A-Z]{2,4})$",
    re.IGNORECASE | re.ASCII,
)
_SITE = re.compile(
    r"huggingface\.co|hf\.co|hf-mirror\.com|ollama\.com|modelscope\.cn|/v1\b|:\d{2,5}(?:/|$)|\bapi\b|llm", re.I
)
_KNOWN = re.compile(
    r"r1|deepseek|qwen|llama|mistral|gguf|awq|gptq|distil|\d{1,3}b(?![a-z])|v\d|model|ckpt|checkpoint|-\w+-|bert|gpt",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Mention:
    """``text[start:end]`` names a model. ``weak``: it may be other words with a slash between ("client/server"), or a
    word that is an endpoint's name too ("prod")."""

    spec: str
    start: int
    end: int
    kind: Kind
    weak: bool = False


def is_target(word: str) -> bool:
    """Whether a whole word can be nothing but a model's path, id, URL or file."""
    if " " in word:  # it was quoted
        return word.startswith(("/", "./", "../", "~/")) and not word.startswith("/ ")
    match = _TARGET.fullmatch(word)
    if match is None or match.lastgroup in ("other", "site") or word[-1] in ".,;:!?":
        return False
    return match.lastgroup != "hub" or not _prose(word)


def is_verdict(word: str, *, certain: bool = True) -> bool:
    """Whether a word has the form of a verdict's id; where it must be ``certain``, a word of letters only has not."""
    match = _VERDICT.fullmatch(word)
    return match is not None and (not certain or (_mixed(match["id"])))


def find_mentions(text: str, names: Collection[str] = ()) -> tuple[Mention, ...]:
    """Every model named, in order, none within another."""
    found = sorted((*_written(text), *_verdicts(text), *_endpoints(text, names)), key=lambda one: (one.start, -one.end))
    kept: list[Mention] = []
    for one in found:
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
    return tuple(kept)


def _written(text: str) -> Iterator[Mention]:
    for match in _TARGET.finditer(text):
        kind, spec = match.lastgroup, match[0].rstrip(".,;:!?")
        if kind == "url" and is_verdict(spec.rstrip("/").rsplit("/", 1)[-1].removesuffix(".html")):
            yield Mention(
                spec.rstrip("/").rsplit("/", 1)[-1].removesuffix(".html"), match.start(), match.end(), "verdict"
            )
            continue
        if kind == "site":
            yield Mention(spec.split("/", 1)[1], match.start(), match.start() + len(spec), "hub")
            continue
        if kind == "other" or not spec or (kind == "path" and (_PROGRAM.search(spec) or _SYSTEM.match(spec))):
            continue
        # "acme/r1-满血版" names no repository: its name goes on in letters that none has.
        if spec[-1] in "-_" and "\u4e00" <= text[match.end() : match.end() + 1] <= "\u9fff":
            continue
        if kind == "hub" and (_prose(spec) or _PROGRAM.search(spec) or _image(spec)):
            continue
        weak = (kind == "hub" and not _KNOWN.search(spec)) or (kind == "url" and not _SITE.search(spec))
        yield Mention(spec, match.start(), match.start() + len(spec), kind, weak)  # type: ignore[arg-type]


def _prose(spec: str) -> bool:
    return bool(_UNIT.match(spec)) or spec.lower() in lexicon().slashes


def _image(spec: str) -> bool:
    return spec.split(":")[0].split("@")[0].lower() in lexicon().images


def _verdicts(text: str) -> Iterator[Mention]:
    for match in _VERDICT.finditer(text):
        if _mixed(match["id"]):
            yield Mention(match["id"], match.start(), match.end(), "verdict")


def _mixed(word: str) -> bool:
    return any(map(str.isdigit, word)) and any(map(str.isalpha, word))


def _endpoints(text: str, names: Collection[str]) -> Iterator[Mention]:
    for name in names:
        for match in re.finditer(rf"(?<![\w./-]){re.escape(name)}(?![\w/-]|\.\w)", text, re.IGNORECASE | re.ASCII):
            yield Mention(match[0], match.start(), match.end(), "endpoint", weak=True)
