"""Asha books for three and names them later. Ben fills in his own details with a private link; Mallory finds nothing with hers."""

from __future__ import annotations

import asyncio
import re
from datetime import date, timedelta
from html import unescape
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from jklg import bookings
from jklg.bookings import travellers
from jklg.bookings.travellers import Entry, rules
from jklg.bookings.travellers.actions import link_token
from jklg.kit.db import Database
from jklg.kit.errors import BadInput, Conflict, NotFound, TooMany
from jklg.kit.ids import uuid7
from jklg.settings import Settings
from tests.enquiries.test_contact import sign_in
from tests.trade import add_departure, hold, let_hold_run_out

ADULT_DAY = date(1990, 2, 28)


async def open_door(client: httpx.AsyncClient, settings: Settings, held: bookings.Held) -> None:
    client.headers["Sec-Fetch-Site"] = "same-origin"
    await client.get(f"/manage/{held.reference}/{bookings.manage_token(settings.secret, held.id)}")


async def names(db: Database, held: bookings.Held) -> list[tuple[str, date | None]]:
    async with db.transaction() as conn:
        return [(each.name, each.date_of_birth) for each in await bookings.list_travellers(conn, held.id)]


async def link_of(db: Database, held: bookings.Held, *, category: str = "adult", who: UUID | None = None) -> UUID:
    link_id = uuid7()
    await travellers.make_link(db, held.id, link_id=link_id, category=category, traveller_id=who, actor="guest")
    return link_id


def path_of(settings: Settings, link_id: UUID) -> str:
    return f"/travellers/{link_id}/{link_token(settings.secret, link_id)}"


def fields(page: str) -> dict[str, str]:
    """The form as a browser would send it back."""
    form = page.partition('/travellers" novalidate>')[2].partition("</form>")[0]
    found = {}
    for tag in re.findall("<input[^>]*>", form):
        name, value = re.search('name="([^"]+)"', tag), re.search('value="([^"]*)"', tag)
        if name:
            found[name[1]] = unescape(value[1]) if value else ""
    return found


def entry(name: str, **changes: Any) -> Entry:
    return Entry(**{"traveller_id": uuid7(), "category": "adult", "name": name, "date_of_birth": None, **changes})


async def test_asha_sees_who_is_missing_names_them_and_the_rest_later(
    client: httpx.AsyncClient, db: Database, settings: Settings
) -> None:
    held = await hold(db, await add_departure(db), party={"adult": 3})
    await open_door(client, settings, held)
    assert "3 travellers have no name yet" in (await client.get(f"/bookings/{held.reference}")).text
    path = f"/bookings/{held.reference}/travellers"
    form = fields((await client.get(path)).text)
    first = next(name for name in form if name.startswith("name."))
    form[first] = "Asha  Rao"
    for _ in range(2):
        assert (await client.post(path, data=form)).headers["location"] == f"{path}?saved=1"
    assert await names(db, held) == [("Asha Rao", None)], "pressed twice she is one traveller"
    page = (await client.get(path)).text
    assert "2 travellers have no name yet" in page and 'value="Asha Rao"' in page
    await sign_in(client, db, "Support")
    assert "2 travellers have no name yet" in (await client.get(f"/staff/bookings/{held.reference}")).text


