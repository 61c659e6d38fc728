"""SQL of commands: each call that changes something at a gateway is a row before it is made, and gets its result afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from jklg.kit.db import Connection

LEASE_SECONDS = 120
"""How long a call is its caller's alone. A caller gives up before that (`commands.in_time`)."""


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """One mutating call to a gateway, written before it is made."""

    id: UUID
    transaction_id: UUID
    refund_id: UUID | None
    kind: str
    request_key: str
    state: str
    attempts: int
    first_sent_at: datetime | None
    seconds_since_first: float
    seconds_overdue: float
    """Since the last caller has given up for certain; below 0 while somebody may be calling."""


_COMMAND = """
SELECT id, transaction_id, refund_id, kind, request_key, state, attempts, first_sent_at,
       coalesce(extract(epoch FROM house_now() - first_sent_at), 0)::float8 AS seconds_since_first,
       extract(epoch FROM house_now() - next_attempt_at)::float8 AS seconds_overdue
FROM gateway_commands
"""


async def add(
    conn: Connection,
    *,
    command_id: UUID,
    transaction_id: UUID,
    kind: str,
    request_key: str,
    refund_id: UUID | None = None,
) -> None:
    """Write the intention to call. Twice is once: the request key is unique."""
    await conn.execute(
        """
        INSERT INTO gateway_commands (id, transaction_id, kind, request_key, refund_id)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT ON CONSTRAINT gateway_commands_once DO NOTHING
        """,
        command_id,
        transaction_id,
        kind,
        request_key,
        refund_id,
    )


async def get(conn: Connection, request_key: str) -> Command | None:
    """By the key that the gateway sees. None when nothing was ever to be sent under it."""
    row = await conn.fetchrow(_COMMAND + "WHERE request_key = $1", request_key)
    return Command(**row) if row else None


async def lock(conn: Connection, request_key: str) -> Command | None:
    """The same, locked: nobody else begins to send it, or decides that nobody shall, until the database transaction ends."""
    row = await conn.fetchrow(_COMMAND + "WHERE request_key = $1 FOR UPDATE", request_key)
    return Command(**row) if row else None


async def sending(conn: Connection, command_id: UUID, next_attempt_seconds: float) -> None:
    """About to call: the result is unknown until it is written, and a crash must find it so. What was refused before stays so. Due again
    no sooner than the call may take (`LEASE_SECONDS`)."""
    await conn.execute(
        """
        UPDATE gateway_commands SET state = CASE state WHEN 'pending' THEN 'unknown' ELSE state END, attempts = attempts + 1,
               first_sent_at = coalesce(first_sent_at, house_now()), next_attempt_at = house_now() + make_interval(secs => $2)
        WHERE id = $1
        """,
        command_id,
        max(next_attempt_seconds, LEASE_SECONDS),
    )


async def not_sent(conn: Connection, command: Command) -> None:
    """The first call under a key, read as `command` before it was made, has not left the house: it is as if it had not been made. Not so when
    somebody else has begun to call meanwhile."""
    await conn.execute(
        """
        UPDATE gateway_commands SET state = 'pending', first_sent_at = NULL
        WHERE id = $1 AND attempts = $2 AND state = 'unknown' AND $3::timestamptz IS NULL
        """,
        command.id,
        command.attempts + 1,
        command.first_sent_at,
    )


async def finish(conn: Connection, command_id: UUID, state: str, error: str | None = None) -> None:
    """Its result, 'done' or 'rejected'. One that has a result keeps it."""
    await conn.execute(
        "UPDATE gateway_commands SET state = $2, last_error = $3 WHERE id = $1 AND state IN ('pending', 'unknown')",
        command_id,
        state,
        error,
    )


async def refuse(conn: Connection, command_id: UUID, seconds: float, error: str) -> None:
    """Its result is a no, if it had none, and it is not asked for again before so many seconds have passed.

    One statement: PostgreSQL asks for a lock on the transaction when a row is updated that this database transaction has updated before,
    and whoever has that lock may be waiting for the command.
    """
    await conn.execute(
        """
        UPDATE gateway_commands SET state = CASE WHEN state IN ('pending', 'unknown') THEN 'rejected' ELSE state END, last_error = $3,
               next_attempt_at = house_now() + make_interval(secs => $2)
        WHERE id = $1
        """,
        command_id,
        seconds,
        error,
    )


