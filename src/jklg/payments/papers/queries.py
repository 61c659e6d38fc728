"""SQL of the papers of an account: reads only."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import msgspec

from jklg.kit.db import Connection


class Journey(msgspec.Struct, frozen=True, kw_only=True):
    """A journey of a customer that has papers. `papers` are the numbers of its invoice and credit notes."""

    reference: str
    package_name: str
    starts_on: date
    ends_on: date
    status: str
    papers: list[str]


async def list_journeys(conn: Connection, customer_id: UUID, limit: int) -> list[Journey]:
    """Journeys that were confirmed once, the newest first, with the rights of the caller's claims."""
    rows = await conn.fetch(
        """
        SELECT b.reference, p.name AS package_name, d.starts_on, d.ends_on, b.status,
               ARRAY(SELECT i.number FROM invoices i WHERE i.booking_id = b.id ORDER BY i.kind DESC, i.issued_at, i.serial) AS papers
        FROM bookings b JOIN departures d ON d.id = b.departure_id JOIN packages p ON p.id = d.package_id
        WHERE b.customer_id = $1 AND b.confirmed_at IS NOT NULL ORDER BY b.travels_on DESC, b.id DESC LIMIT $2
        """,
        customer_id,
        limit,
    )
    return [Journey(**row) for row in rows]
