"""A request → the command line that says the same, so that what was understood can be read, changed and typed again."""

from __future__ import annotations

import html
import re

from bot.requests import OnTask, Request
from bot.understanding.scheduled import options_of

_PLAIN = re.compile(r"[^\s\"'`]{1,200}")
_OPTIONS = {"hardware": "--gpu", "context": "--context", "concurrency": "--concurrency", "ttft": "--ttft",
            "budget": "--budget", "task": "--task", "language": "--language", "prompt": "--prompt", "output": "--output"}  # fmt: skip
_OF_SIZE = frozenset(("hardware", "context", "concurrency", "prompt", "output"))


def line_of(request: Request) -> str:
    """Such as ``identify org/name --thorough``: `bot.commands.parse` gives the same request, but for what a line
    does not say: who understood it, and whether it was sure."""
    words: list[str] = {"identify": _identify, "size": _size, "watch": _watch, "history": _history}.get(
        request.verb, _other
    )(request)
    if request.fresh and request.verb in ("identify", "recommend", "compare"):
        words.append("--fresh")
    if request.private is not None:
        words.append("--private" if request.private else "--public")
    return " ".join(words)


def _identify(request: Request) -> list[str]:
    words = ["identify", *_targets(request), *_given(request), *_spoken(request)]
    if request.thorough:
        words.append("--thorough")
    return [*words, *_effort(request)]


def _size(request: Request) -> list[str]:
    words = ["size", *_targets(request), *([_quoted(request.scenario)] if request.scenario else []), *_given(request)]
    if request.quantization:
        words += ["--quantization", _quoted(request.quantization)]
    return words


def _watch(request: Request) -> list[str]:
    action, untils = request.action, ["--until-change"] if request.action == "mute_change" else []
    named = [] if action in (None, "add") else ["mute" if untils else action or ""]
    schedule = options_of(request.schedule) if request.schedule else []
    return ["watch", *named, *_targets(request), *untils, *schedule, *_effort(request)]


def _history(request: Request) -> list[str]:
    table = ["export"] if request.action == "export" else []
    return ["history", *_targets(request), *table, *(["--limit", str(request.limit)] if request.limit != 10 else [])]


def _other(request: Request) -> list[str]:
    if request.verb == "recommend":
        return ["recommend", *_given(request), *_spoken(request)]
    if request.verb == "compare":
        if request.action == "list":
            return ["compare", "tasks"]
        if request.on_task is not None:
            return [
                "compare",
                *_targets(request),
                *_task(request.on_task),
                *_given(request),
                *_spoken(request),
                *_effort(request),
            ]
        return ["compare", *_targets(request), *_effort(request)]
    if request.verb in ("explain", "report"):
        return [request.verb, *([_quoted(request.verdict_id)] if request.verdict_id else _targets(request))]
    if request.verb == "endpoint":
        return ["endpoint", request.action or "list", *((request.target or "").split())]
    if request.verb == "forget":
        return ["forget", "me", *(["yes"] if request.action == "remove" else [])]
    return ["devices"] if request.verb == "devices" else ["help"]


def _task(asked: OnTask) -> list[str]:
    options = {"task": asked.name, "kind": asked.kind, "gap": asked.gap and f"{asked.gap:g}", "judge": asked.judge,
               "price-a": asked.price_a, "price-b": asked.price_b}  # fmt: skip
    return [word for name, value in options.items() if value for word in (f"--{name}", _quoted(value))]


def _targets(request: Request) -> list[str]:
    return [_quoted(target) for target in (request.target, request.other) if target]


def _given(request: Request) -> list[str]:
    words: list[str] = []
    order = list(_OPTIONS)
    for name, value in sorted(
        request.constraints.items(), key=lambda pair: order.index(pair[0]) if pair[0] in order else -1
    ):
        option = _OPTIONS.get(name)
        if option is None or (request.verb == "size" and name not in _OF_SIZE):
            words += ["--constraint", _quoted(f"{name}={value}")]
        else:
            words += [option, _quoted(value)]
    return words


def _spoken(request: Request) -> list[str]:
    return ["--scenario", _quoted(request.scenario)] if request.scenario else []


def _effort(request: Request) -> list[str]:
    words = [] if request.family == "deepseek-r1" else ["--family", _quoted(request.family)]
    return words + (["--budget-tokens", str(request.budget_tokens)] if request.budget_tokens else [])


def _quoted(word: str) -> str:
    """As one word, which Slack's own writing does not change; a quotation mark, which a line cannot hold, is left out."""
    word = " ".join(word.replace('"', " ").replace("`", " ").split())
    if html.unescape(word) != word:
        word = word.replace("&", "&amp;")
    return word if _PLAIN.fullmatch(word) and not word.startswith("--") else f'"{word}"'
