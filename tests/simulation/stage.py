"""Where worlds are played: a migrated database. One of the tests' own, or a copy made here when there is no pytest around."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path
from typing import NamedTuple

import asyncpg

from jklg.kit import embedded_postgres
from jklg.migrations import migrate
from tests.conftest import temporary_directory
from tests.simulation.world import World, clear, world

TEMPLATE = "jklg_stage_template"
_numbers = count(1)


class Stage(NamedTuple):
    """A migrated database: as the application logs in, and as a superuser, who sees every row."""

    login_url: str
    superuser_url: str


async def live(seed: int, stage: Stage) -> World:
    """One life from the first turn to the last, on a swept stage. Raises Broken, which knows its world."""
    superuser = await asyncpg.connect(stage.superuser_url)
    try:
        await clear(superuser)
    finally:
        await superuser.close()
    with tempfile.TemporaryDirectory() as data_dir:
        async with world(seed, stage.login_url, stage.superuser_url, Path(data_dir)) as simulated:
            await simulated.run()
            return simulated


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
    name = f"jklg_stage_{next(_numbers)}"
    admin = await asyncpg.connect(access.admin_url())
    try:
        if not await admin.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", TEMPLATE):
            await admin.execute(f"CREATE DATABASE {TEMPLATE} OWNER jklg_owner")
            await migrate(access.owner_url(TEMPLATE))
        await admin.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY OWNER jklg_owner")
        yield Stage(access.login_url(name), access.admin_url(name))
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await admin.close()
