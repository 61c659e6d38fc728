"""SQL of a customer's bookings: reads only. What changes them is in bookings/queries.py."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from jklg.customers.rights import Told
from jklg.kit.db import Connection


class Page(NamedTuple):
    """A page of somebody's bookings: `limit` of them, from the trip after (`before`, `before_id`)."""

    customer_id: UUID
    session_id: UUID
    before: date | None
    before_id: UUID | None
    limit: int


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A booking with all that we keep of it. Money in minor units of `currency`; times in UTC. `party` and `total_price` as it was booked."""

    id: UUID
    reference: str
    status: str
    payment_status: str
    package_name: str
    starts_on: date
    ends_on: date
    party: dict[str, int]
    cancelled_party: dict[str, int]
    currency: str
    total_price: int
    price: int
    lines: list[dict[str, Any]]
    name: str
    email: str
    phone: str
    special_requests: str
    locale: str
    terms_version: str | None
    source: str
    created_at: datetime
    confirmed_at: datetime | None
    ended_at: datetime | None
    travellers: list[dict[str, Any]]
    extras: list[dict[str, Any]]


async def list_pages(conn: Connection, pages: Sequence[Page]) -> dict[Page, Told]:
    """The whole answers of GET /:id/bookings, sessions and rights included (migrations 0010 and 0014)."""
    rows = await conn.fetch(
        "SELECT customer, session, before, before_id, page_size, refused, answer FROM customers_bookings($1, $2, $3, $4, $5)",
        *map(list, zip(*pages, strict=True)),
    )
    return {Page(*row[:5]): Told(row[5], row[6] or "") for row in rows}


async def list_kept(conn: Connection, customer_id: UUID) -> list[Kept]:
    """All bookings of a customer, the oldest first."""
    rows = await conn.fetch(
        """
        SELECT b.id, b.reference, b.status, b.payment_status, p.name AS package_name, d.starts_on, d.ends_on, b.party, b.cancelled_party, b.currency,
               b.total_price, b.total_price - b.reduced_amount AS price, b.lines, b.name, b.email, b.phone, b.special_requests, b.locale, b.terms_version, b.source,
               b.created_at, b.confirmed_at, b.ended_at,
               (SELECT coalesce(jsonb_agg(jsonb_build_object('name', t.name, 'category', t.category, 'date_of_birth', t.date_of_birth)
                        ORDER BY t.position), '[]') FROM travellers t WHERE t.booking_id = b.id) AS travellers,
               (SELECT coalesce(jsonb_agg(jsonb_build_object('name', x.name, 'quantity', e.quantity) ORDER BY x.name), '[]')
                FROM booking_extras e JOIN extras x ON x.id = e.extra_id WHERE e.booking_id = b.id) AS extras
        FROM bookings b JOIN departures d ON d.id = b.departure_id JOIN packages p ON p.id = d.package_id
        WHERE b.customer_id = $1 ORDER BY b.created_at, b.id
        """,
        customer_id,
    )
    return [Kept(**row) for row in rows]


async def next_trip(conn: Connection, customer_id: UUID) -> UUID | None:
    """The journey of a customer that leaves next, or is under way: held or confirmed."""
    found: UUID | None = await conn.fetchval(
        """
        SELECT b.id FROM bookings b JOIN departures d ON d.id = b.departure_id JOIN packages p ON p.id = d.package_id
        WHERE b.customer_id = $1 AND b.status IN ('held', 'confirmed') AND d.ends_on >= (house_now() AT TIME ZONE p.time_zone)::date
        ORDER BY d.starts_on, b.id LIMIT 1
        """,
        customer_id,
    )
    return found
