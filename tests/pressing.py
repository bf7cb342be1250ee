"""What people see of the bot's answers in the loopback Slack, and doing something until there is one more."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import func, select, update

from bot.local_slack import LocalSlack
from bot.local_slack.workspace import Message
from bot.store import Store
from bot.store.models import JobRow, RequestRow, WatchRow, now

CHANNEL = "C0MODELS"


def answers(slack: LocalSlack, channel: str = CHANNEL) -> list[Message]:
    """The bot's finished answers: neither first signs, nor what is still under way, nor pictures."""
    return [
        message
        for message in slack.answers(channel)
        if not message.files and any(block["type"] == "header" for block in message.blocks)
    ]


def asides(slack: LocalSlack, channel: str = CHANNEL) -> list[str]:
    """Sentences for one person alone."""
    return [message.text for message in slack.answers(channel) if message.ephemeral_to and not message.blocks]


def answer_to(slack: LocalSlack, act: Callable[[], object], channel: str = CHANNEL, seconds: float = 30.0) -> Message:
    """The one new answer that something people do gets."""
    known = {message.ts for message in answers(slack, channel)}
    act()

    def new() -> Message | None:
        found = [message for message in answers(slack, channel) if message.ts not in known]
        return found[0] if found else None

    message: Message = slack.wait_for(new, seconds)
    return message


def shown(message: Message) -> str:
    """Everything that an answer says."""
    return f"{message.text}\n{message.blocks}"


def look(slack: LocalSlack, store: Store) -> None:
    """Let the time of the next look come, and wait until it is over and what it tells is told."""

    def done() -> bool:
        with store.read() as session:
            later = JobRow.lease_owner.is_(None) & (JobRow.lease_until > time.time())
            open_ = (
                select(func.count()).select_from(JobRow).where(JobRow.state != "answered", ~func.coalesce(later, False))
            )
            looks = select(func.count()).where(RequestRow.dedup_key.like("watch:%"))
            return session.scalar(open_) == 0 and (session.scalar(looks) or 0) > before

    with store.begin() as session:
        before = session.scalar(select(func.count()).where(RequestRow.dedup_key.like("watch:%"))) or 0
        session.execute(update(WatchRow).values(next_at=now() - timedelta(seconds=1)))
    slack.wait_for(done, 60)
