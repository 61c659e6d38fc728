"""Where the play bank keeps its things: each a JSON document under a kind and an id. All of them fit in memory.

What `save` has returned for is there after a kill -9. One process per database: the second one refuses to start.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import asyncpg


class Row(NamedTuple):
    kind: str
    id: str
    doc: str


class Storage(Protocol):
    async def load(self) -> list[Row]:
        """Everything, in the order in which it was first saved."""
        ...

    async def save(self, rows: Sequence[Row]) -> None:
        """Write all of them or none, durably."""
        ...

    async def close(self) -> None: ...


class MemoryStorage:
    """Nothing outlives the process. For tests and the simulation, which may hand the same one to a restarted bank."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], Row] = {}

    async def load(self) -> list[Row]:
        return list(self._rows.values())

    async def save(self, rows: Sequence[Row]) -> None:
        self._rows.update({(row.kind, row.id): row for row in rows})

    async def close(self) -> None:
        pass


_SCHEMA = """
    CREATE SCHEMA sandbox;
    CREATE TABLE sandbox.things (
        seq bigint GENERATED ALWAYS AS IDENTITY,
        kind text NOT NULL,
        id text NOT NULL,
        doc jsonb NOT NULL,
        PRIMARY KEY (kind, id)
    );
"""
_ONE_BANK = 7_061_766_273
"""The advisory lock that one running bank holds on its database."""


class PostgresStorage:
    def __init__(self, url: str) -> None:
        self._url = url
        self._open: asyncpg.Connection[asyncpg.Record] | None = None

    async def load(self) -> list[Row]:
        conn = await self._connection()
        rows = await conn.fetch("SELECT kind, id, doc::text AS doc FROM sandbox.things ORDER BY seq")
        return [Row(row["kind"], row["id"], row["doc"]) for row in rows]

    async def save(self, rows: Sequence[Row]) -> None:
        conn = await self._connection()
        kinds, ids, docs = zip(*rows, strict=True)
        await conn.execute(
            """
            INSERT INTO sandbox.things (kind, id, doc)
            SELECT kind, id, doc FROM unnest($1::text[], $2::text[], $3::jsonb[]) WITH ORDINALITY AS new (kind, id, doc, n)
            ORDER BY n
            ON CONFLICT (kind, id) DO UPDATE SET doc = EXCLUDED.doc
            """,
            kinds,
            ids,
            docs,
        )

    async def close(self) -> None:
        if self._open is not None:
            await self._open.close()

    async def _connection(self) -> asyncpg.Connection[asyncpg.Record]:
        """The one connection; a new one after the database went away. RuntimeError when another bank is at work there."""
        if self._open is not None and not self._open.is_closed():
            return self._open
        conn = await asyncpg.connect(
            self._url, timeout=10, command_timeout=15, server_settings={"application_name": "jklg-sandbox"}
        )
        try:
            await _only_one(conn)
            if await conn.fetchval("SELECT to_regclass('sandbox.things')") is None:
                await conn.execute(_SCHEMA)
        except BaseException:
            await conn.close(timeout=1)
            raise
        self._open = conn
        return conn


async def _only_one(conn: asyncpg.Connection[asyncpg.Record]) -> None:
    """A bank that was killed a moment ago may still hold the lock: wait for it, but not for ever."""
    for _ in range(40):
        if await conn.fetchval("SELECT pg_try_advisory_lock($1)", _ONE_BANK):
            return
        await asyncio.sleep(0.25)
    raise RuntimeError("another sandbox is running on this database")
