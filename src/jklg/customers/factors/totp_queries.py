"""SQL of authenticator apps."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from jklg.kit.db import Connection


class Totp(msgspec.Struct, frozen=True, kw_only=True):
    """One customer's app, its secret still encrypted. `step` is the present one by the house clock; `fresh`: begun just now."""

    secret: bytes
    key_id: str
    confirmed_at: datetime | None
    step: int
    fresh: bool


async def get_locked(conn: Connection, customer_id: UUID, step_seconds: int, fresh_minutes: int) -> Totp | None:
    """Nobody else uses, replaces or removes it until the caller's database transaction ends."""
    row = await conn.fetchrow(
        """
        SELECT secret, key_id, confirmed_at, floor(extract(epoch FROM house_now()) / $2)::bigint AS step,
               created_at > house_now() - make_interval(mins => $3) AS fresh
        FROM customer_totp WHERE customer_id = $1 FOR UPDATE
        """,
        customer_id,
        step_seconds,
        fresh_minutes,
    )
    return Totp(**row) if row else None


async def put(conn: Connection, customer_id: UUID, secret: bytes, key_id: str) -> bool:
    """A new secret, in place of one that was never confirmed. False when there is a confirmed one."""
    done = await conn.fetchval(
        """
        INSERT INTO customer_totp (customer_id, secret, key_id) VALUES ($1, $2, $3)
        ON CONFLICT (customer_id) DO UPDATE SET secret = $2, key_id = $3, created_at = house_now()
        WHERE customer_totp.confirmed_at IS NULL RETURNING true
        """,
        customer_id,
        secret,
        key_id,
    )
    return bool(done)


async def reseal(conn: Connection, customer_id: UUID, secret: bytes, key_id: str) -> None:
    """The same secret, encrypted anew."""
    await conn.execute(
        "UPDATE customer_totp SET secret = $2, key_id = $3 WHERE customer_id = $1", customer_id, secret, key_id
    )


async def confirm(conn: Connection, customer_id: UUID) -> None:
    await conn.execute("UPDATE customer_totp SET confirmed_at = house_now() WHERE customer_id = $1", customer_id)


async def use_step(conn: Connection, customer_id: UUID, step: int) -> bool:
    """A step is good once, and not after a later one. False for all but the first."""
    done = await conn.fetchval(
        "UPDATE customer_totp SET last_step = $2 WHERE customer_id = $1 AND last_step < $2 RETURNING true",
        customer_id,
        step,
    )
    return bool(done)


async def confirmed_at(conn: Connection, customer_id: UUID) -> datetime | None:
    value: datetime | None = await conn.fetchval(
        "SELECT confirmed_at FROM customer_totp WHERE customer_id = $1", customer_id
    )
    return value


async def delete(conn: Connection, customer_id: UUID) -> bool:
    """Whether a confirmed one is gone now."""
    done = await conn.fetchval(
        "DELETE FROM customer_totp WHERE customer_id = $1 RETURNING confirmed_at IS NOT NULL", customer_id
    )
    return bool(done)


async def delete_younger(conn: Connection, customer_id: UUID, days: int) -> bool:
    """Whether one that was begun within so many days is gone now."""
    done = await conn.fetchval(
        """
        DELETE FROM customer_totp WHERE customer_id = $1 AND created_at > house_now() - make_interval(days => $2) RETURNING true
        """,
        customer_id,
        days,
    )
    return bool(done)
