"""Who may ask what, about which targets."""

from __future__ import annotations

import os
from pathlib import Path

from bot.endpoints import is_endpoint_url, is_name
from bot.requests import Origin, Request
from bot.settings import Settings
from engine.errors import TargetError, UsageError
from engine.targets.spec import HubRef, parse_spec


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
    if origin.surface != "cli" and origin.user not in settings.admins:
        raise UsageError("admins_only")
