"""Registered endpoints in words. Of a key it says where it is kept, never more."""

from __future__ import annotations

from bot.presentation.view import Mark, Part, View, words
from bot.requests import Lang
from bot.store.endpoints import EndpointLine


def endpoints_view(lines: tuple[EndpointLine, ...], lang: Lang, mark: Mark, *, prefix: str) -> View:
    """What may be asked by name."""
    said = words(lang)["endpoint"]
    if not lines:
        text = said["none"].format(example=f"`{prefix}endpoint add`")
        return View(said["title"], text, (Part((text,)),))
    teams = len({line.team for line in lines} - {""}) > 1
    listed = tuple(_line(line, lang, mark, team=teams) for line in lines)
    ask = said["ask"].format(example=f"`{prefix}identify {lines[0].name}`")
    return View(said["title"], f"{said['title']}: {len(lines)}", (Part(listed), Part((ask,), quiet=True)))


def removed_view(name: str, lang: Lang, mark: Mark) -> View:
    """An endpoint is gone."""
    said = words(lang)["endpoint"]
    text = said["removed"].format(name=mark(name))
    return View(said["title"], text, (Part((text,)),))


def added_view(line: EndpointLine, lang: Lang, mark: Mark, *, prefix: str) -> View:
    """An endpoint may be asked from now on."""
    said = words(lang)["endpoint"]
    text = said["added"].format(name=mark(line.name), example=f"`{prefix}identify {line.name}`")
    return View(said["title"], text, (Part((text, _line(line, lang, mark))),))


def _line(line: EndpointLine, lang: Lang, mark: Mark, *, team: bool = False) -> str:
    said = words(lang)["endpoint"]
    parts = [
        said["model"].format(model=mark(line.model)) if line.model else said["only_model"],
        line.api,
        said["key_env"].format(name=mark(line.key_env))
        if line.key_env
        else said["sealed" if line.sealed else "no_key"],
    ]
    if line.budget_tokens is not None:
        parts.append(said["budget"].format(tokens=f"{line.budget_tokens:,}"))
    if line.team == "":
        parts.append(said["everybodys"])
    elif team:
        parts.append(mark(line.team))
    return f"• *{line.name}* {mark(line.url)} · {' · '.join(parts)}"
