"""SQL of the seals.

What proves something reads plain columns of `public` and is worked out in Python: a superuser of the database can replace any function and
view of ours, and can put others before them in the search path.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

from jklg.kit.db import Connection
from jklg.ledger.seals.rules import Entry, Posting

OUR_OWN_PATH = "SET LOCAL search_path = pg_catalog, public, pg_temp"
"""Said at the beginning of a database transaction: functions and operators are PostgreSQL's, whatever a role or a login trigger has set."""


_POSTING = """
t.id, t.kind, t.source_type, t.source_id, t.subject_id,
CASE WHEN t.posted_at >= '0001-01-01 00:00:00+00' AND t.posted_at < '10000-01-01 00:00:00+00' THEN t.posted_at END
"""
"""A time that Python does not know is none: nothing of ours was posted then, and it must not end the proof with an error."""


class Seal(NamedTuple):
    """One link of the chain, with its posting and the entries as they stand now; None when it is gone."""

    number: int
    transaction_id: UUID
    digest: bytes
    chain: bytes
    mac: bytes
    key_id: str
    posting: Posting | None
    entries: list[Entry]


async def take_turn(conn: Connection) -> bool:
    """One process seals at a time. False when another one does; else until the caller's database transaction ends."""
    return bool(await conn.fetchval("SELECT pg_try_advisory_xact_lock(hashtext('jklg ledger seals'))"))


async def last(conn: Connection) -> tuple[int, bytes, bytes] | None:
    """Number, chain and MAC of the newest seal."""
    row = await conn.fetchrow("SELECT number, chain, mac FROM public.ledger_seals ORDER BY number DESC LIMIT 1")
    return (row[0], row[1], row[2]) if row else None


async def chain_at(conn: Connection, number: int) -> bytes | None:
    """The chain up to a seal; None without such a seal."""
    found: bytes | None = await conn.fetchval("SELECT chain FROM public.ledger_seals WHERE number = $1", number)
    return found


async def list_unsealed(conn: Connection, limit: int) -> list[tuple[Posting, list[Entry]]]:
    """Postings that wait for a seal, the oldest first, with their entries."""
    rows = await conn.fetch(
        f"""
        SELECT {_POSTING}, e.id, e.account, e.currency, e.amount, e.subject_id
        FROM (SELECT t.* FROM public.ledger_unsealed u JOIN public.ledger_transactions t ON t.id = u.transaction_id
              ORDER BY t.posted_at, t.id LIMIT $1) t
        LEFT JOIN public.ledger_entries e ON e.transaction_id = t.id ORDER BY t.posted_at, t.id, e.id
        """,  # noqa: S608  (the words are ours)
        limit,
    )
    postings = groupby((tuple(row) for row in rows), key=lambda row: Posting(*row[:6]))
    return [(posting, [Entry(*row[6:]) for row in of_it if row[6] is not None]) for posting, of_it in postings]


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
    """Every seal with what its posting says today, in order. Two streams, so that millions of them need no memory and no trip each."""
    entries = aiter(
        conn.cursor(
            """
            SELECT s.number, e.id, e.account, e.currency, e.amount, e.subject_id
            FROM public.ledger_seals s JOIN public.ledger_entries e ON e.transaction_id = s.transaction_id ORDER BY s.number, e.id
            """,
            prefetch=2000,
        )
    )
    entry = await anext(entries, None)
    async for row in conn.cursor(
        f"""
        SELECT s.number, s.transaction_id, s.digest, s.chain, s.mac, s.key_id, {_POSTING}
        FROM public.ledger_seals s LEFT JOIN public.ledger_transactions t ON t.id = s.transaction_id ORDER BY s.number
        """,  # noqa: S608
        prefetch=1000,
    ):
        number, transaction_id, digest, chain, mac, key_id, *posting = row
        of_it = []
        while entry is not None and entry[0] == number:
            _, *columns = entry
            of_it.append(Entry(*columns))
            entry = await anext(entries, None)
        yield Seal(
            number, transaction_id, digest, chain, mac, key_id, Posting(*posting) if posting[0] is not None else None, of_it
        )  # fmt: skip


async def list_overlooked(conn: Connection) -> list[UUID]:
    """Postings without a seal that do not wait for one, or have waited for more than an hour.

    By the clock that house_now() reads, written out.
    """
    rows = await conn.fetch(
        """
        SELECT t.id FROM public.ledger_transactions t
        LEFT JOIN public.ledger_seals s ON s.transaction_id = t.id LEFT JOIN public.ledger_unsealed u ON u.transaction_id = t.id
        WHERE s.transaction_id IS NULL AND (u.transaction_id IS NULL OR t.posted_at
              < coalesce(nullif(pg_catalog.current_setting('jklg.clock', true), '')::timestamptz, pg_catalog.clock_timestamp()) - interval '1 hour')
        ORDER BY t.posted_at, t.id LIMIT 100
        """
    )
    return [row[0] for row in rows]


async def count_unsealed(conn: Connection) -> int:
    return int(await conn.fetchval("SELECT count(*) FROM public.ledger_unsealed"))
