"""The talk around answers: what is missing, what is to be confirmed, what was understood, what to do next."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from bot.presentation.view import Button, Mark, Part, View, words
from bot.requests import Lang, Request

_FORMS = ("identify", "recommend", "size", "watch", "compare")
_OFFERED = ("identify", "recommend", "size", "help")
_CARRIED = 2000  # as much as Slack's buttons may have for a value


def pending_view(request: Request, request_id: str, lang: Lang, mark: Mark, *, prefix: str) -> View:
    """What was understood and is expensive, to be confirmed."""
    said = words(lang)["conversation"]
    asked, line = said["pending"], mark(f"{prefix}{_line(request)}")
    buttons = (
        Button("run", asked["run"], request_id, "primary"),
        Button("edit", said["edit"], request_id),
        Button("cancel", asked["cancel"], request_id),
    )
    parts = (Part((asked["text"], line)), Part((asked["costs"][_cost(request)], asked["how"]), quiet=True))
    return View(asked["title"], f"{asked['title']} {line}", parts, buttons=buttons)


def ask_view(request: Request, lang: Lang, mark: Mark, *, prefix: str) -> View:
    """What is missing, and how to say it."""
    said = words(lang)["conversation"]
    asked = said["ask"]["constraints" if request.ask == "constraints" else "target"]
    text = asked.get("text") or asked.get(request.verb) or asked["other"]
    example = f"`{prefix}{said['examples'].get(request.verb, said['examples']['identify'])}`"
    buttons: tuple[Button, ...] = ()
    if request.verb in _FORMS:
        buttons = (Button(f"form_{request.verb}", said["ask"]["form"][request.verb], _prefill(request), "primary"),)
    lines = (text, said["ask"]["example"].format(example=example))
    return View(asked["title"], text, (Part(lines[:1]), Part(lines[1:], quiet=True)), buttons=buttons)


def cancelled_view(lang: Lang) -> View:
    """Something was called off."""
    said = words(lang)["conversation"]["cancelled"]
    return View(said["title"], said["text"], (Part((said["text"],)),))


def other_view(lang: Lang, *, prefix: str) -> View:
    """Small talk, or no business of ours: said in a line, with what can be asked."""
    said = words(lang)["conversation"]
    examples = tuple(f"`{prefix}{said['examples'][verb]}`" for verb in _OFFERED)
    return View(
        said["other"]["title"], said["other"]["text"], (Part((said["other"]["text"],)), Part(examples, quiet=True))
    )


def with_understood(
    view: View, request: Request, request_id: str | None, lang: Lang, mark: Mark, *, prefix: str
) -> View:
    """The view with the line that says what free words were taken for, to be changed where there are buttons."""
    if not request.free or not request.sure or request.ask or request.verb in ("other", "cancel", "help", "refused"):
        return view
    said = words(lang)["conversation"]
    part = Part((said["understood"].format(line=mark(f"{prefix}{_line(request)}")),), quiet=True)
    edit = (Button("edit", said["edit"], request_id),) if request_id is not None else ()
    return replace(view, parts=(*view.parts, part), buttons=(*view.buttons, *edit))


def verdict_buttons(
    verdict_id: str, lang: Lang, names: tuple[str, ...] = ("explain", "report", "recheck", "watch", "compare")
) -> tuple[Button, ...]:
    """What can be done with a verdict."""
    said = words(lang)["conversation"]["buttons"]
    return tuple(Button(name, said[name], verdict_id, "primary" if name == "explain" else None) for name in names)


def repeated_since(view: View, moment: datetime, lang: Lang) -> View:
    """The view of a verdict that was given before, saying so."""
    said = words(lang)["conversation"]
    minutes = int((datetime.now(UTC) - moment).total_seconds() // 60)
    text = said["as_of"].format(when=f"{moment:%H:%M}", minutes=minutes, recheck=said["recheck_word"])
    return replace(view, parts=(Part((text,), quiet=True), *view.parts))


def change_button(request: Request, lang: Lang) -> tuple[Button, ...]:
    """Asking again with other demands."""
    said = words(lang)["conversation"]["buttons"]
    return (Button(f"form_{request.verb}", said["change"], _prefill(request)),)


def _line(request: Request) -> str:
    from bot.understanding.line import line_of

    return line_of(request)


def _prefill(request: Request) -> str:
    """The line that a form is filled in from; the verb alone where a button could not carry it."""
    line = _line(request)
    return line if len(line) <= _CARRIED else request.verb


def _cost(request: Request) -> str:
    if request.verb == "identify" and request.thorough:
        return "thorough"
    if request.verb in ("watch", "compare"):
        return request.verb
    return "remove" if request.verb == "endpoint" and request.action == "remove" else "other"