async def test_ben_fills_in_his_own_details_and_sees_nothing_else(
    client: httpx.AsyncClient, db: Database, settings: Settings
) -> None:
    held = await hold(
        db, await add_departure(db), party={"adult": 2}, travellers=[bookings.TravellerRequest(name="Asha Rao")]
    )
    await open_door(client, settings, held)
    page = (await client.get(f"/bookings/{held.reference}/travellers")).text
    fresh = re.findall('name="fresh" value="([^"]+)"', page)[1]
    made = {"do": "make", "fresh": fresh, "category": "adult", "traveller": ""}
    for _ in range(2):
        done = await client.post(f"/bookings/{held.reference}/travellers/links", data=made)
        assert done.status_code == 303
    page = (await client.get(f"/bookings/{held.reference}/travellers")).text
    (url,) = re.findall(r'readonly value="([^"]+)"', page)
    assert url == f"{settings.public_url}{path_of(settings, UUID(fresh))}"
    client.cookies.clear()
    bens = await client.get(url)
    assert bens.headers["referrer-policy"] == "no-referrer" and bens.headers["cache-control"] == "no-store"
    assert "set-cookie" not in bens.headers and "Kashmir Bliss" in bens.text
    for others in ("Asha", "Rao", "₹", held.reference, "asha@example.org", held.phone):
        assert others not in bens.text
    assert not re.findall(r'(?:src|href)="https?://(?!localhost)', bens.text), "no third party hears of it"
    for _ in range(2):
        done = await client.post(url, data={"name": "Ben <b>Iyer</b>", "born": "1990-02-28"})
        assert done.headers["location"].endswith("?saved=1")
    assert await names(db, held) == [("Asha Rao", None), ("Ben <b>Iyer</b>", ADULT_DAY)]
    again = (await client.get(url)).text
    assert "Ben &lt;b&gt;Iyer" in again and 'value="1990-02-28"' in again
    await client.post(url, data={"name": "Ben Iyer", "born": ""})
    assert await names(db, held) == [("Asha Rao", None), ("Ben Iyer", None)]
    await open_door(client, settings, held)
    page = (await client.get(f"/bookings/{held.reference}")).text
    assert "Ben Iyer" in page and "no name yet" not in page
    assert "Filled in" in (await client.get(f"/bookings/{held.reference}/travellers")).text


async def test_all_dead_links_look_alike(client: httpx.AsyncClient, db: Database, settings: Settings) -> None:
    held = await hold(db, await add_departure(db), party={"adult": 3})
    alive, revoked, renewed = [await link_of(db, held) for _ in range(3)]
    fresh = uuid7()
    await travellers.revoke_link(db, held.id, revoked, actor="guest")
    await travellers.renew_link(db, held.id, renewed, fresh_id=fresh, actor="guest")
    await travellers.renew_link(db, held.id, renewed, fresh_id=uuid7(), actor="guest")  # boring
    never = uuid7()
    dead = [
        path_of(settings, revoked), path_of(settings, renewed), path_of(settings, never), f"/travellers/{alive}/x",
        f"/travellers/{alive}/{link_token(settings.secret, never)}", "/travellers/x/y", f"/travellers/{alive}/%00",
    ]  # fmt: skip
    client.headers["Sec-Fetch-Site"] = "same-origin"
    answers = set()
    for path in dead:
        for answer in (await client.get(path), await client.post(path, data={"name": "Mallory", "born": "x"})):
            answers.add((answer.status_code, answer.text, answer.headers["referrer-policy"]))
    ((status, text, _),) = answers
    assert status == 404 and "does not open anything" in text
    for path in (path_of(settings, alive), path_of(settings, fresh)):
        assert (await client.get(path)).status_code == 200
    assert await names(db, held) == []


@pytest.mark.parametrize("what", ["departed", "cancelled", "run out"])
async def test_a_link_ends_with_its_journey(
    client: httpx.AsyncClient, db: Database, settings: Settings, what: str
) -> None:
    departure = await add_departure(db)
    held = await hold(db, departure)
    link_id = await link_of(db, held)
    async with db.transaction() as conn:
        if what == "departed":
            await conn.execute(
                "UPDATE departures SET starts_on = starts_on - 90, ends_on = ends_on - 90, cutoff_at = cutoff_at - interval '90 days'"
            )
        elif what == "cancelled":
            await bookings.cancel(conn, held.id, actor="guest")
        else:
            await let_hold_run_out(conn, held.id)
    assert (await client.get(path_of(settings, link_id))).status_code == 404
    with pytest.raises(NotFound, match="traveller_link_not_found"):
        token = link_token(settings.secret, link_id)
        await travellers.fill_in(db, settings.secrets, link_id, token, name="Ben", date_of_birth=None)
    with pytest.raises(Conflict, match="travellers_fixed"):
        await travellers.save(db, held.id, [entry("Ben")], actor="guest")
    await open_door(client, settings, held)
    assert "cannot be changed here any more" in (await client.get(f"/bookings/{held.reference}/travellers")).text


