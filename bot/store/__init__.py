"""The database: requests, jobs, verdicts with their evidence, recommendations. History is a product."""

from __future__ import annotations

from bot.store.connection import Store, open_store

__all__ = ["Store", "open_store"]
