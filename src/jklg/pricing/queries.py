"""SQL of the pricing room."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from jklg.kit.db import Connection


class StoredQuote(msgspec.Struct, frozen=True, kw_only=True):
    """A quote as it was made. `quoted_on` is the date at the place of the package; `live` is judged by the house clock."""

    id: UUID
    departure_id: UUID
    price_version: int
    party: dict[str, int]
    extras: list[dict[str, Any]]
    seats: int
    currency: str
    total: int
    lines: list[dict[str, Any]]
    sales_terms: dict[str, Any]
    starts_on: date
    quoted_on: date
    created_at: datetime
    expires_at: datetime
    live: bool


async def insert_quote(
    conn: Connection,
    quote_id: UUID,
    departure_id: UUID,
    price_version: int,
    party: dict[str, int],
    extras: list[dict[str, Any]],
    seats: int,
    currency: str,
    total: int,
    lines: list[dict[str, Any]],
    sales_terms: dict[str, Any],
    minutes: int,
) -> datetime:
    """Keep the quote for `minutes`; the moment it ends, by the house clock."""
    expires_at: datetime = await conn.fetchval(
        """
        INSERT INTO quotes (id, departure_id, price_version, party, extras, seats, currency, total, lines, sales_terms, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, house_now() + make_interval(mins => $11))
        RETURNING expires_at
        """,
        quote_id,
        departure_id,
        price_version,
        party,
        extras,
        seats,
        currency,
        total,
        lines,
        sales_terms,
        minutes,
    )
    return expires_at


async def get_quote(conn: Connection, quote_id: UUID) -> StoredQuote | None:
    row = await conn.fetchrow(
        """
        SELECT q.id, q.departure_id, q.price_version, q.party, q.extras, q.seats, q.currency, q.total, q.lines, q.sales_terms,
               d.starts_on,
               (q.created_at AT TIME ZONE p.time_zone)::date AS quoted_on, q.created_at, q.expires_at,
               q.expires_at > house_now() AS live
        FROM quotes q JOIN departures d ON d.id = q.departure_id JOIN packages p ON p.id = d.package_id
        WHERE q.id = $1
        """,
        quote_id,
    )
    return None if row is None else StoredQuote(**dict(row))


async def delete_quotes_expired(conn: Connection, limit: int) -> int:
    """Forget quotes that ended more than a day ago. Bookings keep their own copy of the derivation."""
    count = await conn.fetchval(
        """
        WITH gone AS (
            DELETE FROM quotes WHERE id IN (
                SELECT id FROM quotes WHERE expires_at < (SELECT house_now()) - interval '1 day'
                ORDER BY expires_at LIMIT $1
            ) RETURNING id
        )
        SELECT count(*) FROM gone
        """,
        limit,
    )
    return int(count)