async def test_a_child_is_as_old_as_its_price(db: Database, settings: Settings) -> None:
    held = await hold(db, await add_departure(db), party={"adult": 1, "child": 1})
    link_id = await link_of(db, held, category="child")
    token = link_token(settings.secret, link_id)
    for born, code in ((None, "date_of_birth_needed"), (ADULT_DAY, "age_outside_category")):
        with pytest.raises(BadInput, match=code):
            await travellers.fill_in(db, settings.secrets, link_id, token, name="Mira", date_of_birth=born)
    six = date.today() - timedelta(days=365 * 6)
    await travellers.fill_in(db, settings.secrets, link_id, token, name="Mira", date_of_birth=six)
    assert await names(db, held) == [("Mira", six)]
    with pytest.raises(Conflict, match="places_taken"):
        await link_of(db, held, category="child")


async def test_nothing_that_ben_typed_is_lost_by_a_mistake(
    client: httpx.AsyncClient, db: Database, settings: Settings
) -> None:
    held = await hold(db, await add_departure(db))
    url = path_of(settings, await link_of(db, held))
    client.headers["Sec-Fetch-Site"] = "same-origin"
    for form, sentence in (
        ({"name": "Ben Iyer", "born": "28.2.1990"}, "year-month-day"),
        ({"name": "Ben Iyer", "born": "2099-02-28"}, "lies in the future"),
        ({"name": " ", "born": "1990-02-28"}, "give the traveller"),
    ):
        answer = await client.post(url, data=form)
        assert answer.status_code == 422 and sentence in answer.text
        assert form["born"] in answer.text and form["name"] in answer.text
    assert await names(db, held) == []


async def test_two_people_never_take_one_place(db: Database, settings: Settings) -> None:
    held = await hold(db, await add_departure(db), party={"adult": 2})
    links = [await link_of(db, held) for _ in range(2)]
    with pytest.raises(Conflict, match="places_taken"):
        await link_of(db, held)

    async def fills_in(link_id: UUID, name: str) -> None:
        token = link_token(settings.secret, link_id)
        await travellers.fill_in(db, settings.secrets, link_id, token, name=name, date_of_birth=None)

    wanted = [
        fills_in(links[0], "Ben"),
        fills_in(links[1], "Cara"),
        travellers.save(db, held.id, [entry("Mallory")], actor="guest"),
    ]
    done = await asyncio.gather(*wanted, return_exceptions=True)
    assert len(await names(db, held)) == 2
    (lost,) = [each for each in done if each is not None]
    assert isinstance(lost, Conflict | NotFound)


async def test_what_ben_fills_in_meanwhile_is_not_undone_by_ashas_open_page(
    client: httpx.AsyncClient, db: Database, settings: Settings
) -> None:
    held = await hold(
        db, await add_departure(db), party={"adult": 3}, travellers=[bookings.TravellerRequest(name="Asha Rao")]
    )
    await open_door(client, settings, held)
    link_id = await link_of(db, held)
    path = f"/bookings/{held.reference}/travellers"
    form = fields((await client.get(path)).text)
    token = link_token(settings.secret, link_id)
    await travellers.fill_in(db, settings.secrets, link_id, token, name="Ben Iyer", date_of_birth=ADULT_DAY)
    asha, bens, free = [name for name in form if name.startswith("name.")]
    form[free] = "Cara Das"
    await client.post(path, data=form)
    assert await names(db, held) == [("Asha Rao", None), ("Ben Iyer", ADULT_DAY), ("Cara Das", None)]
    form[bens] = "Mallory"
    full = await client.post(path, data=form)
    assert full.status_code == 422 and "has a name already" in full.text
    assert [name for name, _ in await names(db, held)] == ["Asha Rao", "Ben Iyer", "Cara Das"]
    form[asha] = " "
    form[bens] = ""
    empty = await client.post(path, data=form)
    assert empty.status_code == 422 and f'href="#f-{asha.replace(".", "-")}"' in empty.text


