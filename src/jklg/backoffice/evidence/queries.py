"""SQL of what a bank may want to see of a disputed payment. Money in minor units of the booking's currency; times in UTC."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from jklg.kit.db import Connection


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """A dispute, the payment it is about, and what its booking was sold under. `consent_id`: a kept card was charged, without the payer."""

    dispute_id: UUID
    dispute_ref: str
    reason: str
    state: str
    amount: int
    currency: str
    evidence_due_at: datetime | None
    booking_id: UUID
    transaction_id: UUID
    gateway: str
    gateway_ref: str | None
    payment_method: str | None
    captured: int
    refunded: int
    paid_at: datetime | None
    consent_id: UUID | None
    terms_version: str | None
    source: str


async def get_evidence(conn: Connection, dispute_id: UUID) -> Evidence | None:
    row = await conn.fetchrow(
        """
        SELECT d.id AS dispute_id, d.gateway_ref AS dispute_ref, d.reason, d.state, d.amount, d.currency, d.evidence_due_at,
               t.booking_id, t.id AS transaction_id, t.gateway, t.transaction_id AS gateway_ref, t.payment_method,
               t.captured_amount AS captured, t.refund_amount AS refunded, t.completed_at AS paid_at, t.consent_id, b.terms_version, b.source
        FROM disputes d JOIN transactions t ON t.id = d.transaction_id JOIN bookings b ON b.id = t.booking_id WHERE d.id = $1
        """,
        dispute_id,
    )
    return Evidence(**row) if row else None


async def list_letters(conn: Connection, email: str, reference: str) -> list[dict[str, Any]]:
    """What was mailed to the customer about this booking, oldest first."""
    rows = await conn.fetch(
        """
        SELECT subject, kind, sent_at, state, text_body FROM mail_outbox
        WHERE to_address = $1 AND $1 <> '' AND position($2 IN subject || text_body) > 0 ORDER BY created_at, id
        """,
        email,
        reference,
    )
    return [dict(row) for row in rows]


async def list_refunds(conn: Connection, booking_id: UUID) -> list[dict[str, Any]]:
    rows = await conn.fetch(
        """
        SELECT r.amount, r.currency, r.state, r.reason, r.created_at FROM refunds r JOIN transactions t ON t.id = r.transaction_id
        WHERE t.booking_id = $1 ORDER BY r.created_at, r.id
        """,
        booking_id,
    )
    return [dict(row) for row in rows]


async def list_attempts(conn: Connection, booking_id: UUID) -> list[dict[str, Any]]:
    """Every attempt to pay the booking, the oldest first, with what its gateway told of it, in the order it came."""
    rows = await conn.fetch(
        """
        SELECT t.id, t.gateway, t.transaction_id AS ref, t.payment_method, t.amount, t.currency, t.state, t.error_message, t.created_at,
               t.consent_id IS NOT NULL AS charged_by_consent,
               (SELECT coalesce(jsonb_agg(jsonb_build_object('what', f.fact_type, 'amount', f.amount, 'currency', f.currency, 'ref', f.object_id,
                    'at', coalesce(f.gateway_at, f.recorded_at)) ORDER BY coalesce(f.gateway_at, f.recorded_at), f.id), '[]')
                FROM gateway_facts f WHERE f.transaction_id = t.id) AS facts
        FROM transactions t WHERE t.booking_id = $1 ORDER BY t.created_at, t.id
        """,
        booking_id,
    )
    return [dict(row) for row in rows]


async def list_consents(conn: Connection, booking_id: UUID) -> list[dict[str, Any]]:
    """What the payer has agreed to about later charges, word for word, the oldest first."""
    rows = await conn.fetch(
        """
        SELECT c.id, c.wording, c.given_at, c.label, c.ended_at, c.ended_why, t.transaction_id AS given_with
        FROM payment_consents c JOIN transactions t ON t.id = c.transaction_id WHERE c.booking_id = $1 ORDER BY c.given_at, c.id
        """,
        booking_id,
    )
    return [dict(row) for row in rows]
