"""SQL of commands: each call that changes something at a gateway is a row before it is made, and gets its result afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from jklg.kit.db import Connection


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


_COMMAND = """
SELECT id, transaction_id, refund_id, kind, request_key, state, attempts, first_sent_at,
       coalesce(extract(epoch FROM house_now() - first_sent_at), 0)::float8 AS seconds_since_first
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


async def sending(conn: Connection, command_id: UUID, next_attempt_seconds: float) -> None:
    """About to call: the result is unknown until it is written, and a crash must find it so. What was refused before stays so."""
    await conn.execute(
        """
        UPDATE gateway_commands SET state = CASE state WHEN 'pending' THEN 'unknown' ELSE state END, attempts = attempts + 1,
               first_sent_at = coalesce(first_sent_at, house_now()), next_attempt_at = house_now() + make_interval(secs => $2)
        WHERE id = $1
        """,
        command_id,
        next_attempt_seconds,
    )


async def finish(conn: Connection, command_id: UUID, state: str, error: str | None = None) -> None:
    """Its result, 'done' or 'rejected'. One that has a result keeps it."""
    await conn.execute(
        "UPDATE gateway_commands SET state = $2, last_error = $3 WHERE id = $1 AND state IN ('pending', 'unknown')",
        command_id,
        state,
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


async def claim_refunds(conn: Connection, limit: int) -> list[Command]:
    """Refunds to send now, for this worker alone during a minute (SKIP LOCKED), in the order they were written."""
    rows = await conn.fetch(
        """
        WITH due AS (
            SELECT id FROM gateway_commands
            WHERE kind = 'refund' AND state IN ('pending', 'unknown') AND next_attempt_at <= house_now()
            ORDER BY next_attempt_at, id LIMIT $1 FOR UPDATE SKIP LOCKED
        )
        UPDATE gateway_commands c SET next_attempt_at = house_now() + interval '60 seconds' FROM due WHERE c.id = due.id
        RETURNING c.id, c.transaction_id, c.refund_id, c.kind, c.request_key, c.state, c.attempts, c.first_sent_at,
                  coalesce(extract(epoch FROM house_now() - c.first_sent_at), 0)::float8 AS seconds_since_first
        """,
        limit,
    )
    return sorted((Command(**row) for row in rows), key=lambda command: command.id)


async def list_captures(conn: Connection, transaction_id: UUID) -> list[Command]:
    """Every capture written for an attempt, the oldest first. All but the last are refused."""
    rows = await conn.fetch(
        _COMMAND + "WHERE transaction_id = $1 AND kind = 'capture' ORDER BY created_at, id", transaction_id
    )
    return [Command(**row) for row in rows]


async def claim(conn: Connection, command_id: UUID, seconds: float) -> bool:
    """About to call: unknown from here on, and due again in so many seconds. False: another one calls, or it has a result."""
    mine = await conn.fetchval(
        """
        UPDATE gateway_commands SET state = 'unknown', attempts = attempts + 1, first_sent_at = coalesce(first_sent_at, house_now()),
               next_attempt_at = house_now() + make_interval(secs => $2)
        WHERE id = $1 AND state IN ('pending', 'unknown') AND next_attempt_at <= house_now() RETURNING true
        """,
        command_id,
        seconds,
    )
    return bool(mine)


async def finish_captures(conn: Connection, transaction_ids: Sequence[UUID]) -> None:
    """The gateway shows the money as taken: whatever we asked for, or were about to, is done."""
    await conn.execute(
        """
        UPDATE gateway_commands SET state = 'done'
        WHERE transaction_id = ANY($1) AND kind = 'capture' AND state IN ('pending', 'unknown')
        """,
        list(transaction_ids),
    )


async def forget_errors(conn: Connection, transaction_id: UUID) -> None:
    """Drop what a gateway said in words about an attempt, which may name who paid."""
    await conn.execute("UPDATE gateway_commands SET last_error = NULL WHERE transaction_id = $1", transaction_id)
