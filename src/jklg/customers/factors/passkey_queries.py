"""SQL of passkeys."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from jklg.kit.db import Connection


class Passkey(msgspec.Struct, frozen=True, kw_only=True):
    """A passkey, as checking a signature needs it. The public key in COSE."""

    id: UUID
    customer_id: UUID
    credential_id: bytes
    public_key: bytes
    sign_count: int
    transports: list[str]


class PasskeySeen(msgspec.Struct, frozen=True, kw_only=True):
    """A passkey as its owner sees it. Times in UTC."""

    id: UUID
    name: str
    backed_up: bool
    created_at: datetime
    last_used_at: datetime | None


_PASSKEY = "id, customer_id, credential_id, public_key, sign_count, transports"


async def insert(
    conn: Connection,
    *,
    passkey_id: UUID,
    customer_id: UUID,
    credential_id: bytes,
    public_key: bytes,
    sign_count: int,
    transports: list[str],
    backed_up: bool,
    name: str,
) -> bool:
    """False when this credential is known already."""
    done = await conn.fetchval(
        """
        INSERT INTO customer_passkeys (id, customer_id, credential_id, public_key, sign_count, transports, backed_up, name)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (credential_id) DO NOTHING RETURNING true
        """,
        passkey_id,
        customer_id,
        credential_id,
        public_key,
        sign_count,
        transports,
        backed_up,
        name,
    )
    return bool(done)


async def find(conn: Connection, credential_id: bytes) -> Passkey | None:
    row = await conn.fetchrow(
        f"SELECT {_PASSKEY} FROM customer_passkeys WHERE credential_id = $1",  # noqa: S608
        credential_id,
    )
    return Passkey(**row) if row else None


async def list_of(conn: Connection, customer_id: UUID) -> list[Passkey]:
    rows = await conn.fetch(
        f"SELECT {_PASSKEY} FROM customer_passkeys WHERE customer_id = $1 ORDER BY created_at, id",  # noqa: S608
        customer_id,
    )
    return [Passkey(**row) for row in rows]


async def list_seen(conn: Connection, customer_id: UUID) -> list[PasskeySeen]:
    """The oldest first."""
    rows = await conn.fetch(
        """
        SELECT id, name, backed_up, created_at, last_used_at FROM customer_passkeys
        WHERE customer_id = $1 ORDER BY created_at, id
        """,
        customer_id,
    )
    return [PasskeySeen(**row) for row in rows]


async def count(conn: Connection, customer_id: UUID) -> int:
    value: int = await conn.fetchval("SELECT count(*) FROM customer_passkeys WHERE customer_id = $1", customer_id)
    return value


async def note_use(conn: Connection, passkey_id: UUID, sign_count: int, backed_up: bool) -> bool:
    """Keep the counter of a signature. False when it did not grow: then there are two of this passkey. Zero: it does not count."""
    done = await conn.fetchval(
        """
        UPDATE customer_passkeys SET sign_count = $2, backed_up = $3, last_used_at = house_now()
        WHERE id = $1 AND (sign_count < $2 OR (sign_count = 0 AND $2 = 0)) RETURNING true
        """,
        passkey_id,
        sign_count,
        backed_up,
    )
    return bool(done)


async def delete(conn: Connection, customer_id: UUID, passkey_id: UUID) -> bool:
    """False when it is not theirs."""
    done = await conn.fetchval(
        "DELETE FROM customer_passkeys WHERE id = $2 AND customer_id = $1 RETURNING true", customer_id, passkey_id
    )
    return bool(done)


async def delete_all(conn: Connection, customer_id: UUID) -> None:
    await conn.execute("DELETE FROM customer_passkeys WHERE customer_id = $1", customer_id)


async def delete_younger(conn: Connection, customer_id: UUID, days: int) -> bool:
    """Whether any that was added within so many days is gone now."""
    rows = await conn.fetch(
        """
        DELETE FROM customer_passkeys WHERE customer_id = $1 AND created_at > house_now() - make_interval(days => $2)
        RETURNING id
        """,
        customer_id,
        days,
    )
    return bool(rows)
