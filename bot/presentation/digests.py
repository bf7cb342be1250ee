"""One message a day about several watches, in words: what each found, what is as before. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.presentation.notices import notice_headline, notice_lines
from bot.presentation.view import Button, Mark, Part, View, words
from bot.presentation.watches import clock_text, people_text
from bot.requests import Lang
from bot.watches.digests import Digest
from bot.watches.notices import Notice

_IN_FULL = 3
"""Notices of which everything is told."""
_LISTED, _NAMED, _BUTTONS = 15, 10, 5


def digest_view(digest: Digest, lang: Lang, mark: Mark, *, prefix: str) -> View:
    """What was found since the last digest; where nothing was, that all is quiet."""
    said = words(lang)["digests"]
    if not digest.notices:
        return _quiet(digest, said, lang, mark)
    zone = digest.notices[0].watch.timezone
    told, left = digest.notices[:_LISTED], len(digest.notices) - _LISTED
    title = _title(digest, said)
    parts = [Part((said["for"].format(people=people_text(who)),))] if (who := _people(digest)) else []
    if len(told) <= _IN_FULL:
        parts += [_in_full(notice, said, lang, mark) for notice in told]
    else:
        parts.append(Part(tuple(line for notice in told for line in _in_short(notice, said, lang, mark))))
    if left > 0:
        parts.append(Part((said["left_out"].format(count=left, command=f"`{prefix}history`"),)))
    if digest.others:
        parts.append(Part((said["others"].format(targets=_targets(digest, said, lang, mark)),)))
    at = clock_text(digest.due, zone, always_clock=True)
    parts.append(Part((said["how"].format(time=at, zone=zone),), quiet=True))
    summary = f"{title}: " + "; ".join(notice_headline(notice, lang, mark) for notice in told[:_IN_FULL])
    return View(title, summary, tuple(parts), buttons=_buttons(told, said, lang))


def _title(digest: Digest, said: Any) -> str:
    news = len({notice.watch.id for notice in digest.notices})
    every = news + len(digest.others)
    kind = "only" if every == 1 else "every" if not digest.others else "one" if news == 1 else "some"
    return str(said["title"][kind].format(count=news, all=every))


def _quiet(digest: Digest, said: Any, lang: Lang, mark: Mark) -> View:
    count = len(digest.others)
    watches = said["watches"]["one" if count == 1 else "some"].format(count=count)
    text = said["quiet_text"].format(watches=watches, looks=digest.looks)
    if digest.failed:
        text += ("" if lang == "zh" else " ") + said["quiet_failed"].format(failed=digest.failed)
    return View(said["quiet"], text, (Part((text,)), Part((_targets(digest, said, lang, mark),), quiet=True)))


def _in_full(notice: Notice, said: Any, lang: Lang, mark: Mark) -> Part:
    title = notice_headline(notice, lang, mark)
    entry = said["entry"].format(headline=title, at=_at(notice.seen, notice.watch.timezone))
    return Part(tuple(_lines(notice, lang, mark)), entry)


def _in_short(notice: Notice, said: Any, lang: Lang, mark: Mark) -> list[str]:
    title = notice_headline(notice, lang, mark)
    entry = said["entry"].format(headline=f"*{title}*", at=_at(notice.seen, notice.watch.timezone))
    return [f"• {entry}", *_lines(notice, lang, mark)[:1]]


def _lines(notice: Notice, lang: Lang, mark: Mark) -> list[str]:
    return [] if notice.kind == "recovered" else notice_lines(notice, lang, mark)  # its headline says all


def _at(moment: datetime, zone: str) -> str:
    return clock_text(moment, zone)


def _people(digest: Digest) -> tuple[str, ...]:
    return tuple(dict.fromkeys(who for notice in digest.notices for who in notice.watch.schedule.notify))


def _targets(digest: Digest, said: Any, lang: Lang, mark: Mark) -> str:
    names = [mark(watch.target) for watch in digest.others]
    shown = _comma(lang).join(names[:_NAMED])
    left = len(names) - _NAMED
    return f"{shown}{_comma(lang)}{said['more'].format(count=left)}" if left > 0 else shown


def _comma(lang: Lang) -> str:
    return str(words(lang)["watches"]["schedule"]["comma"])


def _buttons(notices: tuple[Notice, ...], said: Any, lang: Lang) -> tuple[Button, ...]:
    """For what changed: the verdict explained, and the change taken as normal."""
    buttons: list[Button] = []
    for notice in notices:
        target = notice.watch.target.rstrip("/").rpartition("/")[2]
        if notice.after is not None:
            buttons.append(Button("explain", said["explain"].format(target=target), notice.after.id))
        if notice.change is not None and notice.kind in ("changed", "differs"):
            buttons.append(Button("watch_accept", said["accept"].format(target=target), notice.watch.id))
    return tuple(dict.fromkeys(buttons))[:_BUTTONS]
