"""SQL of the outbox."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from jklg.kit.db import Connection
from jklg.kit.ids import uuid7


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """One mail of the outbox. Times in UTC."""

    id: UUID
    kind: str
    to_address: str
    to_name: str
    subject: str
    text_body: str
    html_body: str
    message_id: str
    may_be_stopped: bool
    state: str
    attempts: int
    last_error: str | None
    created_at: datetime
    sent_at: datetime | None


_MAIL = """
SELECT id, kind, to_address, to_name, subject, text_body, html_body, message_id, may_be_stopped, state, attempts, last_error, created_at, sent_at
FROM mail_outbox
"""


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A mail that is to be written, once for its `once_key`.

    `erase_when_sent`: its reader has left, and it is the last one; an hour later nothing of it is left. `may_be_stopped`: it tells nothing of
    a journey, and carries a link (`stopping`) by which its reader gets no more like it; whoever writes such mails asks mail_stops first.
    """

    kind: str
    once_key: str
    to_address: str
    to_name: str
    subject: str
    text: str
    html: str
    erase_when_sent: bool = False
    may_be_stopped: bool = False
    id: UUID = msgspec.field(default_factory=uuid7)


async def insert(conn: Connection, letters: Sequence[Letter]) -> int:
    """How many of them were new."""
    if not letters:
        return 0
    done = await conn.execute(
        """
        INSERT INTO mail_outbox (kind, once_key, to_address, to_name, subject, text_body, html_body, erase_when_sent, may_be_stopped, id, message_id)
        SELECT n.*, '<' || n.id || '@jklg>'
        FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bool[], $9::bool[], $10::uuid[])
             AS n(kind, once_key, to_address, to_name, subject, text, html, erase_when_sent, may_be_stopped, id)
        ON CONFLICT ON CONSTRAINT mail_outbox_once DO NOTHING
        """,
        *zip(*(msgspec.structs.astuple(each) for each in letters), strict=True),
    )
    return int(done.removeprefix("INSERT 0 "))


async def claim_due(conn: Connection, limit: int) -> list[Mail]:
    """Take the mails that are due. The try is counted and the mail leased for five minutes before anything is sent.

    In the order they were written, those last that a server has had trouble with: what is behind them would wait."""
    rows = await conn.fetch(
        """
        WITH due AS (
            SELECT id FROM mail_outbox WHERE state = 'queued' AND next_attempt_at <= house_now()
            ORDER BY next_attempt_at, id LIMIT $1 FOR UPDATE SKIP LOCKED
        )
        UPDATE mail_outbox m SET attempts = attempts + 1, next_attempt_at = house_now() + interval '5 minutes'
        FROM due WHERE m.id = due.id
        RETURNING m.id, m.kind, m.to_address, m.to_name, m.subject, m.text_body, m.html_body, m.message_id, m.may_be_stopped, m.state,
                  m.attempts, m.last_error, m.created_at, m.sent_at
        """,
        limit,
    )
    return sorted((Mail(**row) for row in rows), key=lambda mail: (mail.attempts, mail.id))


async def catch_due(conn: Connection, limit: int) -> int:
    """Mark the mails that are due as caught. Answers how many."""
    done = await conn.execute(
        """
        UPDATE mail_outbox SET state = 'caught', attempts = attempts + 1, sent_at = house_now()
        WHERE id IN (SELECT id FROM mail_outbox WHERE state = 'queued' AND next_attempt_at <= house_now()
                     ORDER BY next_attempt_at, id LIMIT $1 FOR UPDATE SKIP LOCKED)
        """,
        limit,
    )
    return int(done.removeprefix("UPDATE "))


async def finish(conn: Connection, mail_id: UUID, state: str, error: str | None = None) -> None:
    await conn.execute(
        """
        UPDATE mail_outbox SET state = $2, last_error = $3, sent_at = CASE WHEN $2 = 'sent' THEN house_now() END,
               died_at = CASE WHEN $2 = 'dead' THEN house_now() END
        WHERE id = $1 AND state = 'queued'
        """,
        mail_id,
        state,
        error,
    )


