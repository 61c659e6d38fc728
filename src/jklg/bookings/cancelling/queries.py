"""SQL of giving up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from jklg.kit.db import Connection


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """One giving up, as it was carried out. Minor units of `currency`; `cancelled_at` in UTC."""

    id: UUID
    booking_id: UUID
    party: dict[str, int]
    worth: int
    kept: int
    refund: int
    currency: str
    days_before: int
    percent: int | None
    whole: bool
    reason: str
    cancelled_by: str
    cancelled_at: datetime

    @property
    def by_us(self) -> bool:
        """Whether the agency did it, on its own or because it was asked to. Why, in `reason`, is for the agency only."""
        return self.cancelled_by.startswith("staff:")


async def insert(
    conn: Connection,
    *,
    cancellation_id: UUID,
    booking_id: UUID,
    party: dict[str, int],
    seats: int,
    worth: int,
    kept: int,
    refund: int,
    currency: str,
    days_before: int,
    percent: int | None,
    whole: bool,
    reason: str,
    cancelled_by: str,
) -> None:
    await conn.execute(
        """
        INSERT INTO booking_cancellations (id, booking_id, party, seats, worth, kept, refund, currency, days_before, percent, whole, reason, cancelled_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        """,
        cancellation_id, booking_id, party, seats, worth, kept, refund, currency, days_before, percent, whole, reason, cancelled_by,
    )  # fmt: skip


_GIVEN = """
SELECT id, booking_id, party, worth, kept, refund, currency, days_before, percent, whole, reason, cancelled_by, cancelled_at
FROM booking_cancellations
"""


async def get(conn: Connection, cancellation_id: UUID) -> Given | None:
    """One giving up."""
    row = await conn.fetchrow(_GIVEN + "WHERE id = $1", cancellation_id)
    return Given(**row) if row else None


async def list_of_booking(conn: Connection, booking_id: UUID) -> list[Given]:
    """Every giving up of a booking, the oldest first."""
    return (await list_of_bookings(conn, [booking_id])).get(booking_id, [])


async def list_of_bookings(conn: Connection, booking_ids: Sequence[UUID]) -> dict[UUID, list[Given]]:
    """The same of many, without those of which nothing was given up."""
    rows = await conn.fetch(_GIVEN + "WHERE booking_id = ANY($1) ORDER BY id", booking_ids)
    found: dict[UUID, list[Given]] = {}
    for row in rows:
        found.setdefault(row["booking_id"], []).append(Given(**row))
    return found
