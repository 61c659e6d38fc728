"""SQL of sessions."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from jklg.kit.db import Connection

ENTER = "SELECT enter_as_customer()"
"""Opens a database transaction on behalf of a customer (migration 0009): raises when their session has ended or their mailbox is unproven."""
ENTER_PENDING_TOO = "SELECT enter_as_customer(p_pending_too => true)"


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One session as its owner sees it. Times in UTC."""

    id: UUID
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    ip_address: str | None
    user_agent: str
    device_info: str
    signed_in_by: str


async def now_and_end(conn: Connection, days: int) -> tuple[int, int]:
    """The present moment and that in `days` days, in whole seconds since 1970."""
    row = await conn.fetchrow(
        """
        SELECT extract(epoch FROM at)::bigint, extract(epoch FROM at + make_interval(days => $1))::bigint
        FROM (SELECT house_now() AS at) AS present
        """,
        days,
    )
    assert row is not None
    return row[0], row[1]


async def insert(
    conn: Connection,
    *,
    session_id: UUID,
    customer_id: UUID,
    token_hash: bytes,
    created_at: int,
    expires_at: int,
    ip_address: str | None,
    user_agent: str,
    device_info: str,
    signed_in_by: str,
) -> None:
    await conn.execute(
        """
        INSERT INTO customer_sessions (id, customer_id, token_hash, created_at, last_seen_at, proved_at, expires_at,
                                       ip_address, user_agent, device_info, signed_in_by)
        SELECT $1, $2, $3, begun, begun, begun, to_timestamp($5), $6::text::inet, $7, $8, $9
        FROM to_timestamp($4) AS begun
        """,
        session_id,
        customer_id,
        token_hash,
        created_at,
        expires_at,
        ip_address,
        user_agent,
        device_info,
        signed_in_by,
    )


async def list_active(conn: Connection, customer_id: UUID) -> list[Session]:
    """The sessions that still count, the one seen last first."""
    rows = await conn.fetch(
        """
        SELECT id, created_at, last_seen_at, expires_at, host(ip_address) AS ip_address, user_agent, device_info, signed_in_by
        FROM active_customer_sessions WHERE customer_id = $1 ORDER BY last_seen_at DESC, id DESC
        """,
        customer_id,
    )
    return [Session(**row) for row in rows]


async def end(conn: Connection, customer_id: UUID, session_id: UUID) -> bool:
    """False when it is not theirs or has ended."""
    done = await conn.fetchval(
        """
        UPDATE customer_sessions SET is_active = false, revoked_at = house_now()
        WHERE id = $2 AND customer_id = $1 AND is_active RETURNING true
        """,
        customer_id,
        session_id,
    )
    return bool(done)


async def end_all(conn: Connection, customer_id: UUID, but: UUID | None) -> list[UUID]:
    """End every session of a customer, but one perhaps. Answers which."""
    rows = await conn.fetch(
        """
        UPDATE customer_sessions SET is_active = false, revoked_at = house_now()
        WHERE customer_id = $1 AND is_active AND id IS DISTINCT FROM $2 RETURNING id
        """,
        customer_id,
        but,
    )
    return [row[0] for row in rows]


async def prove(conn: Connection, session_id: UUID) -> None:
    await conn.execute("UPDATE customer_sessions SET proved_at = house_now() WHERE id = $1", session_id)


async def is_fresh(conn: Connection, session_id: UUID, minutes: int) -> bool:
    value = await conn.fetchval(
        "SELECT proved_at > house_now() - make_interval(mins => $2) FROM customer_sessions WHERE id = $1",
        session_id,
        minutes,
    )
    return bool(value)


async def lives(conn: Connection, customer_id: UUID, session_id: UUID) -> bool:
    value = await conn.fetchval(
        "SELECT EXISTS (SELECT FROM active_customer_sessions WHERE id = $2 AND customer_id = $1)",
        customer_id,
        session_id,
    )
    return bool(value)


async def drop_all(conn: Connection, customer_ids: list[UUID]) -> None:
    await conn.execute("DELETE FROM customer_sessions WHERE customer_id = ANY($1)", customer_ids)


async def was_used_from(conn: Connection, customer_id: UUID, network: str) -> bool:
    """Whether any session of this account, ended or not, came from a network ('192.0.2.1/32')."""
    value = await conn.fetchval(
        "SELECT EXISTS (SELECT FROM customer_sessions WHERE customer_id = $1 AND ip_address <<= $2::text::cidr)",
        customer_id,
        network,
    )
    return bool(value)


async def is_new_device(conn: Connection, customer_id: UUID, device_info: str) -> bool:
    """Whether this account was used before, but never on a device of this kind. Registrations prove nothing and do not count."""
    value = await conn.fetchval(
        """
        SELECT count(*) > 0 AND count(*) FILTER (WHERE device_info = $2) = 0
        FROM customer_sessions WHERE customer_id = $1 AND signed_in_by <> 'registration'
        """,
        customer_id,
        device_info,
    )
    return bool(value)


async def forget_ended(conn: Connection, days: int, limit: int) -> int:
    """Sessions over for so long are nobody's business any more."""
    rows = await conn.fetch(
        """
        DELETE FROM customer_sessions WHERE id IN (
            SELECT id FROM customer_sessions WHERE expires_at < (SELECT house_now() - make_interval(days => $1)) LIMIT $2
        ) RETURNING id
        """,
        days,
        limit,
    )
    return len(rows)
