"""What people do in a Slack on loopback: write, press, choose, fill in, open, install."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from bot.local_slack import interactions
from bot.local_slack.assistants import Thread
from bot.local_slack.choosing import Typed
from bot.local_slack.errors import Body
from bot.local_slack.interactions import Place, event_callback
from bot.local_slack.messages import Act, Delivery, Message, Sign
from bot.local_slack.modals import Home, Modal
from bot.local_slack.transport import Transport
from bot.local_slack.unfurls import link_event
from bot.local_slack.workspace import Workspace


class LocalSlack(Transport):
    """A running Slack: one app, in one workspace or several.

    Each thing that somebody does is by the first person of the first workspace unless ``user`` and ``team`` say
    otherwise, and answers with its delivery to the app. An event that the app's manifest does not subscribe to is not
    sent: its ``status`` stays 0.
    """

    @property
    def teams(self) -> dict[str, Workspace]:
        """The workspaces by their ids."""
        return self.installs.teams

    @property
    def client_id(self) -> str:
        """The app's, for OAuth."""
        return self.installs.client_id

    @property
    def client_secret(self) -> str:
        """The app's, for OAuth."""
        return self.installs.client_secret

    def add_team(self, team: str, name: str = "Second", *, enterprise: str | None = None) -> Workspace:
        """Another workspace, maybe of an organisation; the app is not installed there."""
        return self.installs.add(team, name, enterprise)

    def uninstall(self, place: str | None = None) -> list[Delivery]:
        """An admin removes the app from a workspace or organisation: its tokens are dead, and two events tell so."""
        place = place or self.workspace.team
        workspace = next(one for one in self.teams.values() if place in (one.team, one.enterprise))
        self.installs.kill(place)
        events: list[Body] = [
            {"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [workspace.bot_user]}},
            {"type": "app_uninstalled"},
        ]
        return [self._tell(workspace, event) for event in events]

    def slash(
        self, text: str, *, channel: str | None = None, user: str | None = None, team: str | None = None
    ) -> Delivery:
        """A person types ``/r1 text``."""
        form = self.slash_payload(text, channel=channel, user=user, team=team)
        workspace = self._of(team)
        delivery = self._act("slash_commands", form, workspace.act(form["user_id"], form["channel_id"]))
        workspace.acknowledged(delivery)
        return delivery

    def slash_payload(
        self, text: str, *, channel: str | None = None, user: str | None = None, team: str | None = None
    ) -> Body:
        """The form that Slack posts for a slash command."""
        workspace = self._of(team)
        return interactions.command_form(workspace, text, channel or workspace.main, user or workspace.user)

    def mention(
        self,
        text: str,
        *,
        channel: str | None = None,
        thread_ts: str | None = None,
        user: str | None = None,
        team: str | None = None,
    ) -> Delivery:
        """A person mentions the bot in a channel."""
        workspace = self._of(team)
        shown = f"<@{workspace.bot_user}> {text}"
        return self._say("app_mention", workspace, channel or workspace.main, shown, thread_ts, user)

    def dm(
        self, text: str, *, user: str | None = None, thread_ts: str | None = None, team: str | None = None
    ) -> Delivery:
        """A person writes to the bot directly, or in a thread of theirs: an assistant's, maybe."""
        workspace = self._of(team)
        channel = workspace.dm_of(user or workspace.user)
        return self._say("message", workspace, channel, text, thread_ts, user, channel_type="im")

    def press(self, place: Place, action_id: str, value: Typed | None = None, *, user: str | None = None) -> Delivery:
        """A person presses a button or chooses something: in a message, what is unfurled below it, a modal or their
        Home tab. ``value`` picks one of several alike, an option or options, or is typed.

        Raises:
            LookupError: there is nothing of that name for them.
        """
        workspace = self._with(place)
        who = user or (workspace.user if isinstance(place, Message) else place.user)
        payload = interactions.press_payload(workspace, place, action_id, value, who)
        if isinstance(place, Message):
            act = workspace.act(who, place.channel, place.thread_ts, place.ts)
        else:
            act = workspace.act(who, workspace.dm_of(who))
        return self._act("interactive", payload, act)

    def suggest(self, place: Modal | Home, action_id: str, typed: str) -> list[Body]:
        """The options that the app offers for what somebody types into a menu."""
        workspace = self._with(place)
        payload = interactions.suggestion_payload(workspace, place, action_id, typed, place.user)
        delivery = self.deliver("interactive", payload)
        answer = json.loads(delivery.body or "{}")
        return list(answer.get("options", []))

    def shortcut(self, callback_id: str, message: Message, *, user: str | None = None) -> Delivery:
        """A person chooses one of the app's shortcuts in a message's menu.

        Raises:
            LookupError: the app's manifest declares none of that name.
        """
        workspace = self._with(message)
        if callback_id not in workspace.app.shortcuts:
            raise LookupError(f"no shortcut {callback_id}; there are {sorted(workspace.app.shortcuts)}")
        who = user or workspace.user
        payload = interactions.shortcut_payload(workspace, callback_id, message, who)
        return self._act("interactive", payload, workspace.act(who, message.channel, message.thread_ts, message.ts))

    def modal(self, user: str | None = None) -> Modal | None:
        """The modal that a person has before them: whoever's, unless it is said."""
        opened = [modal for workspace in self.teams.values() for modal in workspace.modals.opened]
        shown = [modal for modal in opened if modal.open and user in (None, modal.user)]
        return shown[-1] if shown else None

    def submit(self, user: str | None = None, /, **typed: Typed) -> Delivery:
        """A person fills in the modal's fields, by block id, and submits it.

        Raises:
            NotSubmitted: Slack's client would not let them.
        """
        modal = self._shown(user)
        workspace = self._with(modal)
        payload = workspace.modals.submission(modal, typed, workspace.team)
        payload |= interactions.frame(workspace, modal.user, "view_submission")
        delivery = self._act("interactive", payload, workspace.act(modal.user, workspace.dm_of(modal.user)))
        workspace.modals.answered(modal, delivery.status, delivery.body, delivery.seconds)
        return delivery

    def choose_file(self, name: str, data: bytes, *, user: str | None = None, team: str | None = None) -> list[str]:
        """A person chooses a file of theirs in a form: its id, as ``submit`` takes it."""
        workspace = self._of(team)
        return [workspace.uploads.chosen(name, data, user or workspace.user).id]

    def close(self, user: str | None = None) -> Delivery | None:
        """A person closes the modal before them; the app is told where it asked to be."""
        modal = self._shown(user)
        workspace = self._with(modal)
        modal.open = False
        if modal.view.get("clear_on_close"):
            for below in workspace.modals.shown_to(modal.user):
                below.open = False
        if not modal.view.get("notify_on_close"):
            return None
        cleared = bool(modal.view.get("clear_on_close"))
        return self.deliver("interactive", interactions.closed_payload(workspace, modal, cleared=cleared))

    def open_home(self, user: str | None = None, *, tab: str = "home", team: str | None = None) -> Delivery:
        """A person opens the app's Home tab, or ``messages``."""
        workspace = self._of(team)
        who = user or workspace.user
        act = workspace.act(who, workspace.dm_of(who))
        return self._tell(workspace, interactions.home_event(workspace, who, tab), act)

    def open_assistant(self, user: str | None = None, *, channel: str | None = None, team: str | None = None) -> str:
        """A person opens the assistant beside a channel; the new thread's timestamp.

        Raises:
            LookupError: the app's manifest declares no assistant.
        """
        workspace = self._of(team)
        if not workspace.app.assistant:
            raise LookupError("the app has no assistant")
        who = user or workspace.user
        root = Message(workspace.dm_of(who), workspace.next_ts(), workspace.bot_user, "New Assistant Thread",
                       opens_assistant=True)  # fmt: skip
        workspace.messages.append(root)
        workspace.threads[(root.channel, root.ts)] = Thread()
        self._assistant("assistant_thread_started", workspace, who, root.ts, channel)
        return root.ts

    def assistant_context(
        self, thread_ts: str, channel: str, *, user: str | None = None, team: str | None = None
    ) -> Delivery:
        """A person goes to another channel, the assistant's thread still beside it."""
        workspace = self._of(team)
        who = user or workspace.user
        return self._assistant("assistant_thread_context_changed", workspace, who, thread_ts, channel)

    def prompt(self, thread_ts: str, number: int = 0, *, user: str | None = None, team: str | None = None) -> Delivery:
        """A person presses one of the prompts that an assistant's thread suggests: it says its message for them."""
        workspace = self._of(team)
        thread = workspace.threads[(workspace.dm_of(user or workspace.user), thread_ts)]
        return self.dm(thread.prompts[number]["message"], user=user, thread_ts=thread_ts, team=team)

    def share_link(
        self, *urls: str, channel: str | None = None, user: str | None = None, team: str | None = None
    ) -> Delivery | None:
        """A person posts links; ``None``: the app has claimed none of their domains."""
        workspace = self._of(team)
        text = " ".join(f"<{url.replace('&', '&amp;')}>" for url in urls)
        message = workspace.say(channel or workspace.main, user or workspace.user, text)
        event = link_event(workspace, message, list(urls))
        return None if event is None else self._tell(workspace, event)

    def echo(self, message: Message, *, changed: bool = False) -> Delivery:
        """Slack tells the app of a message that it posted into a conversation with it itself, or changed there."""
        workspace = self._with(message)
        own = {"bot_id": workspace.bot_id, "app_id": interactions.APP}
        event = interactions.message_event(workspace, "message", message, channel_type="im", **own)
        if changed:
            event = {"type": "message", "subtype": "message_changed", "channel": message.channel, "message": event,
                     "channel_type": "im", "ts": workspace.next_ts(), "hidden": True}  # fmt: skip
        return self._tell(workspace, event)

    def answers(self, channel: str | None = None, *, team: str | None = None) -> list[Message]:
        """The bot's messages in a channel."""
        workspace = self._of(team)
        said = workspace.visible(channel or workspace.main)
        return [message for message in said if message.user == workspace.bot_user and not message.opens_assistant]

    def first_sign(self, delivery: Delivery) -> Sign | None:
        """What somebody saw first after what they did."""
        return delivery.act.signs[0] if delivery.act is not None and delivery.act.signs else None

    def wait_for(self, condition: Callable[[], Any], seconds: float = 30.0) -> Any:
        """The condition's value once it is true.

        Raises:
            TimeoutError: it was not true in time.
        """
        until = time.monotonic() + seconds
        while not (value := condition()):
            if time.monotonic() > until:
                raise TimeoutError("the bot did not answer in time")
            time.sleep(0.02)
        return value

    def _event(self, kind: str, message: Message, **more: Any) -> Body:
        workspace = self._with(message)
        return event_callback(workspace, interactions.message_event(workspace, kind, message, **more))

    def _say(
        self,
        kind: str,
        workspace: Workspace,
        channel: str,
        text: str,
        thread_ts: str | None,
        user: str | None,
        **more: Any,
    ) -> Delivery:
        message = workspace.say(channel, user or workspace.user, text, thread_ts)
        thread = thread_ts or (None if channel.startswith("D") else message.ts)
        event = interactions.message_event(workspace, kind, message, **more)
        act = workspace.act(message.user, channel, thread, message.ts)
        return self._tell(workspace, event, act)

    def _assistant(self, kind: str, workspace: Workspace, user: str, thread_ts: str, channel: str | None) -> Delivery:
        dm = workspace.dm_of(user)
        event = interactions.assistant_event(workspace, kind, dm, thread_ts, user, channel or workspace.main)
        return self._tell(workspace, event, workspace.act(user, dm, thread_ts))

    def _tell(self, workspace: Workspace, event: Body, act: Act | None = None) -> Delivery:
        """An event to the app, if its manifest subscribes to it."""
        delivery = Delivery("events_api", event_callback(workspace, event), act=act)
        return self.send(delivery) if workspace.app.is_told(event) else delivery

    def _act(self, kind: str, payload: Body, act: Act) -> Delivery:
        return self.send(Delivery(kind, payload, act=act))

    def _of(self, team: str | None) -> Workspace:
        return self.workspace if team is None else self.teams[team]

    def _with(self, place: Place) -> Workspace:
        """The workspace that something is shown in."""
        for workspace in self.teams.values():
            views: list[Any] = [*workspace.modals.opened, *workspace.homes.values()]
            if place in workspace.messages if isinstance(place, Message) else any(place is view for view in views):
                return workspace
        return self.workspace

    def _shown(self, user: str | None) -> Modal:
        modal = self.modal(user)
        if modal is None:
            raise LookupError("no modal is open")
        return modal
