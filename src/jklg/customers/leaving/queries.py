"""SQL of leaving: reads only. Every table is erased by the room that writes it."""

from __future__ import annotations

from uuid import UUID

from jklg.kit.db import Connection


async def list_reasons_to_write(conn: Connection, customer_id: UUID) -> list[UUID]:
    """Links, codes and sessions of a customer: what mails were written about, whatever mailbox they went to."""
    rows = await conn.fetch(
        """
        SELECT id FROM email_verification_tokens WHERE customer_id = $1
        UNION ALL SELECT id FROM password_reset_tokens WHERE customer_id = $1
        UNION ALL SELECT id FROM customer_sessions WHERE customer_id = $1
        """,
        customer_id,
    )
    return [row[0] for row in rows]
