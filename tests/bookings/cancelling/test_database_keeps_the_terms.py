"""What the database refuses of terms, reductions and giving up, whoever asks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest

from jklg.kit.db import SYSTEM, Connection, Database
from jklg.kit.ids import uuid7
from tests.trade import TERMS, add_departure, add_package, hold


@pytest.fixture
async def booking_id(db: Database) -> UUID:
    return (await hold(db, await add_departure(db, package_id=await add_package(db, terms=TERMS)))).id


@pytest.fixture
async def owner(db_url: str) -> AsyncIterator[Connection]:
    conn = await asyncpg.connect(db_url)
    await conn.execute(f"SET request.jwt.claims = '{SYSTEM}'")
    yield conn
    await conn.close()


async def refuses(conn: Connection, constraint: str, sql: str, *args: object) -> None:
    with pytest.raises(asyncpg.PostgresError) as refusal:
        await conn.execute(sql, *args)
    assert getattr(refusal.value, "constraint_name", None) == constraint


async def test_the_price_is_never_reduced_below_nothing_nor_raised_again(owner: Connection, booking_id: UUID) -> None:
    await refuses(owner, "bookings_reduced_within_price", "UPDATE bookings SET reduced_amount = total_price + 1")
    await owner.execute("UPDATE bookings SET reduced_amount = 100")
    await refuses(owner, "bookings_reduced_only_grows", "UPDATE bookings SET reduced_amount = 99")


async def test_the_last_seat_is_given_up_with_the_booking_and_not_alone(owner: Connection, booking_id: UUID) -> None:
    await refuses(owner, "bookings_somebody_still_goes", "UPDATE bookings SET cancelled_seats = seats")


async def test_what_was_sold_stays_as_it_was_sold(owner: Connection, booking_id: UUID) -> None:
    for change in ("sold_terms = '{}'", "deposit_amount = deposit_amount + 1", "balance_due_on = balance_due_on + 1"):
        await refuses(owner, "bookings_terms_frozen", f"UPDATE bookings SET {change}")


async def test_a_deposit_is_a_part_with_a_day_for_the_rest(owner: Connection, booking_id: UUID) -> None:
    copy = """
        INSERT INTO bookings (id, reference, departure_id, party, seats, currency, total_price, lines, name, email, phone,
                              hold_expires_at, deposit_amount, balance_due_on)
        SELECT $1, 'AAAAAA', departure_id, party, seats, currency, total_price, lines, name, email, phone, hold_expires_at, {0}, {1}
        FROM bookings LIMIT 1
    """
    await refuses(owner, "bookings_deposit_is_a_part", copy.format("total_price", "balance_due_on"), uuid7())
    await refuses(owner, "bookings_balance_has_a_day", copy.format("deposit_amount", "NULL"), uuid7())


async def test_a_giving_up_keeps_no_more_than_it_is_worth_happens_once_and_stays(
    owner: Connection, booking_id: UUID
) -> None:
    given = """
        INSERT INTO booking_cancellations (id, booking_id, party, seats, worth, kept, refund, currency, days_before, whole, cancelled_by)
        VALUES ($1, $2, '{"adult": 2}', 2, 100, $3, 0, 'INR', 9, true, 'guest')
    """
    await refuses(owner, "booking_cancellations_keep_within_worth", given, uuid7(), booking_id, 101)
    await owner.execute(given, uuid7(), booking_id, 100)
    await refuses(owner, "booking_cancellations_whole_once", given, uuid7(), booking_id, 100)
    for sql in (
        "UPDATE booking_cancellations SET kept = 0",
        "DELETE FROM booking_cancellations",
        "TRUNCATE booking_cancellations",
    ):
        await refuses(owner, "booking_cancellations_append_only", sql)
