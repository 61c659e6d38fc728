"""The pages a visitor looks at before booking: what is on them is what there is, in the address and on the screen."""

from __future__ import annotations

import io
import json
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from xml.etree import ElementTree

import httpx
import pytest
from PIL import Image

from jklg import demo
from jklg.catalogue import Place, maps
from jklg.departures import OnDay
from jklg.kit.db import Database
from jklg.kit.ids import uuid7
from jklg.site import describing
from jklg.site.journey.rules import calendars
from jklg.site.pages import PUBLIC
from tests import trade


async def test_a_place_has_a_page_of_its_own(client: httpx.AsyncClient, db: Database) -> None:
    """It had none: a macro of the layout was called `place` as well, and hid the place from its page."""
    await demo.load(db)
    shown = await client.get("/destinations/pangong-lake")
    assert shown.status_code == 200
    assert "<h1>Pangong Lake</h1>" in shown.text
    assert "4,225" in shown.text


def told(page: str) -> list[dict[str, Any]]:
    """What a page tells search engines."""
    block = re.search(r'<script type="application/ld\+json">(.*?)</script>', page)
    assert block is not None
    graph: list[dict[str, Any]] = json.loads(block.group(1))["@graph"]
    return graph


async def test_prices_and_seats_are_the_same_on_the_page_in_the_api_and_for_search_engines(
    client: httpx.AsyncClient, db: Database
) -> None:
    await demo.load(db)
    async with db.transaction() as conn:
        package = await conn.fetchval("SELECT id FROM packages WHERE slug = 'kashmir-bliss'")
        soon = await conn.fetch("SELECT id FROM departures WHERE package_id = $1 ORDER BY starts_on LIMIT 2", package)
        await conn.execute("UPDATE departures SET allotment = 0 WHERE id = $1", soon[0]["id"])
        await conn.execute("UPDATE departures SET allotment = 3 WHERE id = $1", soon[1]["id"])
        await conn.execute(
            "UPDATE departure_prices SET amount = 2612345 WHERE departure_id = $1 AND category = 'adult'", soon[1]["id"]
        )
    page = (await client.get("/packages/kashmir-bliss")).text
    trip = next(each for each in told(page) if each["@type"] == "TouristTrip")
    listed = (await client.get(f"/api/packages/{package}/departures")).json()["departures"]
    assert len(trip["offers"]) == 12
    for offer, departure in zip(trip["offers"], listed, strict=False):
        adult = next(each["amount"] for each in departure["prices"] if each["category"] == "adult")
        assert offer["price"] == f"{Decimal(adult) / 100:.2f}"
        assert offer["priceCurrency"] == departure["currency"]
        assert offer["inventoryLevel"]["value"] == departure["seats_left"]
        assert f'value="{departure["id"]}"' in page or departure["seats_left"] == 0
    assert [each["availability"].rpartition("/")[2] for each in trip["offers"][:3]] == [
        "SoldOut",
        "LimitedAvailability",
        "InStock",
    ]
    assert "26,123.45" in page and "3 seats left" in page and "Sold out" in page
    crumbs = next(each for each in told(page) if each["@type"] == "BreadcrumbList")
    assert [each["position"] for each in crumbs["itemListElement"]] == [1, 2, 3]


def test_nothing_can_end_a_data_block() -> None:
    evil = describing.block({"name": "</script><script>alert(1)</script>&"})
    assert evil.count("</script>") == 1
    assert json.loads(evil.partition(">")[2].rpartition("<")[0])["@graph"][0]["name"].startswith("</script>")


def test_questions_are_told_with_their_answers() -> None:
    asked = describing.faq([("Is there a network?", "In Leh, yes.")])
    assert asked["mainEntity"][0]["acceptedAnswer"]["text"] == "In Leh, yes."


@pytest.mark.parametrize("path", ["/", "/packages", "/packages/kashmir-bliss", "/destinations/gulmarg", "/gallery"])
async def test_a_public_page_names_its_one_address_and_the_others(
    client: httpx.AsyncClient, db: Database, path: str
) -> None:
    await demo.load(db)
    url = str(client.base_url).rstrip("/")
    tail = "" if path == "/" else path
    for prefix, own in (("", path), ("/en", path), ("/hi", f"/hi{tail}"), ("/ar", f"/ar{tail}")):
        client.cookies.clear()
        page = (await client.get(prefix + path + ("?sort=price" if path == "/packages" else ""))).text
        assert f'<link rel="canonical" href="{url}{own}">' in page
        for code, address in (("en", path), ("hi", f"/hi{tail}"), ("ar", f"/ar{tail}"), ("x-default", path)):
            assert f'<link rel="alternate" hreflang="{code}" href="{url}{address}">' in page
        assert 'property="og:image" content="http' in page


