"""The app and where it is installed: workspaces, organisations, codes and tokens.

Sources: docs.slack.dev/authentication/installing-with-oauth, /reference/methods/oauth.v2.access, /enterprise/organization-ready-apps.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from bot.local_slack.errors import ApiError, Body
from bot.local_slack.workspace import Workspace


@dataclass(frozen=True, slots=True)
class _Code:
    """What somebody allowed, until the app fetches its token."""

    place: str
    scopes: tuple[str, ...]
    redirect_uri: str
    user: str


@dataclass(slots=True)
class _Token:
    """A bot's, good in a workspace or an organisation. ``dead``: the error that it meets."""

    place: str
    dead: str = ""


class Installs:
    """One app in several workspaces. The first has it from the start, by its ``bot_token``."""

    def __init__(self, first: Workspace) -> None:
        self.client_id = f"{secrets.randbelow(10**10)}.{secrets.randbelow(10**12)}"
        self.client_secret = secrets.token_hex(16)
        self.first = first
        self.teams: dict[str, Workspace] = {first.team: first}
        self.organisations: dict[str, str] = {}
        self.tokens: dict[str, _Token] = {first.bot_token: _Token(first.team)}
        self._codes: dict[str, _Code] = {}

    def add(self, team: str, name: str, enterprise: str | None) -> Workspace:
        """Another workspace; nothing is installed there yet."""
        made = Workspace(team, name, number=len(self.teams), enterprise=enterprise)
        made.site, made.signing_secret = self.first.site, self.first.signing_secret
        made.uploads.base, made.uploads.kept = self.first.uploads.base, self.first.uploads.kept
        if enterprise is not None:
            self.organisations.setdefault(enterprise, f"{enterprise} Inc.")
            if others := self._teams_of(enterprise):
                made.bot_user, made.bot_id = others[0].bot_user, others[0].bot_id
                made.modals.bot_id = made.bot_id
        self.teams[team] = made
        return made

    def authorize(self, query: Mapping[str, str]) -> str:
        """Where somebody who allows (or, with ``deny``, does not allow) the app in ``team`` is sent to.

        Raises:
            ApiError: Slack would show an error page.
        """
        if query.get("client_id") != self.client_id:
            raise ApiError("invalid_client_id")
        scopes = tuple(scope for scope in query.get("scope", "").split(",") if scope)
        if not scopes:
            raise ApiError("no_scopes")
        back, place = query.get("redirect_uri", ""), query.get("team") or self.first.team
        if not back.startswith(("https://", "http://127.0.0.1", "http://localhost")):
            raise ApiError("bad_redirect_uri")
        if place not in self.teams and place not in self.organisations:
            raise ApiError("invalid_team_for_non_distributed_app")
        answer = {"state": query.get("state", "")}
        if query.get("deny"):
            answer["error"] = "access_denied"
        else:
            answer["code"] = secrets.token_hex(16)
            user = self._workspaces(place)[0].user
            self._codes[answer["code"]] = _Code(place, scopes, back, user)
        return f"{back}{'&' if '?' in back else '?'}{urlencode(answer)}"

    def access(self, given: Mapping[str, Any], basic: tuple[str, str] | None) -> Body:
        """oauth.v2.access.

        Raises:
            ApiError: the app is not who it says, or its code is spent or was for elsewhere.
        """
        client, secret = basic or (str(given.get("client_id")), str(given.get("client_secret")))
        if client != self.client_id:
            raise ApiError("invalid_client_id")
        if secret != self.client_secret:
            raise ApiError("bad_client_secret")
        code = self._codes.pop(str(given.get("code")), None)
        if code is None:
            raise ApiError("invalid_code")
        if given.get("redirect_uri", code.redirect_uri) != code.redirect_uri:
            raise ApiError("bad_redirect_uri")
        return {"ok": True, **self._installed(code)}

    def call(self, method: str, arguments: Body, token: str) -> Body:
        """Answer a Web API call for the workspace that its token is for.

        Raises:
            ApiError: Slack would answer ``ok: false``.
        """
        known = self.tokens.get(token)
        workspace = self.workspace_of(token, arguments)
        if known is None:
            return self.first.call(method, arguments, token)
        if known.dead:
            raise ApiError(known.dead)
        if method == "auth.revoke":
            known.dead = "token_revoked"
            return {"ok": True, "revoked": True}
        answer = workspace.call(method, arguments, workspace.bot_token)
        if method == "auth.test" and known.place in self.organisations:
            answer |= {"team_id": known.place, "team": self.organisations[known.place]}
        return answer

    def workspace_of(self, token: str, arguments: Mapping[str, Any]) -> Workspace:
        """The workspace that a call is about; an organisation's token is good in each of its workspaces."""
        known = self.tokens.get(token)
        candidates = self._workspaces(known.place) if known else [self.first]
        named = arguments.get("team_id")
        channel = arguments.get("channel") or arguments.get("channel_id")
        user = arguments.get("user_id") or arguments.get("user")
        for found in (
            [one for one in candidates if one.team == named],
            [one for one in candidates if channel in one.channels],
            [one for one in candidates if one.modals.knows(arguments)],
            [one for one in candidates if user in one.people],
        ):
            if found:
                return found[0]
        return candidates[0]

    def kill(self, place: str, error: str = "account_inactive") -> None:
        """The app was uninstalled: its tokens are good no longer."""
        for token in self.tokens.values():
            if token.place == place:
                token.dead = error

    def _installed(self, code: _Code) -> Body:
        wide, workspaces = code.place in self.organisations, self._workspaces(code.place)
        alive = [token for token, known in self.tokens.items() if known.place == code.place and not known.dead]
        token = alive[0] if alive else f"xoxb-{secrets.token_hex(12)}"
        self.tokens[token] = _Token(code.place)
        for workspace in workspaces:
            workspace.bot_token, workspace.scopes, workspace.org_wide = token, code.scopes, wide
        enterprise = workspaces[0].enterprise
        organisation = {"id": enterprise, "name": self.organisations[enterprise]} if enterprise else None
        return {
            "app_id": "A0R1", "access_token": token, "token_type": "bot", "scope": ",".join(code.scopes),
            "bot_user_id": workspaces[0].bot_user, "is_enterprise_install": wide, "enterprise": organisation,
            "team": None if wide else {"id": code.place, "name": workspaces[0].name},
            "authed_user": {"id": code.user},
        }  # fmt: skip

    def _teams_of(self, enterprise: str) -> list[Workspace]:
        return [workspace for workspace in self.teams.values() if workspace.enterprise == enterprise]

    def _workspaces(self, place: str) -> list[Workspace]:
        return [self.teams[place]] if place in self.teams else self._teams_of(place)
