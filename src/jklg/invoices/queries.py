"""SQL of the invoices."""

from __future__ import annotations

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


async def list_of_booking(conn: Connection, booking_id: UUID) -> list[Invoice]:
    """Every paper of a booking, the invoice first, with the rights of the caller's claims."""
    rows = await conn.fetch(
        _INVOICE + "WHERE i.booking_id = $1 ORDER BY i.kind DESC, i.issued_at, i.serial", booking_id
    )
    return [Invoice(**row) for row in rows]


async def take_number(conn: Connection, kind: str, time_zone: str) -> tuple[int, int, date]:
    """The next number of this year's series: (year, serial, today), on the calendar of `time_zone`. Locks the series until the caller's
    database transaction ends, and is undone with it."""
    row = await conn.fetchrow(
        """
        WITH today AS (SELECT (house_now() AT TIME ZONE $2)::date AS on_day)
        INSERT INTO invoice_series AS s (kind, year, last_serial) SELECT $1, extract(year FROM on_day), 1 FROM today
        ON CONFLICT (kind, year) DO UPDATE SET last_serial = s.last_serial + 1
        RETURNING year, last_serial, (SELECT on_day FROM today)
        """,
        kind,
        time_zone,
    )
    assert row is not None
    return row[0], row[1], row[2]


async def insert(
    conn: Connection,
    *,
    invoice_id: UUID,
    kind: str,
    year: int,
    serial: int,
    issued_on: date,
    booking_id: UUID,
    corrects: UUID | None,
    currency: str,
    amount: int,
    lines: list[dict[str, Any]],
    seller: dict[str, Any],
    buyer: dict[str, Any],
    journey: dict[str, Any],
    terms: dict[str, Any],
) -> str:
    """The number of what was written."""
    number: str = await conn.fetchval(
        """
        INSERT INTO invoices (id, kind, year, serial, issued_on, booking_id, corrects, currency, amount, lines, seller, buyer, journey, terms)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) RETURNING number
        """,
        invoice_id, kind, year, serial, issued_on, booking_id, corrects, currency, amount, lines, seller, buyer, journey, terms,
    )  # fmt: skip
    return number


async def address_of_customer(conn: Connection, customer_id: UUID) -> dict[str, str] | None:
    """Where a customer lives: their default address, or the one they gave first."""
    row = await conn.fetchrow(
        """
        SELECT street, city, state, postal_code, country FROM customer_addresses
        WHERE customer_id = $1 ORDER BY is_default DESC, created_at, id LIMIT 1
        """,
        customer_id,
    )
    return {name: value or "" for name, value in row.items()} if row else None


async def forget_buyer(conn: Connection, booking_id: UUID) -> None:
    await conn.execute("UPDATE invoices SET buyer = '{}' WHERE booking_id = $1 AND buyer <> '{}'", booking_id)
