"""The demo agency loads at every start, from every process, and never twice."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta

import pytest

from jklg import catalogue, demo, departures, pricing
from jklg.demo.agency import DESTINATIONS, TOURS
from jklg.demo.calendar import start_days
from jklg.kit.db import Database

TODAY = date(2026, 11, 23)


async def counts(db: Database) -> list[int]:
    async with db.connection() as conn:
        return [
            int(await conn.fetchval(f"SELECT count(*) FROM {table}"))
            for table in (
                "destinations",
                "packages",
                "itinerary_days",
                "extras",
                "departures",
                "departure_prices",
                "departure_extras",
            )
        ]


async def test_the_agency_sells_four_journeys_to_eight_places(db: Database) -> None:
    await demo.load(db)
    async with db.connection() as conn:
        cards = await catalogue.list_packages(conn)
        places = await catalogue.list_destinations(conn)
    assert {(card.name, card.duration_days, card.price) for card in cards} == {
        ("Kashmir Bliss", 6, 24_999_00),
        ("Ladakh Adventure", 8, 34_999_00),
        ("Gurez Valley Explorer", 5, 22_999_00),
        ("Jammu Heritage", 4, 18_999_00),
    }
    assert len(places) == 8
    assert all(place.packages == 1 for place in places)


async def test_loading_again_and_from_five_processes_at_once_changes_nothing(db: Database) -> None:
    await asyncio.gather(*(demo.load(db, TODAY) for _ in range(5)))
    once = await counts(db)
    await demo.load(db, TODAY)
    assert await counts(db) == once
    async with db.connection() as conn:
        doubled = await conn.fetchval(
            "SELECT count(*) FROM (SELECT 1 FROM departures GROUP BY package_id, starts_on HAVING count(*) > 1) AS d"
        )
    assert doubled == 0


async def test_a_start_half_a_year_later_adds_the_departures_that_are_missing(db: Database) -> None:
    await demo.load(db, TODAY)
    before = await counts(db)
    later = TODAY + timedelta(days=182)
    await demo.load(db, later)
    after = await counts(db)
    assert after[:4] == before[:4]
    assert after[4] > before[4]
    async with db.connection() as conn:
        last = await conn.fetchval("SELECT max(starts_on) FROM departures")
    assert later + timedelta(days=350) <= last <= later + timedelta(days=365)


async def test_what_staff_changed_stays_changed(db: Database) -> None:
    await demo.load(db, TODAY)
    async with db.connection() as conn:
        await conn.execute("UPDATE packages SET name = 'Kashmir, slowly' WHERE slug = 'kashmir-bliss'")
        await conn.execute("UPDATE packages SET status = 'archived' WHERE slug = 'jammu-heritage'")
        await conn.execute("UPDATE departures SET status = 'cancelled'")
    before = await counts(db)
    await demo.load(db, TODAY + timedelta(days=30))
    async with db.connection() as conn:
        kept = await catalogue.get_package(conn, "kashmir-bliss")
        jammu = await conn.fetchval(
            "SELECT max(starts_on) FROM departures d JOIN packages p ON p.id = d.package_id WHERE p.slug = 'jammu-heritage'"
        )
        cancelled = await conn.fetchval("SELECT count(*) FROM departures WHERE status = 'cancelled'")
    assert kept is not None
    assert kept.name == "Kashmir, slowly"
    assert cancelled == before[4]
    assert jammu <= TODAY + timedelta(days=365), "an archived package gets no new departures"


async def test_every_departure_can_be_bought_by_a_family_and_by_one_alone(db: Database) -> None:
    await demo.load(db)
    async with db.connection() as conn:
        for card in await catalogue.list_packages(conn):
            listed = await departures.list_departures(conn, card.id)
            assert len(listed) >= 25
            assert any(d.guaranteed for d in listed)
            offer = await departures.get_offer(conn, listed[0].id)
            assert offer is not None
            assert offer.bookable
            assert 8 <= offer.seats_left <= 16
            assert offer.ends_on - offer.starts_on == timedelta(days=card.duration_days - 1)
            family = pricing.rules.price(offer, {"adult": 2, "child": 1})
            assert family.total == 2 * card.price + offer.prices["child"].amount
            assert 0.68 < offer.prices["child"].amount / card.price < 0.72
            alone = pricing.rules.price(offer, {"adult": 1}, [(extra, 1) for extra in offer.extras])
            assert [line.label for line in alone.lines][1] == "Single supplement"
            assert any(extra.stock_left is None or extra.stock_left > 0 for extra in offer.extras.values())


async def test_bookings_close_in_the_evening_of_a_day_in_india(db: Database) -> None:
    await demo.load(db)
    async with db.connection() as conn:
        hours = await conn.fetch(
            "SELECT DISTINCT to_char(cutoff_at AT TIME ZONE 'Asia/Kolkata', 'HH24:MI') AS hour FROM departures"
        )
    assert [row["hour"] for row in hours] == ["18:00"]


@pytest.mark.parametrize("tour", TOURS, ids=lambda tour: tour.package.slug)
def test_a_tour_is_told_completely(tour: demo.agency.Tour) -> None:  # type: ignore[name-defined]
    package = tour.package
    assert [day.day for day in package.days] == list(range(1, len(package.days) + 1))
    assert all(len(day.description) > 60 for day in package.days)
    assert all(day.overnight for day in package.days[:-1]), "one sleeps somewhere every night"
    assert not package.days[-1].overnight
    assert package.included
    assert package.excluded
    assert package.meeting_point
    assert set(tour.extras) == {extra.name for extra in package.extras}
    assert {stock is None for _, stock in tour.extras.values()} <= {True, False}
    assert set(package.destinations) <= {place.slug for place in DESTINATIONS}
    assert tour.prices["adult"].amount == package.price


@pytest.mark.parametrize("today", [date(2026, 11, 23), date(2027, 5, 9), date(2028, 2, 28)])
def test_nobody_is_taken_over_a_closed_pass(today: date) -> None:
    for tour in TOURS:
        if tour.package.slug in ("ladakh-adventure", "gurez-valley-explorer"):
            for day in start_days(tour.season, today):
                assert day.month >= 5
                assert (day + timedelta(days=len(tour.package.days) - 1)).month <= 10


def test_the_days_hang_on_the_calendar_and_not_on_today() -> None:
    for tour in TOURS:
        one, other = start_days(tour.season, TODAY), start_days(tour.season, TODAY + timedelta(days=100))
        overlap = [day for day in one if day >= other[0]]
        assert overlap == other[: len(overlap)]
        assert len(overlap) > 10
