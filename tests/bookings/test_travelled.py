"""A journey is over the day after its last, by the calendar of its place; looking for those that are costs no more as they grow many."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from jklg import bookings
from jklg.bookings import queries
from jklg.kit.db import Database, open_database
from tests.trade import add_departure, hold, rows_read, status_of


async def confirmed(db: Database, departure_id: UUID) -> UUID:
    """Asha's booking there, which needs no money for once."""
    held = await hold(db, departure_id, party={"adult": 1})
    async with db.transaction() as conn:
        await conn.execute(
            "UPDATE bookings SET status = 'confirmed', confirmed_at = house_now() WHERE id = $1", held.id
        )
    return held.id


@pytest.mark.parametrize(
    ("place", "ends_at"),
    [
        ("Pacific/Kiritimati", datetime(2031, 3, 10, 10, tzinfo=UTC)),
        ("Asia/Kolkata", datetime(2031, 3, 10, 18, 30, tzinfo=UTC)),
        ("Pacific/Niue", datetime(2031, 3, 11, 11, tzinfo=UTC)),
    ],
)
async def test_a_day_on_an_island_is_over_at_its_midnight(
    db: Database, db_url: str, place: str, ends_at: datetime
) -> None:
    departure = await add_departure(db, starts_on=datetime(2031, 3, 10, tzinfo=UTC).date())
    async with db.transaction() as conn:
        await conn.execute("UPDATE departures SET ends_on = starts_on WHERE id = $1", departure)
        await conn.execute("UPDATE packages SET time_zone = $1", place)
    booking = await confirmed(db, departure)
    for moment, status in ((ends_at - timedelta(seconds=1), "confirmed"), (ends_at, "completed")):
        then = await open_database(db_url, clock=lambda moment=moment: moment)  # type: ignore[misc]
        try:
            await bookings.complete_due(then)
        finally:
            await then.close()
        assert await status_of(db, booking) == status


@pytest.mark.parametrize("plan", ["force_custom_plan", "force_generic_plan"])
async def test_who_looks_for_journeys_that_are_over_reads_none_that_are_over_already_nor_any_to_come(
    db: Database, server_admin: Any, plan: str
) -> None:
    """Once a minute each worker read all bookings there had ever been."""
    old = await add_departure(db, starts_on=(datetime.now(UTC) - timedelta(days=20)).date())
    async with db.transaction() as conn:
        await conn.execute("UPDATE departures SET cutoff_at = house_now() + interval '1 hour' WHERE id = $1", old)
    home = await confirmed(db, old)
    later = await confirmed(db, await add_departure(db))
    await server_admin.execute(
        f"""
        SET session_replication_role = replica;
        INSERT INTO bookings (id, reference, departure_id, status, party, seats, currency, total_price, lines, name, email, phone, hold_expires_at, travels_on)
        SELECT gen_random_uuid(), translate(lpad(to_hex(n), 6, '0'), '01abcdef', 'GHABCDEF'), departure_id,
               CASE WHEN n % 10 = 0 THEN 'confirmed' ELSE 'completed' END, party, seats, currency, total_price, lines, name, email, phone, hold_expires_at,
               CASE WHEN n % 10 = 0 THEN current_date + 100 ELSE current_date - n % 500 END
        FROM bookings, generate_series(1, 3000) n WHERE id = '{later}';
        SET session_replication_role = origin;
        """
    )
    await server_admin.execute("VACUUM ANALYZE bookings")
    async with db.transaction() as conn:
        await conn.execute(f"SET LOCAL plan_cache_mode = {plan}")
        before = await rows_read(conn, "bookings")
        assert await queries.list_travelled(conn, 100) == [home]
        assert await rows_read(conn, "bookings") - before < 10, "the planner itself looks at the ends of an index"
