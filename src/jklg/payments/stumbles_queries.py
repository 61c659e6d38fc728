"""SQL of stumbles."""

from __future__ import annotations

from uuid import UUID

import msgspec

from jklg.kit.db import Connection


class Stumbled(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt with which something went wrong in the house, so often in a row."""

    booking_id: UUID
    stumbles: int


async def stumble(conn: Connection, transaction_id: UUID, error: str, seconds: float) -> Stumbled:
    """Once more, and look at it again in so many seconds. The caller has the booking's lock."""
    row = await conn.fetchrow(
        """
        UPDATE transactions SET stumbles = stumbles + 1, stumbled_over = left($2, 1000), check_at = house_now() + make_interval(secs => $3)
        WHERE id = $1 RETURNING booking_id, stumbles
        """,
        transaction_id,
        error,
        seconds,
    )
    assert row is not None, "transactions are never deleted"
    return Stumbled(**row)
