"""SQL of recovery codes."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from jklg.kit.db import Connection


class Count(NamedTuple):
    """How many codes a customer was given, and how many are unused."""

    made: int
    left: int


async def insert(conn: Connection, customer_id: UUID, hashes: list[bytes]) -> None:
    await conn.execute(
        "INSERT INTO customer_recovery_codes (customer_id, code_hash) SELECT $1, unnest($2::bytea[])",
        customer_id,
        hashes,
    )


async def use(conn: Connection, customer_id: UUID, code_hash: bytes) -> bool:
    """False for all but the first who asks."""
    done = await conn.fetchval(
        """
        UPDATE customer_recovery_codes SET used_at = house_now()
        WHERE customer_id = $1 AND code_hash = $2 AND used_at IS NULL RETURNING true
        """,
        customer_id,
        code_hash,
    )
    return bool(done)


async def count(conn: Connection, customer_id: UUID) -> Count:
    row = await conn.fetchrow(
        """
        SELECT count(*), count(*) FILTER (WHERE used_at IS NULL) FROM customer_recovery_codes WHERE customer_id = $1
        """,
        customer_id,
    )
    assert row is not None
    return Count(row[0], row[1])


async def delete(conn: Connection, customer_id: UUID) -> None:
    await conn.execute("DELETE FROM customer_recovery_codes WHERE customer_id = $1", customer_id)


async def delete_younger(conn: Connection, customer_id: UUID, days: int) -> bool:
    """Whether a sheet that was made within so many days is gone now."""
    rows = await conn.fetch(
        """
        DELETE FROM customer_recovery_codes WHERE customer_id = $1 AND created_at > house_now() - make_interval(days => $2)
        RETURNING code_hash
        """,
        customer_id,
        days,
    )
    return bool(rows)
