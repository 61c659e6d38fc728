"""SQL of departures for staff: reads across the rooms. Days are those at the place of the package."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import msgspec

from jklg.kit.db import Connection


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A departure of the list, or alone. `bookings`: those that are held or confirmed."""

    id: UUID
    package_name: str
    package_slug: str
    time_zone: str
    starts_on: date
    ends_on: date
    cutoff_at: datetime
    allotment: int
    seats_taken: int
    status: str
    bookings: int


class Concerned(msgspec.Struct, frozen=True, kw_only=True):
    """A booking on a departure. `balance_due_on`: only while something is owed."""

    reference: str
    status: str
    name: str
    email: str
    seats: int
    locale: str
    balance_due_on: date | None


class Going(msgspec.Struct, frozen=True, kw_only=True):
    """Whom something is about: everybody of a departure, or, without its id, of a package."""

    package_id: UUID
    package_name: str
    departure_id: UUID | None
    starts_on: date | None


_ROW = """
SELECT d.id, p.name AS package_name, p.slug AS package_slug, p.time_zone, d.starts_on, d.ends_on, d.cutoff_at, d.allotment, d.seats_taken, d.status,
       (SELECT count(*) FROM bookings b WHERE b.departure_id = d.id AND b.status IN ('held', 'confirmed'))::integer AS bookings
FROM departures d JOIN packages p ON p.id = d.package_id
"""


async def list_coming(
    conn: Connection, slug: str, booked: bool, after: tuple[date, UUID] | None, limit: int
) -> list[Row]:
    """Those that have not left, the first to leave first: of one package or ('') of all, all or only those that somebody has `booked`."""
    rows = await conn.fetch(
        _ROW
        + """
        WHERE d.starts_on >= (house_now() AT TIME ZONE p.time_zone)::date AND ($1 = '' OR p.slug = $1)
          AND (NOT $2 OR EXISTS (SELECT FROM bookings b WHERE b.departure_id = d.id AND b.status IN ('held', 'confirmed')))
          AND ($3::date IS NULL OR (d.starts_on, d.id) > ($3, $4))
        ORDER BY d.starts_on, d.id LIMIT $5
        """,
        slug,
        booked,
        after[0] if after else None,
        after[1] if after else None,
        limit,
    )
    return [Row(**row) for row in rows]


async def get(conn: Connection, departure_id: UUID) -> Row | None:
    row = await conn.fetchrow(_ROW + "WHERE d.id = $1", departure_id)
    return Row(**row) if row else None


async def list_concerned(conn: Connection, departure_id: UUID) -> list[Concerned]:
    """Who has seats on it, by name."""
    rows = await conn.fetch(
        """
        SELECT b.reference, b.status, b.name, b.email, b.seats - b.cancelled_seats AS seats, b.locale,
               CASE WHEN b.status = 'confirmed' AND kept.amount < b.total_price - b.reduced_amount THEN b.balance_due_on END AS balance_due_on
        FROM bookings b
        CROSS JOIN LATERAL (SELECT -coalesce(sum(e.amount), 0) AS amount FROM ledger_entries e
                            WHERE e.subject_id = b.id AND e.currency = b.currency AND e.account IN ('customer_deposits', 'travel_revenue')) kept
        WHERE b.departure_id = $1 AND b.status IN ('held', 'confirmed') ORDER BY lower(b.name), b.id
        """,
        departure_id,
    )
    return [Concerned(**row) for row in rows]


async def find_going(conn: Connection, departure_id: UUID | None, slug: str) -> Going | None:
    """By the id of a departure, or else by the slug of a package."""
    row = await conn.fetchrow(
        """
        SELECT p.id AS package_id, p.name AS package_name, d.id AS departure_id, d.starts_on
        FROM packages p LEFT JOIN departures d ON d.package_id = p.id AND d.id = $1
        WHERE CASE WHEN $1::uuid IS NOT NULL THEN d.id IS NOT NULL ELSE p.slug = $2 END
        """,
        departure_id,
        slug,
    )
    return Going(**row) if row else None


async def list_packages(conn: Connection) -> list[tuple[str, str]]:
    """(slug, name) of packages that still depart."""
    rows = await conn.fetch(
        """
        SELECT p.slug, p.name FROM packages p
        WHERE EXISTS (SELECT FROM departures d WHERE d.package_id = p.id AND d.starts_on >= (house_now() AT TIME ZONE p.time_zone)::date)
        ORDER BY p.name, p.slug
        """
    )
    return [(row[0], row[1]) for row in rows]
