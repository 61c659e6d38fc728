"""SQL of the papers of a booking: reads only."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from jklg.kit.db import Connection


async def changed_at(conn: Connection, booking_id: UUID) -> datetime:
    """When a booking last changed, with the rights of the caller's claims."""
    value: datetime = await conn.fetchval("SELECT updated_at FROM bookings WHERE id = $1", booking_id)
    return value
