"""SQL of enquiries."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from jklg.enquiries.rules import Enquiry
from jklg.kit.cursors import Place
from jklg.kit.db import Connection


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """An enquiry. `customer` and `email` are what was typed; `moved_at`: since when it is in this state."""

    id: UUID
    number: int
    subject: str
    customer: str
    email: str
    booking_reference: str
    locale: str
    status: str
    created_at: datetime
    moved_at: datetime


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message of a thread; `from_type`: customer or agent."""

    id: UUID
    from_type: str
    name: str
    message: str
    created_at: datetime


async def keep(conn: Connection, id_: UUID, said: Enquiry, locale: str, digest: bytes) -> tuple[UUID, bool]:
    """(its id, whether it is new). The same words again open the enquiry that has them, where it was closed."""
    row = await conn.fetchrow(
        """
        INSERT INTO support_tickets AS t (id, subject, customer, email, booking_reference, locale, digest)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT ON CONSTRAINT support_tickets_said_once DO UPDATE
        SET status = CASE WHEN t.status = 'closed' THEN 'open' ELSE t.status END,
            moved_at = CASE WHEN t.status = 'closed' THEN house_now() ELSE t.moved_at END
        RETURNING id
        """,
        id_,
        said.subject,
        said.name,
        said.email,
        said.reference,
        locale,
        digest,
    )
    assert row is not None
    return row["id"], row["id"] == id_


async def insert_message(conn: Connection, id_: UUID, ticket_id: UUID, from_type: str, name: str, text: str) -> bool:
    """False for one that is there already."""
    done = await conn.fetchval(
        """
        INSERT INTO ticket_messages (id, ticket_id, from_type, name, message) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (id) DO NOTHING RETURNING true
        """,
        id_,
        ticket_id,
        from_type,
        name,
        text,
    )
    return bool(done)


async def get(conn: Connection, ticket_id: UUID, *, lock: bool = False) -> Ticket | None:
    """One enquiry; with `lock` nobody else changes it until the database transaction ends."""
    row = await conn.fetchrow(
        f"""
        SELECT id, number, subject, customer, email, booking_reference, locale, status, created_at, moved_at
        FROM support_tickets WHERE id = $1 {"FOR UPDATE" if lock else ""}
        """,  # noqa: S608  (two fixed texts)
        ticket_id,
    )
    return Ticket(**row) if row else None


async def list_tickets(conn: Connection, status: str, after: Place | None, limit: int) -> list[Ticket]:
    """Those in a state. Open ones: who has waited longest first; others: the newest first."""
    way, order = (">", "ASC") if status == "open" else ("<", "DESC")
    rows = await conn.fetch(
        f"""
        SELECT id, number, subject, customer, email, booking_reference, locale, status, created_at, moved_at
        FROM support_tickets WHERE status = $1 AND ($2::timestamptz IS NULL OR (moved_at, id) {way} ($2, $3))
        ORDER BY moved_at {order}, id {order} LIMIT $4
        """,  # noqa: S608  (two fixed texts)
        status,
        after.at if after else None,
        after.id if after else None,
        limit,
    )
    return [Ticket(**row) for row in rows]


async def count_open(conn: Connection) -> int:
    """How many wait for an answer."""
    return int(await conn.fetchval("SELECT count(*) FROM support_tickets WHERE status = 'open'"))


async def has_tickets(conn: Connection) -> bool:
    return bool(await conn.fetchval("SELECT EXISTS (SELECT FROM support_tickets)"))


async def list_messages(conn: Connection, ticket_id: UUID) -> list[Message]:
    """The thread, oldest first."""
    rows = await conn.fetch(
        "SELECT id, from_type, name, message, created_at FROM ticket_messages WHERE ticket_id = $1 ORDER BY created_at, id",
        ticket_id,
    )
    return [Message(**row) for row in rows]


async def set_status(conn: Connection, ticket_id: UUID, status: str) -> None:
    await conn.execute(
        "UPDATE support_tickets SET status = $2, moved_at = house_now() WHERE id = $1 AND status <> $2",
        ticket_id,
        status,
    )


async def delete(conn: Connection, ticket_id: UUID) -> bool:
    return bool(await conn.fetchval("DELETE FROM support_tickets WHERE id = $1 RETURNING true", ticket_id))


async def delete_of_address(conn: Connection, email: str) -> None:
    await conn.execute("DELETE FROM support_tickets WHERE lower(email) = lower($1)", email)


async def list_of_address(conn: Connection, email: str) -> list[dict[str, Any]]:
    """Everything written under an address, with its thread, oldest first."""
    rows = await conn.fetch(
        """
        SELECT t.number, t.subject, t.customer, t.email, t.booking_reference, t.status, t.created_at,
               (SELECT coalesce(jsonb_agg(jsonb_build_object('from', m.from_type, 'name', m.name, 'message', m.message, 'at', m.created_at)
                        ORDER BY m.created_at, m.id), '[]') FROM ticket_messages m WHERE m.ticket_id = t.id) AS messages
        FROM support_tickets t WHERE lower(t.email) = lower($1) ORDER BY t.created_at
        """,
        email,
    )
    return [dict(row) for row in rows]
