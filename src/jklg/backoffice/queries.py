"""SQL of the back office: reads across the rooms. Money in minor units; days are those of the agency's time zone."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from jklg.kit.db import Connection

ZONE = "Asia/Kolkata"


class BookingRow(msgspec.Struct, frozen=True, kw_only=True):
    """A booking of today: the seats it has now, and what it costs now, in minor units of `currency`."""

    reference: str
    status: str
    payment_status: str
    package_name: str
    starts_on: date
    name: str
    seats: int
    currency: str
    price: int
    created_at: datetime


class MoneyRow(msgspec.Struct, frozen=True, kw_only=True):
    """What moved through one gateway today, in one currency: received, sent back, and what it still holds for us."""

    gateway: str
    currency: str
    received: int
    sent_back: int
    held_by_gateway: int


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """One amount that reached or left a gateway today. Received is positive."""

    posted_at: datetime
    kind: str
    gateway: str
    currency: str
    amount: int
    reference: str | None


class HoldRow(msgspec.Struct, frozen=True, kw_only=True):
    reference: str
    name: str
    package_name: str
    starts_on: date
    seats: int
    hold_expires_at: datetime
    payment_open: bool


class DayCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Of today: bookings made, and those of them that are confirmed or travelled. Of the whole house: holds, and those of them being paid."""

    made: int
    confirmed: int
    holds: int
    paying: int


class DepartureRow(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    package_name: str
    package_slug: str
    starts_on: date
    allotment: int
    seats_taken: int
    seats_confirmed: int
    status: str
    guaranteed: bool


async def freeze(conn: Connection) -> None:
    """Everything that follows sees one moment, and nothing can be changed."""
    await conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


SHOWN = 200
"""Rows of a list on the Today page. The counts beside it are of everything."""


async def count_day(conn: Connection) -> DayCounts:
    row = await conn.fetchrow(
        """
        SELECT count(*) FILTER (WHERE today) AS made,
               count(*) FILTER (WHERE today AND status IN ('confirmed', 'completed')) AS confirmed,
               count(*) FILTER (WHERE status = 'held') AS holds,
               count(*) FILTER (WHERE status = 'held' AND payment_open) AS paying
        FROM bookings,
             LATERAL (SELECT created_at >= date_trunc('day', house_now() AT TIME ZONE $1) AT TIME ZONE $1 AS today) AS day
        WHERE today OR status = 'held'
        """,
        ZONE,
    )
    assert row is not None
    return DayCounts(**row)


async def list_bookings_today(conn: Connection) -> list[BookingRow]:
    rows = await conn.fetch(
        """
        SELECT b.reference, b.status, b.payment_status, p.name AS package_name, d.starts_on, b.name, b.seats - b.cancelled_seats AS seats, b.currency,
               b.total_price - b.reduced_amount AS price, b.created_at
        FROM bookings b JOIN departures d ON d.id = b.departure_id JOIN packages p ON p.id = d.package_id
        WHERE b.created_at >= date_trunc('day', house_now() AT TIME ZONE $1) AT TIME ZONE $1
        ORDER BY b.created_at DESC, b.id DESC LIMIT $2
        """,
        ZONE,
        SHOWN,
    )
    return [BookingRow(**row) for row in rows]


async def list_money_today(conn: Connection) -> list[MoneyRow]:
    """From the ledger, so that it is what the books say."""
    rows = await conn.fetch(
        """
        SELECT substr(e.account, length('gateway_clearing:') + 1) AS gateway, e.currency,
               coalesce(sum(e.amount) FILTER (WHERE today AND t.kind = 'capture'), 0)::bigint AS received,
               coalesce(-sum(e.amount) FILTER (WHERE today AND t.kind LIKE 'refund%'), 0)::bigint AS sent_back,
               sum(e.amount)::bigint AS held_by_gateway
        FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id,
             LATERAL (SELECT t.posted_at >= date_trunc('day', house_now() AT TIME ZONE $1) AT TIME ZONE $1 AS today) AS day
        WHERE e.account LIKE 'gateway_clearing:%'
        GROUP BY e.account, e.currency ORDER BY e.currency, e.account
        """,
        ZONE,
    )
    return [MoneyRow(**row) for row in rows]


async def list_movements_today(conn: Connection) -> list[Movement]:
    """What the figures of `list_money_today` are made of, newest first."""
    rows = await conn.fetch(
        """
        SELECT t.posted_at, t.kind, substr(e.account, length('gateway_clearing:') + 1) AS gateway, e.currency, e.amount, b.reference
        FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id LEFT JOIN bookings b ON b.id = e.subject_id
        WHERE e.account LIKE 'gateway_clearing:%'
          AND t.posted_at >= date_trunc('day', house_now() AT TIME ZONE $1) AT TIME ZONE $1
        ORDER BY e.id DESC LIMIT $2
        """,
        ZONE,
        SHOWN,
    )
    return [Movement(**row) for row in rows]


async def list_departures_soon(conn: Connection) -> list[DepartureRow]:
    rows = await conn.fetch(
        """
        SELECT d.id, p.name AS package_name, p.slug AS package_slug, d.starts_on, d.allotment, d.seats_taken,
               coalesce((SELECT sum(b.seats - b.cancelled_seats) FROM bookings b WHERE b.departure_id = d.id AND b.status = 'confirmed'), 0)::integer AS seats_confirmed,
               d.status, d.guaranteed
        FROM departures d JOIN packages p ON p.id = d.package_id
        WHERE d.starts_on BETWEEN (house_now() AT TIME ZONE p.time_zone)::date AND (house_now() AT TIME ZONE p.time_zone)::date + 14
        ORDER BY d.starts_on, p.name, d.id
        """
    )
    return [DepartureRow(**row) for row in rows]


async def list_holds(conn: Connection) -> list[HoldRow]:
    """Open holds, the first to run out first."""
    rows = await conn.fetch(
        """
        SELECT b.reference, b.name, p.name AS package_name, d.starts_on, b.seats, b.hold_expires_at, b.payment_open
        FROM bookings b JOIN departures d ON d.id = b.departure_id JOIN packages p ON p.id = d.package_id
        WHERE b.status = 'held' ORDER BY b.hold_expires_at, b.id LIMIT $1
        """,
        SHOWN,
    )
    return [HoldRow(**row) for row in rows]


async def list_audit(conn: Connection, booking_id: UUID) -> list[dict[str, Any]]:
    rows = await conn.fetch(
        """
        SELECT l.timestamp, l.action, l.old_status, l.new_status, l.changed_by, l.change_reason
        FROM transaction_audit_logs l JOIN transactions t ON t.id = l.transaction_id
        WHERE t.booking_id = $1 ORDER BY l.id
        """,
        booking_id,
    )
    return [dict(row) for row in rows]


async def list_postings(conn: Connection, booking_id: UUID) -> list[dict[str, Any]]:
    rows = await conn.fetch(
        """
        SELECT t.posted_at, t.kind, e.account, e.currency, e.amount
        FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id
        WHERE e.subject_id = $1 ORDER BY e.id
        """,
        booking_id,
    )
    return [dict(row) for row in rows]


async def names_of_staff(conn: Connection) -> dict[str, str]:
    """'staff:<id>' -> name, of everybody who works or worked here."""
    return {row[0]: row[1] for row in await conn.fetch("SELECT 'staff:' || id, name FROM staff")}
