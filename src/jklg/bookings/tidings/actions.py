"""The verbs of tidings: tell a customer, show that they were seen; what is copied and forgotten when a customer leaves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from jklg.bookings.tidings import queries
from jklg.customers.rights import as_customer
from jklg.customers.sessions.rules import Visitor
from jklg.kit.db import Connection, Database


class Line(NamedTuple):
    """What a customer is told of a booking, once for each `once`. `detail` as in `Tiding`."""

    booking_id: UUID
    kind: str
    once: UUID
    detail: dict[str, Any]


async def tell(conn: Connection, lines: Sequence[Line]) -> None:
    """A line to the customer of each booking; nothing for a guest. Open pages have it as soon as this is committed."""
    await queries.insert(
        conn, [(each.booking_id, each.kind, f"{each.kind}:{each.once}", each.detail) for each in lines]
    )


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
