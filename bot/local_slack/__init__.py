"""A Slack on loopback: what `r1 demo` and the tests talk to instead of slack.com.

It holds every message, view and stream to Slack's published limits, keeps what was posted and shows it as pages,
delivers commands, events and what people press with Slack's signatures over HTTP or through a Socket Mode websocket,
and repeats them as Slack repeats. The app may be installed in several workspaces, by OAuth.
"""

from __future__ import annotations

from bot.local_slack.messages import Delivery, Message, Sign
from bot.local_slack.modals import Home, Modal, NotSubmitted
from bot.local_slack.server import LocalSlack

__all__ = ["Delivery", "Home", "LocalSlack", "Message", "Modal", "NotSubmitted", "Sign"]