async def test_pages_for_one_person_tell_search_engines_nothing(client: httpx.AsyncClient) -> None:
    for path in ("/wishes", "/packages/atlantis", "/login"):
        page = (await client.get(path)).text
        assert 'rel="canonical"' not in page and "og:" not in page


async def test_the_map_of_the_site_knows_every_page_in_every_language(client: httpx.AsyncClient, db: Database) -> None:
    await demo.load(db)
    tree = ElementTree.fromstring((await client.get("/sitemap.xml")).text)
    spaces = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9", "x": "http://www.w3.org/1999/xhtml"}
    found = {str(each.findtext("s:loc", namespaces=spaces)) for each in tree.findall("s:url", spaces)}
    url = str(client.base_url).rstrip("/")
    assert {f"{url}/", f"{url}/hi", f"{url}/ar/packages/kashmir-bliss", f"{url}/destinations/gulmarg"} <= found
    assert len(found) == 3 * (len(PUBLIC) + 4 + 8)
    for each in tree.findall("s:url", spaces):
        assert len(each.findall("x:link", spaces)) == 4
    robots = (await client.get("/robots.txt")).text
    assert "Disallow: /compare" in robots and "Disallow: /*/checkout" in robots


async def test_a_shared_page_has_a_picture_of_its_own(client: httpx.AsyncClient, db: Database) -> None:
    await demo.load(db)
    page = (await client.get("/packages/kashmir-bliss")).text
    address = re.search(r'property="og:image" content="([^"]+)"', page)
    assert address is not None and "/share/packages/kashmir-bliss.png?v=" in address[1]
    drawn = await client.get(address[1].replace("&amp;", "&"))
    assert drawn.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(drawn.content)).size == (1200, 630)
    for path in ("/share/house.png", "/share/destinations/gulmarg.png"):
        assert (await client.get(path)).status_code == 200
    assert (await client.get("/share/packages/atlantis.png")).status_code == 404


async def test_the_price_of_what_is_chosen_is_told_before_the_checkout(client: httpx.AsyncClient, db: Database) -> None:
    await demo.load(db)
    page = (await client.get("/packages/kashmir-bliss")).text
    assert "49,998" in page, "two adults, until somebody says otherwise"
    last = re.findall(r'name="departure" value="([0-9a-f-]{36})"', page)[-1]
    part = (await client.get(f"/packages/kashmir-bliss/price?departure={last}&adult=1&child=2")).text
    assert "<html" not in part and 'data-part="price"' in part
    assert "59,997" in part, "24,999 and two children at 17,499"
    alone = (await client.get(f"/packages/kashmir-bliss?departure={last}&adult=0&child=1")).text
    assert "Children and infants travel with at least one adult." in alone
    many = (await client.get(f"/packages/kashmir-bliss/price?departure={last}&adult=13")).text
    assert "Not enough seats are left on this departure." in many
    assert (await client.get(f"/packages/jammu-heritage/price?departure={last}")).status_code == 404
    for nonsense in ("?departure=x&adult=-1", "?month=2027-99", "?month=9999-01", "?adult=99999"):
        assert (await client.get(f"/packages/kashmir-bliss{nonsense}")).status_code == 200


@pytest.mark.parametrize(
    ("zone", "cutoff", "day"),
    [("America/Lima", "2027-04-21T01:00Z", "20 Apr"), ("Asia/Kolkata", "2027-04-20T12:30Z", "20 Apr"),
     ("Asia/Kolkata", "2027-04-20T18:30Z", "20 Apr")],
)  # fmt: skip
async def test_the_last_day_for_booking_is_a_day_at_the_place(
    client: httpx.AsyncClient, db: Database, zone: str, cutoff: str, day: str
) -> None:
    """20:00 on 20 April in Lima is the 21st in Greenwich; midnight ends the day before it."""
    package = await trade.add_package(db)
    async with db.connection() as conn:
        await conn.execute("UPDATE packages SET time_zone = $2 WHERE id = $1", package, zone)
    departure = await trade.add_departure(
        db, package_id=package, starts_on=date(2027, 5, 1), cutoff_at=datetime.fromisoformat(cutoff)
    )
    path = f"/packages/p-{package.hex[-12:]}"
    for asked in (path, f"{path}/price?departure={departure}"):
        assert f"bookable until {day}" in (await client.get(asked)).text


