"""SQL of half-done sign-ins and passkey ceremonies."""

from __future__ import annotations

from uuid import UUID

import msgspec

from jklg.kit.db import Connection


class Challenge(msgspec.Struct, frozen=True, kw_only=True):
    """One that may be answered. `customer_id` is None when a passkey may still be anybody's."""

    id: UUID
    customer_id: UUID | None
    challenge: bytes | None
    tries: int


async def insert(
    conn: Connection,
    challenge_id: UUID,
    customer_id: UUID | None,
    purpose: str,
    token_hash: bytes,
    challenge: bytes | None,
    minutes: int,
) -> None:
    await conn.execute(
        """
        INSERT INTO customer_challenges (id, customer_id, purpose, token_hash, challenge, expires_at)
        VALUES ($1, $2, $3, $4, $5, house_now() + make_interval(mins => $6))
        """,
        challenge_id,
        customer_id,
        purpose,
        token_hash,
        challenge,
        minutes,
    )


async def ask_passkey(conn: Connection, token_hash: bytes, challenge: bytes, most_tries: int) -> UUID | None:
    """Let a second factor be answered by passkey. Answers whose it is; None when the token is over."""
    value: UUID | None = await conn.fetchval(
        """
        UPDATE customer_challenges SET challenge = $2
        WHERE token_hash = $1 AND purpose = 'second_factor' AND tries < $3 AND expires_at > house_now() RETURNING customer_id
        """,
        token_hash,
        challenge,
        most_tries,
    )
    return value


async def count_try(conn: Connection, token_hash: bytes, most_tries: int) -> Challenge | None:
    """Count a try at a second factor; what was asked of a passkey is used up by it. None when the token is over."""
    row = await conn.fetchrow(
        """
        WITH asked AS (
            SELECT id, customer_id, challenge FROM customer_challenges
            WHERE token_hash = $1 AND purpose = 'second_factor' AND tries < $2 AND expires_at > house_now() FOR UPDATE
        )
        UPDATE customer_challenges c SET tries = c.tries + 1, challenge = NULL FROM asked
        WHERE c.id = asked.id RETURNING c.id, c.customer_id, asked.challenge, c.tries
        """,
        token_hash,
        most_tries,
    )
    return Challenge(**row) if row else None


async def delete(conn: Connection, challenge_id: UUID) -> bool:
    """False for all but the first."""
    done = await conn.fetchval(
        "DELETE FROM customer_challenges WHERE id = $1 AND expires_at > house_now() RETURNING true", challenge_id
    )
    return bool(done)


async def take(conn: Connection, purpose: str, customer_id: UUID | None, token_hash: bytes) -> bytes | None:
    """What was asked of a passkey, once. None when it was for another purpose, for somebody else, used or over."""
    value: bytes | None = await conn.fetchval(
        """
        DELETE FROM customer_challenges
        WHERE token_hash = $3 AND purpose = $1 AND customer_id IS NOT DISTINCT FROM $2 AND expires_at > house_now()
        RETURNING challenge
        """,
        purpose,
        customer_id,
        token_hash,
    )
    return value


async def delete_of(conn: Connection, customer_ids: list[UUID]) -> None:
    await conn.execute("DELETE FROM customer_challenges WHERE customer_id = ANY($1)", customer_ids)


async def delete_old(conn: Connection, limit: int) -> int:
    rows = await conn.fetch(
        """
        DELETE FROM customer_challenges WHERE id IN (
            SELECT id FROM customer_challenges WHERE expires_at < house_now() LIMIT $1 FOR UPDATE SKIP LOCKED
        ) RETURNING id
        """,
        limit,
    )
    return len(rows)