async def finish_all(conn: Connection, request_keys: list[str], state: str, error: str | None = None) -> None:
    """Those of these keys that are there and have no result yet."""
    await conn.execute(
        """
        UPDATE gateway_commands SET state = $2, last_error = $3
        WHERE request_key = ANY($1) AND state IN ('pending', 'unknown')
        """,
        request_keys,
        state,
        error,
    )


async def postpone(conn: Connection, command_id: UUID, seconds: float, error: str) -> None:
    """No answer proves nothing: it is due again in so many seconds."""
    await conn.execute(
        "UPDATE gateway_commands SET last_error = $3, next_attempt_at = house_now() + make_interval(secs => $2) WHERE id = $1",
        command_id,
        seconds,
        error,
    )


async def list_due_refunds(conn: Connection, limit: int) -> list[UUID]:
    """Refunds to send now, the longest waiting first. Whoever sends one claims it."""
    rows = await conn.fetch(
        """
        SELECT refund_id FROM gateway_commands
        WHERE kind = 'refund' AND state IN ('pending', 'unknown') AND next_attempt_at <= house_now()
        ORDER BY next_attempt_at, id LIMIT $1
        """,
        limit,
    )
    return [row[0] for row in rows]


async def list_captures(conn: Connection, transaction_id: UUID) -> list[Command]:
    """Every capture written for an attempt, the oldest first. All but the last are refused."""
    rows = await conn.fetch(
        _COMMAND + "WHERE transaction_id = $1 AND kind = 'capture' ORDER BY created_at, id", transaction_id
    )
    return [Command(**row) for row in rows]


async def claim(conn: Connection, request_key: str) -> Command | None:
    """About to call: unknown from here on, and nobody else's while the call may take (`LEASE_SECONDS`). `attempts` are those before this
    one. None: another one calls, its time has not come, it has a result, or it is not there."""
    row = await conn.fetchrow(
        """
        UPDATE gateway_commands SET state = 'unknown', attempts = attempts + 1, first_sent_at = coalesce(first_sent_at, house_now()),
               next_attempt_at = house_now() + make_interval(secs => $2)
        WHERE request_key = $1 AND state IN ('pending', 'unknown') AND next_attempt_at <= house_now()
        RETURNING id, transaction_id, refund_id, kind, request_key, state, attempts - 1 AS attempts, first_sent_at,
                  extract(epoch FROM house_now() - first_sent_at)::float8 AS seconds_since_first,
                  extract(epoch FROM house_now() - next_attempt_at)::float8 AS seconds_overdue
        """,
        request_key,
        LEASE_SECONDS,
    )
    return Command(**row) if row else None


async def begin_anew(conn: Connection, command_id: UUID) -> None:
    """What was sent before is forgotten, and has proven to have done nothing: it is sent for the first time now."""
    await conn.execute("UPDATE gateway_commands SET first_sent_at = house_now() WHERE id = $1", command_id)


async def finish_captures(conn: Connection, transaction_ids: Sequence[UUID]) -> None:
    """The gateway shows the money as taken: whatever we asked for, or were about to, is done. So is what we asked for last and had
    given up: it was on its way while its key lapsed, or the attempt ended."""
    await conn.execute(
        """
        UPDATE gateway_commands c SET state = 'done', last_error = NULL
        WHERE transaction_id = ANY($1) AND kind = 'capture' AND (state IN ('pending', 'unknown') OR state = 'rejected' AND NOT EXISTS (
            SELECT FROM gateway_commands n
            WHERE n.transaction_id = c.transaction_id AND n.kind = 'capture' AND (n.created_at, n.id) > (c.created_at, c.id)))
        """,
        list(transaction_ids),
    )


async def end_captures(conn: Connection, transaction_id: UUID) -> None:
    """The attempt has ended without money: nobody asks for it any more."""
    await conn.execute(
        """
        UPDATE gateway_commands SET state = 'rejected', last_error = 'the attempt has ended'
        WHERE transaction_id = $1 AND kind = 'capture' AND state IN ('pending', 'unknown')
        """,
        transaction_id,
    )


async def forget_errors(conn: Connection, transaction_id: UUID) -> None:
    """Drop what a gateway said in words about an attempt, which may name who paid."""
    await conn.execute("UPDATE gateway_commands SET last_error = NULL WHERE transaction_id = $1", transaction_id)
