"""SQL of mailed links and codes."""

from __future__ import annotations

from uuid import UUID

import msgspec

from jklg.kit.db import Connection


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """A link or code that may still be used. `email` is the mailbox that it proves; '' for a reset."""

    id: UUID
    customer_id: UUID
    email: str
    tries: int


async def insert(
    conn: Connection, proof_id: UUID, customer_id: UUID, purpose: str, email: str, token_hash: bytes, minutes: int
) -> None:
    await conn.execute(
        """
        INSERT INTO email_verification_tokens (id, customer_id, purpose, email, token_hash, expires_at)
        VALUES ($1, $2, $3, $4, $5, house_now() + make_interval(mins => $6)) ON CONFLICT (id) DO NOTHING
        """,
        proof_id,
        customer_id,
        purpose,
        email,
        token_hash,
        minutes,
    )


async def insert_reset(conn: Connection, proof_id: UUID, customer_id: UUID, token_hash: bytes, minutes: int) -> None:
    await conn.execute(
        """
        INSERT INTO password_reset_tokens (id, customer_id, token_hash, expires_at)
        VALUES ($1, $2, $3, house_now() + make_interval(mins => $4)) ON CONFLICT (id) DO NOTHING
        """,
        proof_id,
        customer_id,
        token_hash,
        minutes,
    )


async def find(conn: Connection, customer_id: UUID, purpose: str, token_hash: bytes) -> Proof | None:
    row = await conn.fetchrow(
        """
        SELECT id, customer_id, email, tries FROM email_verification_tokens
        WHERE token_hash = $3 AND customer_id = $1 AND purpose = $2 AND NOT used AND expires_at > house_now()
        """,
        customer_id,
        purpose,
        token_hash,
    )
    return Proof(**row) if row else None


async def get(conn: Connection, proof_id: UUID) -> Proof | None:
    row = await conn.fetchrow(
        """
        SELECT id, customer_id, email, tries FROM email_verification_tokens
        WHERE id = $1 AND NOT used AND expires_at > house_now()
        """,
        proof_id,
    )
    return Proof(**row) if row else None


async def find_reset(conn: Connection, customer_id: UUID, token_hash: bytes) -> Proof | None:
    row = await conn.fetchrow(
        """
        SELECT id, customer_id, '' AS email, 0 AS tries FROM password_reset_tokens
        WHERE token_hash = $2 AND customer_id = $1 AND NOT used AND expires_at > house_now()
        """,
        customer_id,
        token_hash,
    )
    return Proof(**row) if row else None


async def try_codes(conn: Connection, email: str, most: int) -> list[Proof]:
    """Count a try at every code mailed to a mailbox that has tries left; answers those."""
    rows = await conn.fetch(
        """
        UPDATE email_verification_tokens SET tries = tries + 1
        WHERE id IN (SELECT t.id FROM email_verification_tokens t JOIN customers c ON c.id = t.customer_id
                     WHERE c.mailbox = lower($1) AND c.status = 'pending' AND t.purpose = 'verify' AND lower(t.email) = lower($1)
                       AND NOT t.used AND t.expires_at > house_now() AND t.tries < $2
                     ORDER BY t.id FOR UPDATE OF t)
        RETURNING id, customer_id, email, tries
        """,
        email,
        most,
    )
    return [Proof(**row) for row in rows]


async def use(conn: Connection, proof_id: UUID) -> bool:
    """False for all but the first."""
    done = await conn.fetchval(
        """
        UPDATE email_verification_tokens SET used = true, used_at = house_now()
        WHERE id = $1 AND NOT used AND expires_at > house_now() RETURNING true
        """,
        proof_id,
    )
    return bool(done)


async def use_reset(conn: Connection, proof_id: UUID) -> bool:
    """False for all but the first."""
    done = await conn.fetchval(
        """
        UPDATE password_reset_tokens SET used = true, used_at = house_now()
        WHERE id = $1 AND NOT used AND expires_at > house_now() RETURNING true
        """,
        proof_id,
    )
    return bool(done)


async def use_all(conn: Connection, customer_id: UUID, purpose: str) -> None:
    await conn.execute(
        """
        UPDATE email_verification_tokens SET used = true, used_at = house_now()
        WHERE customer_id = $1 AND purpose = $2 AND NOT used
        """,
        customer_id,
        purpose,
    )


async def use_all_resets(conn: Connection, customer_id: UUID) -> None:
    await conn.execute(
        "UPDATE password_reset_tokens SET used = true, used_at = house_now() WHERE customer_id = $1 AND NOT used",
        customer_id,
    )


async def drop_all(conn: Connection, customer_ids: list[UUID]) -> None:
    await conn.execute("DELETE FROM email_verification_tokens WHERE customer_id = ANY($1)", customer_ids)
    await conn.execute("DELETE FROM password_reset_tokens WHERE customer_id = ANY($1)", customer_ids)


async def forget_old(conn: Connection, limit: int) -> int:
    """Drop what ended, or was used, more than a day ago."""
    links = await conn.fetch(
        """
        DELETE FROM email_verification_tokens WHERE id IN (
            SELECT id FROM email_verification_tokens WHERE expires_at < (SELECT house_now() - interval '1 day') LIMIT $1
        ) RETURNING id
        """,
        limit,
    )
    resets = await conn.fetch(
        """
        DELETE FROM password_reset_tokens WHERE id IN (
            SELECT id FROM password_reset_tokens WHERE expires_at < (SELECT house_now() - interval '1 day') LIMIT $1
        ) RETURNING id
        """,
        limit,
    )
    return len(links) + len(resets)
