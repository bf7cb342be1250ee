"""References in words: what each holds, and who vouches for it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from bot.presentation.view import Mark, Part, View, words
from bot.references import Kept
from bot.requests import Lang
from engine.references import PARTS, Reference

_SIGNS = {"signed": "✓", "unknown": "?", "unsigned": "?", "tampered": "✗", "invalid": "✗"}

_TIMED, _BUFFERED = 40, 1 / 5_000
"""Pieces from which on a stream tells a speed; seconds between pieces below which it was not generated as it came."""


def references_view(found: Sequence[Kept], unheard: Collection[str], lang: Lang, mark: Mark) -> View:
    """All references in a line each. ``unheard``: variants that no family knows."""
    said = words(lang)["references"]
    if not found:
        return View(said["title"], said["none"], (Part((said["none"],)),))
    lines = tuple(_line(kept, unheard, lang, mark) for kept in found)
    return View(said["title"], f"{said['title']}: {len(lines)}", (Part(lines),))


def reference_view(kept: Kept, unheard: Collection[str], lang: Lang, mark: Mark) -> View:
    """All that one reference holds."""
    said = words(lang)["references"]
    assert kept.vouched is not None
    entry = kept.vouched.reference
    title = said["of"].format(variant=mark(entry.variant), host=mark(entry.host or said["unnamed"]))
    about = (
        sentence(lang, f"state.{kept.state}", kept, mark),
        said["recorded_by"].format(
            version=entry.version, created=mark(entry.created or "?"), engine=mark(entry.engine_version or "?")
        ),
        said["cost"].format(requests=entry.requests, tokens=f"{entry.prompt_tokens + entry.completion_tokens:,}"),
        *([sentence(lang, "unheard", kept, mark)] if entry.variant in unheard else []),
    )
    return View(title, title, (Part(about), Part(tuple(_held(entry, said["holds"])), said["held"])))


def verified_line(kept: Kept, lang: Lang, mark: Mark) -> str:
    """Whether a file is intact, and by whom."""
    if kept.problem is not None:
        return f"{_SIGNS[kept.state]} {mark(kept.path)}: {mark(kept.problem.sentence(lang))}"
    return f"{_SIGNS[kept.state]} {mark(kept.path)}: {sentence(lang, f'state.{kept.state}', kept, mark)}"


def sentence(lang: Lang, what: str, kept: Kept | None, mark: Mark, **values: Any) -> str:
    """One sentence of ``references.says``, about a reference."""
    said: Any = words(lang)["references"]["says"]
    for name in what.split("."):
        said = said[name]
    about: dict[str, Any] = {}
    if kept is not None:
        about = {"file": mark(kept.path.name)}
        if kept.vouched is not None:
            entry = kept.vouched.reference
            about |= {"signer": mark(kept.vouched.signer), "key": kept.vouched.key, "version": entry.version}
            about |= {"variant": mark(entry.variant)}
    return str(said.format(**about | {name: mark(value) for name, value in values.items()}))


def _line(kept: Kept, unheard: Collection[str], lang: Lang, mark: Mark) -> str:
    said = words(lang)["references"]
    if kept.vouched is None:
        return verified_line(kept, lang, mark)
    entry = kept.vouched.reference
    told = [
        f"*{mark(entry.variant)}*",
        mark(entry.host or said["unnamed"]),
        said["version"].format(version=entry.version, created=mark(entry.created or "?")),
        said["by"][kept.state].format(signer=mark(kept.vouched.signer)),
        said["between"].join(said["parts"][part] for part in PARTS if getattr(entry, part)) or said["empty"],
        mark(kept.path),
    ]
    if entry.variant in unheard:
        told.append(said["unheard"])
    return f"{_SIGNS[kept.state]} {' · '.join(told)}"


def _held(entry: Reference, said: dict[str, str]) -> Iterator[str]:
    if entry.facts:
        yield said["facts"].format(count=len(entry.facts))
    if entry.problems:
        solved, put = (sum(pair[at] for pair in entry.problems.values()) for at in (0, 1))
        yield said["problems"].format(solved=solved, put=put)
    if entry.entropies:
        yield said["entropies"].format(count=len(entry.entropies))
    if (behaviour := entry.behaved()) is not None:
        ways = {way: sum(one.way == way for one in behaviour.prompts) for way in ("first", "border", "text")}
        yield said["behaviour"].format(prompts=len(behaviour.prompts), **ways)
    elif entry.behaviour:
        yield said["behaviour_later"]
    if "first" in entry.speed:
        yield said["soon"].format(first=f"{entry.speed['first']:.2g}")
    if entry.speed.get("pieces", 0) >= _TIMED and entry.speed.get("gap", 0) > _BUFFERED:
        yield said["speed"].format(rate=f"{1 / entry.speed['gap']:.3g}")
    if (fingerprint := entry.fingerprint) is not None:
        yield said["fingerprint"].format(layers=len(fingerprint.layers))
    if entry.attention is not None:
        yield said["attention"]
    if not any(getattr(entry, part) for part in PARTS):
        yield said["nothing"]
