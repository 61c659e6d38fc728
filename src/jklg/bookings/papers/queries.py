"""SQL of the papers of a booking: reads only."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from jklg.kit.db import Connection


async def changed_at(conn: Connection, booking_id: UUID) -> datetime:
    """When a booking last changed, or its departure was last moved, with the rights of the caller's claims."""
    value: datetime = await conn.fetchval(
        """
        SELECT greatest(b.updated_at, (SELECT max(m.moved_at) FROM departure_moves m WHERE m.departure_id = b.departure_id))
        FROM bookings b WHERE b.id = $1
        """,
        booking_id,
    )
    return value
