"""Registered endpoints in the store. Those of team ``""`` were registered in a terminal and are everybody's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot.store.models import EndpointRow
from engine.errors import UsageError


@dataclass(frozen=True, slots=True)
class EndpointLine:
    """A registered endpoint as it may be shown: of its key, where it is kept."""

    name: str
    team: str
    url: str
    model: str
    api: str
    key_env: str | None
    sealed: bool
    concurrency: int
    budget_tokens: int | None
    added_by: str
    created: datetime


def shown(row: EndpointRow) -> EndpointLine:
    """A row without its key."""
    return EndpointLine(
        row.name, row.team, row.url, row.model, row.api, row.key_env, row.key_encrypted is not None,
        row.concurrency, row.budget_tokens, row.added_by, row.created,
    )  # fmt: skip


def add_endpoint(session: Session, row: EndpointRow) -> None:
    """Keep a new endpoint.

    Raises:
        UsageError: its team has one of that name already; the session is still good.
    """
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError as error:
        raise UsageError("endpoint_exists", name=row.name) from error


def list_endpoints(session: Session, team: str | None) -> Sequence[EndpointRow]:
    """What a team may ask, its own before everybody's of the same name; ``None`` (a terminal) for all teams'."""
    query = select(EndpointRow).order_by(EndpointRow.name, EndpointRow.team.desc())
    if team is None:
        return session.scalars(query).all()
    return session.scalars(query.where(EndpointRow.team.in_({team, ""}))).all()


def endpoint_names(session: Session, team: str) -> frozenset[str]:
    """The names a team may use."""
    return frozenset(session.scalars(select(EndpointRow.name).where(EndpointRow.team.in_({team, ""}))))


def find_endpoint(session: Session, name: str, team: str | None) -> EndpointRow | None:
    """The endpoint a name stands for: a team's own, else everybody's. In a terminal (``None``) everybody's,
    else the one that only one team has.

    Raises:
        UsageError: several teams have one of that name.
    """
    rows = [row for row in list_endpoints(session, team) if row.name == name.lower()]
    if team is not None:
        return rows[0] if rows else None
    for row in rows:
        if row.team == "":
            return row
    if len(rows) > 1:
        raise UsageError("endpoint_of_teams", name=name, teams=", ".join(sorted(row.team for row in rows)))
    return rows[0] if rows else None


def remove_endpoint(session: Session, name: str, team: str) -> None:
    """Forget an endpoint with its key.

    Raises:
        UsageError: the team has none of that name; one from a terminal is removed there.
    """
    gone = delete(EndpointRow).where(EndpointRow.name == name.lower(), EndpointRow.team == team)
    if session.execute(gone.returning(EndpointRow.id)).all():
        return
    everybodys = find_endpoint(session, name, "") is not None
    raise UsageError("endpoint_of_terminal" if everybodys else "endpoint_unknown", name=name[:80])