async def test_mallory_changes_nobody_elses_travellers_or_links(
    client: httpx.AsyncClient, db: Database, settings: Settings
) -> None:
    departure = await add_departure(db)
    ashas = await hold(db, departure, travellers=[bookings.TravellerRequest(name="Asha Rao")])
    mallorys = await hold(db, departure, name="Mallory", email="mallory@example.org")
    link_id = await link_of(db, ashas)
    async with db.transaction() as conn:
        (asha,) = await bookings.list_travellers(conn, ashas.id)
    with pytest.raises(Conflict, match="places_taken"):
        await travellers.save(db, mallorys.id, [entry("Mallory", traveller_id=asha.id)], actor="guest")
    with pytest.raises(Conflict, match="places_taken"):
        await link_of(db, mallorys, who=asha.id)
    await travellers.revoke_link(db, mallorys.id, link_id, actor="guest")
    await travellers.renew_link(db, mallorys.id, link_id, fresh_id=uuid7(), actor="guest")
    assert (await client.get(path_of(settings, link_id))).status_code == 200
    assert await names(db, ashas) == [("Asha Rao", None)] and await names(db, mallorys) == []
    client.headers["Sec-Fetch-Site"] = "same-origin"
    for verb in (client.get, client.post):
        assert (await verb(f"/bookings/{ashas.reference}/travellers")).status_code == 404
    assert (await client.post(f"/bookings/{ashas.reference}/travellers/links")).status_code == 404
    token = bookings.manage_token(settings.secret, mallorys.id)
    async with db.transaction() as conn:
        guest = await bookings.guest_claims(conn, settings.secrets, mallorys.id, token)
    async with db.transaction(guest) as conn:
        assert await conn.fetchval("SELECT count(*) FROM traveller_links") == 0


async def test_one_link_is_not_hammered_on(db: Database, settings: Settings) -> None:
    held = await hold(db, await add_departure(db))
    link_id = await link_of(db, held)
    token = link_token(settings.secret, link_id)
    for number in range(rules.PACE.times):
        await travellers.fill_in(db, settings.secrets, link_id, token, name=f"Ben {number % 2}", date_of_birth=None)
    with pytest.raises(TooMany):
        await travellers.fill_in(db, settings.secrets, link_id, token, name="Ben", date_of_birth=None)


async def test_a_traveller_who_is_named_has_one_link_and_keeps_what_it_leads_to(
    db: Database, settings: Settings
) -> None:
    held = await hold(db, await add_departure(db), travellers=[bookings.TravellerRequest(name="Asha Rao")])
    async with db.transaction() as conn:
        (asha,) = await bookings.list_travellers(conn, held.id)
    first = await link_of(db, held, who=asha.id)
    await link_of(db, held, who=asha.id)
    async with db.transaction() as conn:
        assert [each.id for each in await travellers.links_of(conn, held.id)] == [first]
    fresh = uuid7()
    await travellers.renew_link(db, held.id, first, fresh_id=fresh, actor="guest")
    opened = await travellers.open_link(db, settings.secrets, fresh, link_token(settings.secret, fresh))
    assert opened.traveller == asha
    with pytest.raises(asyncpg.UniqueViolationError, match="traveller_links_one_for_a_traveller"):
        async with db.transaction() as conn:
            await conn.execute(
                "INSERT INTO traveller_links (id, booking_id, category, traveller_id) VALUES ($1, $2, 'adult', $3)",
                uuid7(), held.id, asha.id,
            )  # fmt: skip


async def test_infants_are_counted_among_those_without_a_name(db: Database) -> None:
    held = await hold(
        db,
        await add_departure(db),
        party={"adult": 2, "infant": 1},
        travellers=[bookings.TravellerRequest(name="Asha Rao")],
    )
    async with db.transaction() as conn:
        booking = await bookings.get(conn, held.id)
        assert booking is not None
        assert travellers.missing(booking, await bookings.list_travellers(conn, held.id)) == {"adult": 1, "infant": 1}
