"""SQL of bounces. Whose they are is read from the outbox."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from jklg.kit.db import Connection


class Bounce(msgspec.Struct, frozen=True, kw_only=True):
    """A mail that came back for good. `kind` of the mail; times in UTC."""

    mail_id: UUID
    kind: str
    heard: str
    code: str
    said: str
    bounced_at: datetime


async def insert(conn: Connection, mail_ids: Sequence[UUID], heard: str, *, hard: bool, code: str, said: str) -> int:
    """Once for each mail; what is worse than what was known takes its place. Answers how many are new."""
    rows = await conn.fetch(
        """
        INSERT INTO mail_bounces (mail_id, heard, hard, code, said) SELECT id, $2, $3, $4, $5 FROM mail_outbox WHERE id = ANY($1) AND state <> 'erased'
        ON CONFLICT ON CONSTRAINT mail_bounces_once DO UPDATE
        SET heard = EXCLUDED.heard, hard = true, code = EXCLUDED.code, said = EXCLUDED.said, bounced_at = house_now()
        WHERE EXCLUDED.hard AND NOT mail_bounces.hard
        RETURNING mail_id
        """,
        list(mail_ids),
        heard,
        hard,
        code,
        said,
    )
    return len(rows)


async def mails_with(conn: Connection, message_ids: Sequence[str]) -> list[UUID]:
    """Our mails that carry one of these, and left."""
    rows = await conn.fetch(
        "SELECT id FROM mail_outbox WHERE message_id = ANY($1) AND state NOT IN ('erased', 'caught')", list(message_ids)
    )
    return [row[0] for row in rows]


async def find_hard(conn: Connection, address: str) -> Bounce | None:
    """The newest one that speaks against an address."""
    row = await conn.fetchrow(
        """
        SELECT b.mail_id, m.kind, b.heard, b.code, b.said, b.bounced_at FROM mail_outbox m JOIN mail_bounces b ON b.mail_id = m.id
        WHERE m.mailbox = lower($1) AND b.hard AND b.forgiven_at IS NULL ORDER BY b.bounced_at DESC, b.mail_id DESC LIMIT 1
        """,
        address,
    )
    return Bounce(**row) if row else None


async def forgive(conn: Connection, address: str) -> int:
    rows = await conn.fetch(
        """
        UPDATE mail_bounces SET forgiven_at = house_now()
        WHERE forgiven_at IS NULL AND hard AND mail_id IN (SELECT id FROM mail_outbox WHERE mailbox = lower($1)) RETURNING mail_id
        """,
        address,
    )
    return len(rows)


async def delete(conn: Connection, mail_id: UUID) -> None:
    await conn.execute("DELETE FROM mail_bounces WHERE mail_id = $1", mail_id)
