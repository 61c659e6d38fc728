"""SQL of the web room: answers kept for an Idempotency-Key."""

from __future__ import annotations

from uuid import UUID

import msgspec

from jklg.kit.db import Connection


class Key(msgspec.Struct, frozen=True, kw_only=True):
    fingerprint: bytes
    resource_id: UUID
    status: int | None
    body: bytes | None
    mine: bool


async def claim_key(
    conn: Connection, scope: str, key: str, fingerprint: bytes, resource_id: UUID, try_id: UUID, lease_seconds: int
) -> Key:
    """Claim a key, or take it over when the try that held it gave it back or is past its lease, or read what is there."""
    row = await conn.fetchrow(
        """
        INSERT INTO idempotency_keys AS k (scope, key, fingerprint, resource_id, owner, locked_until)
        VALUES ($1, $2, $3, $5, $4, house_now() + make_interval(secs => $6))
        ON CONFLICT (scope, key) DO UPDATE SET
            (owner, fingerprint, locked_until) = (
                SELECT CASE WHEN free THEN $4 ELSE k.owner END, CASE WHEN free THEN $3 ELSE k.fingerprint END,
                       CASE WHEN free THEN excluded.locked_until ELSE k.locked_until END
                FROM (SELECT k.status IS NULL AND k.locked_until <= house_now() AND k.fingerprint IN ($3, '') AS free) f)
        RETURNING k.fingerprint, k.resource_id, k.status::integer AS status, k.body, k.owner = $4 AS mine
        """,
        scope,
        key,
        fingerprint,
        try_id,
        resource_id,
        lease_seconds,
    )
    assert row is not None, "an upsert returns its row"
    return Key(**row)


async def keep_answer(conn: Connection, scope: str, key: str, status: int, body: bytes) -> None:
    await conn.execute(
        "UPDATE idempotency_keys SET status = $3, body = $4 WHERE scope = $1 AND key = $2", scope, key, status, body
    )


async def release_key(conn: Connection, scope: str, key: str, *, for_any: bool) -> None:
    """Free for the same request, or for any. The id stays: if this try was done after all, the next one finds what it made."""
    await conn.execute(
        """
        UPDATE idempotency_keys SET fingerprint = CASE WHEN $3 THEN '' ELSE fingerprint END, locked_until = house_now()
        WHERE scope = $1 AND key = $2 AND status IS NULL
        """,
        scope,
        key,
        for_any,
    )


async def forget_old_keys(conn: Connection) -> int:
    done = await conn.execute(
        "DELETE FROM idempotency_keys WHERE created_at < (SELECT house_now()) - interval '72 hours'"
    )
    return int(done.rsplit(" ", 1)[1])


async def find_answer(conn: Connection, scope: str, key: str) -> bytes | None:
    """The answer kept for a key, without claiming it."""
    value: bytes | None = await conn.fetchval(
        "SELECT body FROM idempotency_keys WHERE scope = $1 AND key = $2 AND status IS NOT NULL", scope, key
    )
    return value


async def forget_key(conn: Connection, resource_id: UUID) -> None:
    await conn.execute("DELETE FROM idempotency_keys WHERE resource_id = $1", resource_id)
