"""A verdict as one file that any browser opens, prints and reads aloud: nothing is loaded, and no script runs."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from bot.jobs import Answer, ReportFile, explained
from bot.presentation.view import words
from bot.report.markup import plain, rich
from bot.report.page import page_of
from bot.report.timeline import drawn
from bot.report.what_if import what_ifs
from bot.requests import Lang
from bot.settings import Settings
from bot.store.queries import StoredVerdict
from bot.store.timeline import Timeline

if TYPE_CHECKING:
    from jinja2 import Template


def reported(stored: StoredVerdict, settings: Settings, lang: Lang, history: Timeline | None = None) -> Answer:
    """A past verdict with its report, pictures and all: a second or two where there are any.

    Args:
        history: how its target went, where there is more to tell of it than this verdict.
    """
    answer = explained(stored, settings)
    page = page_of(stored, answer.today, what_ifs(stored.identification, answer.today, settings), lang)
    line = drawn(history, lang) if history is not None else None
    said = words(lang)["looks"]["timeline"]
    html = _layout().render(page=page, line=line, line_said=said).encode("utf-8", "replace")
    return Answer(explanation=stored, today=answer.today, report=ReportFile(f"r1-report-{stored.id}.html", html))


@cache
def _layout() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("bot", "templates/layout"),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Any] = {"rich": rich, "plain": plain}
    environment.filters.update(filters)
    return environment.get_template("report.html.j2")
