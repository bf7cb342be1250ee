"""Buttons and missing facts as numbered choices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bot.jobs import Answer
from bot.presentation import View, words
from bot.presentation.recommendations import is_impossible
from bot.presentation.view import Button
from bot.requests import Ask, Request
from bot.store import Store
from bot.store.endpoints import list_endpoints
from bot.store.queries import history

_OFFERED = 6


@dataclass(frozen=True, slots=True)
class Choice:
    """What a number stands for: a request, a line to say, or (``begun``) a line that is still to be completed."""

    label: str
    line: str = ""
    request: Request | None = None
    begun: bool = False


def choices_of(view: View, request: Request, answer: Answer, store: Store) -> tuple[Choice, ...]:
    """What may be chosen after an answer, in the order of its buttons; where something is missing, what it may be."""
    asked = tuple(_missing(replace(request, ask=asks), store)) if (asks := asked_for(request, answer)) else ()
    return (*asked, *(choice for button in view.buttons for choice in _pressed(button, request, answer)))


def asked_for(request: Request, answer: Answer) -> Ask | None:
    """What is missing: of the question, or for a recommendation that cannot be given yet."""
    advice = answer.recommendation
    if advice is None or advice.choice is not None or is_impossible(advice) or "hardware" in advice.constraints:
        return request.ask
    return "constraints"


def _pressed(button: Button, request: Request, answer: Answer) -> Iterator[Choice]:
    action, label, value = button.action, button.label, button.value
    target = _target(request, answer)
    if action in ("explain", "report"):
        yield Choice(label, f"{action} {value}")
    elif action == "command":
        yield Choice(label, value)
    elif action == "run":
        yield Choice(label, request=replace(request, sure=True, confirms=value))
    elif action == "cancel":
        yield Choice(label, request=Request(verb="cancel", text=label, lang=request.lang))
    elif action == "edit":
        yield Choice(label, _line(request), begun=True)
    elif action.startswith("form_"):
        yield Choice(label, f"{value} ", begun=True)
    elif action == "recheck" and request.verb == "identify":
        yield Choice(label, request=replace(request, fresh=True, free=False))
    elif action == "recheck" and target is not None:
        yield Choice(label, request=Request(verb="identify", text=label, lang=request.lang, target=target, fresh=True))
    elif action == "watch" and target is not None:
        yield Choice(label, f"watch {_quoted(target)} every 1d", begun=True)
    elif action == "compare" and target is not None:
        yield Choice(label, f"compare {_quoted(target)} ", begun=True)
    elif action.startswith("watch_"):
        yield Choice(label, f"watch {action.removeprefix('watch_')} {value}")


def _missing(request: Request, store: Store) -> Iterator[Choice]:
    """What a missing fact may be: endpoints and what was looked at of late, or usual deployments."""
    if request.ask == "constraints":
        for usual in words(request.lang)["chat"]["usual"]:
            given = {**request.constraints, usual["constraint"]: usual["value"]}
            yield Choice(usual["label"], request=replace(request, ask=None, constraints=given))
        return
    for name in _known(store, endpoints_only=request.verb == "endpoint"):
        if request.verb != "compare":
            yield Choice(name, request=replace(request, ask=None, target=name))
        elif request.target is None:
            yield Choice(name, f"compare {_quoted(name)} ", begun=True)
        elif name != request.target:
            yield Choice(name, request=replace(request, ask=None, other=name))


def _known(store: Store, *, endpoints_only: bool) -> tuple[str, ...]:
    with store.begin() as session:
        names = [row.name for row in list_endpoints(session, None)]
        names += [] if endpoints_only else [row.target for row in history(session, limit=4 * _OFFERED)]
    return tuple(dict.fromkeys(names))[:_OFFERED]


def _target(request: Request, answer: Answer) -> str | None:
    """What an answer is about, as it would be named to ask again."""
    stored = answer.explanation
    if request.target is not None or stored is None:
        return request.target
    return stored.request.target if stored.request is not None else stored.identification.target.spec


def _line(request: Request) -> str:
    from bot.understanding.line import line_of

    return line_of(request)


def _quoted(word: str) -> str:
    return f'"{word}"' if " " in word else word
