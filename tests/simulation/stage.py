"""Where worlds are played: a migrated database. One of the tests' own, or a copy made here when there is no pytest around."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from itertools import count
from typing import Any

import asyncpg

from jklg.kit import embedded_postgres
from jklg.kit.db import SESSION, prepare
from jklg.migrations import migrate
from tests.conftest import temporary_directory

TEMPLATE = "jklg_stage_template"
_numbers = count(1)
_REMEMBERS: dict[str, Any] = {
    "statement_cache_size": 1000,
    "max_cached_statement_lifetime": 0,
    "max_cacheable_statement_size": 0,
}
_PATIENT = dict.fromkeys(("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"), "0")
"""How long something takes on the wall must not decide anything."""


class Stage:
    """A migrated database, as the application logs in and as a superuser, who sees every row.

    Its connections outlive its worlds. A new one costs more than most of what is said on it: whatever is asked has to be planned again.
    """

    def __init__(self, login_url: str, superuser_url: str, superuser: Any) -> None:
        self.login_url = login_url
        self.superuser_url = superuser_url
        self.superuser = superuser
        self.told: dict[int, datetime] = {}
        """Server process -> what its session believes the time to be."""
        self._idle: list[Any] = []
        self._news: Any = None

    async def lend(self) -> Any:
        """A connection of the application's, for one who gives it back."""
        if self._idle:
            return self._idle.pop()
        conn = await asyncpg.connect(self.login_url, server_settings=SESSION | _PATIENT, **_REMEMBERS)
        await prepare(conn)
        return conn

    def give_back(self, conn: Any) -> None:
        self._idle.append(conn)

    async def news(self) -> Any:
        """The connection on which news is fetched; pgqueuer's has none of our codecs."""
        if self._news is None:
            self._news = await asyncpg.connect(self.login_url, server_settings={"role": "jklg_app"}, **_REMEMBERS)
        return self._news

    async def sweep(self) -> None:
        """Everything that was sold, forgotten. Triggers sleep meanwhile: the books cannot be emptied otherwise."""
        tables = await self.superuser.fetch(
            """
            SELECT quote_ident(relname) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
              AND relname NOT IN ('transaction_states', 'transaction_moves', 'booking_moves') AND relname NOT LIKE '%migration%'
              AND relname !~ '^pgqueuer_'
            """
        )
        await self.superuser.execute(
            "SET session_replication_role = replica;"
            + "".join(f"DELETE FROM {table[0]};" for table in tables)
            + "SET session_replication_role = origin"
        )

    async def close(self) -> None:
        for conn in (*self._idle, self._news, self.superuser):
            if conn is not None:
                conn.terminate()


@asynccontextmanager
async def open_stage(login_url: str, superuser_url: str) -> AsyncIterator[Stage]:
    superuser = await asyncpg.connect(
        superuser_url, server_settings={"plan_cache_mode": "force_generic_plan"}, **_REMEMBERS
    )
    stage = Stage(login_url, superuser_url, superuser)
    here = await superuser.fetchval("SELECT quote_ident(current_database())")
    await superuser.execute(f"ALTER DATABASE {here} SET deadlock_timeout = '1ms'")  # who is refused is decided at once
    await superuser.execute(f"ALTER DATABASE {here} SET plan_cache_mode = 'force_generic_plan'")
    try:
        yield stage
    finally:
        await stage.close()


@contextmanager
def postgres() -> Iterator[embedded_postgres.Access]:
    """A server for the time of the block."""
    with temporary_directory() as directory:
        running = embedded_postgres.start(directory, options=embedded_postgres.FAST)
        try:
            yield running.access
        finally:
            running.close()


@asynccontextmanager
async def fresh_stage(access: embedded_postgres.Access) -> AsyncIterator[Stage]:
    """A stage on a server of ours, gone after the block."""
    name = f"jklg_stage_{os.getpid()}_{next(_numbers)}"
    admin = await asyncpg.connect(access.admin_url())
    try:
        if not await admin.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", TEMPLATE):
            await admin.execute(f"CREATE DATABASE {TEMPLATE} OWNER jklg_owner")
            await migrate(access.owner_url(TEMPLATE))
        await admin.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY OWNER jklg_owner")
        async with open_stage(access.login_url(name), access.admin_url(name)) as stage:
            yield stage
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await admin.close()
