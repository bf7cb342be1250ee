"""Alembic's entry: runs on the connection the store hands over, or on R1_DATABASE_URL from a shell."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection, create_engine

from bot.settings import load_settings
from bot.store.models import Base


def run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with create_engine(load_settings().store_url).begin() as own:
        run(own)
