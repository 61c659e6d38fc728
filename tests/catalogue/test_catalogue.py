"""Packages are found by whoever looks for them, and drafts by nobody."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from jklg import catalogue, demo
from jklg.catalogue import Day, NewDestination, NewExtra, NewPackage, PackageFilter, Picture
from jklg.catalogue.finding import cursor_after, read_filter
from jklg.catalogue.rules import read_key
from jklg.kit.db import Database
from jklg.kit.errors import BadInput
from jklg.kit.ids import uuid7

WULAR = NewDestination(
    slug="wular-lake", name="Wular Lake", region="Kashmir", summary="Wide water.", description="A lake."
)


def a_package(**changes: Any) -> NewPackage:
    sound: dict[str, Any] = {
        "slug": "two-days-on-wular",
        "name": "Two days on Wular",
        "summary": "Birds and boats.",
        "description": "Two days of 100% quiet.",
        "price": 800_000,
        "currency": "INR",
        "destinations": ["wular-lake"],
        "days": [
            Day(day=1, title="Out", description="Rowing.", meals="Lunch", overnight="Boat"),
            Day(day=2, title="Back", description="Rowing."),
        ],
        "pictures": [Picture(scene="wular-lake-dawn", alt="Water and reeds.")],
        "extras": [NewExtra(name="Binoculars"), NewExtra(name="A second oarsman", description="For the lazy.")],
        "status": "published",
        **changes,
    }
    return NewPackage(**sound)


async def test_a_package_comes_back_as_it_was_written(db: Database) -> None:
    new = a_package()
    async with db.transaction() as conn:
        await catalogue.add_destination(conn, WULAR)
        package_id = await catalogue.add_package(conn, new)
        assert package_id is not None
        by_slug = await catalogue.get_package(conn, new.slug)
        by_id = await catalogue.get_package(conn, package_id)
    assert by_slug is not None
    assert by_slug == by_id
    assert by_slug.duration_days == 2
    assert by_slug.days == list(new.days)
    assert by_slug.pictures == list(new.pictures)
    assert [extra.name for extra in by_slug.extras] == ["Binoculars", "A second oarsman"]
    assert [place.slug for place in by_slug.places] == ["wular-lake"]


async def test_a_slug_is_given_once(db: Database) -> None:
    async with db.transaction() as conn:
        assert await catalogue.add_destination(conn, WULAR)
        assert await catalogue.add_destination(conn, WULAR) is None
        assert await catalogue.add_package(conn, a_package())
        assert await catalogue.add_package(conn, a_package(name="Another")) is None
        found = await catalogue.get_package(conn, "two-days-on-wular")
    assert found is not None
    assert found.name == "Two days on Wular"


@pytest.mark.parametrize("status", ["draft", "archived"])
async def test_what_is_not_published_is_not_found(db: Database, status: str) -> None:
    async with db.transaction() as conn:
        await catalogue.add_destination(conn, WULAR)
        await catalogue.add_package(conn, a_package(status=status))
        assert await catalogue.get_package(conn, "two-days-on-wular") is None
        assert await catalogue.get_package(conn, "two-days-on-wular", unpublished=True) is not None
        assert await catalogue.list_packages(conn) == []
        (wular,) = await catalogue.list_destinations(conn)
    assert wular.packages == 0


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"slug": "Two Days"}, "slug"),
        ({"name": " "}, "name"),
        ({"price": -1}, "price"),
        ({"currency": "INX"}, "price"),
        ({"days": []}, "days"),
        ({"days": [Day(day=2, title="x", description="x")]}, "days"),
        ({"days": [Day(day=1, title="x", description="x"), Day(day=1, title="y", description="y")]}, "days"),
        ({"destinations": []}, "destinations"),
        ({"destinations": ["atlantis"]}, "destinations"),
        ({"pictures": []}, "pictures"),
        ({"pictures": [Picture(scene="wular-lake-dawn", alt=" ")]}, "pictures"),
    ],
)
async def test_an_incomplete_package_is_refused(db: Database, changes: dict[str, Any], field: str) -> None:
    async with db.transaction() as conn:
        await catalogue.add_destination(conn, WULAR)
        with pytest.raises(BadInput) as refusal:
            await catalogue.add_package(conn, a_package(**changes))
    assert (refusal.value.code, refusal.value.details) == ("package_invalid", {"field": field})


@pytest.mark.parametrize(
    ("wanted", "slugs"),
    [
        (PackageFilter(sort="price"), ["jammu-heritage", "gurez-valley-explorer", "kashmir-bliss", "ladakh-adventure"]),
        (
            PackageFilter(sort="duration"),
            ["jammu-heritage", "gurez-valley-explorer", "kashmir-bliss", "ladakh-adventure"],
        ),
        (PackageFilter(sort="name"), ["gurez-valley-explorer", "jammu-heritage", "kashmir-bliss", "ladakh-adventure"]),
        (PackageFilter(), ["gurez-valley-explorer", "kashmir-bliss", "ladakh-adventure", "jammu-heritage"]),
        (PackageFilter(destination="gulmarg"), ["kashmir-bliss"]),
        (PackageFilter(destination="nowhere"), []),
        (PackageFilter(q="pangong"), ["ladakh-adventure"]),
        (PackageFilter(q="JAMMU"), ["jammu-heritage"]),
        (PackageFilter(q="%"), []),
        (PackageFilter(q="_"), []),
        (PackageFilter(q="' OR 1=1 --"), []),
        (PackageFilter(month=date(2027, 1, 1), sort="price"), ["jammu-heritage", "kashmir-bliss"]),
        (PackageFilter(month=date(2027, 7, 1), destination="leh-palace"), ["ladakh-adventure"]),
        (PackageFilter(month=date(2099, 7, 1)), []),
    ],
)
async def test_visitors_find_what_they_look_for(db: Database, wanted: PackageFilter, slugs: list[str]) -> None:
    async with db.transaction() as conn:
        await conn.execute("SELECT set_config('jklg.clock', '2026-11-23T06:00:00Z', true)")
        await demo.load(conn)
        assert [card.slug for card in await catalogue.list_packages(conn, wanted)] == slugs


async def test_a_destination_is_also_found_by_its_id(db: Database) -> None:
    async with db.transaction() as conn:
        await demo.load(conn)
        gulmarg = await catalogue.get_destination(conn, "gulmarg")
        assert gulmarg is not None
        assert await catalogue.get_destination(conn, gulmarg.id) == gulmarg
        assert await catalogue.get_destination(conn, uuid7()) is None
        cards = await catalogue.list_packages(conn, PackageFilter(destination=str(gulmarg.id).upper()))
    assert [card.slug for card in cards] == ["kashmir-bliss"]


@pytest.mark.parametrize("sort", ["featured", "price", "duration", "name"])
async def test_page_by_page_one_sees_each_package_once(db: Database, sort: str) -> None:
    async with db.transaction() as conn:
        await demo.load(conn)
        whole = [card.slug for card in await catalogue.list_packages(conn, read_filter({"sort": sort}))]
        seen: list[str] = []
        cursor: str | None = None
        for _ in range(5):
            page = await catalogue.list_packages(conn, read_filter({"sort": sort, "limit": "1", "cursor": cursor}))
            if not page:
                break
            seen += [card.slug for card in page]
            cursor = cursor_after(page[-1])
    assert seen == whole
    assert len(seen) == 4


async def test_a_card_tells_when_the_package_leaves_next_with_room(db: Database) -> None:
    async with db.transaction() as conn:
        await demo.load(conn)
        (card,) = await catalogue.list_packages(conn, PackageFilter(destination="vaishno-devi"))
        first = await conn.fetchval("SELECT min(starts_on) FROM departures WHERE package_id = $1", card.id)
        assert card.next_departure_on == first
        await conn.execute(
            "UPDATE departures SET allotment = 0 WHERE package_id = $1 AND starts_on = $2", card.id, first
        )
        (card,) = await catalogue.list_packages(conn, PackageFilter(destination="vaishno-devi"))
    assert card.next_departure_on is not None
    assert card.next_departure_on > first


@pytest.mark.parametrize(
    "text", ["", "Ä", "a b", "-", "a--b", "x" * 201, "'", "\x00", "é" * 36, "018f0000-0000-7000-8000-00000000000"]
)
def test_words_that_are_neither_slug_nor_id_name_nothing(text: str) -> None:
    assert read_key(text) is None or text == "018f0000-0000-7000-8000-00000000000"
