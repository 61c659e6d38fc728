"""Asha looks for a journey: what she asks for stands in the address, and leads to what fits and to nothing else."""

from __future__ import annotations

import re

import httpx
import pytest

from jklg import catalogue, demo
from jklg.catalogue import finding
from jklg.catalogue.finding.rules import price_steps, read_filter
from jklg.kit.db import Database
from jklg.kit.errors import BadInput


@pytest.mark.parametrize(
    ("words", "slugs"),
    [
        ({"theme": "lakes"}, ["kashmir-bliss"]),
        ({"theme": "no such"}, []),
        ({"days": "4-6", "sort": "duration"}, ["jammu-heritage", "gurez-valley-explorer", "kashmir-bliss"]),
        ({"days": "7-9"}, ["ladakh-adventure"]),
        ({"price": "INR-20000"}, ["jammu-heritage"]),
        ({"price": "USD-20000"}, []),
        ({"price": "INR-25000", "days": "4-6", "theme": "villages"}, ["gurez-valley-explorer"]),
    ],
)
async def test_each_filter_leaves_what_fits_and_counts_it(
    db: Database, words: dict[str, str], slugs: list[str]
) -> None:
    await demo.load(db)
    wanted = read_filter(words)
    async with db.connection() as conn:
        assert [card.slug for card in await catalogue.list_packages(conn, wanted)] == slugs
        assert await finding.count_packages(conn, wanted) == len(slugs)


async def test_the_soonest_first(db: Database) -> None:
    await demo.load(db)
    async with db.connection() as conn:
        cards = await catalogue.list_packages(conn, read_filter({"sort": "soonest"}))
        days = [card.next_departure_on for card in cards]
        assert days == sorted(days)  # type: ignore[type-var]
        seen: list[str] = []
        cursor = None
        for _ in range(4):
            (one,) = await catalogue.list_packages(
                conn, read_filter({"sort": "soonest", "limit": "1", "cursor": cursor})
            )
            seen.append(one.slug)
            cursor = finding.cursor_after(one)
    assert seen == [card.slug for card in cards]


@pytest.mark.parametrize(
    ("word", "value"),
    [("days", "5"), ("price", "25000"), ("price", "XXX-1"), ("theme", "x" * 101), ("month", "2027-13"),
     ("cursor", "e30")],
)  # fmt: skip
def test_what_makes_no_sense_is_named(word: str, value: str) -> None:
    with pytest.raises(BadInput) as refusal:
        read_filter({word: value})
    assert refusal.value.code == f"{word}_invalid"


def test_bounds_of_prices_leave_something_in_and_something_out() -> None:
    prices = [("INR", 18_999_00), ("INR", 22_999_00), ("INR", 24_999_00), ("INR", 34_999_00), ("JPY", 90_000)]
    assert price_steps(prices) == [("INR-20000", "INR", 20_000_00), ("INR-25000", "INR", 25_000_00)]
    assert price_steps([]) == []


async def test_the_list_tells_how_many_and_how_to_take_each_filter_away(
    client: httpx.AsyncClient, db: Database
) -> None:
    await demo.load(db)
    found = (await client.get("/packages?days=4-6&theme=villages&sort=price")).text
    assert "1 journey of 4" in re.sub(r"\s+", " ", found)
    assert 'href="/packages?days=4-6&amp;sort=price"' in found
    assert 'href="/packages?theme=villages&amp;sort=price"' in found
    assert '<meta name="robots" content="noindex, follow">' in found
    nothing = (await client.get("/packages?days=7-9&theme=villages")).text
    assert "Nothing fits all of that" in nothing
    assert "without villages" in nothing
    wrong = await client.get("/packages?days=forty")
    assert wrong.status_code == 422 and "Below are all journeys." in wrong.text and "Kashmir Bliss" in wrong.text
    assert '<meta name="robots"' not in (await client.get("/packages")).text


async def test_three_stand_side_by_side_and_the_form_of_the_list_leads_there(
    client: httpx.AsyncClient, db: Database
) -> None:
    await demo.load(db)
    sent = await client.get("/compare?with=kashmir-bliss&with=ladakh-adventure")
    assert (sent.status_code, sent.headers["location"]) == (303, "/compare?with=kashmir-bliss,ladakh-adventure")
    shown = (await client.get(sent.headers["location"])).text
    assert "First stage of the Gulmarg gondola" in shown and "Leh Palace, Nubra Valley, Pangong Lake" in shown
    assert 'href="/compare?with=ladakh-adventure"' in shown
    four = (await client.get("/compare?with=kashmir-bliss,ladakh-adventure,jammu-heritage,gurez-valley-explorer")).text
    assert "We have left out 1." in four and "Gurez" not in four.partition("<table")[2].partition("</table>")[0]
    for nobody in ("", "?with=", "?with=atlantis,%27--", "?with=<script>"):
        assert (await client.get(f"/compare{nobody}")).status_code == 200
