"""The public reads of the catalogue: bare arrays, published things only, and clear words for what makes no sense."""

from __future__ import annotations

import httpx
import pytest

from jklg import demo
from jklg.kit.db import Database


async def test_the_list_is_a_bare_array_of_what_is_published(client: httpx.AsyncClient, db: Database) -> None:
    assert (await client.get("/api/packages")).json() == []
    await demo.load(db)
    packages = (await client.get("/api/packages?sort=price")).json()
    assert [(p["slug"], p["duration"], p["price"], p["currency"]) for p in packages] == [
        ("jammu-heritage", 4, 1_899_900, "INR"),
        ("gurez-valley-explorer", 5, 2_299_900, "INR"),
        ("kashmir-bliss", 6, 2_499_900, "INR"),
        ("ladakh-adventure", 8, 3_499_900, "INR"),
    ]
    assert all(p["image"].startswith("/pictures/") and p["image_alt"] for p in packages)


async def test_the_next_page_is_in_the_link_header(client: httpx.AsyncClient, db: Database) -> None:
    await demo.load(db)
    seen: list[str] = []
    address = "/api/packages?limit=3&sort=name"
    for _ in range(4):
        answer = await client.get(address)
        seen += [p["slug"] for p in answer.json()]
        if "link" not in answer.headers:
            break
        address = answer.headers["link"].partition("<")[2].partition(">")[0]
    assert seen == ["gurez-valley-explorer", "jammu-heritage", "kashmir-bliss", "ladakh-adventure"]


async def test_a_package_has_its_days_pictures_and_extras(client: httpx.AsyncClient, db: Database) -> None:
    await demo.load(db)
    package = (await client.get("/api/packages/ladakh-adventure")).json()
    assert [day["day"] for day in package["itinerary"]] == list(range(1, 9))
    assert package["destinations"] == ["Leh Palace", "Nubra Valley", "Pangong Lake"]
    assert package["extras"]
    assert package["included"]
    assert (await client.get(f"/api/packages/{package['id']}")).json() == package


async def test_destinations_have_true_heights(client: httpx.AsyncClient, db: Database) -> None:
    await demo.load(db)
    destinations = (await client.get("/api/destinations")).json()
    assert len(destinations) == 8
    pangong = (await client.get("/api/destinations/pangong-lake")).json()
    assert pangong in destinations
    assert (pangong["altitude"], pangong["packages"]) == (4225, 1)
    assert 33 < pangong["latitude"] < 35
    assert 78 < pangong["longitude"] < 79


@pytest.mark.parametrize(
    "name", ["nothing-here", "1", "%00", "%27%3B--", "018f0000-0000-7000-8000-000000000000", "a" * 3000]
)
async def test_what_is_not_there_is_a_plain_404(client: httpx.AsyncClient, name: str) -> None:
    for room, code in (("packages", "package_not_found"), ("destinations", "destination_not_found")):
        answer = await client.get(f"/api/{room}/{name}")
        assert (answer.status_code, answer.json()["code"]) == (404, code)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("month=2027-13", "month_invalid"),
        ("month=May", "month_invalid"),
        ("month=9999-01", "month_invalid"),
        ("sort=rating", "sort_invalid"),
        ("sort=price;drop", "sort_invalid"),
        ("limit=0", "limit_invalid"),
        ("limit=101", "limit_invalid"),
        ("limit=-1", "limit_invalid"),
        ("limit=99999999999999999999", "limit_invalid"),
        ("cursor=abc", "cursor_invalid"),
        ("cursor=%C3%A9", "cursor_invalid"),
        ("cursor=WzEsIngiLDFd", "cursor_invalid"),
        ("cursor=Wy0xLCJ4IiwiMDE4ZjAwMDAtMDAwMC03MDAwLTgwMDAtMDAwMDAwMDAwMDAwIl0", "cursor_invalid"),
        ("destination=..%2F", "destination_invalid"),
        ("q=%00", "q_invalid"),
        ("q=" + "x" * 101, "q_invalid"),
    ],
)
async def test_a_wish_that_makes_no_sense_is_refused_by_name(client: httpx.AsyncClient, query: str, code: str) -> None:
    answer = await client.get(f"/api/packages?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_empty_words_are_no_wish(client: httpx.AsyncClient, db: Database) -> None:
    await demo.load(db)
    answer = await client.get("/api/packages?destination=&month=&q=&sort=&limit=&cursor=")
    assert len(answer.json()) == 4


async def test_a_picture_is_served_as_svg_and_may_be_kept(client: httpx.AsyncClient) -> None:
    answer = await client.get("/pictures/dal-lake-dawn.svg")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert "max-age" in answer.headers["cache-control"]
    assert answer.text.startswith("<svg")
    assert (await client.get("/pictures/Dal%20Lake.svg")).status_code == 404
