"""Answers as lines of words: what is said, in which order, apart from how a surface lays it out. Pure.

Everything that comes from outside passes through the surface's ``mark``, which makes it harmless there.
"""

from __future__ import annotations

from dataclasses import fields, replace

from bot.jobs import Answer
from bot.presentation.comparing import comparison_view
from bot.presentation.conversation import (
    ask_view,
    cancelled_view,
    change_button,
    other_view,
    pending_view,
    repeated_since,
    with_understood,
)
from bot.presentation.devices import devices_view
from bot.presentation.digests import digest_view
from bot.presentation.flips import flip_view
from bot.presentation.going import tasks_view
from bot.presentation.notices import notice_view
from bot.presentation.past import explain_view, history_view, report_view
from bot.presentation.recommendations import recommendation_view
from bot.presentation.registry import added_view, endpoints_view, removed_view
from bot.presentation.sizes import sizes_view
from bot.presentation.tasks import compared_view
from bot.presentation.verdicts import figures, verdict_view
from bot.presentation.view import Mark, Part, View, words
from bot.presentation.watches import looked_part, watch_view, watches_view
from bot.requests import Lang, Request

__all__ = ["Mark", "Part", "View", "present", "stage_text", "words", "working_text"]


def present(answer: Answer, request: Request, mark: Mark, *, prefix: str) -> View:
    """The view of an answer, in the request's language.

    Args:
        prefix: what goes before a verb on this surface (``/r1 `` or ``r1 ``).
    """
    lang = request.lang
    if answer.error is not None:
        sentence = mark(answer.error.sentence(lang))
        return View(words(lang)["error"]["title"], sentence, (Part((sentence,)), *figures(request, lang)))
    if answer.pending is not None:
        return pending_view(request, answer.pending, lang, mark, prefix=prefix)
    if request.ask is not None:
        return ask_view(request, lang, mark, prefix=prefix)
    view = _view(answer, request, mark, prefix=prefix)
    return with_understood(view, request, answer.asked, lang, mark, prefix=prefix)


def _view(answer: Answer, request: Request, mark: Mark, *, prefix: str) -> View:
    lang = request.lang
    if answer.flip is not None:
        return flip_view(answer.flip, lang, mark)
    if answer.notice is not None:
        return notice_view(answer.notice, lang, mark)
    if answer.digest is not None:
        return digest_view(answer.digest, lang, mark, prefix=prefix)
    if answer.comparison is not None:
        return comparison_view(answer.comparison, lang, mark)
    if answer.compared is not None:
        view = compared_view(answer.compared, request, mark, prefix=prefix)
        return replace(view, parts=(*view.parts, *_usual(request, mark)))
    if answer.tasks is not None:
        return tasks_view(answer.tasks, request, mark, prefix=prefix)
    if answer.identification is not None:
        view = verdict_view(answer.identification, answer.verdict_id, request, mark, prefix=prefix)
        if answer.watch is not None:
            view = replace(view, parts=(*view.parts, looked_part(answer.watch, lang)))
        return repeated_since(view, answer.as_of, lang) if answer.as_of is not None else view
    if answer.recommendation is not None:
        view = recommendation_view(answer.recommendation, lang, mark, prefix=prefix)
        parts = (*view.parts, *figures(request, lang), *_usual(request, mark))
        return replace(view, parts=parts, buttons=(*view.buttons, *change_button(request, lang)))
    if answer.sizes is not None:
        return replace(sizes_view(answer.sizes, lang, mark), buttons=change_button(request, lang))
    if answer.history is not None:
        return history_view(answer, request, mark, prefix=prefix)
    if answer.report is not None and answer.explanation is not None:
        return report_view(answer.explanation, answer.link, lang, mark)
    if answer.explanation is not None:
        return explain_view(answer.explanation, answer.today, lang, mark, prefix=prefix)
    if answer.endpoints is not None:
        return endpoints_view(answer.endpoints, lang, mark, prefix=prefix)
    if answer.removed is not None:
        return removed_view(answer.removed, lang, mark)
    if answer.added is not None:
        return added_view(answer.added, lang, mark, prefix=prefix)
    if answer.watches is not None:
        return watches_view(answer.watches, lang, mark, prefix=prefix)
    if answer.watch is not None:
        return watch_view(answer.watch, request, mark, prefix=prefix)
    if answer.devices is not None:
        return devices_view(answer.devices, lang, mark)
    if request.verb == "cancel":
        return cancelled_view(lang)
    if request.verb == "other":
        return other_view(lang, prefix=prefix)
    return _help_view(request, lang, prefix=prefix)


def _usual(request: Request, mark: Mark) -> tuple[Part, ...]:
    """What of the person's defaults was put in."""
    said = words(request.lang)["acting"]["usual"]
    return (Part((said.format(what=mark(request.usual)),), quiet=True),) if request.usual else ()


def working_text(request: Request, mark: Mark) -> str:
    """The line shown while an identification is under way."""
    return str(words(request.lang)["working"]["text"].format(target=mark(request.target)))


def stage_text(lang: Lang, stage: str, done: int, total: int) -> str:
    """How far it is, in a line."""
    said = words(lang)["working"]
    return str(said["stage"].format(done=done, total=total, stage=said["stages"].get(stage, stage)))


def _help_view(request: Request, lang: Lang, *, prefix: str) -> View:
    said = words(lang)["help"]
    from engine.catalog import family_names
    from engine.constraints.record import Constraints

    names = ("、" if lang == "zh" else ", ").join(entry.name for entry in fields(Constraints))
    lines = [line.format(p=prefix) for line in said["lines"]]
    parts = [Part((said["intro"],)), Part(tuple(lines)), *figures(request, lang)]
    parts.append(Part((said["constraints"].format(constraints=names, families=", ".join(family_names())),), quiet=True))
    return View(said["title"], said["intro"], tuple(parts))
