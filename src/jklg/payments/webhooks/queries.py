"""SQL of the webhook inbox."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from jklg.kit.db import Connection

FORGETTABLE = "SET LOCAL synchronous_commit = off; SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off;"
"""A crash of the database may undo who has a notice in hand, and that one is done: either way it is only looked at once more.

In a burst the inbox is not what PostgreSQL last knew of it: it would read all of it for the few that are ended.
"""

IN_ORDER = FORGETTABLE + "SET LOCAL enable_sort = off; SET LOCAL plan_cache_mode = force_custom_plan;"
"""Nor would it do to sort all that waits each time a few are taken, or to keep the plan that was made when nothing waited. The index on what is
due has them in order, and is rid of what is done as it is read."""


class FiledNotice(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    gateway: str
    event_id: str
    event_type: str
    livemode: bool
    ref: str | None
    transaction_id: UUID | None
    attempts: int
    too_old: bool


class NewNotice(msgspec.Struct, frozen=True, kw_only=True):
    """A notice that has been verified. `headers` without what authenticates; `reason` says why it is 'ignored', if it is."""

    gateway: str
    event_id: str
    event_type: str
    livemode: bool
    ref: str | None
    transaction_id: UUID | None
    body: bytes
    body_sha256: bytes
    headers: dict[str, str]
    state: str
    reason: str | None
    origin: str
    delivery_id: str | None = None


async def file(conn: Connection, notices: Sequence[NewNotice]) -> dict[tuple[str, str], bool]:
    """Store different notices, and count those that are here already: (gateway, event id) -> whether it is new. All, or none.

    Left out is one whose delivery has brought another body before. If it is said to be of another event, the database refuses
    (webhook_inbox_one_body_a_delivery).
    """
    in_order = sorted(
        notices, key=lambda notice: (notice.gateway, notice.event_id)
    )  # who waits for whom is never a circle
    rows = await conn.fetch(
        """
        INSERT INTO webhook_inbox AS i (gateway, event_id, event_type, livemode, ref, transaction_id, body, body_sha256, headers, state, reason, origin,
                                        delivery_id)
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::boolean[], $5::text[], $6::uuid[], $7::bytea[], $8::bytea[], $9::jsonb[],
                             $10::text[], $11::text[], $12::text[], $13::text[])
        ON CONFLICT ON CONSTRAINT webhook_inbox_once DO UPDATE
            SET duplicates = i.duplicates + 1, collision = i.collision OR i.body_sha256 <> excluded.body_sha256,
                other_sha256 = coalesce(nullif(excluded.body_sha256, i.body_sha256), i.other_sha256)
            WHERE i.body_sha256 = excluded.body_sha256 OR i.delivery_id IS DISTINCT FROM excluded.delivery_id OR excluded.delivery_id IS NULL
        RETURNING gateway, event_id, duplicates = 0
        """,
        *zip(*map(msgspec.structs.astuple, in_order), strict=True),
    )
    return {(gateway, event_id): new for gateway, event_id, new in rows}


async def list_known(conn: Connection, told: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """Which of these (gateway, event id) are in the inbox."""
    rows = await conn.fetch(
        """
        SELECT i.gateway, i.event_id FROM webhook_inbox i
        JOIN unnest($1::text[], $2::text[]) AS t(gateway, event_id) ON t.gateway = i.gateway AND t.event_id = i.event_id
        """,
        [gateway for gateway, _ in told],
        [event_id for _, event_id in told],
    )
    return {(row[0], row[1]) for row in rows}


async def claim(conn: Connection, limit: int) -> list[FiledNotice]:
    """Take the next notices that are due, the longest waiting first. The try is counted before it is made, so that a crash counts too; they are
    leased for a minute."""
    rows = await conn.fetch(
        """
        WITH due AS (
            SELECT id FROM webhook_inbox WHERE state = 'pending' AND next_attempt_at <= (SELECT house_now())
            ORDER BY next_attempt_at, id LIMIT $1 FOR UPDATE SKIP LOCKED
        )
        UPDATE webhook_inbox i SET attempts = attempts + 1, next_attempt_at = house_now() + interval '60 seconds'
        FROM due WHERE i.id = due.id
        RETURNING i.id, i.gateway, i.event_id, i.event_type, i.livemode, i.ref, i.transaction_id, i.attempts,
                  i.received_at < house_now() - interval '3 days' AS too_old
        """,
        limit,
    )
    return sorted((FiledNotice(**row) for row in rows), key=lambda notice: notice.id)


async def get(conn: Connection, notice_id: int) -> FiledNotice | None:
    """A notice as it lies in the inbox. Locks nothing."""
    row = await conn.fetchrow(
        """
        SELECT id, gateway, event_id, event_type, livemode, ref, transaction_id, attempts,
               received_at < house_now() - interval '3 days' AS too_old
        FROM webhook_inbox WHERE id = $1
        """,
        notice_id,
    )
    return FiledNotice(**row) if row else None


async def body_of(conn: Connection, notice_id: int) -> bytes:
    """As it came; empty when it was erased with its payer."""
    body: bytes = await conn.fetchval("SELECT body FROM webhook_inbox WHERE id = $1", notice_id)
    return body


async def revive(conn: Connection, notice_id: int) -> bool:
    """Put a dead notice back into the queue. Its age counts from now, or it would be put aside at once."""
    done = await conn.execute(
        """
        UPDATE webhook_inbox SET state = 'pending', attempts = 0, next_attempt_at = house_now(), done_at = NULL, received_at = house_now()
        WHERE id = $1 AND state = 'dead'
        """,
        notice_id,
    )
    return str(done) == "UPDATE 1"


Ended = tuple[tuple[int, ...], str, str | None]
"""Notices, and their end: (ids, state, reason)."""


async def finish(conn: Connection, ended: Sequence[Ended]) -> dict[Ended, None]:
    """What they told of somebody who has left meanwhile is not kept."""
    await conn.execute(
        """
        UPDATE webhook_inbox i SET state = e.state, reason = e.reason, done_at = house_now(),
               body = CASE WHEN (SELECT bool_or(b.email = '') FROM transactions t JOIN bookings b ON b.id = t.booking_id
                                 WHERE t.gateway = i.gateway AND t.livemode = i.livemode AND t.transaction_id = i.ref)
                             OR (SELECT bool_or(b.email = '') FROM transactions t JOIN bookings b ON b.id = t.booking_id
                                 WHERE t.gateway = i.gateway AND t.livemode = i.livemode AND t.charge_ref = i.ref)
                      THEN '' ELSE body END
        FROM unnest($1::bigint[], $2::text[], $3::text[]) AS e(id, state, reason) WHERE i.id = e.id AND i.state = 'pending'
        """,
        *zip(*((notice_id, state, reason) for ids, state, reason in ended for notice_id in ids), strict=True),
    )
    return {}


async def postpone(conn: Connection, notice_id: int, seconds: float, error: str) -> None:
    await conn.execute(
        "UPDATE webhook_inbox SET next_attempt_at = house_now() + make_interval(secs => $2), last_error = $3 WHERE id = $1",
        notice_id,
        seconds,
        error,
    )


async def bury(conn: Connection, notice_id: int, error: str) -> None:
    """Put aside for a person, with the last error."""
    await conn.execute(
        "UPDATE webhook_inbox SET state = 'dead', last_error = $2, done_at = house_now() WHERE id = $1 AND state = 'pending'",
        notice_id,
        error,
    )


async def forget_person(conn: Connection, transaction_id: UUID, gateway: str, refs: Sequence[str | None]) -> None:
    """Drop what was told about an attempt, by the gateway's ids of it: bodies name who paid. Their hashes stay, so that a repetition is known."""
    await conn.execute(
        "UPDATE webhook_inbox SET body = '', headers = '{}' WHERE gateway = $1 AND ref = ANY($2)", gateway, list(refs)
    )
    await conn.execute(
        "UPDATE webhook_inbox SET body = '', headers = '{}' WHERE ref IS NULL AND transaction_id = $1", transaction_id
    )
