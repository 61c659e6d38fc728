"""Asha puts journeys aside: in her browser first, with her account once she has one, and nowhere else."""

from __future__ import annotations

import asyncpg
import httpx
import pytest

from jklg import demo
from jklg.kit.db import Database
from tests.customers.people import PASSWORD, People, people  # noqa: F401  (a fixture)
from tests.customers.test_pages import MALLORYS, browser, join, sign_in


def cards(page: str) -> list[str]:
    """The journeys of a list, in its order."""
    return [part.partition('"')[0] for part in page.split('name="with" value="')[1:]]


async def test_without_an_account_the_browser_remembers(client: httpx.AsyncClient, db: Database) -> None:
    await demo.load(db)
    client.headers["Sec-Fetch-Site"] = "same-origin"
    assert "Nothing yet." in (await client.get("/wishes")).text
    for slug in ("kashmir-bliss", "ladakh-adventure", "kashmir-bliss"):
        assert (await client.post(f"/wishes/{slug}")).headers["location"] == "/wishes"
    page = await client.get("/wishes")
    assert cards(page.text) == ["kashmir-bliss", "ladakh-adventure"]
    assert page.headers["cache-control"] == "no-store"
    await client.post("/wishes/kashmir-bliss/remove")
    assert cards((await client.get("/wishes")).text) == ["ladakh-adventure"]
    assert (await client.post("/wishes/atlantis")).status_code == 404
    client.cookies.set("jklg_wishes", "atlantis~../../x~ladakh-adventure~<b>")
    assert cards((await client.get("/wishes")).text) == ["ladakh-adventure"]
    async with db.transaction() as conn:
        assert await conn.fetchval("SELECT count(*) FROM customer_wishes") == 0


async def test_with_an_account_they_follow_her_and_what_is_taken_away_stays_away(people: People) -> None:
    await demo.load(people.house.db)
    async with browser(people) as asha, browser(people) as telephone, browser(people, MALLORYS) as mallory:
        await asha.post("/wishes/kashmir-bliss")
        await join(people, asha)
        assert "kept with your account" in (await asha.get("/wishes")).text
        await asha.post("/wishes/jammu-heritage")
        await sign_in(telephone, PASSWORD)
        assert set(cards((await telephone.get("/wishes")).text)) == {"jammu-heritage", "kashmir-bliss"}
        await telephone.post("/wishes/kashmir-bliss/remove")
        assert cards((await asha.get("/wishes")).text) == ["jammu-heritage"], "the other browser must not bring it back"
        assert cards((await telephone.get("/wishes")).text) == ["jammu-heritage"]
        assert cards((await mallory.get("/wishes")).text) == []


async def test_her_list_is_hers_and_goes_with_her(people: People) -> None:
    await demo.load(people.house.db)
    async with browser(people) as asha:
        await join(people, asha)
        await asha.post("/wishes/kashmir-bliss")
    ((customer,),) = await people.rows("SELECT id FROM customers WHERE email = 'asha@example.org'")
    with pytest.raises(asyncpg.UniqueViolationError, match="customer_wishes_once"):
        async with people.house.db.transaction() as conn:
            await conn.execute("INSERT INTO customer_wishes SELECT customer_id, package_id FROM customer_wishes")
    async with people.house.db.connection() as conn:
        assert await conn.fetchval("SELECT count(*) FROM customer_wishes") == 0, "nobody sees them without a right"
    for name, told in people.house.exports.items():
        if name == "wishes":
            async with people.house.db.transaction() as conn:
                assert [each["slug"] for each in await told(conn, customer)] == ["kashmir-bliss"]  # type: ignore[attr-defined]
    async with people.house.db.transaction() as conn:
        for part in people.house.partings:
            await part(conn, customer, "asha@example.org")
        assert await conn.fetchval("SELECT count(*) FROM customer_wishes") == 0
