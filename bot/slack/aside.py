"""What is said to one person alone: refusals, and what they have the bot forget. It is kept nowhere."""

from __future__ import annotations

import logging

from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient

from bot.comparing.cached import forget_answers
from bot.forgetting import Forgotten, Scope, forget
from bot.presentation import words
from bot.requests import Lang, Origin, Request
from bot.settings import Settings
from bot.slack.installing import Clients
from bot.store import Store

log = logging.getLogger("r1.slack")
_SECONDS = 2  # Slack waits three for the acknowledgement that follows


def tell(sentence: str, origin: Origin, clients: Clients) -> None:
    """Say a sentence that only the person in ``origin`` sees. It is a courtesy: where Slack does not take it, that is
    logged; a repeated delivery may say it again.

    Args:
        clients: quick ones, as an acknowledgement waits for this.
    """
    try:
        client = clients(origin.team)
        if origin.channel.startswith("D"):
            client.chat_postMessage(channel=origin.channel, thread_ts=origin.thread_ts, text=sentence)
            return
        try:
            client.chat_postEphemeral(
                channel=origin.channel, user=origin.user, thread_ts=origin.thread_ts, text=sentence
            )
        except SlackApiError:  # the bot may not be in the channel; what was pressed or typed there answers all the same
            if origin.response_url is None:
                raise
            hook = WebhookClient(origin.response_url, timeout=_SECONDS)
            hook.send(text=sentence, response_type="ephemeral", replace_original=False)
    except Exception:
        log.warning("a sentence for one person was not delivered", exc_info=True)


def forget_me(request: Request, origin: Origin, store: Store, settings: Settings) -> str:
    """Delete what the person asked in this workspace, where they said that they are sure; else say what would go."""
    sure = request.action == "remove"
    scope = Scope(user=origin.user, team=origin.team)
    done = forget(store, scope, dry=not sure)
    if sure:
        forget_answers(settings, scope)
    return forgotten_sentence(done, request.lang, sure=sure)


def forgotten_sentence(done: Forgotten, lang: Lang, *, sure: bool) -> str:
    """What went, or what would go and how to say that it shall."""
    said = words(lang)["forget"]
    text = said["none_of_yours"] if done.nothing else said["done_yours" if sure else "ask_yours"]
    pending = said["pending"].format(pending=done.pending) if done.pending else ""
    return str(
        text.format(
            requests=done.requests,
            verdicts=done.verdicts,
            recommendations=done.recommendations,
            watches=done.watches,
            p="/r1 ",
            sure="yes",
        )
        + pending
    )
