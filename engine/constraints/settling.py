"""Constraints that were given by name, and those in a text, brought together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

from engine.constraints.checking import check
from engine.constraints.reading import read_text
from engine.constraints.record import Constraints
from engine.constraints.values import parse_constraints


def settle(
    given: Constraints | Mapping[str, object], text: str = "", hardware_files: tuple[Path, ...] = ()
) -> tuple[Constraints, tuple[str, ...]]:
    """The constraints of both, and what is to be said about the text: phrases that were not understood, and those
    that something given by name overruled.

    What is given by name wins over the text, also where the two contradict each other across constraints
    (``hardware=2x4090`` and "we have 640 GB of VRAM").

    Raises:
        UsageError: either is wrong in itself.
    """
    stated = given if isinstance(given, Constraints) else parse_constraints(given, hardware_files)
    if not text.strip():
        return stated, ()
    from engine.text import say

    reading = read_text(text, hardware_files)
    lang = "zh" if any("\u4e00" <= char <= "\u9fff" for char in text) else "en"
    empty = Constraints()
    named = {
        entry.name: getattr(stated, entry.name)
        for entry in fields(stated)
        if getattr(stated, entry.name) != getattr(empty, entry.name)
    }
    read = {
        entry.name: getattr(reading.constraints, entry.name) for entry in fields(stated) if entry.name in reading.said
    }
    overruled = [(name, name) for name in read if name in named and read[name] != named[name]]
    read = {name: value for name, value in read.items() if name not in named}
    for problem in check(Constraints(**{**read, **named}), hardware_files):
        dropped = [name for name in problem.fields if name in read]
        overruled += [(name, next(field for field in problem.fields if field in named)) for name in dropped]
        read = {name: value for name, value in read.items() if name not in dropped}
    notes = [
        say("unread.phrase", lang, phrase=reading.said[name], why=say("unread.overruled", lang, name=by))
        for name, by in overruled
    ]
    return Constraints(**{**read, **named}), (*reading.unread, *notes)


def implied(
    given: Constraints | Mapping[str, object], text: str, hardware_files: tuple[Path, ...] = ()
) -> frozenset[str]:
    """Names of settled constraints whose value only a word of ``text`` implies ("real-time"), and no number gave."""
    if not text.strip():
        return frozenset()
    named = given.stated() if isinstance(given, Constraints) else parse_constraints(given, hardware_files).stated()
    return read_text(text, hardware_files).implied - named.keys()
