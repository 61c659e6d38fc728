"""SQL of the back office: reads across the rooms. Money in minor units; days are those of the agency's time zone."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from jklg.kit.db import Connection

ZONE = "Asia/Kolkata"


class BookingRow(msgspec.Struct, frozen=True, kw_only=True):
    reference: str
    status: str
    payment_status: str
    package_name: str
    starts_on: date
    name: str
    seats: int
    currency: str
    total_price: int
    created_at: datetime


class MoneyRow(msgspec.Struct, frozen=True, kw_only=True):
    """What moved through one gateway today, in one currency: received, sent back, and what it still holds for us."""

    gateway: str
    currency: str
    received: int
    sent_back: int
    held_by_gateway: int


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


class Concern(msgspec.Struct, frozen=True, kw_only=True):
    """Something that needs a person."""

    what: str
    detail: str
    reference: str | None
    since: datetime


async def list_bookings_today(conn: Connection) -> list[BookingRow]:
    rows = await conn.fetch(
        """
        SELECT b.reference, b.status, b.payment_status, p.name AS package_name, d.starts_on, b.name, b.seats, b.currency,
               b.total_price, b.created_at
        FROM bookings b JOIN departures d ON d.id = b.departure_id JOIN packages p ON p.id = d.package_id
        WHERE b.created_at >= date_trunc('day', house_now() AT TIME ZONE $1) AT TIME ZONE $1
        ORDER BY b.created_at DESC, b.id DESC LIMIT 200
        """,
        ZONE,
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


async def list_departures_soon(conn: Connection) -> list[DepartureRow]:
    rows = await conn.fetch(
        """
        SELECT d.id, p.name AS package_name, p.slug AS package_slug, d.starts_on, d.allotment, d.seats_taken,
               coalesce((SELECT sum(b.seats) FROM bookings b WHERE b.departure_id = d.id AND b.status = 'confirmed'), 0)::integer AS seats_confirmed,
               d.status, d.guaranteed
        FROM departures d JOIN packages p ON p.id = d.package_id
        WHERE d.starts_on BETWEEN (house_now() AT TIME ZONE p.time_zone)::date AND (house_now() AT TIME ZONE p.time_zone)::date + 14
        ORDER BY d.starts_on, p.name, d.id
        """
    )
    return [DepartureRow(**row) for row in rows]


async def count_holds(conn: Connection) -> tuple[int, int]:
    """(holds open, of which a payment is under way)."""
    row = await conn.fetchrow(
        "SELECT count(*), count(*) FILTER (WHERE payment_open) FROM bookings WHERE status = 'held'"
    )
    assert row is not None
    return row[0], row[1]


async def list_concerns(conn: Connection) -> list[Concern]:
    """Everything that could not be healed by itself, oldest first: money, mail, webhooks, news."""
    rows = await conn.fetch(
        """
        SELECT 'Payment: ' || replace(a.kind, '_', ' ') AS what, a.detail::text AS detail, b.reference, a.opened_at AS since
        FROM anomalies a LEFT JOIN bookings b ON b.id = a.booking_id WHERE a.resolved_at IS NULL
        UNION ALL
        SELECT 'Mail not delivered: ' || m.subject, coalesce(m.last_error, ''), NULL, m.created_at FROM mail_outbox m WHERE m.state = 'dead'
        UNION ALL
        SELECT 'Webhook put aside: ' || i.gateway || ' ' || i.event_type, coalesce(i.last_error, ''), NULL, i.received_at
        FROM webhook_inbox i WHERE i.state = 'dead'
        UNION ALL
        SELECT 'Webhook came twice with different words: ' || i.gateway || ' ' || i.event_type, i.event_id, NULL, i.received_at
        FROM webhook_inbox i WHERE i.collision
        UNION ALL
        SELECT 'News not acted on: ' || j.entrypoint, convert_from(coalesce(j.payload, ''), 'UTF8'), NULL, j.created
        FROM pgqueuer j WHERE j.status = 'failed'
        ORDER BY since LIMIT 200
        """
    )
    return [Concern(**row) for row in rows]


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
