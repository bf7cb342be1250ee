"""The picture that goes with an answer, where something was observed that can be drawn."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from bot.jobs import Answer
from bot.requests import Lang
from engine.errors import R1Error, UsageError
from engine.identification import Identification

if TYPE_CHECKING:
    from engine.pictures.heatmap import Picture

log = logging.getLogger("r1.pictures")


def picture_of(answer: Answer, lang: Lang) -> Picture | None:
    """The heat map of the attention heads that an answer reports; ``None`` where it reports none, or matplotlib is
    not installed."""
    found = answer.identification or (answer.explanation.identification if answer.explanation else None)
    if found is None:
        return None
    try:
        return draw(found, lang)
    except R1Error as error:
        if error.code != "picture_nothing":
            log.info("no picture: %s", error)
        return None


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
