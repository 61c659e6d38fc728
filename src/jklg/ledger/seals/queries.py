"""SQL of the seals."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from jklg.kit.db import Connection


class Seal(NamedTuple):
    """One link of the chain. `says`: the digest of the posting as it stands now; None when it is gone."""

    number: int
    transaction_id: UUID
    digest: bytes
    chain: bytes
    mac: bytes
    key_id: str
    sealed_at: datetime
    says: bytes | None


async def take_turn(conn: Connection) -> bool:
    """One process seals at a time. False when another one does; else until the caller's database transaction ends."""
    return bool(await conn.fetchval("SELECT pg_try_advisory_xact_lock(hashtext('jklg ledger seals'))"))


async def last(conn: Connection) -> tuple[int, bytes] | None:
    """Number and chain of the newest seal."""
    row = await conn.fetchrow("SELECT number, chain FROM ledger_seals ORDER BY number DESC LIMIT 1")
    return (row[0], row[1]) if row else None


async def list_unsealed(conn: Connection, limit: int) -> list[tuple[UUID, bytes]]:
    """Postings that wait for a seal, the oldest first, with their digests."""
    rows = await conn.fetch(
        """
        SELECT t.id, ledger_digest(t.id) FROM ledger_unsealed u JOIN ledger_transactions t ON t.id = u.transaction_id
        ORDER BY t.posted_at, t.id LIMIT $1
        """,
        limit,
    )
    return [(row[0], row[1]) for row in rows]


async def insert(
    conn: Connection,
    numbers: Sequence[int],
    transaction_ids: Sequence[UUID],
    digests: Sequence[bytes],
    chains: Sequence[bytes],
    macs: Sequence[bytes],
    key_id: str,
) -> None:
    await conn.execute(
        """
        INSERT INTO ledger_seals (number, transaction_id, digest, chain, mac, key_id)
        SELECT s.number, s.id, s.digest, s.chain, s.mac, $6
        FROM unnest($1::bigint[], $2::uuid[], $3::bytea[], $4::bytea[], $5::bytea[]) AS s(number, id, digest, chain, mac)
        """,
        list(numbers), list(transaction_ids), list(digests), list(chains), list(macs), key_id,
    )  # fmt: skip
    await conn.execute("DELETE FROM ledger_unsealed WHERE transaction_id = ANY($1)", list(transaction_ids))


async def read(conn: Connection) -> AsyncIterator[Seal]:
    """Every seal with what its posting says today, in order."""
    async for row in conn.cursor(
        """
        SELECT number, transaction_id, digest, chain, mac, key_id, sealed_at, ledger_digest(transaction_id) AS says
        FROM ledger_seals ORDER BY number
        """,
        prefetch=500,
    ):
        yield Seal(*row)


async def list_overlooked(conn: Connection) -> list[UUID]:
    """Postings without a seal that do not wait for one, or have waited for more than an hour."""
    rows = await conn.fetch(
        """
        SELECT t.id FROM ledger_transactions t
        LEFT JOIN ledger_seals s ON s.transaction_id = t.id LEFT JOIN ledger_unsealed u ON u.transaction_id = t.id
        WHERE s.transaction_id IS NULL AND (u.transaction_id IS NULL OR t.posted_at < house_now() - interval '1 hour')
        ORDER BY t.posted_at, t.id LIMIT 100
        """
    )
    return [row[0] for row in rows]


async def count_unsealed(conn: Connection) -> int:
    return int(await conn.fetchval("SELECT count(*) FROM ledger_unsealed"))
