"""SQL of suspense."""

from __future__ import annotations

from uuid import UUID

from jklg.kit.db import Connection


async def list_brought(conn: Connection, booking_id: UUID) -> list[UUID]:
    """The attempts whose money went to suspense and has not all gone back, the oldest first."""
    rows = await conn.fetch(
        """
        SELECT t.id FROM transactions t
        WHERE t.booking_id = $1 AND t.captured_amount > t.refund_amount + t.refund_reserved AND EXISTS (
            SELECT FROM ledger_transactions l JOIN ledger_entries e ON e.transaction_id = l.id
            WHERE l.kind = 'capture' AND l.source_type = 'transaction' AND l.subject_id = $1 AND split_part(l.source_id, ':', 1) = t.id::text
              AND e.account = 'suspense:unapplied' AND e.currency = t.currency)
        ORDER BY t.created_at, t.id
        """,
        booking_id,
    )
    return [row[0] for row in rows]