CUTOFF = datetime(2027, 4, 20, tzinfo=UTC)
TICKED = re.compile(r'name="departure" value="([0-9a-f-]{36})" checked')
LISTED = re.compile(r'name="departure" value="([0-9a-f-]{36})"')


async def leaving(db: Database, package: UUID, *days: date) -> list[str]:
    """The ids of departures on these days."""
    return [str(await trade.add_departure(db, package_id=package, starts_on=day, cutoff_at=CUTOFF)) for day in days]


async def every_day_of_may(db: Database) -> tuple[str, list[str]]:
    """The path of a journey that leaves on each of its days, fourteen times on the 13th, and once in June; and what leaves, by day."""
    package = await trade.add_package(db)
    may = [date(2027, 5, day) for day in range(1, 32)]
    ids = await leaving(db, package, *may[:13], *[may[12]] * 13, *may[13:], date(2027, 6, 9))
    return f"/packages/p-{package.hex[-12:]}", ids


async def sell_out(db: Database, departures: list[str]) -> None:
    async with db.transaction() as conn:
        await conn.execute(
            "UPDATE departures SET allotment = 0 WHERE id = ANY($1)", [UUID(each) for each in departures]
        )


def way(page: str, words: str) -> str | None:
    """Where this link below the list of dates leads."""
    found = re.search(rf'href="(\?from=[0-9-]{{10}})#dates">{words}<', page)
    return found[1] if found else None


async def test_later_dates_lead_to_every_departure_and_earlier_ones_back(
    client: httpx.AsyncClient, db: Database
) -> None:
    """Later dates led to the first of the month, and there to the same twelve for ever."""
    path, ids = await every_day_of_may(db)
    for words, there in (("Later dates", ""), ("Earlier dates", "?from=2027-06-09")):
        seen: list[str] = []
        been: list[str] = []
        while there is not None and there not in been:
            been.append(there)
            page = (await client.get(f"{path}{there}")).text
            seen += LISTED.findall(page)
            there = way(page, words)  # type: ignore[assignment]
        assert set(seen) == set(ids), words
        assert len(been) < 8
    first = (await client.get(path)).text
    assert way(first, "Earlier dates") is None and way(page, "Earlier dates") is None
    full = LISTED.findall((await client.get(f"{path}?from=2027-05-13")).text)
    assert set(full) == set(ids[12:26]), "fourteen on one day are all of them listed"
    assert way((await client.get(f"{path}?month=2027-06")).text, "Earlier dates") == "?from=2027-05-20"


async def test_the_calendar_shows_all_of_a_month(client: httpx.AsyncClient, db: Database) -> None:
    path, _ids = await every_day_of_may(db)
    page = (await client.get(f"{path}?from=2027-05-20")).text
    calendar = page.partition('<table class="calendar">')[2].partition("</table>")[0]
    assert len(re.findall(r'href="\?departure=', calendar)) == 31


async def test_a_link_to_a_departure_ticks_that_one_however_late_in_the_month(
    client: httpx.AsyncClient, db: Database
) -> None:
    """It ticked the first of the month, and told its price."""
    path, ids = await every_day_of_may(db)
    for each in (ids[0], ids[11], ids[20], ids[30], ids[-1]):
        assert TICKED.findall((await client.get(f"{path}?departure={each}")).text) == [each]
    assert ids[0] in (await client.get(f"{path}?departure={ids[4]}")).text, "the days before it are still there"
    (unnamed,) = TICKED.findall((await client.get(path)).text)
    assert unnamed == ids[0]


async def test_a_link_to_what_cannot_be_had_says_so_and_ticks_nothing_else(
    client: httpx.AsyncClient, db: Database
) -> None:
    path, ids = await every_day_of_may(db)
    await sell_out(db, [ids[0], ids[-4]])
    async with db.transaction() as conn:
        await conn.execute("UPDATE departures SET status = 'closed' WHERE id = ANY($1)", [UUID(ids[1]), UUID(ids[-1])])
    for gone, words in (
        (ids[0], "Sat 1 May 2027 is sold out"),
        (ids[-4], "Sat 29 May 2027 is sold out"),
        (ids[1], "Sun 2 May 2027 can no longer be booked"),
        (ids[-1], "Wed 9 Jun 2027 can no longer be booked"),
    ):
        page = (await client.get(f"{path}?departure={gone}")).text
        assert words in page and "Please choose another date." in page
        assert TICKED.findall(page) == [] and LISTED.findall(page) != []
    other = await trade.add_departure(db)
    page = (await client.get(f"{path}?departure={other}")).text
    assert "2027 is sold out" not in page and TICKED.findall(page) == [ids[2]], (
        "another journey's date names nothing here"
    )


