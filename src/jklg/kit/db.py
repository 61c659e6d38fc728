"""One pool of connections to PostgreSQL, and database transactions that say on whose behalf they run.

Row-level security reads `request.jwt.claims` (the PostgREST and Supabase convention). A session starts with no claims
and sees no customer's rows; `Database.transaction(claims)` sets them for one database transaction, in the same round
trip as BEGIN. A forgotten WHERE therefore returns the caller's own rows or nothing.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, NewType

import asyncpg
import msgspec

from jklg.kit.bells import Bells
from jklg.kit.together import Answer, Ask, Asked, Together

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]
else:
    Connection = asyncpg.Connection
    Pool = asyncpg.Pool

Claims = NewType("Claims", str)
"""The JSON text of `request.jwt.claims`."""


def claims(role: str, **more: str) -> Claims:
    """Claims for row-level security, e.g. `claims("guest", booking_id=str(id))`."""
    return Claims(json.dumps({"role": role, **more}))


SYSTEM = claims("system")
"""The house itself, at work for nobody in particular: the verbs in `actions.py` and the worker."""

VISITOR = Claims("")
"""Somebody who is not known: sees public rows only, as on a connection without claims."""


def _itself(asked: Any) -> Hashable:
    return asked  # type: ignore[no-any-return]


PLANNED_ONCE = "SET LOCAL plan_cache_mode = force_generic_plan; "
"""For statements that one plan fits, as those that name their rows by ids. PostgreSQL would make five plans to see that, on every connection, and
go on making them where a guess looks dearer: planning was two fifths of the work of a worker that is killed every ten seconds, and nearly half
of what a journey's page asks (pg_stat_statements and a stopwatch, 2026-11)."""


class Database:
    """The pool. Connections log in as, or become, the role `jklg_app`, which owns nothing."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.at_once = 1
        """How many shared statements of one kind are under way (kit/together.py)."""
        self._shared: dict[Any, Together[Any, Any]] = {}
        self._bells: dict[str, Bells] = {}

    def together(
        self,
        ask: Ask[Asked, Answer],
        *,
        key: Callable[[Asked], Hashable] = _itself,
        writes: bool = False,
        who: Claims | None = None,
        opening: str = "",
    ) -> Together[Asked, Answer]:
        """`await db.together(ask)(one)` is `(await ask(conn, [one])).get(one)`, shared with all who ask in this moment.

        With `who` that is a database transaction (see there), shared by all on whose behalf it runs.
        """
        shared = self._shared.get((ask, who))
        if shared is None:
            shared = self._shared[ask, who] = Together(
                self, ask, key, writes=writes, at_once=self.at_once, who=who, opening=opening
            )
        return shared

    def bells(self, channel: str) -> Bells:
        """What the database announces on a channel, heard once for all of this process who wait (kit/bells.py)."""
        return self._bells.setdefault(channel, Bells(self, channel))

    def connection(self) -> _Lent:
        """A connection without claims: sees public rows only. No database transaction is open."""
        return _Lent(self.pool)

    @asynccontextmanager
    async def transaction(
        self, who: Claims = SYSTEM, opening: str = "", *, planned_once: bool = False
    ) -> AsyncIterator[Connection]:
        """One database transaction on behalf of `who`: committed at the end, rolled back on any exception.

        `opening` is a statement of ours, sent in the same round trip as BEGIN, that raises when `who` may not come in. `planned_once`: see
        PLANNED_ONCE.
        """
        quoted = who.replace("'", "''")
        opening = PLANNED_ONCE + opening if planned_once else opening
        async with self.pool.acquire() as conn:
            try:
                await conn.execute(f"BEGIN; SET LOCAL request.jwt.claims = '{quoted}'; {opening}")
                yield conn
            except BaseException:
                if _is_alive(conn):
                    await conn.execute("ROLLBACK")
                raise
            await conn.execute("COMMIT")

    async def close(self) -> None:
        for bells in self._bells.values():
            await bells.close()
        await self.pool.close()


class _Lent:
    """A connection of the pool, for as long as a block lasts."""

    __slots__ = ("_conn", "_from_pool")

    def __init__(self, pool: Pool) -> None:
        self._from_pool = pool.acquire()

    async def __aenter__(self) -> Connection:
        self._conn = await self._from_pool.__aenter__()
        return self._conn

    async def __aexit__(self, *how: Any) -> None:
        try:
            # An argument that asyncpg cannot encode leaves a statement begun and not ended; 15 s later the server
            # cancels it, and whoever has the connection then would pay. Any complete message ends it.
            if isinstance(how[1], asyncpg.DataError) and _is_alive(self._conn):
                await self._conn.execute("SELECT")
        finally:
            await self._from_pool.__aexit__(*how)


def _is_alive(conn: Connection) -> bool:
    """Whether there is anybody to talk to. A broken connection is back in the pool already, and even asking it raises."""
    try:
        return not conn.is_closed()
    except asyncpg.InterfaceError:
        return False


class KeptConnection(asyncpg.Connection):
    """Nothing of ours outlives its database transaction, so a returned connection needs no round trip to be reset."""

    def get_reset_query(self) -> str:
        return ""


def _as_json(value: Any) -> str:
    """A parameter of type jsonb. Text is taken as JSON that is ready (pgqueuer hands over such)."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


SESSION = {
    "application_name": "jklg",
    "role": "jklg_app",
    "timezone": "UTC",
    "statement_timeout": "15000",
    "lock_timeout": "5000",
    "idle_in_transaction_session_timeout": "30000",
}
"""How the application speaks with PostgreSQL."""


LISTS = ("uuid", "jsonb", "boolean", "integer", "bigint", "timestamptz", "date", "bytea")
"""Kinds of lists that we send and asyncpg does not know by itself."""


async def prepare(conn: Any) -> None:
    """A new connection learns how we write jsonb, and all our lists at once: asyncpg would ask for each when it first meets it, for 15 ms every time."""
    await conn.set_type_codec("jsonb", encoder=_as_json, decoder=msgspec.json.decode, schema="pg_catalog")
    await conn.prepare(f"SELECT {', '.join(f'${place}::{kind}[]' for place, kind in enumerate(LISTS, 1))}")


async def open_database(
    url: str,
    *,
    min_size: int = 1,
    max_size: int = 10,
    clock: Callable[[], datetime] | None = None,
) -> Database:
    """Connect. `clock` moves the house clock of every session (tests and the simulation only: migration 0001)."""

    async def on_acquire(conn: Any) -> None:
        if clock is not None:
            await conn.execute("SELECT set_config('jklg.clock', $1, false)", clock().isoformat())

    pool = await asyncpg.create_pool(
        url,
        connection_class=KeptConnection,
        min_size=min_size,
        max_size=max_size,
        init=prepare,
        setup=on_acquire if clock is not None else None,
        server_settings=SESSION,
    )
    return Database(pool)


def violated(error: asyncpg.PostgresError) -> str | None:
    """The name of the constraint that refused, if one did: `departures_never_oversold`."""
    return getattr(error, "constraint_name", None)
