"""The picture that goes with an answer, where something was observed that can be drawn."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from bot.jobs import Answer
from bot.presentation.recommendations import is_impossible
from bot.presentation.view import words
from bot.requests import Lang
from engine.errors import R1Error, UsageError
from engine.identification import Identification

if TYPE_CHECKING:
    from engine.identification import Recommendation
    from engine.pictures.picture import Picture

log = logging.getLogger("r1.pictures")


def picture_of(answer: Answer, lang: Lang) -> Picture | None:
    """The heat map of the attention heads that an answer reports, the front of a recommendation that stands alone, or a
    target's timeline; ``None`` where there is nothing to draw, or matplotlib is not installed."""
    found = answer.identification or (answer.explanation.identification if answer.explanation else None)
    try:
        if answer.timeline is not None and answer.export is None:
            return timeline_of(answer, lang)
        if (advice := answer.recommendation) is not None:
            asks = advice.choice is None and not is_impossible(advice)
            return None if asks else front_of(advice, lang)
        return draw(found, lang) if found is not None else None
    except R1Error as error:
        if error.code not in ("picture_nothing", "picture_no_options"):
            log.info("no picture: %s", error)
        return None


def timeline_of(answer: Answer, lang: Lang) -> Picture:
    """How the target that history was asked of went.

    Raises:
        UsageError: there is too little of it, or matplotlib is not installed.
    """
    from engine.pictures.timeline import Dot, Step, timeline

    found = answer.timeline
    if found is None:
        raise UsageError("picture_no_timeline")
    dots = [Dot(one.at, one.outcome, _titled(one.outcome, one.title, lang), one.confidence) for one in found.verdicts]
    steps = [Step(one.at, one.log_e, one.reference, one.seconds, one.mark) for one in found.points]
    return timeline(dots, steps, name=found.target, lang=lang)


def _titled(outcome: str, title: str, lang: Lang) -> str:
    """Which model a verdict held it to be; without one, what the outcome is called."""
    return str(words(lang)["verdict"]["what"][outcome].format(title=title)) if outcome != "full" else title


def front_of(advice: Recommendation, lang: Lang) -> Picture:
    """What was chosen among, by quality, latency and cost.

    Raises:
        UsageError: nothing was sized, or matplotlib is not installed.
    """
    from engine.pictures.front import front

    return front(advice, lang)


def draw(found: Identification, lang: Lang) -> Picture:
    """The heat map of an identification.

    Raises:
        UsageError: its weights were not run, or matplotlib is not installed.
    """
    seen = next((row.observation for row in found.evidence if row.probe == "attention"), None)
    if seen is None:
        raise UsageError("picture_nothing")
    from engine.pictures.heatmap import heatmap

    return heatmap(seen, name=found.target.name, lang=lang)
