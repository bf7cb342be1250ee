"""Somebody's Home tab in words: what to ask, their verdicts, their watches, their defaults. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.jobs import WatchLine
from bot.people import Person
from bot.presentation.view import Button, Mark, percent, words
from bot.requests import Lang
from bot.store.queries import HistoryRow

MOST_VERDICTS, MOST_WATCHES = 8, 12
"""Of each, as many are shown: a Home tab has room for a hundred blocks."""


@dataclass(frozen=True, slots=True)
class Home:
    """What somebody's Home tab is made of; ``watches`` one more than are shown, where there are more."""

    person: Person
    verdicts: tuple[HistoryRow, ...] = ()
    watches: tuple[WatchLine, ...] = ()
    admin: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Lines, and what can be done about them. ``title`` begins a part of the tab."""

    lines: tuple[str, ...]
    title: str = ""
    buttons: tuple[Button, ...] = ()
    quiet: bool = False


def home_groups(home: Home, lang: Lang, mark: Mark) -> tuple[Group, ...]:
    """The tab from top to bottom."""
    said = words(lang)["home"]
    return (
        Group((said["intro"],), said["title"], _asking(home, lang)),
        *_verdicts(home, lang, mark),
        *_watches(home, lang, mark),
        _defaults(home, lang, mark),
        Group(tuple(said["how"]["lines"]), said["how"]["title"], quiet=True),
    )


def _asking(home: Home, lang: Lang) -> tuple[Button, ...]:
    said = words(lang)["home"]["ask"]
    offered = ["identify", "recommend", "size", "compare", "watch"]
    buttons = [Button(f"home_{name}", said[name], name, "primary" if name == "identify" else None) for name in offered]
    if home.admin:
        buttons.append(Button("home_endpoint", said["endpoint"], "endpoint"))
    return tuple(buttons)


def _verdicts(home: Home, lang: Lang, mark: Mark) -> Iterator[Group]:
    said, buttons = words(lang)["home"]["verdicts"], words(lang)["conversation"]["buttons"]
    if not home.verdicts:
        yield Group((said["none"],), said["title"])
    for place, row in enumerate(home.verdicts[:MOST_VERDICTS]):
        what = words(lang)["verdict"]["what"][row.outcome].format(title=mark(row.title))
        line = said["line"].format(
            what=words(lang)["verdict"]["headline"][row.claim_check].format(what=what),
            percent=percent(row.confidence),
            target=mark(row.target),
            when=_when(row.created, home.person),
            id=f"`{row.id}`",
        )
        pressed = tuple(Button(name, buttons[name], row.id) for name in ("explain", "recheck"))
        yield Group((line,), said["title"] if place == 0 else "", pressed)


def _watches(home: Home, lang: Lang, mark: Mark) -> Iterator[Group]:
    said = words(lang)["home"]["watches"]
    if not home.watches:
        yield Group((said["none"],), said["title"])
        return
    from bot.presentation.watches import checked_text, known_text, schedule_text

    for place, watch in enumerate(home.watches[:MOST_WATCHES]):
        next_look = _when(watch.next_at, home.person) if watch.next_at is not None else said["never"]
        state = said["states"].get(watch.state, said["states"]["other"]).format(next=next_look)
        line = said["line"].format(
            target=mark(watch.target),
            schedule=schedule_text(watch.schedule, lang, mark),
            state=state,
            known=said["known"].format(what=known_text(watch.outcome, watch.title, lang, mark))
            if watch.outcome
            else "",
            checked=f"\n{checked}" if (checked := checked_text(watch, lang)) else "",
            looked=said["looked"].format(when=_when(watch.looked_at, home.person)) if watch.looked_at else "",
        )
        yield Group((line,), said["title"] if place == 0 else "", _watch_buttons(watch, lang))
    if len(home.watches) > MOST_WATCHES:
        yield Group((said["more"].format(count=MOST_WATCHES),), quiet=True)


def _watch_buttons(watch: WatchLine, lang: Lang) -> tuple[Button, ...]:
    watches = words(lang)["home"]["watches"]
    said = watches["buttons"]
    paused = watch.state == "paused"
    first = Button("watch_resume" if paused else "watch_pause", said["resume" if paused else "pause"], watch.id)
    stop = Button("watch_remove", said["remove"], watch.id, "danger", watches["sure"])
    return (first, stop)


def _defaults(home: Home, lang: Lang, mark: Mark) -> Group:
    said, person = words(lang)["home"]["defaults"], home.person
    lines = (
        said["language"].format(value=said["languages"][person.chosen or "slack"]),
        said["private"]["private" if person.private else "public"],
        said["usual"].format(value=mark(person.defaults) if person.defaults else said["no_usual"]),
        said["zone"].format(value=person.timezone or "UTC"),
    )
    return Group(lines, said["title"], (Button("home_defaults", said["change"], "defaults"),))


def _when(moment: datetime, person: Person) -> str:
    """As the person's clock shows it."""
    return f"{moment.astimezone(ZoneInfo(person.timezone or 'UTC')):%Y-%m-%d %H:%M}"