async def test_every_date_is_sold_out_when_every_one_is(client: httpx.AsyncClient, db: Database) -> None:
    """It was said of the twelve that were listed."""
    package = await trade.add_package(db)
    path = f"/packages/p-{package.hex[-12:]}"
    ids = await leaving(db, package, *(date(2027, 5, 1) + timedelta(days=7 * n) for n in range(26)))
    await sell_out(db, ids[:12] + ids[13:])
    for there in (path, f"{path}?departure={ids[3]}", f"{path}?from=2027-09-01"):
        page = (await client.get(there)).text
        assert "Every date is sold out at the moment." not in page
        assert f'<a href="?departure={ids[12]}#dates">Seats are left on Sat 24 Jul 2027</a>' in page
    await sell_out(db, ids)
    assert "Every date is sold out at the moment." in (await client.get(path)).text


async def test_an_address_carries_a_day_or_a_month(client: httpx.AsyncClient, db: Database) -> None:
    path, ids = await every_day_of_may(db)
    for asked, first in (
        ("?from=2027-05-31", ids[-2]), ("?month=2027-06", ids[-1]), ("?from=2027-02-31", ids[0]), ("?from=x&month=2027-06", ids[-1]),
    ):  # fmt: skip
        assert LISTED.findall((await client.get(f"{path}{asked}")).text)[0] == first
    beyond = (await client.get(f"{path}?from=2028-01-01")).text
    assert "No dates from there on" in beyond and f'href="{path}#dates"' in beyond


def test_a_calendar_has_whole_weeks() -> None:
    day = OnDay(id=uuid7(), starts_on=date(2027, 5, 12), seats_left=3)
    ((first, weeks),) = calendars([date(2027, 5, 1)], [day])
    assert first == date(2027, 5, 1)
    assert all(len(week) == 7 and week[0].day.weekday() == 0 for week in weeks)
    inside = [square for week in weeks for square in week if square.inside]
    assert [square.day.day for square in inside] == list(range(1, 32))
    assert [square.departure for square in inside if square.departure] == [day]


async def test_of_two_departures_on_a_day_the_calendar_prefers_the_one_with_seats(
    client: httpx.AsyncClient, db: Database
) -> None:
    package = await trade.add_package(db)
    ids = await leaving(db, package, date(2027, 5, 12), date(2027, 5, 12))
    for gone, free in (ids, ids[::-1]):
        async with db.transaction() as conn:
            await conn.execute("UPDATE departures SET allotment = 8 * (id <> $1)::integer", UUID(gone))
        page = (await client.get(f"/packages/p-{package.hex[-12:]}")).text
        assert f'href="?departure={free}#dates"' in page.partition('<table class="calendar">')[2]


async def test_the_sketch_shows_the_route_and_no_borders(client: httpx.AsyncClient, db: Database) -> None:
    await demo.load(db)
    page = (await client.get("/packages/ladakh-adventure")).text
    drawn = page.partition('<svg class="map"')[2].partition("</svg>")[0]
    assert drawn.count('class="map-dot"') == 3 and "Pangong Lake" in drawn and "map-route" in drawn
    assert set(re.findall(r'class="(map-[a-z]+)', drawn)) <= {
        "map-range", "map-river", "map-water", "map-lake", "map-peak", "map-land", "map-route", "map-dot", "map-number", "map-place", "map-bar",
    }  # fmt: skip
    assert "km by air from the place before" in page
    unknown = [Place(id=uuid7(), slug="x", name="X", region="Y")]
    assert maps.sketch(unknown) is None
    elsewhere = maps.sketch([Place(id=uuid7(), slug="x", name="<X>", region="Y", latitude=-8.4, longitude=115.2)])
    assert elsewhere is not None and "&lt;X&gt;" in elsewhere.svg and "map-river" not in elsewhere.svg


async def test_a_page_that_is_not_there_helps_to_find_what_was_meant(client: httpx.AsyncClient, db: Database) -> None:
    await demo.load(db)
    await client.get("/")
    lost = await client.get("/packages/kashmir-blis")
    assert lost.status_code == 404
    assert 'value="kashmir blis"' in lost.text and 'href="/packages/gurez-valley-explorer"' in lost.text
    assert "&lt;" not in (await client.get("/%3Cscript%3E")).text


async def test_when_the_database_is_away_the_page_still_helps(client: httpx.AsyncClient, db: Database) -> None:
    await demo.load(db)
    await client.get("/")
    await db.close()
    broken = await client.get("/packages")
    assert broken.status_code in (500, 503)
    assert 'href="/packages/kashmir-bliss"' in broken.text and "Your bookings" in broken.text
