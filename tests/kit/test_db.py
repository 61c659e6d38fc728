"""Database transactions whose connection breaks, and statements that are shared."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from urllib.parse import urlsplit

import asyncpg
import pytest

from jklg.kit.db import VISITOR, Connection, Database
from tests.conftest import FreshDatabase, Server
from tests.trade import add_departure, hold


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


async def test_who_asks_the_same_in_one_moment_is_answered_by_one_statement(db: Database) -> None:
    asked: list[list[int]] = []

    async def squares(conn: Connection, numbers: Sequence[int]) -> dict[int, int]:
        asked.append(list(numbers))
        rows = await conn.fetch("SELECT n, n * n FROM unnest($1::integer[]) n WHERE n <> 13", numbers)
        return {row[0]: row[1] for row in rows}

    square = db.together(squares)
    assert square is db.together(squares)
    assert await asyncio.gather(square(2), square(3), square(2), square(13)) == [4, 9, 4, None]
    assert asked == [[2, 3, 13]]


async def test_a_question_that_cannot_be_asked_spoils_no_other(db: Database) -> None:
    async def halves(conn: Connection, numbers: Sequence[int]) -> dict[int, int]:
        rows = await conn.fetch("SELECT n, 100 / n FROM unnest($1::integer[]) n", numbers)
        return {row[0]: row[1] for row in rows}

    answers = await asyncio.gather(*map(db.together(halves), (2, 0, 5)), return_exceptions=True)
    assert (answers[0], answers[2]) == (50, 20)
    assert isinstance(answers[1], asyncpg.DivisionByZeroError)


async def test_who_hangs_up_does_not_end_what_others_wait_for(db: Database) -> None:
    async def same(conn: Connection, numbers: Sequence[int]) -> dict[int, int]:
        return {row[0]: row[0] for row in await conn.fetch("SELECT unnest($1::integer[])", numbers)}

    first, second, other = (asyncio.create_task(db.together(same)(n)) for n in (1, 1, 2))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second, await other) == (1, 2)


async def test_a_visitor_sees_what_is_on_sale_and_nobodys_booking(db: Database) -> None:
    held = await hold(db, await add_departure(db))
    for planned_once in (False, True):
        async with db.transaction(VISITOR, planned_once=planned_once) as conn:
            assert await conn.fetchval("SELECT count(*) FROM departures WHERE id = $1", held.departure_id) == 1
            assert await conn.fetchval("SELECT count(*) FROM bookings") == 0
            assert await conn.fetchval("SELECT count(*) FROM travellers") == 0
