"""GET /api/packages/{id}/departures."""

from __future__ import annotations

from datetime import date

import httpx
import pytest

from jklg.kit.db import Database
from tests.trade import ADULT, add_departure, add_package, hold


async def test_departures_have_the_shape_of_the_contract(client: httpx.AsyncClient, db: Database) -> None:
    package_id = await add_package(db)
    departure_id = await add_departure(db, package_id=package_id, starts_on=date(2127, 6, 12), seats=8)
    await hold(db, departure_id)
    answer = await client.get(f"/api/packages/{package_id}/departures?from=2127-06-01&to=2127-06-30")
    assert answer.status_code == 200
    (departure,) = answer.json()["departures"]
    assert departure.keys() >= {
        "id",
        "starts_on",
        "ends_on",
        "seats_left",
        "currency",
        "prices",
        "cutoff_at",
        "guaranteed",
    }
    assert (departure["id"], departure["starts_on"], departure["seats_left"]) == (str(departure_id), "2127-06-12", 6)
    assert departure["prices"][0]["category"] == "adult"
    assert departure["prices"][0]["amount"] == ADULT


async def test_the_window_is_kept(client: httpx.AsyncClient, db: Database) -> None:
    package_id = await add_package(db)
    await add_departure(db, package_id=package_id, starts_on=date(2127, 6, 12))
    for window, count in (
        ("from=2127-06-12", 1),
        ("from=2127-06-13", 0),
        ("to=2127-06-12", 1),
        ("to=2127-06-11", 0),
        ("from=&to=", 1),
    ):
        answer = await client.get(f"/api/packages/{package_id}/departures?{window}")
        assert len(answer.json()["departures"]) == count, window


@pytest.mark.parametrize(
    "window", ["from=yesterday", "from=2127-02-30", "to=12-06-2127", "to=0000-00-00", "from=20270514", "to=99999-01-01"]
)
async def test_a_window_that_is_no_window_is_refused(client: httpx.AsyncClient, db: Database, window: str) -> None:
    package_id = await add_package(db)
    answer = await client.get(f"/api/packages/{package_id}/departures?{window}")
    assert (answer.status_code, answer.json()["code"]) == (422, f"{window.split('=')[0]}_invalid")


@pytest.mark.parametrize(
    "name", ["nothing-here", "0", "%00", "..%2f", "018f0000-0000-7000-8000-000000000000", "a" * 5000]
)
async def test_an_unknown_package_has_no_departures(client: httpx.AsyncClient, name: str) -> None:
    answer = await client.get(f"/api/packages/{name}/departures")
    assert answer.status_code == 404
    assert answer.json()["code"]