async def revive(conn: Connection, mail_id: UUID) -> bool:
    """Put a dead mail back into the queue: the same row, so that it goes out once."""
    done = await conn.execute(
        """
        UPDATE mail_outbox SET state = 'queued', attempts = 0, next_attempt_at = house_now(), died_at = NULL, waiting_since = NULL
        WHERE id = $1 AND state = 'dead'
        """,
        mail_id,
    )
    return str(done) == "UPDATE 1"


async def postpone(conn: Connection, mail_id: UUID, seconds: float, error: str, *, uncount: bool) -> None:
    """Try again later. `uncount`: the server could not be used at all, which is not the mail's fault; it has waited for it since."""
    await conn.execute(
        """
        UPDATE mail_outbox SET next_attempt_at = house_now() + make_interval(secs => $2), last_error = $3,
               attempts = attempts - CASE WHEN $4 THEN 1 ELSE 0 END,
               waiting_since = CASE WHEN $4 THEN coalesce(waiting_since, house_now()) END
        WHERE id = $1 AND state = 'queued'
        """,
        mail_id,
        seconds,
        error,
        uncount,
    )


async def list_latest(conn: Connection, limit: int) -> list[Mail]:
    rows = await conn.fetch(_MAIL + "WHERE state <> 'erased' ORDER BY created_at DESC, id DESC LIMIT $1", limit)
    return [Mail(**row) for row in rows]


async def get(conn: Connection, mail_id: UUID) -> Mail | None:
    row = await conn.fetchrow(_MAIL + "WHERE id = $1", mail_id)
    return Mail(**row) if row else None


async def forget(conn: Connection, once_keys: list[str]) -> int:
    """Leave of these mails only that they were. One that is still to go does not go."""
    rows = await conn.fetch(
        """
        UPDATE mail_outbox SET state = 'erased', to_address = '', to_name = '', subject = '', text_body = '', html_body = '', last_error = NULL
        WHERE once_key = ANY($1) AND state <> 'erased' RETURNING id
        """,
        once_keys,
    )
    return len(rows)


async def forget_address(conn: Connection, address: str) -> int:
    """The same, of all mails to an address."""
    rows = await conn.fetch(
        """
        UPDATE mail_outbox SET state = 'erased', to_address = '', to_name = '', subject = '', text_body = '', html_body = '', last_error = NULL
        WHERE mailbox = lower($1) AND state <> 'erased' RETURNING id
        """,
        address,
    )
    return len(rows)


async def forget_sent(conn: Connection, address: str, kinds: list[str]) -> int:
    """Mark mails of some kinds to an address for `forget_due`."""
    rows = await conn.fetch(
        """
        UPDATE mail_outbox SET erase_when_sent = true
        WHERE mailbox = lower($1) AND kind = ANY($2) AND NOT erase_when_sent AND state <> 'erased' RETURNING id
        """,
        address,
        kinds,
    )
    return len(rows)


async def forget_due(conn: Connection, limit: int) -> int:
    """The same, of last mails to people who have left, an hour after they were written and once they have gone out."""
    rows = await conn.fetch(
        """
        UPDATE mail_outbox SET state = 'erased', to_address = '', to_name = '', subject = '', text_body = '', html_body = '', last_error = NULL
        WHERE id IN (SELECT id FROM mail_outbox
                     WHERE erase_when_sent AND state NOT IN ('erased', 'queued') AND created_at < (SELECT house_now() - interval '1 hour')
                     ORDER BY created_at LIMIT $1)
        RETURNING id
        """,
        limit,
    )
    return len(rows)


async def list_of_address(conn: Connection, address: str) -> list[Mail]:
    """Every mail to an address, oldest first."""
    rows = await conn.fetch(_MAIL + "WHERE mailbox = lower($1) ORDER BY created_at, id", address)
    return [Mail(**row) for row in rows]


async def stop(conn: Connection, mail_id: UUID) -> None:
    """Remember that the reader of a mail wants none like it. Of one that was erased nobody knows whose it was."""
    await conn.execute(
        """
        INSERT INTO mail_stops (mailbox) SELECT mailbox FROM mail_outbox WHERE id = $1 AND may_be_stopped AND mailbox <> ''
        ON CONFLICT (mailbox) DO NOTHING
        """,
        mail_id,
    )


async def forget_stop(conn: Connection, address: str) -> None:
    await conn.execute("DELETE FROM mail_stops WHERE mailbox = lower($1)", address)
