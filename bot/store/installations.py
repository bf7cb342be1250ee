"""Which workspaces installed the app, with the tokens that are good there. Tokens are sealed in the database."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from bot.sealing import unseal
from bot.settings import Settings
from bot.store.installed import BotRow, InstallationRow, OrganisationRow
from bot.store.models import WatchRow
from engine.errors import R1Error, UsageError


class NotInstalled(R1Error):
    """There is no token for a workspace, or Slack takes it no longer: nobody can be answered there now."""


@dataclass(frozen=True, slots=True)
class Installed:
    """An installation. ``team`` is empty where a whole organisation installed the app."""

    team: str
    enterprise: str
    name: str
    token: str = field(repr=False)
    bot_id: str
    bot_user: str
    scopes: tuple[str, ...]
    expires: datetime | None


def installation_of(session: Session, team: str, settings: Settings) -> Installed | None:
    """The latest installation for a workspace: its own, else its organisation's.

    Raises:
        NotInstalled: the token was sealed with another master key.
    """
    if not team:
        return None
    own = _first(session, BotRow.team_id == team, settings)
    if own is not None:
        return own
    known = session.get(OrganisationRow, team)
    enterprise = team if team.startswith("E") else known.enterprise if known is not None else ""
    return _first(session, BotRow.team_id.is_(None) & (BotRow.enterprise_id == enterprise), settings)


def installations(session: Session, settings: Settings) -> list[Installed | NotInstalled]:
    """The latest installation of every workspace and organisation, or why its token cannot be had."""
    latest: dict[tuple[str | None, str | None], BotRow] = {}
    rows = select(BotRow).where(BotRow.client_id == settings.slack_client_id, BotRow.bot_token.is_not(None))
    for row in session.scalars(rows.order_by(BotRow.installed_at, BotRow.id)):
        latest[row.enterprise_id if row.team_id is None else None, row.team_id] = row
    return [_opened(row, settings) for row in latest.values()]


def remember_organisation(session: Session, team: str, enterprise: str) -> None:
    """Keep that a workspace is answered through its organisation's installation."""
    known = session.get(OrganisationRow, team)
    if known is None:
        session.add(OrganisationRow(team=team, enterprise=enterprise))
    elif known.enterprise != enterprise:
        known.enterprise = enterprise


def uninstall(session: Session, *, team: str | None, enterprise: str | None, at: float, settings: Settings) -> int:
    """Delete what was installed before ``at`` (seconds), with its tokens, and pause the watches that lose theirs.

    An event may be late, and delivered again: what was installed since is another installation.

    Args:
        team: ``None`` for the installation of a whole organisation.

    Returns:
        How many installations were deleted.
    """
    until = datetime.fromtimestamp(at, UTC).replace(tzinfo=None) + timedelta(seconds=1)  # Slack tells whole seconds
    gone = 0
    for table in (BotRow, InstallationRow):
        whose = table.team_id == team if team else table.team_id.is_(None) & (table.enterprise_id == enterprise)
        mine = (table.client_id == settings.slack_client_id) & whose & (table.installed_at <= until)
        gone = max(gone, len(session.execute(delete(table).where(mine).returning(table.id)).all()))
    _pause_watches(session, _left_out(session, team, enterprise, settings))
    return gone


def _left_out(session: Session, team: str | None, enterprise: str | None, settings: Settings) -> list[str]:
    """The workspaces for which there is no installation any more."""
    teams: Iterable[str] = [team] if team else []
    if not team:
        teams = session.scalars(select(OrganisationRow.team).where(OrganisationRow.enterprise == enterprise)).all()
    return [name for name in teams if _row(session, name, settings) is None]


def _pause_watches(session: Session, teams: list[str]) -> None:
    going = (WatchRow.team.in_(teams)) & (WatchRow.state == "active")
    session.execute(update(WatchRow).where(going).values(state="paused", next_at=None))


def _row(session: Session, team: str, settings: Settings) -> int | None:
    known = session.get(OrganisationRow, team)
    whole = BotRow.team_id.is_(None) & (BotRow.enterprise_id == (known.enterprise if known is not None else ""))
    mine = (BotRow.client_id == settings.slack_client_id) & BotRow.bot_token.is_not(None)
    return session.scalar(select(BotRow.id).where(mine, (BotRow.team_id == team) | whole).limit(1))


def _first(session: Session, whose: ColumnElement[bool], settings: Settings) -> Installed | None:
    mine = (BotRow.client_id == settings.slack_client_id) & BotRow.bot_token.is_not(None)
    latest = select(BotRow).where(mine, whose).order_by(BotRow.installed_at.desc(), BotRow.id.desc()).limit(1)
    row = session.scalar(latest)
    found = _opened(row, settings) if row is not None else None
    if isinstance(found, NotInstalled):
        raise found
    return found


def _opened(row: BotRow, settings: Settings) -> Installed | NotInstalled:
    name = row.team_name or row.enterprise_name or row.team_id or row.enterprise_id or "?"
    try:
        token = unseal(row.bot_token or "", settings, name)
    except UsageError:
        return NotInstalled("installation_sealed", name=name[:80])
    return Installed(
        team=row.team_id or "",
        enterprise=row.enterprise_id or "",
        name=name,
        token=token,
        bot_id=row.bot_id or "",
        bot_user=row.bot_user_id or "",
        scopes=tuple(scope for scope in (row.bot_scopes or "").split(",") if scope),
        expires=row.bot_token_expires_at,
    )
