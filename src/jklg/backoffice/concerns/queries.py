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
    body_sha256: bytes
    other_sha256: bytes | None
    last_error: str | None
    received_at: datetime


async def get_notice(conn: Connection, notice_id: int) -> DeadNotice | None:
    row = await conn.fetchrow(
        """
        SELECT id, gateway, event_id, event_type, ref, state, reason, attempts, collision, body_sha256, other_sha256, last_error, received_at
        FROM webhook_inbox WHERE id = $1
        """,
        notice_id,
    )
    return DeadNotice(**row) if row else None


class DeadMail(msgspec.Struct, frozen=True, kw_only=True):
    """A mail as staff may see it: without its words, which hold its reader's own links. `returned`: why it came back. Times in UTC."""

    to_address: str
    to_name: str
    subject: str
    state: str
    last_error: str | None
    created_at: datetime
    returned: str | None


async def get_mail(conn: Connection, mail_id: UUID) -> DeadMail | None:
    row = await conn.fetchrow(
        """
        SELECT m.to_address, m.to_name, m.subject, m.state, m.last_error, m.created_at, concat_ws(': ', b.code, b.said) AS returned
        FROM mail_outbox m LEFT JOIN mail_bounces b ON b.mail_id = m.id WHERE m.id = $1
        """,
        mail_id,
    )
    return DeadMail(**row) if row else None


class WaitingMails(msgspec.Struct, frozen=True, kw_only=True):
    """Mails that the mail server has not been there for: how many, since when, and what it said last. Times in UTC."""

    count: int
    since: datetime | None
    last_error: str | None


async def get_waiting_mails(conn: Connection) -> WaitingMails:
    row = await conn.fetchrow(
        """
        SELECT count(*) AS count, min(waiting_since) AS since, (array_agg(last_error ORDER BY next_attempt_at DESC))[1] AS last_error
        FROM mail_outbox WHERE state = 'queued' AND waiting_since IS NOT NULL
        """
    )
    assert row is not None
    return WaitingMails(**row)


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
