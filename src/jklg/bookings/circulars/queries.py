"""SQL of circulars. A letter of one is a row of the outbox under the key of its recipient."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from jklg.bookings.circulars.rules import Audience, Message
from jklg.kit.db import Connection


class Circular(msgspec.Struct, frozen=True, kw_only=True):
    """One of them. `package_name`, and `starts_on` when it went to one departure, say to whom. Times in UTC."""

    id: UUID
    subject: str
    words: str
    departure_id: UUID | None
    package_id: UUID | None
    package_name: str
    starts_on: date | None
    status: str
    actor: str
    created_at: datetime
    ended_at: datetime | None


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far it is, in mailboxes. `left_out`: nobody is written to there any more; `failed`: the server refused it, or it came back."""

    total: int
    waiting: int
    underway: int
    sent: int
    left_out: int
    failed: int


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """A mailbox of an audience, by its newest booking. `bounced`: mail comes back from there, so that it is left out."""

    booking_id: UUID
    reference: str
    name: str
    locale: str
    bounced: bool


class Recipient(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    booking_id: UUID
    mailbox: str
    bounced: bool


_CIRCULAR = """
SELECT c.id, c.subject, c.words, c.departure_id, c.package_id, p.name AS package_name, d.starts_on, c.status, c.actor, c.created_at, c.ended_at
FROM circulars c LEFT JOIN departures d ON d.id = c.departure_id JOIN packages p ON p.id = coalesce(c.package_id, d.package_id)
"""


async def audience(conn: Connection, wanted: Audience) -> list[Person]:
    """Every mailbox once, by name."""
    rows = await conn.fetch(
        """
        SELECT * FROM (
            SELECT DISTINCT ON (lower(b.email)) b.id AS booking_id, b.reference, b.name, b.locale, mail_bounced(b.email) AS bounced
            FROM bookings b JOIN departures d ON d.id = b.departure_id JOIN packages p ON p.id = d.package_id
            WHERE b.status = 'confirmed' AND b.email <> '' AND d.ends_on >= (house_now() AT TIME ZONE p.time_zone)::date
              AND (d.id = $1 OR d.package_id = $2)
            ORDER BY lower(b.email), b.created_at DESC, b.id) each
        ORDER BY lower(name), booking_id
        """,
        wanted.departure_id,
        wanted.package_id,
    )
    return [Person(**row) for row in rows]


async def insert(conn: Connection, id_: UUID, wanted: Audience, message: Message, actor: str) -> bool:
    """False when it is there."""
    done = await conn.fetchval(
        """
        INSERT INTO circulars (id, subject, words, departure_id, package_id, actor) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (id) DO NOTHING RETURNING true
        """,
        id_, message.subject, message.words, wanted.departure_id, wanted.package_id, actor,
    )  # fmt: skip
    return bool(done)


async def insert_recipients(conn: Connection, circular_id: UUID, booking_ids: Sequence[UUID]) -> None:
    await conn.execute(
        """
        INSERT INTO circular_recipients (circular_id, booking_id, mailbox) SELECT $1, id, lower(email) FROM bookings WHERE id = ANY($2)
        ON CONFLICT ON CONSTRAINT circular_recipients_once DO NOTHING
        """,
        circular_id,
        list(booking_ids),
    )


async def get(conn: Connection, id_: UUID) -> Circular | None:
    """One circular. Locks nothing."""
    row = await conn.fetchrow(_CIRCULAR + "WHERE c.id = $1", id_)
    return Circular(**row) if row else None


async def list_all(conn: Connection, limit: int) -> list[Circular]:
    """The newest first."""
    rows = await conn.fetch(_CIRCULAR + "ORDER BY c.created_at DESC, c.id DESC LIMIT $1", limit)
    return [Circular(**row) for row in rows]


async def progress(conn: Connection, ids: Sequence[UUID]) -> dict[UUID, Progress]:
    """How far each of them is, as the outbox knows it."""
    rows = await conn.fetch(
        """
        SELECT r.circular_id, count(*) AS total, count(*) FILTER (WHERE r.state = 'waiting') AS waiting,
               count(*) FILTER (WHERE m.state = 'queued') AS underway,
               count(*) FILTER (WHERE m.state IN ('sent', 'caught', 'erased') AND b.mail_id IS NULL) AS sent,
               count(*) FILTER (WHERE r.state = 'left_out') AS left_out,
               count(*) FILTER (WHERE m.state = 'dead' OR b.mail_id IS NOT NULL) AS failed
        FROM circular_recipients r LEFT JOIN mail_outbox m ON r.state = 'written' AND m.once_key = 'circular:' || r.id
             LEFT JOIN mail_bounces b ON b.mail_id = m.id
        WHERE r.circular_id = ANY($1) GROUP BY r.circular_id
        """,
        list(ids),
    )
    return {row[0]: Progress(**dict(list(row.items())[1:])) for row in rows}


async def lock(conn: Connection, id_: UUID) -> str | None:
    """Its status; nobody else changes it or sends of it until the database transaction ends."""
    status: str | None = await conn.fetchval("SELECT status FROM circulars WHERE id = $1 FOR UPDATE", id_)
    return status


async def lock_next(conn: Connection) -> UUID | None:
    """The oldest that is being sent: they leave one after the other, so that the pace is that of the whole house."""
    found: UUID | None = await conn.fetchval(
        "SELECT id FROM circulars WHERE status = 'sending' ORDER BY created_at, id LIMIT 1 FOR UPDATE"
    )
    return found


async def count_written(conn: Connection) -> int:
    """In the last minute."""
    return int(
        await conn.fetchval(
            "SELECT count(*) FROM circular_recipients WHERE state = 'written' AND written_at > house_now() - interval '1 minute'"
        )
    )


async def list_waiting(conn: Connection, circular_id: UUID, limit: int) -> list[Recipient]:
    rows = await conn.fetch(
        """
        SELECT id, booking_id, mailbox, mail_bounced(mailbox) AS bounced FROM circular_recipients
        WHERE circular_id = $1 AND state = 'waiting' ORDER BY id LIMIT $2
        """,
        circular_id,
        limit,
    )
    return [Recipient(**row) for row in rows]


async def mark(conn: Connection, recipient_id: UUID, reason: str = "") -> None:
    """Written, or left out for a reason."""
    await conn.execute(
        """
        UPDATE circular_recipients SET state = CASE WHEN $2 = '' THEN 'written' ELSE 'left_out' END, reason = $2,
               written_at = CASE WHEN $2 = '' THEN house_now() END
        WHERE id = $1
        """,
        recipient_id,
        reason,
    )


async def set_status(conn: Connection, id_: UUID, status: str) -> None:
    await conn.execute(
        "UPDATE circulars SET status = $2, ended_at = CASE WHEN $2 IN ('stopped', 'done') THEN house_now() END WHERE id = $1",
        id_,
        status,
    )


async def forget(conn: Connection, booking_id: UUID) -> list[UUID]:
    """Whose mailbox it was. Answers the rows, under which their letters are found."""
    rows = await conn.fetch(
        """
        UPDATE circular_recipients SET mailbox = id::text, state = CASE WHEN state = 'waiting' THEN 'left_out' ELSE state END,
               reason = CASE WHEN state = 'waiting' THEN 'gone' ELSE reason END
        WHERE booking_id = $1 RETURNING id
        """,
        booking_id,
    )
    return [row[0] for row in rows]
