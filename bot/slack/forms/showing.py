"""Putting a form before somebody who just pressed or typed something."""

from __future__ import annotations

from slack_sdk.errors import SlackApiError

from bot.slack.forms.fields import Block
from bot.slack.installing import Clients
from engine.errors import UsageError

_REPEATED = ("exchanged_trigger_id", "trigger_exchanged")


def show_form(clients: Clients, team: str, trigger_id: str, view: Block) -> None:
    """Open a form. A repeated delivery of the same press changes nothing.

    Args:
        clients: quick ones: a trigger is good for three seconds, and an acknowledgement waits.

    Raises:
        UsageError: Slack did not open it.
    """
    try:
        clients(team).views_open(trigger_id=trigger_id, view=view)
    except SlackApiError as error:
        problem = str(error.response.get("error"))
        if problem not in _REPEATED:
            raise UsageError("form_failed", problem=problem) from error
    except OSError as error:
        raise UsageError("form_failed", problem=str(error)[:80]) from error
