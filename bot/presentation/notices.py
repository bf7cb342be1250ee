"""What a watch tells, in words: what it was, what it is, since when, and what shows it. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.presentation.changes import advice_line, change_lines, example_lines
from bot.presentation.verdicts import said_lines, seen_text, sure_text, what_text
from bot.presentation.view import Mark, Part, Table, View, percent, words
from bot.presentation.watches import clock_text, known_text, people_text, schedule_text, watch_buttons
from bot.requests import Lang
from bot.watches.notices import Notice
from engine.evidence import Evidence
from engine.text import say

_ROWS = 12


def notice_view(notice: Notice, lang: Lang, mark: Mark) -> View:
    """One notice: a change, a failure that goes on, or that all is well again."""
    said, watch = words(lang)["watches"]["notice"], notice.watch
    headline = notice_headline(notice, lang, mark)
    id_, schedule = f"`{watch.id}`", schedule_text(watch.schedule, lang, mark)
    foot: tuple[str, ...] = (said["watch"].format(id=id_, schedule=schedule),)
    if notice.change is not None and notice.kind in ("changed", "differs"):
        foot = (words(lang)["checks"]["accept_how"], *foot)
    elif notice.kind in ("changed", "first"):
        foot = (said["silent"], *foot)
    examples = Part(tuple(example_lines(notice.change, lang, mark))) if notice.change is not None else Part(())
    told = (
        Part((*_named(notice, lang), *notice_lines(notice, lang, mark))),
        examples,
        *_differences(notice, lang, mark),
    )
    parts = (*told, Part(foot, quiet=True))
    after = notice.after.id if notice.after is not None else None
    changed = notice.change is not None and notice.kind in ("changed", "differs")
    troubled = notice.kind in ("failing", "undecided")
    buttons = watch_buttons(watch, lang, verdict_id=after, changed=changed, troubled=troubled)
    return View(headline, headline, tuple(part for part in parts if part.lines or part.table), (), buttons, after)


def notice_headline(notice: Notice, lang: Lang, mark: Mark) -> str:
    """What happened, in a line."""
    said, target = words(lang)["watches"]["notice"], mark(notice.watch.target)
    what = _what(notice, lang, mark)
    was = known_text(notice.was.outcome, notice.was.title, lang, mark) if notice.was is not None else ""
    if notice.kind == "changed" and was == what:  # the same model, which says now that it is another; or the reverse
        check = notice.after.identification.verdict.claim_check if notice.after is not None else ""
        if notice.change is not None and check != "misrepresented":
            return str(words(lang)["checks"]["behaves"]).format(target=target)
        return str(said["claim"]["misrepresented" if check == "misrepresented" else "other"]).format(
            target=target, what=what
        )
    return str(said[notice.kind].format(target=target, what=what, was=was, failures=notice.failures))


def _named(notice: Notice, lang: Lang) -> tuple[str, ...]:
    """Whom it is for; that nothing has happened is for nobody in particular."""
    who = notice.watch.schedule.notify
    if not who or notice.kind in ("first", "unchanged"):
        return ()
    return (str(words(lang)["digests"]["for"]).format(people=people_text(who)),)


def _what(notice: Notice, lang: Lang, mark: Mark) -> str:
    if notice.after is not None:
        return what_text(notice.after.identification.verdict, lang, mark)
    known = notice.was if notice.kind in ("recovered", "unchanged") else None
    if known is not None:
        return known_text(known.outcome, known.title, lang, mark)
    return known_text(notice.watch.outcome or "inconclusive", notice.watch.title or "?", lang, mark)


def notice_lines(notice: Notice, lang: Lang, mark: Mark) -> list[str]:
    """What was found, and what shows it."""
    said, zone = words(lang)["watches"]["notice"], notice.watch.timezone

    def at(moment: datetime) -> str:
        return clock_text(moment, zone)

    lines: list[str] = []
    if notice.kind in ("failing", "undecided"):
        lines.append(said["undecided_text"] if notice.kind == "undecided" else _problem(notice, said, lang, mark))
        lines.append(_last_known(notice, said, lang, mark))
        return lines
    if notice.change is not None and notice.kind != "restored":
        lines += change_lines(notice, notice.change, lang, mark)
    if notice.kind == "changed" and notice.was is not None:
        was, since = known_text(notice.was.outcome, notice.was.title, lang, mark), at(notice.was.since)
        lines.append(said["was"].format(what=was, percent=percent(notice.was.confidence), since=since))
    if notice.after is not None:
        verdict = notice.after.identification.verdict
        lines.append(said["is"].format(what=what_text(verdict, lang, mark), sure=sure_text(verdict, lang)))
        lines += said_lines(verdict, lang, mark)[:1]
    advice = advice_line(notice, lang, mark)
    lines += [advice] if advice is not None else []
    if notice.change is not None and notice.change.after and notice.kind == "changed":  # when is said above
        return lines
    between = notice.kind == "changed" and notice.last is not None
    last = at(notice.last) if notice.last is not None else ""
    lines.append(said["between" if between else "seen"].format(last=last, seen=at(notice.seen), zone=zone))
    return lines


def _problem(notice: Notice, said: Any, lang: Lang, mark: Mark) -> str:
    problem = mark(notice.error.sentence(lang)) if notice.error is not None else "?"
    return str(said["failing_text"].format(problem=problem))


def _last_known(notice: Notice, said: Any, lang: Lang, mark: Mark) -> str:
    if notice.was is None:
        return str(said["last_none"])
    what, zone = known_text(notice.was.outcome, notice.was.title, lang, mark), notice.watch.timezone
    if notice.last is None:
        return str(said["last_known_never"].format(what=what))
    return str(said["last_known"].format(what=what, last=clock_text(notice.last, zone), zone=zone))


def _differences(notice: Notice, lang: Lang, mark: Mark) -> list[Part]:
    """Where what probes saw is not what they saw before, beside each other."""
    said = words(lang)["watches"]["notice"]
    if notice.kind != "changed" or notice.after is None:
        return []
    if notice.before is None:
        return [Part((said["evidence_gone"],), quiet=True)] if notice.was is not None else []
    was, is_ = ({row.probe: row for row in one.identification.evidence} for one in (notice.before, notice.after))
    names = [name for name in {**is_, **was} if _observed(was.get(name)) != _observed(is_.get(name))]
    rows = tuple(
        (say(f"evidence.{name}.title", lang), _seen(was.get(name), lang, mark), _seen(is_.get(name), lang, mark))
        for name in names[:_ROWS]
    )
    heads = said["heads"]
    table = Table((heads["what"], heads["was"], heads["is"]), rows)
    return [Part((), said["differs"], table=table)] if rows else []


def _observed(row: Evidence | None) -> Any:
    return row.observation if row is not None else None


def _seen(row: Evidence | None, lang: Lang, mark: Mark) -> str:
    return seen_text(row, lang, mark) if row is not None else "–"
