"""What a check found to have changed, in words. Pure."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot.presentation.view import Mark, percent, words
from bot.presentation.watches import clock_text
from bot.requests import Lang
from bot.watches.notices import Notice
from engine.choosing.wording import sentence
from engine.drift.records import Change
from engine.identification import Option

_MOST_ODDS = 1_000_000_000
_MOST_RATIO = 1_000.0
_SHOWN = 60


def change_lines(notice: Notice, change: Change, lang: Lang, mark: Mark) -> list[str]:
    """What changed, how it shows, how sure that is, since when, and some of the answers."""
    said = words(lang)["checks"]
    signals = words(lang)["watches"]["schedule"]["and"].join(said["signals"][signal] for signal in change.signals)
    lines = [str(said["cause"][change.cause])]
    if signals:
        lines.append(said["shown"].format(signals=signals))
    lines += _effects(change, said)
    lines.append(said["sure"].format(odds=f"{_odds(change.log_e):,}"))
    if change.after and change.against == "past":
        lines.append(_since(change, said, notice.watch.timezone))
    return lines


def example_lines(change: Change, lang: Lang, mark: Mark) -> list[str]:
    """Questions that are answered otherwise, and another name that a server goes by."""
    said = words(lang)["checks"]
    lines = []
    for prompt, before, now in change.examples:
        shown = {"before": mark(before[:_SHOWN]) or said["nothing"], "now": mark(now[:_SHOWN]) or said["nothing"]}
        if prompt == "model:served":
            lines.append(said["named"].format(**shown))
        else:
            lines.append(said["example"].format(prompt=mark(prompt[:_SHOWN]), **shown))
    return lines


def advice_line(notice: Notice, lang: Lang, mark: Mark) -> str | None:
    """What the change means for what was recommended."""
    advice = notice.advice
    if advice is None or advice.choice not in ("full", "distilled") or notice.after is None:
        return None
    if advice.before is None or advice.before.option is None or advice.now is None or advice.made is None:
        outcome = notice.after.identification.verdict.outcome
        state = "kept" if outcome == advice.choice else "open" if outcome == "inconclusive" else "broken"
        return str(words(lang)["checks"]["advice"][state][advice.choice])
    said, was, now = words(lang)["digests"]["advice"], advice.before.option, advice.now.option
    day = f"{advice.made.astimezone(ZoneInfo(notice.watch.timezone)):%Y-%m-%d}"
    told = [said["before_here" if advice.here else "before"].format(day=day, title=mark(_title(was, lang)))]
    if now is None:
        told.append(said["none"])
    else:
        same = now.variant == was.variant
        told.append(said["same"] if same else said["other"].format(title=mark(_title(now, lang))))
    if advice.now.meaning is not None:
        told.append(sentence(advice.now.meaning, lang))
    return ("" if lang == "zh" else " ").join(told)


def _title(option: Option, lang: Lang) -> str:
    return str(option.title.get(lang) or option.title["en"])


def _effects(change: Change, said: Any) -> list[str]:
    lines, effect = [], change.effect
    if effect.get("counts"):
        lines.append(said["counts"].format(percent=percent(effect["counts"])))
    if effect.get("logprobs") and "distribution" in change.signals:
        times = effect.get("logprobs_ratio", 1.0)
        ratio = f"{times:.0f}" if times < _MOST_RATIO else f"{_MOST_RATIO:,.0f}+"
        lines.append(said["logprobs"].format(nats=f"{effect['logprobs']:.2f}", ratio=ratio))
    elif effect.get("answers"):
        lines.append(said["answers"].format(percent=percent(effect["answers"])))
    if "service" in change.signals and effect.get("seconds:first"):
        lines.append(said["slower"].format(ratio=f"{effect['seconds:first']:.1f}"))
    return lines


def _odds(log_e: float) -> int:
    """One in so many, in round figures."""
    odds = min(math.exp(min(log_e, 50.0)), _MOST_ODDS)
    digits = max(len(str(int(odds))) - 1, 0)
    return int(int(odds) // 10**digits * 10**digits)


def _since(change: Change, said: Any, zone: str) -> str:
    def at(moment: str | None) -> str:
        return clock_text(datetime.fromisoformat(moment), zone) if moment else "?"

    given = {name: at(getattr(change, name)) for name in ("after", "before", "earliest", "latest")}
    wide = change.earliest and (given["earliest"], given["latest"]) != (given["after"], given["before"])
    return str(said["since_range" if wide else "since"].format(**given, zone=zone))
