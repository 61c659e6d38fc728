"""SQL of browsing. The order is (created_at, id), newest first; a page is reached by its cursor, never by counting rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from jklg.kit.cursors import Place
from jklg.kit.db import Connection
from jklg.payments.browsing.rules import Wanted

COUNTED = 10_000
"""Rows are counted so far and no further: ten million of them would take seconds, and nobody reads the figure."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt in the words of the contract, with its booking. Minor units of `currency`; times in UTC."""

    id: UUID
    booking_id: UUID
    amount: int
    currency: str
    status: str
    gateway: str
    transaction_id: str | None
    payment_method: str | None
    description: str | None
    receipt_url: str | None
    refund_amount: int
    refund_reason: str | None
    refund_status: str | None
    metadata: dict[str, Any]
    error_message: str | None
    attempted_at: datetime
    completed_at: datetime | None
    created_at: datetime
    updated_at: datetime
    bookings: dict[str, Any]


_FILTERS = (
    ("status", "t.status = {}"),
    ("gateway", "t.gateway = {}"),
    ("from_", "t.created_at >= {}"),
    ("to", "t.created_at < {}"),
    ("amount_min", "t.amount >= {}"),
    ("amount_max", "t.amount <= {}"),
    ("currency", "t.currency = {}"),
    ("id", "t.id = {}"),
    ("booking", "t.booking_id = {}"),
    ("customer", "t.booking_id IN (SELECT id FROM bookings WHERE customer_id = {})"),
    (
        "q",
        "(starts_with(t.transaction_id, {0})"
        " OR (SELECT position(lower({0}) IN w.words) > 0 FROM booking_words w WHERE w.booking_id = t.booking_id))",
    ),
    ("ids", "t.id = ANY({})"),
)


def _where(wanted: Wanted, after: Place | None) -> tuple[str, list[Any]]:
    """Only the filters that are wanted are in the statement, so that each has the index that fits it."""
    conditions, values = ["true"], []
    for field, condition in _FILTERS:
        value = getattr(wanted, field)
        if value not in (None, ""):
            values.append(value)
            conditions.append(condition.format(f"${len(values)}"))
    if after is not None:
        values += [after.at, after.id]
        conditions.append(f"(t.created_at, t.id) < (${len(values) - 1}, ${len(values)})")
    return " AND ".join(conditions), values


async def narrow(conn: Connection, wanted: Wanted) -> Wanted:
    """Look the words up, once for a page and its count. In the indexes made for them: attempts that match are few, and wanted by their ids. Of
    more than COUNTED there is one on every other page anyway, and the list is read in its order until a page is full."""
    if not wanted.q or wanted.common:
        return wanted
    others, values = _where(msgspec.structs.replace(wanted, q=""), None)
    q, most = f"${len(values) + 1}", COUNTED + 1
    rows = await conn.fetch(
        f"""
        (SELECT t.id FROM find_bookings({q}, {most}) AS b(id) JOIN transactions t ON t.booking_id = b.id WHERE {others} LIMIT {most})
        UNION
        (SELECT t.id FROM transactions t WHERE t.transaction_id ~>=~ {q} AND t.transaction_id ~<~ ({q} || chr(1114111)) AND {others} LIMIT {most})
        """,  # noqa: S608  (the conditions are ours, the values are parameters)
        *values,
        wanted.q,
    )
    if len(rows) < most:
        return Wanted(ids=[row["id"] for row in rows])
    return msgspec.structs.replace(wanted, common=True)


