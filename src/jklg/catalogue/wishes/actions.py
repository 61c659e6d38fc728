"""The verbs of journeys put aside with an account: keep, forget, list; what is told and forgotten when a customer leaves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from jklg.catalogue.wishes import queries
from jklg.customers.rights import as_customer
from jklg.customers.sessions.rules import Visitor
from jklg.kit.db import Connection, Database

MOST = 24


async def keep(db: Database, who: Visitor, slugs: Sequence[str]) -> list[str]:
    """Add these; all that is put aside then, newest first. What is kept already stays as it is. Raises what `as_customer` raises."""
    async with as_customer(db, who) as conn:
        if slugs:
            await queries.insert(conn, who.customer_id, slugs)
            await queries.drop_beyond(conn, who.customer_id, MOST)
        return await queries.list_of(conn, who.customer_id)


async def forget(db: Database, who: Visitor, slug: str) -> None:
    """Take one away; nothing happens when it is not there. Raises what `as_customer` raises."""
    async with as_customer(db, who) as conn:
        await queries.delete(conn, who.customer_id, slug)


async def leave(conn: Connection, customer_id: UUID, _email: str | None) -> None:
    """A customer leaves: what they have put aside is forgotten."""
    await queries.delete_all(conn, customer_id)


async def export(conn: Connection, customer_id: UUID) -> list[dict[str, Any]]:
    """What a customer has put aside, for their copy."""
    return await queries.list_with_moments(conn, customer_id)
