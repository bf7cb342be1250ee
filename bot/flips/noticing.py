"""Which versions of families are in use, noted once; what is current is then to be recomputed."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from bot.settings import Settings
from bot.store import Store
from bot.store.models import now
from bot.store.recomputed import FamilyRow, enlist, versions
from engine.catalog import family_names, load_family
from engine.catalog.schema import Family
from engine.catalog.versions import later


def note_families(store: Store, settings: Settings) -> tuple[int, ...]:
    """Note versions that came into use here and are later than those that verdicts were brought up to, from wherever they
    came: an update, a family file of one's own, a newer program. Returns their ids.

    Raises:
        CatalogError: a family file is invalid.
    """
    files = settings.families
    families = [load_family(name, files) for name in family_names(files)]
    with store.read() as session:
        known = versions(session)
    fresh = [family for family in families if _is_news(family, known)]
    return tuple(id_ for family in fresh if (id_ := note_family(store, family)) is not None)


def note_family(store: Store, family: Family, *, back: bool = False) -> int | None:
    """Note that a version is in use from now on, and what it may change; ``None`` where it was noted before.

    Args:
        back: it is an earlier one, on purpose.
    """
    with store.begin() as session:
        if session.get_bind().dialect.name == "postgresql":  # SQLite has one writer at a time anyhow
            lock = text("SELECT pg_advisory_xact_lock(hashtextextended('families', 0))")
            session.execute(lock)
        known = versions(session)
        if not _is_news(family, known) and not (back and known[family.name] != family.version):
            return None
        return _noted(session, family, first=family.name not in known)


def _is_news(family: Family, known: dict[str, str]) -> bool:
    return family.name not in known or later(family.version, known[family.name])


def _noted(session: Session, family: Family, *, first: bool) -> int:
    """With what is current; of the first version nobody knows what was otherwise before."""
    row = FamilyRow(
        name=family.name,
        version=family.version,
        content=family.model_dump(mode="json", exclude_defaults=True),
        done=now() if first else None,
    )
    session.add(row)
    session.flush()
    if not first:
        enlist(session, row)
    return row.id
