"""What may be typed: verbs, actions and options; and words → options."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.requests import Action, Verb
from engine.errors import UsageError

VERBS: dict[str, Verb] = {
    "identify": "identify", "recommend": "recommend", "history": "history", "explain": "explain", "help": "help",
    "鉴定": "identify", "识别": "identify", "推荐": "recommend", "建议": "recommend", "历史": "history",
    "记录": "history", "解释": "explain", "说明": "explain", "帮助": "help", "report": "report", "报告": "report",
    "endpoint": "endpoint", "endpoints": "endpoint", "接口": "endpoint", "端点": "endpoint",
    "devices": "devices", "设备": "devices", "选型": "recommend", "size": "size", "估算": "size", "规格": "size",
    "forget": "forget", "忘记": "forget", "忘记我": "forget", "watch": "watch", "监控": "watch",
    "盯": "watch", "compare": "compare", "对比": "compare", "比较": "compare",
}  # fmt: skip
ACTIONS: dict[str, Action] = {
    "add": "add", "list": "list", "remove": "remove", "添加": "add", "登记": "add", "列表": "list", "删除": "remove",
}  # fmt: skip
WATCH_ACTIONS: dict[str, Action] = {
    **ACTIONS, "pause": "pause", "resume": "resume", "run": "run", "暂停": "pause", "恢复": "resume", "运行": "run",
    "accept": "accept", "mute": "mute", "unmute": "unmute", "接受": "accept", "静音": "mute", "取消静音": "unmute",
}  # fmt: skip
SHORTHANDS: dict[str, str] = {
    "--gpu": "hardware", "--context": "context", "--concurrency": "concurrency", "--ttft": "ttft", "--budget": "budget",
    "--task": "task", "--language": "language", "--prompt": "prompt", "--output": "output",
}  # fmt: skip
"""Options that stand for ``--constraint name=value``."""
SCHEDULE: dict[str, str] = {
    "--every": "every", "--once": "once", "--at": "at", "--days": "days", "--until": "until", "--channel": "channel",
    "--quiet": "quiet", "--timezone": "timezone", "--notify": "notify", "--digest": "digest",
}  # fmt: skip
"""Options that stand for parts of a schedule."""
_EVERYWHERE = ("--private", "--public", "--lang")
_OWN: dict[Verb, tuple[str, ...]] = {
    "identify": ("--family", "--scenario", "--constraint", *SHORTHANDS, "--budget-tokens", "--thorough", "--fresh"),
    "recommend": ("--scenario", "--constraint", *SHORTHANDS, "--fresh"),
    "size": ("--gpu", "--quantization", "--context", "--concurrency", "--prompt", "--output", "--constraint"),
    "compare": (
        "--family",
        "--budget-tokens",
        "--fresh",
        "--task",
        "--kind",
        "--gap",
        "--judge",
        "--price-a",
        "--price-b",
        "--scenario",
        "--constraint",
        "--ttft",
    ),
    "watch": (*SCHEDULE, "--until-change", "--family", "--budget-tokens"),
    "history": ("--limit",),
    "explain": (),
    "report": (),
    "endpoint": (),
    "devices": (),
    "help": (),
    "forget": (),
}
TASKS = ("tasks", "任务")
"""Words after ``compare`` that ask which tasks there are."""
OPTIONS: dict[Verb, tuple[str, ...]] = {verb: (*names, *_EVERYWHERE) for verb, names in _OWN.items()}
FLAGS = frozenset({"--thorough", "--fresh", "--private", "--public", "--until-change"})
_CLOCK = re.compile(r"[0-9]{1,2}:[0-9]{2}")
EXAMPLES = {
    "--family": "deepseek-r1", "--scenario": "legal contracts", "--constraint": "latency=500ms", "--limit": "10",
    "--budget-tokens": "2000", "--lang": "zh", "--gpu": "2x4090", "--context": "32k", "--concurrency": "8", "--ttft": "1s",
    "--budget": "5USD/h", "--task": "customer-service", "--language": "zh", "--prompt": "2000", "--output": "500",
    "--quantization": "awq-int4", "--every": "6h", "--once": "2026-12-31", "--at": "09:00,17:30", "--days": "mon,thu",
    "--price-a": "0.55/2.19", "--price-b": "0.14/0.28", "--kind": "qa", "--gap": "0.02", "--judge": "vendor-c",
    "--until": "2026-12-31", "--channel": "#ops", "--quiet": "22:00-08:00", "--timezone": "Asia/Shanghai",
    "--notify": "@ana,@bo", "--digest": "09:00",
}  # fmt: skip


@dataclass(slots=True)
class Parsed:
    """Words and options; an option may be given several times."""

    words: list[str] = field(default_factory=list)
    options: dict[str, list[str]] = field(default_factory=dict)

    def one(self, name: str, default: str = "") -> str:
        """The last value of an option."""
        return self.options.get(name, [default])[-1]

    def number(self, option: str, most: int) -> int | None:
        """The whole number that an option was given.

        Raises:
            UsageError: it is none, or too large.
        """
        value = self.one(option)
        if option not in self.options:
            return None
        if not value.isascii() or not value.isdigit() or not 1 <= int(value[:9]) <= most:
            raise UsageError("option_number", option=option, most=most, value=value[:20])
        return int(value)

    def share(self, option: str) -> float | None:
        """The number above 0 and below 1 that an option was given.

        Raises:
            UsageError: it is none.
        """
        value = self.one(option)
        if option not in self.options:
            return None
        if not re.fullmatch(r"0?\.\d{1,6}", value) or not float(value):
            raise UsageError("option_share", option=option, value=value[:20])
        return float(value)

    def private(self) -> bool | None:
        """Whether only the person is to see the answer, where that was said; the last word counts."""
        said = [name for name in self.options if name in ("--private", "--public")]
        return said[-1] == "--private" if said else None

    def without(self, option: str) -> Parsed:
        """The rest, where an option means something else than usually."""
        return Parsed(self.words, {name: values for name, values in self.options.items() if name != option})

    def constraints(self) -> dict[str, str]:
        """By name, values as typed.

        Raises:
            UsageError: one is no name=value, or given twice.
        """
        found: dict[str, str] = {}
        for given in self.options.get("--constraint", []):
            name, equals, value = given.partition("=")
            if not equals or not name.strip() or not value.strip():
                raise UsageError("option_constraint", value=given[:40])
            _add(found, name.strip().lower(), value.strip())
        for option, name in SHORTHANDS.items():
            for value in self.options.get(option, []):
                if not value.strip():
                    raise UsageError("option_value", option=option, example=EXAMPLES[option])
                _add(found, name, value.strip())
        return found


def read_options(verb: Verb, words: Sequence[str]) -> Parsed:
    """What follows a verb, apart.

    Raises:
        UsageError: an option is none of the verb's, or has no value.
    """
    parsed, waiting = Parsed(), list(words)
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
            if name == "--digest":
                value = _digest(waiting)
            elif not waiting:
                raise UsageError("option_value", option=name, example=EXAMPLES[name])
            else:
                value = waiting.pop(0)
        parsed.options.setdefault(name, []).append(value)
    return parsed


def _digest(waiting: list[str]) -> str:
    """What follows ``--digest``: ``daily``, a time of day, both, or nothing."""
    taken = [waiting.pop(0)] if waiting and not waiting[0].startswith("--") else []
    if taken and waiting and _CLOCK.fullmatch(waiting[0]):
        taken.append(waiting.pop(0))
    return " ".join(taken) or "daily"


def _add(found: dict[str, str], name: str, value: str) -> None:
    if found.setdefault(name, value) != value:
        raise UsageError("constraint_twice", name=name[:40], first=found[name][:40], second=value[:40])
