"""Who may ask what, where, how often, and about which targets."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from bot.endpoints import is_endpoint_url, is_name
from bot.requests import Origin, Request
from bot.settings import Settings
from bot.store.models import RequestRow, now
from engine.errors import TargetError, UsageError
from engine.targets.spec import HubRef, parse_spec

FREE = ("cancel", "devices", "endpoint", "explain", "forget", "help", "history", "other", "refused")
"""Verbs that cost next to nothing, and do not count towards a quota."""
_DAY = timedelta(days=1)
_SHOWN = 5


def is_admin(origin: Origin, settings: Settings) -> bool:
    """Whether the person is among ``admins``: as ``U…``, or as ``T…:U…`` where the app is in several workspaces, as an
    id is one person's only within a workspace."""
    return bool({origin.user, f"{origin.team}:{origin.user}"} & set(settings.admins))


def check_place(origin: Origin, settings: Settings) -> None:
    """Refuse channels that are not in ``allowed_channels``, where that is set, and direct messages where
    ``allow_dms`` is off. Admins may ask anywhere.

    Raises:
        UsageError: not here.
    """
    if origin.surface == "cli" or is_admin(origin, settings):
        return
    if origin.channel.startswith("D"):
        if not settings.allow_dms:
            raise UsageError("dms_not_allowed")
    elif origin.channel and settings.allowed_channels and origin.channel not in settings.allowed_channels:
        code = "channel_not_allowed" if settings.allow_dms else "channel_not_allowed_nor_dms"
        shown = " ".join(f"<#{channel}>" for channel in settings.allowed_channels[:_SHOWN])
        raise UsageError(code, channels=shown)


def check_quota(session: Session, request: Request, origin: Origin, settings: Settings, dedup_key: str) -> None:
    """Refuse a person's question beyond ``quota_per_day`` within any 24 hours; to be called in the transaction that
    keeps the question. Admins have no quota, and a delivery that was accepted before counts no second time.

    Raises:
        UsageError: the quota is used up; the sentence says when there is one more to ask.
    """
    most = settings.quota_per_day
    if most is None or origin.surface == "cli" or request.verb in FREE or is_admin(origin, settings):
        return
    if session.get_bind().dialect.name == "postgresql":  # SQLite has one writer at a time anyhow
        who = {"who": f"quota {origin.team} {origin.user}"}
        session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:who, 0))"), who)
    if session.scalar(select(RequestRow.id).where(RequestRow.dedup_key == dedup_key)) is not None:
        return
    # What was only proposed, to be confirmed, counts once it is confirmed.
    done = RequestRow.verb.not_in(FREE) & RequestRow.payload["sure"].as_boolean().is_not(False)
    mine = (RequestRow.user == origin.user) & (RequestRow.team == origin.team) & done & (RequestRow.surface != "watch")
    recent = select(RequestRow.created).where(mine, RequestRow.created > now() - _DAY)
    if (session.scalar(select(func.count()).select_from(recent.subquery())) or 0) < most:
        return
    # The next one may be asked once only most - 1 lie within a day: when the most-th latest is a day old.
    again = session.scalars(recent.order_by(RequestRow.created.desc()).offset(most - 1).limit(1)).one() + _DAY
    wait = max(again - now(), timedelta(minutes=1))
    hours, minutes = divmod(-(-int(wait.total_seconds()) // 60), 60)
    raise UsageError("quota_used", most=most, wait=f"{hours}:{minutes:02d}", at=f"{again:%Y-%m-%d %H:%M}")


def check_target(request: Request, origin: Origin, settings: Settings, *, registered: bool) -> None:
    """Refuse people in Slack local paths outside ``checkpoint_roots``, and URLs that no admin registered.

    Without the first, anybody in a workspace could learn what lies on the bot's machine; whether the path
    exists is not told either. Without the second, anybody could have the bot call addresses in its own network.

    Args:
        registered: the target is an endpoint that the person's team has.

    Raises:
        TargetError: the target may not be named from Slack.
        R1Error: the target is nothing that could be read.
    """
    if origin.surface == "cli" or request.target is None or registered:
        return
    if is_endpoint_url(request.target):
        raise TargetError("endpoint_not_registered", url=request.target[:200])
    if is_name(request.target):
        raise UsageError("endpoint_unknown", name=request.target)
    try:
        if isinstance(parse_spec(request.target), HubRef):
            return
    except TargetError:  # something that looks like a path; what is there is not told
        pass
    path = Path(request.target).expanduser().resolve()
    if not any(path.is_relative_to(root.expanduser().resolve()) for root in settings.checkpoint_roots):
        raise TargetError("path_not_allowed", name=request.target[:200])


def check_model(request: Request, origin: Origin, settings: Settings) -> None:
    """As ``check_target``, for what is to be sized, which may be a bare name of the catalog (``deepseek-r1:32b``) too.

    Raises:
        R1Error: the model may not be named from Slack.
    """
    name = request.target or ""
    if origin.surface == "cli":
        return
    if "/" in name or name.startswith("~"):
        check_target(request, origin, settings, registered=False)
    elif os.path.lexists(name):  # what lies where the bot runs; told as any name that the catalog does not know
        raise UsageError("size_model_unknown", name=name[:80], suggestion="deepseek-r1:32b")


def check_admin(origin: Origin, settings: Settings) -> None:
    """Only those in the setting ``admins`` say which addresses the bot calls, and with which keys.

    Raises:
        UsageError: the person is none of them.
    """
    if origin.surface != "cli" and not is_admin(origin, settings):
        raise UsageError("admins_only")
