"""SQL of what a person needs to see of a concern."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from jklg.kit.db import Connection


class DeadNotice(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook as it was filed. Times in UTC."""

    id: int
    gateway: str
    event_id: str
    event_type: str
    ref: str | None
    state: str
    reason: str | None
    attempts: int
    collision: bool
    last_error: str | None
    received_at: datetime


async def get_notice(conn: Connection, notice_id: int) -> DeadNotice | None:
    row = await conn.fetchrow(
        """
        SELECT id, gateway, event_id, event_type, ref, state, reason, attempts, collision, last_error, received_at
        FROM webhook_inbox WHERE id = $1
        """,
        notice_id,
    )
    return DeadNotice(**row) if row else None


class DeadMail(msgspec.Struct, frozen=True, kw_only=True):
    """A mail as staff may see it: without its words, which hold its reader's own links. Times in UTC."""

    to_address: str
    to_name: str
    subject: str
    state: str
    last_error: str | None
    created_at: datetime


async def get_mail(conn: Connection, mail_id: UUID) -> DeadMail | None:
    row = await conn.fetchrow(
        "SELECT to_address, to_name, subject, state, last_error, created_at FROM mail_outbox WHERE id = $1", mail_id
    )
    return DeadMail(**row) if row else None


class HeldNews(msgspec.Struct, frozen=True, kw_only=True):
    """News that nobody could act on. `payload` holds ids; `error` is what went wrong the last time; `held`: it still waits for a person."""

    news: str
    payload: dict[str, Any]
    created: datetime
    held: bool
    error: str | None


async def get_news(conn: Connection, job_id: int) -> HeldNews | None:
    row = await conn.fetchrow(
        """
        SELECT j.entrypoint AS news, convert_from(coalesce(j.payload, '{}'), 'UTF8')::jsonb AS payload, j.created, j.status = 'failed' AS held,
               (SELECT concat_ws(': ', l.traceback ->> 'exception_type', l.traceback ->> 'exception_message') FROM pgqueuer_log l
                WHERE l.job_id = j.id AND l.traceback IS NOT NULL ORDER BY l.id DESC LIMIT 1) AS error
        FROM pgqueuer j WHERE j.id = $1
        """,
        job_id,
    )
    return HeldNews(**row) if row else None


async def name_of(conn: Connection, actor: str | None) -> str:
    """The name behind 'staff:<id>'; anything else as it is."""
    found = await conn.fetchval("SELECT name FROM staff WHERE 'staff:' || id = $1", actor)
    return str(found or actor or "")


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What we hold that a bank may want to see of a disputed payment."""

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
    terms_version: str | None
    source: str


async def get_evidence(conn: Connection, dispute_id: UUID) -> Evidence | None:
    row = await conn.fetchrow(
        """
        SELECT d.id AS dispute_id, d.gateway_ref AS dispute_ref, d.reason, d.state, d.amount, d.currency, d.evidence_due_at,
               t.booking_id, t.id AS transaction_id, t.gateway, t.transaction_id AS gateway_ref, t.payment_method,
               t.captured_amount AS captured, t.refund_amount AS refunded, t.completed_at AS paid_at, b.terms_version, b.source
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
