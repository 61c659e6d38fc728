"""Asha looks for a journey: what she asks for stands in the address, and leads to what fits and to nothing else."""

from __future__ import annotations

import json
import re
from typing import Any
from uuid import UUID

import httpx
import pytest

from jklg import catalogue, demo, departures
from jklg.catalogue import finding
from jklg.catalogue.finding.rules import price_steps, read_filter
from jklg.catalogue.queries import PRICE_FROM
from jklg.kit.db import Database
from jklg.kit.errors import BadInput
from tests import trade


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


async def price_from(conn: Any, package: UUID) -> int | None:
    """As its page has it, and as the list has it."""
    found = await catalogue.get_package(conn, package)
    (card,) = [each for each in await catalogue.list_packages(conn) if each.id == package]
    assert found is not None and found.price_from == card.price_from
    return found.price_from


async def test_from_is_the_least_that_is_on_sale_and_not_what_was_once_typed(
    client: httpx.AsyncClient, db: Database
) -> None:
    """The only departure cost 90,000, and every page said "from 24,999"."""
    package = await trade.add_package(db)
    await trade.add_departure(db, package_id=package, prices={"adult": 9_000_000, "child": 1_000_000})
    path = f"/packages/p-{package.hex[-12:]}"
    for page in ("/", "/packages", path, f"/compare?with={path[10:]}"):
        shown = (await client.get(page)).text
        assert "24,999" not in shown and "90,000" in shown, page
    assert re.search("Dates from [^<]*90,000", (await client.get(path)).text)
    assert "Nothing fits" in (await client.get("/packages?price=INR-25000")).text
    assert "p-" in (await client.get("/packages?price=INR-90000")).text
    (listed,) = (await client.get("/api/packages")).json()
    assert (listed["price"], listed["price_from"]) == (trade.ADULT, 9_000_000), (
        "the guide price stays what it was there"
    )
    assert (await client.get(f"/api{path}")).json()["price_from"] == 9_000_000


async def test_what_cannot_be_booked_makes_no_price(db: Database) -> None:
    package = await trade.add_package(db)
    ids = {
        amount: await trade.add_departure(db, package_id=package, prices={"adult": amount * 100})
        for amount in (10, 20, 30, 40, 50)
    }
    await trade.add_departure(db, package_id=package, currency="USD", prices={"adult": 100})
    async with db.transaction() as conn:
        assert await price_from(conn, package) == 1000
        await conn.execute("UPDATE departures SET allotment = 0 WHERE id = $1", ids[10])
        assert await price_from(conn, package) == 2000
        await conn.execute("UPDATE departures SET status = 'closed' WHERE id = $1", ids[20])
        assert await price_from(conn, package) == 3000
        await conn.execute("UPDATE departures SET cutoff_at = house_now() + interval '1 hour' WHERE id = $1", ids[30])
        assert await price_from(conn, package) == 3000
        await conn.execute("SELECT set_config('jklg.clock', (house_now() + interval '2 hours')::text, true)")
        assert await price_from(conn, package) == 4000, "time has passed, and nobody has written anything"
        await conn.execute("UPDATE departures SET status = 'cancelled' WHERE id = ANY($1)", [ids[40], ids[50]])
        assert await price_from(conn, package) is None, "dollars are no rupees"


async def test_from_follows_the_price_of_an_adult_and_raises_the_version_once(db: Database) -> None:
    package = await trade.add_package(db)
    departure = await trade.add_departure(db, package_id=package)
    async with db.transaction() as conn:
        offer = await departures.get_offer(conn, departure)
        assert offer is not None
        for statement, amount, raised in (
            ("UPDATE departure_prices SET amount = 1 WHERE category = 'child'", trade.ADULT, 1),
            ("UPDATE departure_prices SET amount = 2000000 WHERE category = 'adult'", 2_000_000, 2),
            ("UPDATE departure_prices SET min_age = 14 WHERE category = 'adult'", 2_000_000, 2),
            ("DELETE FROM departure_prices WHERE category = 'child'", 2_000_000, 3),
            ("DELETE FROM departure_prices WHERE category = 'adult'", None, 4),
            ("INSERT INTO departure_prices SELECT id, 'adult', 7 FROM departures", 7, 5),
        ):
            await conn.execute(statement)
            assert await price_from(conn, package) == amount, statement
            now = await departures.get_offer(conn, departure)
            assert now is not None and now.price_version == offer.price_version + raised, statement


