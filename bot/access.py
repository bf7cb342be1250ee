"""Who may ask what, about which targets."""

from __future__ import annotations

import re
from pathlib import Path

from bot.endpoints import is_endpoint_url, is_name
from bot.requests import Origin, Request
from bot.settings import Settings
from engine.errors import TargetError, UsageError
from engine.targets.spec import HubRef, parse_spec

_CATALOG_NAME = re.compile(r"[\w.:-]*\w", re.ASCII)
"""Letters, digits and marks that lead to no folder and no host."""


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
    """As ``check_target``, for what is to be sized: a name of the catalog (``deepseek-r1:32b``) is no place to look at.

    Raises:
        TargetError: the model may not be named from Slack.
    """
    if not _CATALOG_NAME.fullmatch(request.target or ""):
        check_target(request, origin, settings, registered=False)


def check_admin(origin: Origin, settings: Settings) -> None:
    """Only those in the setting ``admins`` say which addresses the bot calls, and with which keys.

    Raises:
        UsageError: the person is none of them.
    """
    if origin.surface != "cli" and origin.user not in settings.admins:
        raise UsageError("admins_only")
