"""A message that says "it", or nothing at all, of the model that a thread is about → what it asks of that model."""

from __future__ import annotations

import re
from dataclasses import replace

from bot.requests import Earlier, Request, Verb
from bot.understanding.demands import OF_SIZE, as_text, read
from bot.understanding.heard import Heard, only_told
from bot.understanding.watching import little, when

_SHORT = re.compile(r"^.{1,16}$|\byou\b|你", re.ASCII)
_ABOUT_ITSELF = ("identify", "explain", "report")


def pointed(heard: Heard, alone: Request, earlier: Earlier) -> Request | None:
    """What is asked of the model of the question just before, or of its verdict, without naming it again."""
    scene, before = heard.scene, earlier.request
    if found := _compared(alone, before) if before.verb != "compare" else None:
        return found
    if not _names_none(heard, alone):
        return None
    known = earlier.verdict_id or (before.target if before.verb in _ABOUT_ITSELF else None)
    if known is not None and (verb := _of_verdict(heard)):
        return _about_verdict(heard, verb, earlier)
    if before.target is None or before.verb not in (*_ABOUT_ITSELF, "watch", "compare", "size"):
        return None
    if watch := _watched(heard, alone, before.target):
        return watch
    sizes = scene.says("size_strong") or (scene.has("it") and scene.says("size"))
    if before.verb in _ABOUT_ITSELF and sizes and not scene.says("choice"):
        given = {name: value for name, value in read(scene.text).stated().items() if name in OF_SIZE}
        return replace(heard.blank, verb="size", target=before.target, constraints=as_text(given))
    return _again(heard, alone, before) if before.verb != "compare" else None


def pointed_back(heard: Heard, alone: Request, earlier: Earlier) -> Request | None:
    """The same of a question further back, where the one just before is about no model."""
    subject, latest = earlier.subject(), earlier.request
    if subject is None or subject.request.target is None:
        return None
    if found := _compared(alone, subject.request):
        return found
    if not _names_none(heard, alone):
        return None
    if latest.target is None and _of_the_thread(heard) and (verb := _of_verdict(heard)):
        return _about_verdict(heard, verb, subject)
    watch = _watched(heard, alone, subject.request.target)
    looks = heard.scene.says("check", "look", "identify_verb", "thorough") or len(heard.scene.sketch) <= 12
    if watch is not None or not looks or heard.scene.hardware or read(heard.scene.text).stated():
        return watch
    return _again(heard, alone, subject.request)


def _compared(alone: Request, before: Request) -> Request | None:
    """A comparison that names one model: the one before is the other."""
    one = alone.verb == "compare" and alone.ask is not None and alone.target
    if not one or not before.target or before.target == alone.target:
        return None
    return replace(alone, target=before.target, other=alone.target, ask=None)


def _names_none(heard: Heard, alone: Request) -> bool:
    return alone.target is None and alone.verdict_id is None and not heard.scene.models


def _of_verdict(heard: Heard) -> Verb | None:
    """What is asked of a verdict, if anything."""
    scene = heard.scene
    if scene.hardware or scene.says("choice"):
        return None
    return "report" if scene.has("report") else "explain" if scene.says("explain") else None


def _of_the_thread(heard: Heard) -> bool:
    """Whether a message can mean what was said a while ago: "why is the sky blue?" does not."""
    scene = heard.scene
    return scene.has("it", "verdict_noun", "domain", "report") or bool(_SHORT.search(scene.sketch))


def _about_verdict(heard: Heard, verb: Verb, subject: Earlier) -> Request:
    target = None if subject.verdict_id else subject.request.target
    return replace(heard.blank, verb=verb, verdict_id=subject.verdict_id, target=target)


def _watched(heard: Heard, alone: Request, target: str) -> Request | None:
    scene = heard.scene
    if alone.verb == "watch" and alone.ask == "target":
        return replace(alone, target=target, ask=None)
    if alone.verb != "other" or not scene.says("check") or not scene.has("time"):
        return None
    schedule, rest = when(heard)
    if schedule is None or not (schedule.every or schedule.once):
        return None
    # Without "it", nothing else may be said: "we check the logs every day" is a tale of something else.
    bare = little(rest, "check") and schedule.every and not only_told(heard)
    if not bare and not scene.has("it"):
        return None
    return replace(heard.blank, verb="watch", action="add", target=target, schedule=schedule)


def _again(heard: Heard, alone: Request, before: Request) -> Request | None:
    """The same model once more, or more closely."""
    scene = heard.scene
    thorough = scene.says("thorough") and not only_told(heard)
    again = scene.has("again") or (scene.has("it") and scene.has("endpoint_noun", "identify", "look"))
    if alone.verb not in ("other", "identify") or not (
        again or (thorough and (scene.says("check", "look", "it") or len(scene.sketch) <= 24))
    ):
        return None
    kept = before if before.verb == "identify" else Request("identify", "", heard.blank.lang, target=before.target)
    if before.verb != "identify" and not (scene.has("again") or thorough):
        return None
    # What was to be confirmed and was not does not come back as it was.
    thorough = thorough or (kept.thorough and kept.sure)
    sure = kept.sure or kept.thorough
    said = {"text": heard.blank.text, "lang": heard.blank.lang, "free": True, "confirms": None, "sure": sure}
    return replace(kept, **said, fresh=scene.says("again"), thorough=thorough)  # type: ignore[arg-type]
