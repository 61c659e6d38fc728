"""SQL of tidings. `departure_changed` is written by the database itself, for whoever moves a departure (migration 0057)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from jklg.kit.db import Connection


class Tiding(msgspec.Struct, frozen=True, kw_only=True):
    """One line. `detail`: `amount` in minor units of `currency`, or the days a departure has now. Times in UTC; `seen_at` None: new."""

    id: UUID
    kind: str
    reference: str
    package_name: str
    time_zone: str
    detail: dict[str, Any]
    created_at: datetime
    seen_at: datetime | None


_TIDING = """
SELECT t.id, t.kind, b.reference, p.name AS package_name, p.time_zone, t.detail, t.created_at, t.seen_at
FROM tidings t JOIN bookings b ON b.id = t.booking_id JOIN departures d ON d.id = b.departure_id JOIN packages p ON p.id = d.package_id
"""


async def insert(conn: Connection, lines: Sequence[tuple[UUID, str, str, dict[str, Any]]]) -> None:
    """Write lines to the customers of bookings, each once: (booking, kind, once key, detail). A guest has no account where one could stand."""
    await conn.execute(
        """
        INSERT INTO tidings (customer_id, booking_id, kind, once_key, detail)
        SELECT b.customer_id, b.id, n.kind, n.once_key, n.detail
        FROM unnest($1::uuid[], $2::text[], $3::text[], $4::jsonb[]) AS n(booking_id, kind, once_key, detail)
        JOIN bookings b ON b.id = n.booking_id AND b.customer_id IS NOT NULL
        ORDER BY b.customer_id, n.once_key
        ON CONFLICT ON CONSTRAINT tidings_once DO NOTHING
        """,
        *zip(*lines, strict=True),
    )


async def list_newest(conn: Connection, customer_id: UUID, limit: int) -> list[Tiding]:
    """The newest first."""
    rows = await conn.fetch(
        _TIDING + "WHERE t.customer_id = $1 ORDER BY t.created_at DESC, t.id DESC LIMIT $2", customer_id, limit
    )
    return [Tiding(**row) for row in rows]


async def list_since(
    conn: Connection, customer_id: UUID, since: datetime, known: Sequence[UUID], limit: int
) -> list[Tiding]:
    """The oldest first, of this moment and later, without those that are `known`."""
    rows = await conn.fetch(
        _TIDING
        + "WHERE t.customer_id = $1 AND t.created_at >= $2 AND t.id <> ALL($3) ORDER BY t.created_at, t.id LIMIT $4",
        customer_id, since, known, limit,
    )  # fmt: skip
    return [Tiding(**row) for row in rows]


async def mark_seen(conn: Connection, customer_id: UUID) -> None:
    await conn.execute(
        "UPDATE tidings SET seen_at = house_now() WHERE customer_id = $1 AND seen_at IS NULL", customer_id
    )


async def list_of(conn: Connection, customer_id: UUID) -> list[dict[str, Any]]:
    """All of them, the oldest first, for the customer's copy."""
    rows = await conn.fetch(
        """
        SELECT t.kind, b.reference, t.detail, t.created_at, t.seen_at FROM tidings t JOIN bookings b ON b.id = t.booking_id
        WHERE t.customer_id = $1 ORDER BY t.created_at, t.id
        """,
        customer_id,
    )
    return [dict(row) for row in rows]


async def delete_all(conn: Connection, customer_id: UUID) -> None:
    await conn.execute("DELETE FROM tidings WHERE customer_id = $1", customer_id)
