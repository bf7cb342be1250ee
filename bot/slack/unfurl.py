"""Links to reports, shown with what the verdict says – in the workspace whose verdict it is, and nowhere else."""

from __future__ import annotations

import logging
from typing import Any

from slack_bolt import App
from slack_sdk import WebClient
from sqlalchemy.orm import Session

from bot.access import check_place
from bot.presentation.verdicts import headline_of, sure_text
from bot.presentation.view import Button, Part, View, words
from bot.report.links import links_are_made, opens, read_link
from bot.requests import Lang, Origin
from bot.settings import Settings
from bot.slack.blocks import Block, blocks, mark
from bot.slack.installing import clients, team_of
from bot.store import Store
from bot.store.queries import StoredVerdict, load_verdict
from engine.errors import UsageError

log = logging.getLogger("r1.slack")
_SECONDS = 2  # Slack waits three for the acknowledgement that follows
_MOST = 5


def add_unfurl(app: App, store: Store, settings: Settings) -> None:
    """Answer Slack's asking about links. It is a courtesy: what fails is logged, and the link is a link all the same."""
    client_of = clients(settings, store, seconds=_SECONDS)

    def shared(body: dict[str, Any], event: dict[str, Any]) -> None:
        if not links_are_made(settings):
            return
        team = team_of(body)
        try:
            if event.get("source") != "composer":  # there, only the one who writes sees it
                origin = Origin("mention", team=team, channel=event.get("channel", ""), user=event.get("user", ""))
                check_place(origin, settings)
            with store.read() as session:
                shown = _shown(session, [str(link.get("url")) for link in event.get("links", ())], team, settings)
            if shown:
                _unfurl(client_of(team), event, shown)
        except UsageError:
            log.info("a link was not unfurled where the bot does not answer")
        except Exception:
            log.warning("a link was not unfurled", exc_info=True)

    app.event("link_shared")(shared)


def unfurl_view(stored: StoredVerdict, lang: Lang) -> View:
    """A verdict as a link to it shows it: what it is, how sure that is, and of what."""
    said, verdict = words(lang)["pages"]["unfurl"], stored.identification.verdict
    headline = headline_of(verdict, lang, mark)
    lines = (sure_text(verdict, lang), said["target"].format(target=mark(stored.identification.target.spec)))
    buttons = (Button("explain", said["explain"], stored.id), Button("report", said["report"], stored.id))
    return View(headline, headline, (Part(lines),), buttons=buttons)


def _shown(session: Session, urls: list[str], team: str, settings: Settings) -> dict[str, dict[str, list[Block]]]:
    shown: dict[str, dict[str, list[Block]]] = {}
    for url in urls[:_MOST]:
        found = read_link(url.replace("&amp;", "&"), settings)
        if found is None or not opens(session, *found, settings):
            continue
        stored = load_verdict(session, found[0], team=team)
        if stored is not None:
            lang: Lang = "zh" if "lang=zh" in url else "en"
            shown[url] = {"blocks": blocks(unfurl_view(stored, lang))}
    return shown


def _unfurl(client: WebClient, event: dict[str, Any], shown: dict[str, dict[str, list[Block]]]) -> None:
    if event.get("unfurl_id") and event.get("source"):
        client.chat_unfurl(unfurl_id=event["unfurl_id"], source=event["source"], unfurls=shown)
    else:
        client.chat_unfurl(channel=event["channel"], ts=event["message_ts"], unfurls=shown)
