"""SQL of bookings whose departure was moved."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from jklg.kit.db import Connection


async def list_on_departure(conn: Connection, departure_id: UUID, then: datetime) -> list[UUID]:
    """Who has seats on a departure and had them `then`, and can be written to."""
    rows = await conn.fetch(
        """
        SELECT id FROM bookings
        WHERE departure_id = $1 AND status IN ('held', 'confirmed') AND created_at <= $2 AND email <> '' ORDER BY id
        """,
        departure_id,
        then,
    )
    return [row[0] for row in rows]


async def list_moves_of(conn: Connection, booking_id: UUID) -> list[UUID]:
    """The moves of its departure since it was booked."""
    rows = await conn.fetch(
        """
        SELECT m.id FROM departure_moves m JOIN bookings b ON b.departure_id = m.departure_id AND b.created_at <= m.moved_at WHERE b.id = $1
        """,
        booking_id,
    )
    return [row[0] for row in rows]
