"""SQL of the refund desk."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from jklg.kit.db import Connection
from jklg.payments.desk.rules import Purse


class RefundRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody asked to be sent back. Minor units of `currency`; times in UTC.

    `source`: out of this account only. `paid_by`: by hand, in one of the ways of METHODS, for what is owed.
    """

    id: UUID
    booking_id: UUID
    transaction_id: UUID | None
    amount: int
    currency: str
    reason: str
    asked_by: str
    asked_at: datetime
    needs_second: bool
    decision: str | None
    decided_by: str | None
    decided_at: datetime | None
    source: str | None
    paid_by: str | None
    paid_at: datetime | None

    @property
    def waiting(self) -> bool:
        return self.needs_second and self.decision is None


_REQUEST = """
SELECT id, booking_id, transaction_id, amount, currency, reason, asked_by, asked_at, needs_second, decision, decided_by, decided_at,
       source, paid_by, paid_at
FROM refund_requests
"""


async def get(conn: Connection, request_id: UUID) -> RefundRequest | None:
    """One request. Locks nothing."""
    row = await conn.fetchrow(_REQUEST + "WHERE id = $1", request_id)
    return RefundRequest(**row) if row else None


async def lock(conn: Connection, request_id: UUID) -> RefundRequest | None:
    """The same, and nobody else decides it until the caller's database transaction ends."""
    row = await conn.fetchrow(_REQUEST + "WHERE id = $1 FOR UPDATE", request_id)
    return RefundRequest(**row) if row else None


async def list_of_booking(conn: Connection, booking_id: UUID) -> list[RefundRequest]:
    """Every request for a booking, the oldest first."""
    rows = await conn.fetch(_REQUEST + "WHERE booking_id = $1 ORDER BY asked_at, id", booking_id)
    return [RefundRequest(**row) for row in rows]


async def list_waiting(conn: Connection, limit: int) -> list[RefundRequest]:
    """Requests that wait for a second person, the oldest first."""
    rows = await conn.fetch(_REQUEST + "WHERE needs_second AND decision IS NULL ORDER BY asked_at, id LIMIT $1", limit)
    return [RefundRequest(**row) for row in rows]


async def insert(
    conn: Connection,
    *,
    request_id: UUID,
    booking_id: UUID,
    transaction_id: UUID | None,
    amount: int,
    currency: str,
    reason: str,
    asked_by: str,
    needs_second: bool,
    source: str | None,
    paid_by: str | None,
) -> None:
    await conn.execute(
        """
        INSERT INTO refund_requests (id, booking_id, transaction_id, amount, currency, reason, asked_by, needs_second, source, paid_by, paid_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, CASE WHEN $10::text IS NOT NULL AND NOT $8::boolean THEN house_now() END)
        """,
        request_id, booking_id, transaction_id, amount, currency, reason, asked_by, needs_second, source, paid_by,
    )  # fmt: skip


async def decide(conn: Connection, request_id: UUID, decision: str, by: str) -> None:
    await conn.execute(
        """
        UPDATE refund_requests SET decision = $2::text, decided_by = $3, decided_at = house_now(),
               paid_at = CASE WHEN paid_by IS NOT NULL AND $2 = 'approved' THEN house_now() END
        WHERE id = $1
        """,
        request_id,
        decision,
        by,
    )


async def sent_alone(conn: Connection, booking_id: UUID) -> int:
    """What staff sent back of a booking, or paid by hand, during the last day without a second person."""
    found = await conn.fetchval(
        """
        SELECT coalesce(sum(CASE WHEN q.paid_by IS NULL THEN r.amount ELSE q.amount END), 0)::bigint
        FROM refund_requests q LEFT JOIN refunds r ON r.request_id = q.id AND r.state NOT IN ('failed', 'canceled')
        WHERE q.booking_id = $1 AND NOT q.needs_second AND q.asked_by LIKE 'staff:%' AND q.asked_at > house_now() - interval '1 day'
        """,
        booking_id,
    )
    return int(found)


async def lock_purses(conn: Connection, booking_id: UUID) -> list[Purse]:
    """The payments of a booking that took money, the newest first, locked, with what can still go back of each."""
    rows = await conn.fetch(
        """
        SELECT t.id AS transaction_id, t.captured_amount - t.refund_amount - t.refund_reserved - coalesce(
                   (SELECT sum(greatest(d.withdrawn_amount, 0)) FROM disputes d WHERE d.transaction_id = t.id), 0)::bigint AS left,
               EXISTS (SELECT FROM disputes d WHERE d.transaction_id = t.id AND d.state IN ('needs_response', 'under_review', 'appealed')) AS disputed
        FROM transactions t WHERE t.booking_id = $1 AND t.captured_amount > 0
        ORDER BY t.created_at DESC, t.id DESC FOR UPDATE OF t
        """,
        booking_id,
    )
    return [
        Purse(transaction_id=row["transaction_id"], left=max(row["left"], 0), disputed=row["disputed"]) for row in rows
    ]