async def list_rows(conn: Connection, wanted: Wanted, after: Place | None, skip: int, limit: int) -> list[Row]:
    """A page after a place, or so many rows further.

    How many is written into the statement: a plan for any number of rows would sort them all, where the index has them in order.
    """
    where, values = _where(await narrow(conn, wanted), after)
    window = f"LIMIT {limit:d} OFFSET {skip:d}" if skip else f"LIMIT {limit:d}"
    rows = await conn.fetch(
        f"""
        SELECT t.id, t.booking_id, t.amount, t.currency, t.status, t.gateway, t.transaction_id, t.payment_method, t.description,
               t.receipt_url, t.refund_amount, t.refund_reason, t.refund_status, t.metadata, t.error_message, t.attempted_at, t.completed_at,
               t.created_at, t.updated_at,
               (SELECT jsonb_build_object('id', b.id, 'reference', b.reference, 'name', b.name, 'email', b.email, 'package', p.name)
                FROM bookings b JOIN departures d ON d.id = b.departure_id JOIN packages p ON p.id = d.package_id
                WHERE b.id = t.booking_id) AS bookings
        FROM (SELECT * FROM transactions t WHERE {where} ORDER BY t.created_at DESC, t.id DESC {window}) t
        ORDER BY t.created_at DESC, t.id DESC
        """,  # noqa: S608  (the conditions are ours, the values are parameters)
        *values,
    )
    return [Row(**row) for row in rows]


async def get(conn: Connection, transaction_id: UUID) -> Row | None:
    """One attempt as the list shows it."""
    rows = await list_rows(conn, Wanted(id=transaction_id), None, 0, 1)
    return rows[0] if rows else None


async def count(conn: Connection, wanted: Wanted) -> int:
    """How many there are, counted up to COUNTED."""
    wanted = await narrow(conn, wanted)
    if wanted.common:
        return COUNTED
    where, values = _where(wanted, None)
    found = await conn.fetchval(
        f"SELECT count(*) FROM (SELECT FROM transactions t WHERE {where} LIMIT {COUNTED}) counted",  # noqa: S608
        *values,
    )
    return int(found)


async def story(conn: Connection, transaction_id: UUID) -> dict[str, list[dict[str, Any]]]:
    """What belongs to one attempt: who changed it, its refunds and disputes, and what it did in the books."""
    row = await conn.fetchrow(
        """
        SELECT
          (SELECT coalesce(jsonb_agg(jsonb_build_object('action', l.action, 'old_status', l.old_status, 'new_status', l.new_status,
              'changed_by', l.changed_by, 'change_reason', l.change_reason, 'timestamp', l.timestamp) ORDER BY l.id), '[]')
           FROM transaction_audit_logs l WHERE l.transaction_id = $1) AS audit_logs,
          (SELECT coalesce(jsonb_agg(jsonb_build_object('id', r.id, 'amount', r.amount, 'state', r.state, 'origin', r.origin, 'reason', r.reason,
              'created_at', r.created_at) ORDER BY r.id), '[]') FROM refunds r WHERE r.transaction_id = $1) AS refunds,
          (SELECT coalesce(jsonb_agg(jsonb_build_object('id', d.id, 'amount', d.amount, 'state', d.state, 'reason', d.reason,
              'withdrawn', d.withdrawn_amount, 'evidence_due_at', d.evidence_due_at) ORDER BY d.id), '[]')
           FROM disputes d WHERE d.transaction_id = $1) AS disputes,
          (SELECT coalesce(jsonb_agg(jsonb_build_object('kind', t.kind, 'account', e.account, 'currency', e.currency, 'amount', e.amount,
              'posted_at', t.posted_at) ORDER BY e.id), '[]')
           FROM ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.id
           WHERE e.subject_id = (SELECT booking_id FROM transactions WHERE id = $1)
             AND (t.source_id = $1::text OR starts_with(t.source_id, $1::text || ':')
                  OR t.source_id IN (SELECT r.id::text FROM refunds r WHERE r.transaction_id = $1)
                  OR split_part(t.source_id, ':', 1) IN (SELECT d.id::text FROM disputes d WHERE d.transaction_id = $1))) AS postings
        """,
        transaction_id,
    )
    assert row is not None, "a row of four lists"
    return dict(row)
