"""What a database transaction does when the connection under it breaks."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import asyncpg
import pytest

from jklg.kit.db import Database
from tests.conftest import FreshDatabase, Server


async def _end_whoever_sleeps(server: Server, fresh_database: FreshDatabase) -> None:
    superuser = await asyncpg.connect(server.admin_url(urlsplit(fresh_database.login_url).path.lstrip("/")))
    try:
        async with asyncio.timeout(10):
            end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'"
            while not await superuser.fetchval(end):  # noqa: ASYNC110  (it is PostgreSQL that we wait for)
                await asyncio.sleep(0.01)
    finally:
        await superuser.close()


async def test_a_connection_that_breaks_says_why_and_the_next_one_works(
    db: Database, server: Server, fresh_database: FreshDatabase
) -> None:
    """The pool has taken the broken one back by then: asking it to roll back used to hide what had happened."""
    ending = asyncio.create_task(_end_whoever_sleeps(server, fresh_database))
    with pytest.raises(asyncpg.ConnectionDoesNotExistError, match="terminating"):
        async with db.transaction() as conn:
            await conn.fetchval("SELECT pg_sleep(30)")
    await ending
    async with db.transaction() as conn:
        assert await conn.fetchval("SELECT 1") == 1
