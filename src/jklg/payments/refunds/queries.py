"""SQL of refunds."""

from __future__ import annotations

from uuid import UUID

import msgspec

from jklg.kit.db import Connection


class Refund(msgspec.Struct, frozen=True, kw_only=True):
    """Money on its way back, in minor units of `currency`."""

    id: UUID
    transaction_id: UUID
    booking_id: UUID
    gateway: str
    livemode: bool
    ref: str | None
    amount: int
    currency: str
    state: str
    origin: str
    request_key: str
    gateway_ref: str | None
    reason: str
    source_account: str


_REFUND = """
SELECT r.id, r.transaction_id, t.booking_id, t.gateway, t.livemode, t.transaction_id AS ref, r.amount, r.currency, r.state, r.origin,
       r.request_key, r.gateway_ref, r.reason, r.source_account
FROM refunds r JOIN transactions t ON t.id = r.transaction_id
"""


async def get(conn: Connection, refund_id: UUID) -> Refund | None:
    row = await conn.fetchrow(_REFUND + "WHERE r.id = $1", refund_id)
    return Refund(**row) if row else None


async def find(conn: Connection, transaction_id: UUID, refund_id: UUID | None, gateway_ref: str) -> Refund | None:
    """The refund a gateway speaks of: by its id, or by ours."""
    row = await conn.fetchrow(
        _REFUND
        + """WHERE r.transaction_id = $1 AND (r.gateway_ref = $2 OR r.id = $3)
        ORDER BY r.gateway_ref = $2 DESC NULLS LAST LIMIT 1 FOR UPDATE OF r""",
        transaction_id,
        gateway_ref,
        refund_id,
    )
    return Refund(**row) if row else None


async def insert(
    conn: Connection,
    *,
    refund_id: UUID,
    transaction_id: UUID,
    amount: int,
    currency: str,
    origin: str,
    request_key: str,
    reason: str,
    source_account: str,
    gateway_ref: str | None = None,
    request_id: UUID | None = None,
) -> bool:
    """Reserve the capacity. False when this refund was written before (its request key is unique)."""
    new = await conn.fetchval(
        """
        INSERT INTO refunds (id, transaction_id, amount, currency, origin, request_key, reason, source_account, gateway_ref, request_id)
        SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10 WHERE NOT EXISTS (SELECT FROM refunds WHERE request_key = $6)
        RETURNING true
        """,
        refund_id,
        transaction_id,
        amount,
        currency,
        origin,
        request_key,
        reason,
        source_account,
        gateway_ref,
        request_id,
    )
    return bool(new)


async def move(
    conn: Connection, refund_id: UUID, state: str, *, gateway_ref: str | None = None, failure: str | None = None
) -> None:
    await conn.execute(
        "UPDATE refunds SET state = $2, gateway_ref = coalesce($3, gateway_ref), failure = $4 WHERE id = $1",
        refund_id,
        state,
        gateway_ref,
        failure,
    )


async def list_of_request(conn: Connection, request_id: UUID) -> list[Refund]:
    """The refunds that a request became, in the order they were reserved."""
    rows = await conn.fetch(_REFUND + "WHERE r.request_id = $1 ORDER BY r.id", request_id)
    return [Refund(**row) for row in rows]


async def list_of_booking(conn: Connection, booking_id: UUID) -> list[Refund]:
    """Every refund of a booking, the oldest first."""
    rows = await conn.fetch(_REFUND + "WHERE t.booking_id = $1 ORDER BY r.id", booking_id)
    return [Refund(**row) for row in rows]


async def forget_person(conn: Connection, transaction_id: UUID) -> list[UUID]:
    """Drop what a gateway said in words of an attempt's refunds. Answers which they are."""
    rows = await conn.fetch("UPDATE refunds SET failure = NULL WHERE transaction_id = $1 RETURNING id", transaction_id)
    return [row[0] for row in rows]
