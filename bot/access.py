"""Who may ask what, about which targets."""

from __future__ import annotations

from pathlib import Path

from bot.requests import Origin, Request
from bot.settings import Settings
from engine.errors import TargetError
from engine.targets.spec import HubRef, parse_spec


def check_target(request: Request, origin: Origin, settings: Settings) -> None:
    """Refuse local paths outside ``checkpoint_roots`` to people in Slack.

    Without this, anybody in a workspace could learn what lies on the bot's machine. Whether the path
    exists is not told either.

    Raises:
        TargetError: the path may not be named from Slack.
        R1Error: the target is nothing that could be read.
    """
    if origin.surface == "cli" or request.target is None:
        return
    try:
        where = parse_spec(request.target)
    except TargetError:
        where = Path(request.target).expanduser()
    if isinstance(where, HubRef):
        return
    path = where.resolve()
    if not any(path.is_relative_to(root.expanduser().resolve()) for root in settings.checkpoint_roots):
        raise TargetError("path_not_allowed", name=request.target[:200])
