"""Free English and Chinese text → constraints, and what looked like a demand and was not understood.

Read in layers, each on what the ones before left: what is no demand at all (URLs, names of models) is left out;
hardware; words that set a constraint unless they are denied; numbers with units, whose constraint the nearest words
tell. Every pattern is bounded, so the time is linear in the length of the text.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.constraints.bounds import EXAMPLES, bounded, finite, short
from engine.constraints.checking import check
from engine.constraints.lexicon import Lexicon, lexicon
from engine.constraints.measures import Measure, measures
from engine.constraints.record import Constraints, Installed
from engine.constraints.values import WIDE
from engine.errors import UsageError
from engine.hardware.listing import listed

if TYPE_CHECKING:
    from engine.hardware import Found as Hardware

TEXT_LIMIT = 4_000
"""Characters, as in ``bot.commands``: enough for a question."""
_CONTROL = {code: 0x20 for code in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, 0xFFFE, 0xFFFF) if code != 0x0A}
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_CLAUSE = re.compile(r"[^,;:!?\n。；！？，、：.]{1,4000}(?:\.(?=\S)[^,;:!?\n。；！？，、：.]{0,4000})*")
_NEGATIVE = re.compile(r"[ (:=]-$")
_ONE_OF_MANY = frozenset(("task", "language"))
"""Of which people name several in one breath; the first counts, and the others are said to be left aside."""
_MOST_UNREAD = 12
_BLANK = "\x1f"
"""Stands for what is left out; no pattern has it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text says.

    Attributes:
        unread: phrases that look like a demand and were not understood, some with the reason in brackets.
        said: the piece of text that each constraint was read from.
        implied: constraints whose value no number gave but a word, as "real-time" does a second.
    """

    constraints: Constraints
    unread: tuple[str, ...] = ()
    said: dict[str, str] = field(default_factory=dict)
    implied: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Found:
    """What was found so far: values, the text each came from, whether it may be overruled (``soft``, ``weak`` where a
    number gave it), and spans that are understood."""

    values: dict[str, Any] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    soft: set[str] = field(default_factory=set)
    weak: set[str] = field(default_factory=set)
    marked: bytearray = field(default_factory=bytearray)
    notes: list[tuple[int, int, str]] = field(default_factory=list)

    def touches(self, start: int, end: int) -> bool:
        """Whether something between ``start`` and ``end`` was understood, or noted."""
        return any(self.marked[start:end])

    def take(self, start: int, end: int, reason: str | None = None) -> None:
        """Marks a piece of text as understood, or as one to be told with its ``reason``."""
        self.marked[start:end] = b"\x01" * (end - start)
        if reason is not None:
            self.notes.append((start, end, reason))

    def put(self, name: str, value: Any, text: str, *, soft: bool = False) -> None:
        """Raises:
        UsageError: another piece of text says otherwise.
        """
        if name not in self.values or (name in self.soft and not soft):
            self.values[name], self.said[name] = value, text
            (self.soft.add if soft else self.soft.discard)(name)
        elif not soft and self.values[name] != value:
            raise UsageError("constraint_said_twice", name=name, first=short(self.said[name]), second=short(text))


def read_text(text: str, hardware_files: tuple[Path, ...] = ()) -> Reading:
    """What ``text`` demands of a deployment.

    Raises:
        UsageError: it is longer than ``TEXT_LIMIT``, contradicts itself, or holds a number that no deployment has; the
            sentence names the constraint and the pieces of text.
    """
    if len(text) > TEXT_LIMIT:
        raise UsageError("text_too_long", length=len(text), limit=TEXT_LIMIT)
    words, found = lexicon(), _Found(marked=bytearray(len(text)))
    typed = text.translate(WIDE).translate(_CONTROL)
    seen = listed(typed)
    plain = _left_out(seen.text, words)
    for start, end in seen.rows:
        plain = plain[:start] + typed[start:end] + plain[end:]
    bare = _hardware(plain, words, found, hardware_files)
    for start, end in seen.rows:
        plain, bare = _blanked(plain, start, end), _blanked(bare, start, end)
    _words(plain, words, found)
    for reason, pattern in words.asked.items():
        for match in pattern.finditer(bare):
            found.take(*match.span(), None if _denied(plain, *match.span(), words) else reason)
    for measure in measures(bare, words, tuple(found.values.get("hardware", ())), hardware_files):
        _take(measure, typed, found)
    _requests_per_second(typed, found)
    constraints = Constraints(**found.values)
    for problem in check(constraints, hardware_files):
        raise problem.error
    return Reading(
        constraints, tuple(_unread(typed, plain, words, found)), found.said, frozenset(found.soft - found.weak)
    )


def _left_out(typed: str, words: Lexicon) -> str:
    """``typed`` with what cannot be a demand blanked, character for character."""
    for pattern in words.ignored:
        typed = pattern.sub(lambda match: _BLANK * len(match[0]), typed)
    return typed


def _denied(text: str, start: int, end: int, words: Lexicon) -> bool:
    before, after = text[max(0, start - 60) : start], text[end : end + 40]
    return bool(words.negated_before.search(before) or words.negated_after.match(after))


def _hardware(plain: str, words: Lexicon, found: _Found, hardware_files: tuple[Path, ...]) -> str:
    """Puts the hardware; returns the text without it. A device named again without a number adds none."""
    from engine.hardware import find_hardware

    parts: list[Installed] = []
    typed, mentions = plain, find_hardware(plain, hardware_files)
    choices = _choices(typed, mentions, words)
    for mention in mentions:
        plain = _blanked(plain, mention.start, mention.end)
        found.take(mention.start, mention.end)
        if mention not in choices and not _denied(plain, mention.start, mention.end, words):
            parts.append(mention.installed)
    if choices:
        found.take(min(one.start for one in choices), max(one.end for one in choices), "hardware_choice")
    several = {part.device for part in parts if part.count > 1}
    kept = [part for part in dict.fromkeys(parts) if part.count > 1 or part.device not in several]
    if kept:
        found.put("hardware", tuple(kept), ", ".join(f"{part.count}×{part.device}" for part in kept))
    return plain


def _choices(text: str, mentions: tuple[Hardware, ...], words: Lexicon) -> tuple[Hardware, ...]:
    """Devices of which a text means one or the other, as in "a 4090 or an A100": neither is there for certain."""
    chosen = [mention for mention in mentions if words.either_count.search(text[: mention.start])]
    for first, second in itertools.pairwise(mentions):
        between = text[first.end : second.start]
        weighs = words.weighs_before.search(text[: first.start]) or words.weighs_behind.match(text[second.end :])
        if words.either.fullmatch(between) or (weighs and words.weighed.fullmatch(between)):
            chosen += [first, second]
    return tuple(dict.fromkeys(chosen))


def _blanked(text: str, start: int, end: int) -> str:
    return text[:start] + _BLANK * (end - start) + text[end:]


def _words(plain: str, words: Lexicon, found: _Found) -> None:
    """Puts what words say. Where a text names several tasks or languages, the first counts."""
    hits = []
    for place, (entry, pattern) in enumerate(words.said):
        for match in pattern.finditer(plain):
            if match.end() > match.start():
                hits.append((match.start(), place, match.end(), entry))
    for start, _, end, entry in sorted(hits, key=lambda hit: hit[:3]):
        found.take(start, end)
        if _denied(plain, start, end, words) or (entry.unless_hardware and "hardware" in found.values):
            continue
        phrase = plain[start:end].replace(_BLANK, "…")
        for name, value in entry.set.items():
            if name in _ONE_OF_MANY and name not in found.soft and found.values.get(name, value) != value:
                found.take(start, end, None if entry.soft else f"also_{name}")
            else:
                found.put(name, value, phrase, soft=entry.soft)


def _take(measure: Measure, typed: str, found: _Found) -> None:
    phrase = typed[measure.start : measure.end].strip()
    if _NEGATIVE.search(typed[max(0, measure.start - 2) : measure.start]) and measure.field:
        raise UsageError(
            "constraint_number", name=measure.field, value=f"-{short(phrase)}", example=EXAMPLES[measure.field]
        )
    if measure.reason and not found.touches(measure.start, measure.end):
        found.take(measure.start, measure.end, measure.reason)
    if measure.field and measure.value is not None:
        found.take(measure.start, measure.end)
        _put_number(measure.field, measure.value, phrase, found, soft=measure.weak)
    elif measure.understood:
        found.take(measure.start, measure.end)


def _put_number(name: str, value: float, phrase: str, found: _Found, *, soft: bool) -> None:
    value = bounded(name, finite(name, value, phrase), phrase)
    if name in found.values and name not in found.soft:
        known = found.values[name]
        if abs(known - value) <= 1e-6 * max(known, value):
            return
        if name == "memory" and (known % value == 0 or value % known == 0):
            found.values[name] = max(known, value)  # of one card, and of all of them
            return
    if soft and name not in found.values:
        found.weak.add(name)
    found.put(name, value, phrase, soft=soft)


def _requests_per_second(typed: str, found: _Found) -> None:
    """Requests a second become tokens a second where the text also says how long an answer is."""
    output = found.values.get("output")
    if output is None or "throughput" in found.values:
        return
    for place, (start, end, reason) in enumerate(found.notes):
        if reason == "requests_per_second":
            rate = re.search(r"[0-9]{1,9}(?:\.[0-9]{1,6})?", typed[start:end])
            if rate:
                found.put("throughput", float(rate[0]) * output, typed[start:end])
                found.take(start, end)
                del found.notes[place]
            return


def _unread(typed: str, plain: str, words: Lexicon, found: _Found) -> Iterator[str]:
    """Phrases with a reason, then parts of sentences that demand something and had nothing understood in them; a
    text that has more than ``_MOST_UNREAD`` of them is cut short with "…"."""
    phrases = dict.fromkeys((*_noted(typed, found), *_demanding(typed, plain, words, found)))
    yield from tuple(phrases)[:_MOST_UNREAD]
    if len(phrases) > _MOST_UNREAD:
        yield "…"


def _noted(typed: str, found: _Found) -> Iterator[str]:
    from engine.text import say

    lang = "zh" if _CHINESE.search(typed) else "en"
    for start, end, reason in found.notes:
        phrase = short(" ".join(typed[start:end].split()))
        if reason == "unknown":
            yield phrase
        else:
            kept = found.values.get(reason.removeprefix("also_"), "")
            yield say("unread.phrase", lang, phrase=phrase, why=say(f"unread.{reason}", lang, kept=kept))


def _demanding(typed: str, plain: str, words: Lexicon, found: _Found) -> Iterator[str]:
    for clause in _CLAUSE.finditer(plain):
        if found.touches(*clause.span()) or words.asking.search(clause[0]) or not words.demands.search(clause[0]):
            continue
        phrase = " ".join(typed[clause.start() : clause.end()].split())
        yield phrase if len(phrase) <= 80 else phrase[:79] + "…"