async def test_the_order_by_price_and_its_bounds_go_by_what_is_shown(db: Database) -> None:
    """Of two journeys with one guide price, one is dearer now; a third has nothing on sale and keeps its guide price."""
    dear, cheap, idle = [await trade.add_package(db, name=name) for name in ("A dear one", "B cheap one", "C idle one")]
    await trade.add_departure(db, package_id=dear, prices={"adult": 9_000_000})
    await trade.add_departure(db, package_id=cheap, prices={"adult": 1_000_000})
    async with db.connection() as conn:
        cards = await catalogue.list_packages(conn, read_filter({"sort": "price"}))
        assert [card.id for card in cards] == [cheap, idle, dear]
        assert [card.price_from for card in cards] == [1_000_000, None, 9_000_000]
        choices = await finding.choices(conn)
        assert [word for word, _, _ in choices.prices] == ["INR-10000", "INR-25000"]
        for word, found in (("INR-10000", [cheap]), ("INR-25000", [cheap, idle]), ("INR-9999", [])):
            wanted = read_filter({"price": word, "sort": "price"})
            assert [card.id for card in await catalogue.list_packages(conn, wanted)] == found
            assert await finding.count_packages(conn, wanted) == len(found)


async def test_a_guide_price_is_called_one_where_nothing_is_on_sale(client: httpx.AsyncClient, db: Database) -> None:
    package = await trade.add_package(db)
    slug = f"p-{package.hex[-12:]}"
    for page, words in (
        ("/packages", "guide price ₹ 24,999"),
        (f"/compare?with={slug}", "₹ 24,999 an adult, guide price"),
    ):
        shown = re.sub(r"<[^>]*>", "", (await client.get(page)).text).replace("\u00a0", " ")
        assert words in " ".join(shown.split()), page
    departure = await trade.add_departure(db, package_id=package)
    async with db.transaction() as conn:
        await conn.execute("UPDATE departures SET allotment = 0 WHERE id = $1", departure)
    page = (await client.get(f"/packages/{slug}")).text
    assert "Dates from" not in page and "See the dates" in page


async def test_the_least_price_is_found_in_an_index_however_many_have_left(db: Database, server_admin: Any) -> None:
    """Thousands of cheap ones from years ago, and as many on sale: one row is read."""
    package = await trade.add_package(db)
    await server_admin.execute(
        """
        INSERT INTO departures (id, package_id, starts_on, ends_on, cutoff_at, currency, allotment, adult_amount)
        SELECT gen_random_uuid(), $1, current_date + n, current_date + n, now() + make_interval(days => n), 'INR', 8, 1000000 + n
        FROM generate_series(-3000, 3000) n
        """,
        package,
    )
    await server_admin.execute("VACUUM ANALYZE departures")
    async with db.connection() as conn:
        plan = await conn.fetchval(
            f"EXPLAIN (ANALYZE, FORMAT JSON) SELECT {PRICE_FROM.format('p')} FROM packages p WHERE p.id = '{package}'"
        )
    (scan,) = [each for each in walk(json.loads(plan)[0]["Plan"]) if each.get("Relation Name") == "departures"]
    assert scan["Index Name"] == "departures_by_price" and "cutoff_at" in scan["Index Cond"]
    assert scan["Actual Rows"] == 1 and scan["Rows Removed by Filter"] == 0


def walk(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """A plan and all that is below it."""
    return [plan, *(each for below in plan.get("Plans", []) for each in walk(below))]
