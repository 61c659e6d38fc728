"""The verbs of tidings: tell a customer, show that they were seen; what is copied and forgotten when a customer leaves."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from jklg.bookings.tidings import queries
from jklg.customers.guard import as_customer
from jklg.customers.sessions.rules import Visitor
from jklg.kit.db import Connection, Database


async def tell(conn: Connection, booking_id: UUID, kind: str, once: UUID, **detail: Any) -> None:
    """A line to the customer of a booking, once for each `once`; nothing for a guest. Open pages have it as soon as this is committed."""
    await queries.insert(conn, booking_id, kind, f"{kind}:{once}", detail)


async def seen(db: Database, who: Visitor) -> None:
    """Nothing is new any more. Raises what `as_customer` raises."""
    async with as_customer(db, who) as conn:
        await queries.mark_seen(conn, who.customer_id)


async def leave(conn: Connection, customer_id: UUID, _email: str | None) -> None:
    """A customer leaves: nobody is told anything any more."""
    await queries.delete_all(conn, customer_id)


async def export(conn: Connection, customer_id: UUID) -> list[dict[str, Any]]:
    """What a customer was told in the account, for their copy."""
    return await queries.list_of(conn, customer_id)
