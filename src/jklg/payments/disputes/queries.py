"""SQL of disputes."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from jklg.kit.db import Connection


class Dispute(msgspec.Struct, frozen=True, kw_only=True):
    """One dispute, in minor units of `currency`. `withdrawn`: taken and not given back; `lost`: written off. Times in UTC."""

    id: UUID
    transaction_id: UUID
    gateway: str
    gateway_ref: str
    amount: int
    currency: str
    reason: str
    state: str
    evidence_due_at: datetime | None
    withdrawn: int
    lost: int
    loss_postings: int
    opened_at: datetime
    closed_at: datetime | None


_DISPUTE = """
SELECT id, transaction_id, gateway, gateway_ref, amount, currency, reason, state, evidence_due_at, withdrawn_amount AS withdrawn,
       lost_amount AS lost, loss_postings, opened_at, closed_at
FROM disputes
"""


async def insert(
    conn: Connection,
    *,
    dispute_id: UUID,
    transaction_id: UUID,
    gateway: str,
    livemode: bool,
    gateway_ref: str,
    amount: int,
    currency: str,
    reason: str,
    state: str,
    evidence_due_at: datetime | None,
) -> bool:
    """Write a dispute. False when it is known."""
    new = await conn.fetchval(
        """
        INSERT INTO disputes (id, transaction_id, gateway, livemode, gateway_ref, amount, currency, reason, state, evidence_due_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT ON CONSTRAINT disputes_once DO NOTHING RETURNING true
        """,
        dispute_id, transaction_id, gateway, livemode, gateway_ref, amount, currency, reason, state, evidence_due_at,
    )  # fmt: skip
    return bool(new)


async def find(conn: Connection, transaction_id: UUID, gateway_ref: str) -> Dispute | None:
    """The dispute a gateway speaks of. Nobody else changes it until the caller's database transaction ends."""
    row = await conn.fetchrow(
        _DISPUTE + "WHERE transaction_id = $1 AND gateway_ref = $2 FOR UPDATE", transaction_id, gateway_ref
    )
    return Dispute(**row) if row else None


async def update(conn: Connection, now: Dispute) -> None:
    """Write how it stands now."""
    await conn.execute(
        """
        UPDATE disputes SET amount = $2, state = $3, evidence_due_at = $4, withdrawn_amount = $5, lost_amount = $6, loss_postings = $7
        WHERE id = $1
        """,
        now.id, now.amount, now.state, now.evidence_due_at, now.withdrawn, now.lost, now.loss_postings,
    )  # fmt: skip


async def list_of_transaction(conn: Connection, transaction_id: UUID) -> list[Dispute]:
    """Every dispute of an attempt, the newest first."""
    rows = await conn.fetch(_DISPUTE + "WHERE transaction_id = $1 ORDER BY opened_at DESC, id DESC", transaction_id)
    return [Dispute(**row) for row in rows]


async def hold_back(conn: Connection, transaction_id: UUID) -> bool:
    """Whether the bank is taking the money of this attempt back, or has."""
    found = await conn.fetchval(
        """
        SELECT EXISTS (SELECT FROM disputes WHERE transaction_id = $1
                       AND (withdrawn_amount > 0 OR state IN ('needs_response', 'under_review', 'appealed')))
        """,
        transaction_id,
    )
    return bool(found)
