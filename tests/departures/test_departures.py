"""A departure is offered, listed, found and locked; the database keeps its seats."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from jklg import departures
from jklg.departures import NewDeparture, Price
from jklg.kit.db import Database, violated
from jklg.kit.errors import BadInput, Conflict, NotFound
from jklg.kit.ids import uuid7
from tests.trade import ADULT, add_departure, add_extra, add_package, hold


async def test_an_offer_tells_all_that_a_price_needs(db: Database) -> None:
    package_id = await add_package(db)
    pony, oxygen = await add_extra(db, package_id, "Pony ride"), await add_extra(db, package_id, "Oxygen")
    departure_id = await add_departure(
        db, package_id=package_id, seats=8, extras={pony: (180_000, 3), oxygen: (500, None)}
    )
    await hold(db, departure_id, extras=[(pony, 2)])
    async with db.connection() as conn:
        offer = await departures.get_offer(conn, departure_id)
    assert offer is not None
    assert (offer.package_id, offer.package_name, offer.currency) == (package_id, "Kashmir Bliss", "INR")
    assert (offer.seats_left, offer.bookable) == (6, True)
    assert offer.prices["adult"] == Price(amount=ADULT, min_age=12, max_age=150, takes_seat=True)
    assert list(offer.prices) == ["adult", "child", "infant", "single_supplement"]
    assert (offer.extras[pony].stock_left, offer.extras[oxygen].stock_left) == (1, None)


async def test_an_offer_costs_one_round_trip(db: Database) -> None:
    departure_id = await add_departure(db)
    asked: list[str] = []
    async with db.connection() as conn:
        await departures.get_offer(conn, departure_id)  # a new connection asks for the type of arrays first
        conn.add_query_logger(lambda query: asked.append(query.query))
        await departures.get_offer(conn, departure_id)
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("change", "bookable"),
    [
        ("UPDATE departures SET status = 'closed' WHERE id = $1", False),
        ("UPDATE departures SET status = 'cancelled' WHERE id = $1", False),
        ("UPDATE departures SET cutoff_at = house_now() WHERE id = $1", False),
        ("UPDATE departures SET allotment = 0 WHERE id = $1", True),
        ("UPDATE packages SET status = 'archived' WHERE id = (SELECT package_id FROM departures WHERE id = $1)", False),
    ],
)
async def test_whether_a_departure_can_be_booked_is_judged_by_the_database(
    db: Database, change: str, bookable: bool
) -> None:
    departure_id = await add_departure(db)
    async with db.connection() as conn:
        await conn.execute(change, departure_id)
        offer = await departures.get_offer(conn, departure_id)
        assert offer is not None
        assert offer.bookable is bookable
        if not bookable:
            with pytest.raises(Conflict) as refusal:
                await departures.offer_or_refuse(conn, departure_id)
            assert refusal.value.code == "departure_closed"
        else:
            assert offer.seats_left == 0


async def test_the_departures_of_a_draft_are_nobodys_business(db: Database) -> None:
    departure_id = await add_departure(db)
    async with db.connection() as conn:
        await conn.execute("UPDATE packages SET status = 'draft'")
        assert await departures.get_offer(conn, departure_id) is None
        with pytest.raises(NotFound) as refusal:
            await departures.offer_or_refuse(conn, departure_id)
    assert refusal.value.code == "departure_not_found"


async def test_visitors_choose_among_open_departures_soonest_first(db: Database) -> None:
    package_id = await add_package(db)
    days = [date(2127, 6, 12), date(2127, 6, 5), date(2127, 6, 19), date(2127, 6, 26)]
    made = {day: await add_departure(db, package_id=package_id, starts_on=day, seats=2) for day in days}
    await add_departure(db)  # of another package
    await hold(db, made[days[0]])
    async with db.connection() as conn:
        await conn.execute("UPDATE departures SET status = 'closed' WHERE id = $1", made[days[3]])
        found = await departures.list_departures(conn, package_id)
        some = await departures.list_departures(conn, package_id, days[0], days[0])
    assert [(d.starts_on, d.seats_left) for d in found] == [(days[1], 2), (days[0], 0), (days[2], 2)]
    assert [d.id for d in some] == [made[days[0]]]
    assert (found[0].prices[0].category, found[0].prices[0].amount) == ("adult", ADULT)


async def test_of_two_departures_on_a_day_the_one_with_room_is_found(db: Database) -> None:
    package_id, day = await add_package(db), date(2127, 6, 12)
    await add_departure(db, package_id=package_id, starts_on=day, seats=1)
    roomy = await add_departure(db, package_id=package_id, starts_on=day, seats=9)
    closed = await add_departure(db, package_id=package_id, starts_on=day, seats=99)
    async with db.connection() as conn:
        await conn.execute("UPDATE departures SET status = 'closed' WHERE id = $1", closed)
        assert await departures.find_departure(conn, package_id, day) == roomy
        assert await departures.find_departure(conn, package_id, day + timedelta(days=1)) is None
        assert await departures.find_departure(conn, uuid7(), day) is None


async def test_who_locks_a_departure_makes_the_next_one_wait(db: Database) -> None:
    departure_id = await add_departure(db, seats=5)
    order: list[str] = []

    async def second() -> None:
        async with db.transaction() as conn:
            await departures.lock(conn, departure_id)
            order.append("second")

    async with db.transaction() as conn:
        assert await departures.lock(conn, departure_id) == (5, True)
        waiting = asyncio.create_task(second())
        await asyncio.sleep(0.2)
        order.append("first")
    await waiting
    assert order == ["first", "second"]


async def test_a_departure_that_is_not_there_cannot_be_locked(db: Database) -> None:
    async with db.transaction() as conn:
        with pytest.raises(NotFound) as refusal:
            await departures.lock(conn, uuid7())
    assert refusal.value.code == "departure_not_found"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"ends_on": date(2127, 6, 11)}, "ends_on"),
        ({"cutoff_at": datetime(2127, 6, 1)}, "cutoff_at"),  # noqa: DTZ001
        ({"currency": "INX"}, "currency"),
        ({"allotment": -1}, "allotment"),
        ({"allotment": 10_001}, "allotment"),
        ({"prices": {"child": Price(amount=1)}}, "prices"),
        ({"prices": {"adult": Price(amount=1), "senior": Price(amount=1)}}, "prices"),
        ({"prices": {"adult": Price(amount=-1)}}, "prices"),
        ({"prices": {"adult": Price(amount=1, takes_seat=False)}}, "prices"),
        ({"prices": {"adult": Price(amount=1, min_age=12, max_age=11)}}, "prices"),
        ({"extras": {uuid7(): (-1, None)}}, "extras"),
        ({"extras": {uuid7(): (1, -1)}}, "extras"),
    ],
)
async def test_a_departure_that_makes_no_sense_is_not_put_on_sale(
    db: Database, changes: dict[str, Any], field: str
) -> None:
    package_id = await add_package(db)
    sound: dict[str, Any] = {
        "package_id": package_id,
        "starts_on": date(2127, 6, 12),
        "ends_on": date(2127, 6, 17),
        "cutoff_at": datetime(2127, 6, 9, 12, 30, tzinfo=UTC),
        "currency": "INR",
        "allotment": 8,
        "prices": {"adult": Price(amount=ADULT)},
    }
    async with db.transaction() as conn:
        with pytest.raises(BadInput) as refusal:
            await departures.create(conn, [NewDeparture(**sound), NewDeparture(**{**sound, **changes})])
        assert (refusal.value.code, refusal.value.details) == ("departure_invalid", {"field": field})
        assert await conn.fetchval("SELECT count(*) FROM departures") == 0


@pytest.mark.parametrize(
    ("statement", "promise"),
    [
        ("UPDATE departures SET seats_taken = allotment + 1", "departures_never_oversold"),
        ("UPDATE departures SET seats_taken = -1", "departures_seats_never_negative"),
        ("UPDATE departures SET allotment = 10001", "departures_allotment_sensible"),
        ("UPDATE departures SET ends_on = starts_on - 1", "departures_end_after_they_start"),
        ("UPDATE departure_extras SET taken = stock + 1", "extras_never_oversold"),
        ("UPDATE departure_extras SET taken = -1", "extras_never_negative"),
        (
            "SELECT departures_move_extras(id, '018f0000-0000-7000-8000-000000000000', 1) FROM departures",
            "extras_offered_on_departure",
        ),
    ],
)
async def test_what_must_never_happen_is_refused_by_the_database_itself(
    db: Database, statement: str, promise: str
) -> None:
    package_id = await add_package(db)
    pony = await add_extra(db, package_id)
    await add_departure(db, package_id=package_id, extras={pony: (1, 3)})
    async with db.connection() as conn:
        with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refusal:
            await conn.execute(statement)
    assert violated(refusal.value) == promise


async def test_every_change_of_a_price_is_a_new_price_version(db: Database) -> None:
    package_id = await add_package(db)
    pony = await add_extra(db, package_id)
    departure_id = await add_departure(db, package_id=package_id, extras={pony: (1, 3)})
    seen = set()
    async with db.connection() as conn:
        for statement in (
            "SELECT 1",
            "UPDATE departure_prices SET amount = amount + 1 WHERE category = 'adult'",
            "UPDATE departure_extras SET amount = amount + 1",
            "DELETE FROM departure_prices WHERE category = 'infant'",
        ):
            await conn.execute(statement)
            offer = await departures.get_offer(conn, departure_id)
            assert offer is not None
            seen.add(offer.price_version)
        await conn.execute("UPDATE departure_extras SET taken = 1")
        offer = await departures.get_offer(conn, departure_id)
    assert offer is not None
    assert len(seen) == 4
    assert offer.price_version in seen, "selling an extra is not a change of price"
