"""One key, one effect: also when the database did what we asked and its answer was lost on the way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx
import pytest

from jklg.app import House
from jklg.kit.db import Connection, Database
from tests.front import front_of
from tests.trade import add_departure, seats_taken
from tests.web.test_checkout import ashas, open_checkout

KEY = {"Idempotency-Key": "a-key-of-her-own"}


class Lossy(Database):
    """Does everything; the answer to the statement that holds seats is lost, as often as `losses` says."""

    losses = 0

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        async with super().connection() as conn:
            before = await conn.fetchval("SELECT sum(seats_taken) FROM departures")
            yield conn
            held = await conn.fetchval("SELECT sum(seats_taken) FROM departures") != before
        if held and self.losses:
            self.losses -= 1
            raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")


@pytest.fixture
async def lossy(house: House) -> Lossy:
    house.db = Lossy(house.db.pool)
    house.db.losses = 1
    return house.db


@pytest.fixture
async def browser(house: House, lossy: Lossy) -> AsyncIterator[httpx.AsyncClient]:
    application = front_of(house)
    async with (
        application.lifespan(),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=application),
            base_url="http://localhost:3000",
            headers={"Sec-Fetch-Site": "same-origin"},
        ) as browser,
    ):
        yield browser


def wish(departure: object, **changes: Any) -> dict[str, Any]:
    return {
        "departure_id": str(departure),
        "party": {"adult": 2},
        "customer_name": "Asha Rao",
        "customer_email": "asha@example.org",
        "customer_phone": "+91 98765 43210",
        **changes,
    }


async def test_a_booking_whose_answer_was_lost_is_found_again_with_its_key(
    browser: httpx.AsyncClient, lossy: Lossy
) -> None:
    departure = await add_departure(lossy)
    lost = await browser.post("/api/bookings", json=wish(departure), headers=KEY)
    assert (lost.status_code, lost.json()["code"]) == (503, "unavailable")
    assert await seats_taken(lossy, departure) == 2
    other = await browser.post("/api/bookings", json=wish(departure, party={"adult": 1}), headers=KEY)
    assert other.json()["code"] == "idempotency_key_reused"
    again = await browser.post("/api/bookings", json=wish(departure), headers=KEY)
    assert again.status_code == 201
    assert await seats_taken(lossy, departure) == 2
    twice = await browser.post("/api/bookings", json=wish(departure), headers=KEY)
    assert twice.json() == again.json()


async def test_a_checkout_whose_answer_was_lost_makes_one_booking(browser: httpx.AsyncClient, lossy: Lossy) -> None:
    departure = await add_departure(lossy)
    page = await open_checkout(browser, departure)
    assert (await browser.post("/checkout", data=ashas(page))).status_code == 503
    assert (await browser.post("/checkout", data=ashas(page))).status_code == 303
    assert await seats_taken(lossy, departure) == 2


async def test_a_refusal_gives_the_key_back_for_another_wish(browser: httpx.AsyncClient, lossy: Lossy) -> None:
    departure = await add_departure(lossy, seats=2)
    lossy.losses = 0
    refused = await browser.post("/api/bookings", json=wish(departure, party={"adult": 3}), headers=KEY)
    assert refused.json()["code"] == "sold_out"
    assert (await browser.post("/api/bookings", json=wish(departure), headers=KEY)).status_code == 201
    other = await browser.post("/api/bookings", json=wish(departure, party={"adult": 1}), headers=KEY)
    assert other.json()["code"] == "idempotency_key_reused"
