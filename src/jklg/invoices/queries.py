"""SQL of the invoices."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from jklg.kit.db import Connection


class Invoice(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice, or a credit note, as it was written. `amount` in minor units of `currency`, below zero on a credit note, which names
    the `corrected` invoice; `issued_on` on the seller's calendar; `buyer` is empty once they were forgotten."""

    id: UUID
    kind: str
    number: str
    booking_id: UUID
    corrects: UUID | None
    corrected: str | None
    currency: str
    amount: int
    lines: list[dict[str, Any]]
    seller: dict[str, Any]
    buyer: dict[str, Any]
    journey: dict[str, Any]
    terms: dict[str, Any]
    issued_on: date
    issued_at: datetime


_INVOICE = """
SELECT i.id, i.kind, i.number, i.booking_id, i.corrects, c.number AS corrected, i.currency, i.amount, i.lines, i.seller, i.buyer, i.journey,
       i.terms, i.issued_on, i.issued_at
FROM invoices i LEFT JOIN invoices c ON c.id = i.corrects
"""


class NewPaper(msgspec.Struct, frozen=True, kw_only=True):
    """What differs from paper to paper of those that are written together. See `Invoice`."""

    id: UUID
    serial: int
    booking_id: UUID
    corrects: UUID | None
    currency: str
    amount: int
    lines: list[dict[str, Any]]
    buyer: dict[str, Any]
    journey: dict[str, Any]
    terms: dict[str, Any]


async def list_of_booking(conn: Connection, booking_id: UUID) -> list[Invoice]:
    """Every paper of a booking, the invoice first, with the rights of the caller's claims."""
    return (await list_of_bookings(conn, [booking_id])).get(booking_id, [])


async def list_of_bookings(conn: Connection, booking_ids: Sequence[UUID]) -> dict[UUID, list[Invoice]]:
    """The same of many, without those that have none."""
    rows = await conn.fetch(
        _INVOICE + "WHERE i.booking_id = ANY($1) ORDER BY i.kind DESC, i.issued_at, i.serial", booking_ids
    )
    found: dict[UUID, list[Invoice]] = {}
    for row in rows:
        found.setdefault(row["booking_id"], []).append(Invoice(**row))
    return found


async def take_numbers(conn: Connection, kind: str, time_zone: str, count: int) -> tuple[int, int, date]:
    """The next `count` numbers of this year's series: (year, the first of them, today), on the calendar of `time_zone`. Locks the series
    until the caller's database transaction ends, and is undone with it."""
    row = await conn.fetchrow(
        """
        WITH today AS (SELECT (house_now() AT TIME ZONE $2)::date AS on_day)
        INSERT INTO invoice_series AS s (kind, year, last_serial) SELECT $1, extract(year FROM on_day), $3 FROM today
        ON CONFLICT (kind, year) DO UPDATE SET last_serial = s.last_serial + $3
        RETURNING year, last_serial - $3 + 1, (SELECT on_day FROM today)
        """,
        kind,
        time_zone,
        count,
    )
    assert row is not None
    return row[0], row[1], row[2]


async def insert(
    conn: Connection, kind: str, year: int, issued_on: date, seller: dict[str, Any], papers: Sequence[NewPaper]
) -> dict[UUID, str]:
    """The numbers of what was written, by booking."""
    rows = await conn.fetch(
        """
        INSERT INTO invoices (kind, year, issued_on, seller, id, serial, booking_id, corrects, currency, amount, lines, buyer, journey, terms)
        SELECT $1, $2, $3, $4, p.id, p.serial, p.booking_id, p.corrects, p.currency, p.amount, p.lines, p.buyer, p.journey, p.terms
        FROM jsonb_to_recordset($5) AS p(id uuid, serial integer, booking_id uuid, corrects uuid, currency text, amount bigint, lines jsonb,
                                         buyer jsonb, journey jsonb, terms jsonb)
        RETURNING booking_id, number
        """,
        kind, year, issued_on, seller, papers,
    )  # fmt: skip
    return {row["booking_id"]: row["number"] for row in rows}


async def addresses_of(conn: Connection, customer_ids: Sequence[UUID]) -> dict[UUID | None, dict[str, str]]:
    """Where customers live: their default address, or the one they gave first. Without those who gave none."""
    if not customer_ids:
        return {}
    rows = await conn.fetch(
        """
        SELECT DISTINCT ON (customer_id) customer_id, street, city, state, postal_code, country FROM customer_addresses
        WHERE customer_id = ANY($1) ORDER BY customer_id, is_default DESC, created_at, id
        """,
        customer_ids,
    )
    return {
        row["customer_id"]: {name: value or "" for name, value in row.items() if name != "customer_id"} for row in rows
    }


async def forget_buyer(conn: Connection, booking_id: UUID) -> None:
    await conn.execute("UPDATE invoices SET buyer = '{}' WHERE booking_id = $1 AND buyer <> '{}'", booking_id)
