"""The forms that ask: identify, recommend, size, compare. What is filled in becomes the request that its command line
would be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from bot.pasted import holds_secret
from bot.presentation import words
from bot.requests import Request
from bot.settings import Settings
from bot.slack.blocks import mark
from bot.slack.forms.fields import (
    Block,
    Typed,
    Where,
    Wrong,
    checked,
    field,
    menu,
    modal,
    number,
    section,
    text,
    ticks,
)
from bot.slack.forms.targets import Offered, target_fields, target_of
from bot.slack.forms.tasks import task_fields, task_typed
from engine.errors import R1Error, UsageError

_VALUE, _WORDS, _MOST_AT_ONCE = 200, 2000, 1_000_000
_OF_RECOMMEND = ("task", "hardware", "context", "concurrency", "ttft", "budget", "privacy", "language")
_OF_SIZE = ("hardware", "context", "concurrency", "prompt", "output")
_CHOSEN = {"task", "privacy", "language"}


def identify_view(given: Request, where: Where, offered: Offered) -> Block:
    """Which model, how thoroughly, and what for."""
    said = _said("identify", where)
    blocks = [
        *_notes(offered, given.constraints, where),
        *target_fields("target", said, given.target, offered),
        field("thorough", said["thorough"], ticks({"yes": said["thorough"]["tick"]}, ("yes",) if given.thorough else ())),
        field("words", said["words"], text(said["words"], given.scenario, _WORDS, multiline=True)),
    ]  # fmt: skip
    return modal("identify", said, replace(where, rest=dict(given.constraints)), blocks)


def recommend_view(given: Request, where: Where, offered: Offered) -> Block:
    """What it is for, on what, and how fast."""
    said = _said("recommend", where)
    rest = {name: value for name, value in given.constraints.items() if name not in _OF_RECOMMEND}
    fields = [_constraint(name, given, where) for name in _OF_RECOMMEND]
    spoken = field("words", said["words"], text(said["words"], given.scenario, _WORDS, multiline=True))
    return modal("recommend", said, replace(where, rest=rest), [*_notes(offered, rest, where), *fields, spoken])


def size_view(given: Request, where: Where, offered: Offered) -> Block:
    """Which model, on what, for how many."""
    said = _said("size", where)
    model = field("target", said["target"], text(said["target"], given.target or "", 500), optional=False)
    known = given if given.constraints.get("hardware") else replace(
        given, constraints={**given.constraints, "hardware": given.scenario} if given.scenario else given.constraints
    )  # fmt: skip
    fields = [_constraint(name, known, where) for name in _OF_SIZE]
    only = field("quantization", said["quantization"], text(said["quantization"], given.quantization or "", 40))
    blocks = [*_notes(offered, {}, where), model, *fields, only]
    return modal("size", said, where, blocks)


def compare_view(given: Request, where: Where, offered: Offered) -> Block:
    """Which two, and by what."""
    said = _said("compare", where)
    first = target_fields("target", said, given.target, offered)
    second = target_fields("other", said, given.other, offered)
    demands = {**given.constraints, **({"scenario": given.scenario} if given.scenario else {})}
    blocks = [*_notes(offered, demands, where), *first, *second, *task_fields(given, where, offered)]
    return modal("compare", said, replace(where, rest=demands), blocks)


def read_identify(typed: Typed, where: Where, settings: Settings) -> Request:
    """Raises ``Wrong``, as all that read a form."""
    target = target_of("target", typed)
    return Request(
        verb="identify",
        text="",
        lang=where.lang,
        target=target,
        thorough="yes" in typed.get("thorough", ""),
        scenario=spoken(typed),
        constraints=where.rest,
    )


def read_recommend(typed: Typed, where: Where, settings: Settings) -> Request:
    """What is asked; nothing at all is not."""
    scenario, given = spoken(typed), {**_constraints(_OF_RECOMMEND, typed, settings), **where.rest}
    if not scenario and not given:
        raise Wrong({"hardware": UsageError("form_empty")})
    return Request(verb="recommend", text="", lang=where.lang, constraints=given, scenario=scenario)


def read_size(typed: Typed, where: Where, settings: Settings) -> Request:
    """What is asked."""
    model, given = target_of("target", typed), _constraints(_OF_SIZE, typed, settings)
    only = typed.get("quantization") or None
    return Request(verb="size", text="", lang=where.lang, target=model, constraints=given, quantization=only)


def read_compare(typed: Typed, where: Where, settings: Settings) -> Request:
    """What is asked, of two."""
    found: dict[str, str] = {}
    errors: dict[str, R1Error] = {}
    for name in ("target", "other"):
        try:
            found[name] = target_of(name, typed)
        except Wrong as wrong:
            errors |= wrong.errors
    try:
        on_task, budget = task_typed(typed)
    except Wrong as wrong:
        errors |= wrong.errors
    if errors:
        raise Wrong(errors)
    if found["target"].lower() == found["other"].lower():
        raise Wrong({"other": UsageError("form_same")})
    rest = dict(where.rest) if on_task is not None else {}
    return Request(
        verb="compare",
        text="",
        lang=where.lang,
        target=found["target"],
        other=found["other"],
        on_task=on_task,
        budget_tokens=budget,
        scenario=rest.pop("scenario", ""),
        constraints=rest,
    )


def spoken(typed: Typed, name: str = "words") -> str:
    """Free words of a form, in one line.

    Raises:
        Wrong: they hold a secret, or contradict themselves.
    """
    from engine.constraints.reading import read_text

    said = " ".join(typed.get(name, "").split())
    if holds_secret(said):
        raise Wrong({name: UsageError("secret_in_form")})
    checked({name: said}, {name: read_text})
    return said


def _constraints(names: tuple[str, ...], typed: Typed, settings: Settings) -> dict[str, str]:
    from engine.constraints.values import parse_constraints

    def check(name: str, value: str) -> str:
        parse_constraints({name: value}, settings.hardware_files)
        return value

    checks: dict[str, Callable[[str], Any]] = {name: partial(check, name) for name in names}
    given: dict[str, str] = checked(typed, checks)
    try:
        parse_constraints(given, settings.hardware_files)
    except UsageError as error:  # each is good, but not all of them at once
        named = str(error.values.get("name", ""))
        raise Wrong({named if named in given else next(iter(given)): error}) from error
    return given


def _constraint(name: str, given: Request, where: Where) -> Block:
    said = _said("constraints", where)[name]
    value = given.constraints.get(name, "")
    if name in _CHOSEN:
        from engine.constraints.record import WORDS

        shown = words(where.lang)["recommendation"]["values"]
        labels = {word: said.get("values", {}).get(word, shown[word]) for word in WORDS[name]}
        return field(name, said, menu(said, labels, _word(name, value)))
    if name == "concurrency" and (not value or value.isdigit()):
        return field(name, said, number(_MOST_AT_ONCE, value))
    return field(name, said, text(said, value, _VALUE))


def _word(name: str, value: str) -> str:
    """A value as the menu has it, whatever word of the same meaning was written."""
    from engine.constraints.values import parse_constraints

    try:
        return str(getattr(parse_constraints({name: value}), name)) if value else ""
    except UsageError:
        return ""


def _notes(offered: Offered, rest: Mapping[str, str], where: Where) -> list[Block]:
    """What is said above the fields: why the form is there, and what it carries along unseen."""
    lines = [offered.note] if offered.note else []
    if rest:
        listed = ", ".join(f"{name}={value}" for name, value in rest.items())
        lines.append(_said("common", where)["rest"].format(rest=mark(listed)))
    return [section(line) for line in lines]


def _said(form: str, where: Where) -> Mapping[str, Any]:
    said: Mapping[str, Any] = words(where.lang)["acting"]["forms"][form]
    return said
