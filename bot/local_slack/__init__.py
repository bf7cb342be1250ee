"""A Slack workspace on loopback: what `r1 demo` and the tests talk to instead of slack.com.

It checks every message as Slack does, keeps what was posted, delivers commands and events with Slack's
signatures over HTTP or through a Socket Mode websocket, and repeats them as Slack repeats.
"""

from __future__ import annotations

from bot.local_slack.messages import Delivery, Message, Sign
from bot.local_slack.modals import Home, Modal, NotSubmitted
from bot.local_slack.server import LocalSlack

__all__ = ["Delivery", "Home", "LocalSlack", "Message", "Modal", "NotSubmitted", "Sign"]
