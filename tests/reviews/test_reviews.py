"""Asha has been to Kashmir and says how it was. Chitra publishes it or says why not; Mallory, who never travelled, says nothing."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from jklg import bookings, demo, reviews
from jklg.app import LISTENERS, House
from jklg.kit.db import Database, open_database
from jklg.kit.errors import BadInput, Conflict
from jklg.kit.ids import uuid7
from jklg.reviews import Saying, Stars, rules
from tests.enquiries.test_contact import sign_in
from tests.trade import add_departure, add_package, hold

WORDS = {"rating": "4", "message": "Cold boats,\nwarm people. <b>Go.</b>", "name": "Asha"}
SAID = Saying(name="Asha", rating=4, message="Cold boats, warm people.")


async def travelled(db: Database, package_id: UUID | None = None, status: str = "completed") -> bookings.Booking:
    """Asha's booking, as it is once she is back."""
    held = await hold(db, await add_departure(db, package_id=package_id or await add_package(db)))
    async with db.transaction() as conn:
        await conn.execute("UPDATE bookings SET status = 'confirmed' WHERE id = $1", held.id)
        if status != "confirmed":
            await conn.execute("UPDATE bookings SET status = $2 WHERE id = $1", held.id, status)
        found = await bookings.get(conn, held.id)
    assert found is not None
    return found


async def written(db: Database, package_id: UUID, rating: int, *, publish: bool = True) -> reviews.Review:
    booking = await travelled(db, package_id)
    await reviews.write(db, booking, Saying(name="Asha", rating=rating, message="Words."), actor="guest")
    found = await of(db, booking)
    assert found is not None
    return await reviews.decide(db, found.id, "published", actor="staff:x") if publish else found


async def of(db: Database, booking: bookings.Booking) -> reviews.Review | None:
    async with db.transaction() as conn:
        return await reviews.of_booking(conn, booking.id)


def hand_over_keys(browser: httpx.AsyncClient, house: House, booking: bookings.Booking) -> str:
    """Her browser, and the address of the form."""
    token = bookings.manage_token(house.settings.secret, booking.id)
    browser.cookies.set("jklg_bookings", f"{booking.reference}.{booking.id.hex}.{token}")
    browser.headers["Sec-Fetch-Site"] = "same-origin"
    return f"/bookings/{booking.reference}/review"


def told(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', page)
    assert found is not None
    return {each["@type"]: each for each in json.loads(found[1])["@graph"]}


async def test_asha_says_how_it_was_and_everybody_reads_it_once_it_is_published(
    client: httpx.AsyncClient, house: House, db: Database
) -> None:
    booking = await travelled(db)
    path = hand_over_keys(client, house, booking)
    assert f'href="{path}"' in (await client.get(f"/bookings/{booking.reference}")).text
    assert 'value="Asha"' in (await client.get(path)).text, "her first name is proposed, and not the other one"
    for _ in range(2):
        assert (await client.post(path, data=WORDS)).headers["location"] == path
    assert "A person reads it before it is shown" in (await client.get(path)).text
    kept = await of(db, booking)
    assert kept is not None and (kept.status, kept.name, kept.rating) == ("pending", "Asha", 4)
    page = f"/packages/{booking.package_slug}"
    assert "Cold boats" not in (await client.get(page)).text and (await client.get("/api/testimonials")).json() == []
    await sign_in(client, db, "Manager")
    assert "Cold boats" in (await client.get("/staff/reviews")).text
    done = await client.post(f"/staff/reviews/{kept.id}/publish")
    assert done.headers["location"].endswith("said=published")
    shown = (await client.get(page)).text
    assert "Cold boats,\nwarm people. &lt;b&gt;Go.&lt;/b&gt;" in shown and "Rao" not in shown
    assert (await client.get("/api/testimonials")).json()[0]["content"] == WORDS["message"]
    assert "It is published" in (await client.get(path)).text


@pytest.mark.parametrize("status", ["confirmed", "cancelled"])
async def test_whoever_has_not_travelled_says_nothing(
    client: httpx.AsyncClient, house: House, db: Database, status: str
) -> None:
    booking = await travelled(db, status=status)
    path = hand_over_keys(client, house, booking)
    page = (await client.get(path)).text
    assert "once it is over" in page and 'name="rating"' not in page
    assert (await client.post(path, data=WORDS)).status_code == 303
    with pytest.raises(Conflict, match="review_too_early"):
        await reviews.write(db, booking, SAID, actor="guest")
    assert await of(db, booking) is None


async def test_the_day_after_the_last_day_it_is_over_whether_or_not_the_worker_has_been_round(db_url: str) -> None:
    db = await open_database(db_url)
    booking = await travelled(db, status="confirmed")
    await db.close()
    for days, refused in ((0, True), (1, False)):
        moment = booking.created_at + (booking.ends_on - booking.today) + timedelta(days=days)
        db = await open_database(db_url, clock=lambda at=moment: at)  # type: ignore[misc]
        async with db.transaction() as conn:
            there = await bookings.get(conn, booking.id)
        assert there is not None
        if refused:
            with pytest.raises(Conflict, match="review_too_early"):
                await reviews.write(db, there, SAID, actor="guest")
        else:
            await reviews.write(db, there, SAID, actor="guest")
            assert await of(db, there) is not None
        await db.close()


async def test_mallory_has_no_key_and_gets_no_form(client: httpx.AsyncClient, house: House, db: Database) -> None:
    booking = await travelled(db)
    client.headers["Sec-Fetch-Site"] = "same-origin"
    assert (await client.get(f"/bookings/{booking.reference}/review")).status_code == 404
    assert (await client.post(f"/bookings/{booking.reference}/review", data=WORDS)).status_code == 404
    other = await travelled(db)
    hand_over_keys(client, house, other)
    assert (await client.post(f"/bookings/{booking.reference}/review", data=WORDS)).status_code == 404
    assert await of(db, booking) is None


@pytest.mark.parametrize(
    ("field", "text"),
    [("rating", ""), ("rating", "6"), ("rating", "4.5"), ("message", " "), ("message", "x" * 3001), ("name", ""), ("name", "x" * 41)],
)  # fmt: skip
async def test_nothing_that_was_typed_is_lost_by_a_mistake(
    client: httpx.AsyncClient, house: House, db: Database, field: str, text: str
) -> None:
    booking = await travelled(db)
    page = await client.post(hand_over_keys(client, house, booking), data={**WORDS, field: text})
    assert page.status_code == 422 and f'href="#f-{field}"' in page.text and f'id="f-{field}"' in page.text
    assert field == "message" or "Cold boats" in page.text
    assert field == "rating" or re.search(r'value="4"\s+checked', page.text)
    assert await of(db, booking) is None


async def test_pressed_in_two_tabs_at_once_it_is_said_once(db: Database) -> None:
    booking = await travelled(db)
    tries = [reviews.write(db, booking, SAID, actor="guest") for _ in range(5)]
    answers = await asyncio.gather(*tries, return_exceptions=True)
    assert [each for each in answers if each is None] == [None]
    assert {each.code for each in answers if isinstance(each, Conflict)} == {"review_there"}


async def test_refused_it_has_a_reason_that_she_reads_and_she_may_write_anew(
    client: httpx.AsyncClient, house: House, db: Database
) -> None:
    booking = await travelled(db)
    path = hand_over_keys(client, house, booking)
    await client.post(path, data=WORDS)
    kept = await of(db, booking)
    assert kept is not None
    await sign_in(client, db, "Manager")
    without = await client.post(f"/staff/reviews/{kept.id}/refuse", data={"reason": " "})
    assert without.status_code == 422 and "Please say why" in without.text
    await client.post(f"/staff/reviews/{kept.id}/refuse", data={"reason": "It names our cook."})
    page = (await client.get(path)).text
    assert "It names our cook." in page and "Write it anew" in page
    assert "Cold boats" not in (await client.get(f"/packages/{booking.package_slug}")).text
    await client.post(path, data={**WORDS, "message": "Another try."})
    again = await of(db, booking)
    assert again is not None and (again.status, again.message, again.reason) == ("pending", "Another try.", "")


async def test_chosen_ones_stand_on_their_page_and_refused_ones_stand_nowhere(
    client: httpx.AsyncClient, db: Database
) -> None:
    await sign_in(client, db, "Manager")
    package_id = await add_package(db, name="Gurez by foot")
    kept = await written(db, package_id, 5, publish=False)
    path = f"/staff/reviews/{kept.id}"
    assert (await client.post(f"{path}/choose", data={"chosen": "1"})).status_code == 409
    await client.post(f"{path}/publish")
    assert "Nothing is chosen yet" in (await client.get("/testimonials")).text
    await client.post(f"{path}/choose", data={"chosen": "1"})
    await client.post(f"{path}/reply", data={"reply": "Come again. <i>Soon.</i>"})
    page = (await client.get("/testimonials")).text
    assert "Words." in page and "Gurez by foot" in page and "Come again. &lt;i&gt;Soon.&lt;/i&gt;" in page
    await client.post(f"{path}/refuse", data={"reason": "It was not true."})
    assert "Words." not in (await client.get("/testimonials")).text
    await client.post(f"{path}/publish")
    assert "Words." not in (await client.get("/testimonials")).text, "chosen no more"
    await client.post(f"{path}/reply", data={"reply": ""})
    assert (await client.post(f"{path}/burn")).status_code == 404


async def test_the_average_is_of_published_reviews_of_travellers_and_search_engines_hear_the_same(
    client: httpx.AsyncClient, db: Database
) -> None:
    package_id = await add_package(db)
    slug = f"/packages/p-{package_id.hex[-12:]}"
    page = (await client.get(slug)).text
    assert "What travellers say" not in page.partition("<footer")[0] and "Product" not in told(page)
    for rating in (5, 5, 4, 5, 2):
        await written(db, package_id, rating)
    await written(db, package_id, 1, publish=False)
    refused = await written(db, package_id, 1)
    await reviews.decide(db, refused.id, "rejected", reason="untrue", actor="staff:x")
    told_otherwise = await reviews.tell(db, SAID, actor="staff:x")
    await reviews.decide(db, told_otherwise.id, "published", actor="staff:x")
    page = (await client.get(slug)).text
    words = " ".join(re.sub(r"<[^>]*>", " ", page).split())
    assert "4.2 of 5, from 5 reviews" in words and "All 5 reviews" in words
    rated = told(page)["Product"]
    assert (rated["aggregateRating"]["ratingValue"], rated["aggregateRating"]["reviewCount"]) == ("4.2", 5)
    assert len(rated["review"]) == 4 == page.count('class="review"')
    assert (await client.get(f"{slug}/reviews")).text.count('class="review"') == 5
    assert (await client.get("/packages/atlantis/reviews")).status_code == 404


async def test_a_review_is_dated_on_the_agencys_calendar(client: httpx.AsyncClient, db: Database) -> None:
    """Published half an hour after midnight on 1 June: in Greenwich it is still May."""
    package_id = await add_package(db)
    await written(db, package_id, 5)
    async with db.transaction() as conn:
        await conn.execute("UPDATE testimonials SET decided_at = '2027-05-31T19:00Z'")
    page = (await client.get(f"/packages/p-{package_id.hex[-12:]}")).text
    assert "June 2027" in page.partition('class="review"')[2]
    assert told(page)["Product"]["review"][0]["datePublished"] == "2027-06-01"


@pytest.mark.parametrize(
    ("ratings", "average"),
    [((5,), "5.0"), ((5, 4), "4.5"), ((4, 4, 5), "4.3"), ((5, 5, 4), "4.7"), ((1,) * 19 + (2,), "1.1"), ((5,) * 20 + (4,), "5.0")],
)  # fmt: skip
def test_an_average_is_rounded_once(ratings: tuple[int, ...], average: str) -> None:
    assert Stars(count=len(ratings), total=sum(ratings)).average == Decimal(average)


async def test_all_reviews_of_a_journey_page_by_page(client: httpx.AsyncClient, db: Database) -> None:
    package_id = await add_package(db)
    departure = await add_departure(db, package_id=package_id, seats=60)
    for number in range(23):
        held = await hold(db, departure, party={"adult": 1})
        async with db.transaction() as conn:
            await conn.execute("UPDATE bookings SET status = 'confirmed' WHERE id = $1", held.id)
            await conn.execute("UPDATE bookings SET status = 'completed' WHERE id = $1", held.id)
            id_, said = uuid7(), Saying(name="Asha", rating=5, message=f"Number {number:02}")
            await reviews.queries.insert(conn, id_, said, booking_id=held.id, package_id=package_id)
            await reviews.queries.publish(conn, [id_], [])
    path: str | None = f"/packages/p-{package_id.hex[-12:]}/reviews"
    seen: list[str] = []
    while path:
        page = (await client.get(path)).text
        seen += re.findall(r"Number \d\d", page)
        found = re.search(r'href="(\?cursor=[^"]+)" rel="next"', page)
        path = f"/packages/p-{package_id.hex[-12:]}/reviews{found[1]}" if found else None
    assert seen == [f"Number {number:02}" for number in reversed(range(23))]
    for wrong in ("x", "%00", "2026-11-29T03:00:00~" + "0" * 32):
        assert (await client.get(f"/packages/p-{package_id.hex[-12:]}/reviews?cursor={wrong}")).status_code == 422


async def test_those_of_the_demo_say_that_they_are_made_up_and_no_search_engine_hears_of_them(
    client: httpx.AsyncClient, db: Database
) -> None:
    await demo.load(db)
    await demo.load(db)
    page = (await client.get("/packages/kashmir-bliss")).text
    assert page.count('class="review"') == 4 == page.count("made up for the demonstration")
    assert "Product" not in told(page)
    assert (await client.get("/testimonials")).text.count("made up for the demonstration") == 4
    async with db.connection() as conn:
        package_id = await conn.fetchval("SELECT id FROM packages WHERE slug = 'kashmir-bliss'")
        assert await reviews.list_chosen(conn, made_up_too=False) == []
        assert await reviews.list_of_package(conn, package_id, None, 9, made_up_too=False) == []


async def test_in_production_no_stranger_is_told_what_was_made_up(
    client: httpx.AsyncClient, house: House, db: Database
) -> None:
    await demo.load(db)
    one = f"/api/testimonials/{(await client.get('/api/testimonials')).json()[0]['id']}"
    assert (await client.get(one)).status_code == 200
    house.settings = replace(house.settings, env="production")
    assert (await client.get("/api/testimonials")).json() == []
    assert (await client.get(one)).status_code == 404
    await sign_in(client, db, "Admin")
    assert (await client.get(one)).status_code == 200


async def test_the_old_client_lists_creates_approves_changes_and_removes(
    client: httpx.AsyncClient, house: House, db: Database
) -> None:
    new = {"customer_name": "Ben", "rating": 5, "content": "By letter.", "image_url": "/x.png"}
    client.headers["Sec-Fetch-Site"] = "same-origin"
    assert (await client.post("/api/testimonials", json=new)).status_code == 401
    await sign_in(client, db, "Admin")
    made = await client.post("/api/testimonials", json=new)
    assert made.status_code == 201 and made.json()["success"] is True
    one = f"/api/testimonials/{made.json()['data']['id']}"
    assert (await client.get("/api/testimonials")).json() == []
    assert (await client.get(one)).json()["status"] == "pending"
    assert (await client.patch(f"{one}/approve")).json()["data"]["is_approved"] is True
    assert [each["message"] for each in (await client.get("/api/testimonials")).json()] == ["By letter."]
    changed = await client.put(one, json={**new, "content": "By a second letter."})
    assert changed.json()["data"]["message"] == "By a second letter."
    assert (await client.post("/api/testimonials", json={**new, "rating": 6})).status_code == 422
    assert (await client.post("/api/testimonials", json={**new, "rating": 4.5})).status_code == 422
    hers = await written(db, await add_package(db), 2)
    refused = await client.put(f"/api/testimonials/{hers.id}", json=new)
    assert (refused.status_code, refused.json()["code"]) == (409, "words_are_theirs")
    assert (await client.delete(one)).json()["success"] is True
    for method in ("GET", "PUT", "DELETE"):
        gone = await client.request(method, one, json=new if method == "PUT" else None)
        assert (gone.status_code, gone.json()["code"]) == (404, "testimonial_not_found"), method


async def test_who_may_what(client: httpx.AsyncClient, db: Database) -> None:
    kept = await written(db, await add_package(db), 3, publish=False)
    client.headers["Sec-Fetch-Site"] = "same-origin"
    path = f"/staff/reviews/{kept.id}"
    for there in ("/staff/reviews", path):
        assert (await client.get(there)).status_code == 303
    assert (await client.post(f"{path}/publish")).status_code == 401
    assert (await client.get(f"/api/testimonials/{kept.id}")).status_code == 404
    await sign_in(client, db, "Guide")
    assert "Words." in (await client.get(path)).text and "Publish it" not in (await client.get(path)).text
    for verb in ("publish", "refuse", "reply", "choose", "x"):
        assert (await client.post(f"{path}/{verb}", data={"reason": "x"})).status_code == 403, verb
    await sign_in(client, db, "Manager")
    for method, there in (("POST", ""), ("PUT", f"/{kept.id}"), ("DELETE", f"/{kept.id}")):
        answer = await client.request(
            method, f"/api/testimonials{there}", json={"customer_name": "x", "rating": 5, "content": "x"}
        )
        assert answer.status_code == 403, method
    for wrong in ("state=x", "cursor=x"):
        assert (await client.get(f"/staff/reviews?{wrong}")).status_code == 422


async def test_her_review_goes_with_her_booking(house: House, db: Database) -> None:
    booking = await travelled(db)
    await reviews.write(db, booking, SAID, actor="guest")
    for _ in range(2):
        for listener in LISTENERS["booking.erased"]:
            await listener(house, {"booking_id": str(booking.id)})
    assert await of(db, booking) is None


async def test_the_database_keeps_what_the_room_promises(db: Database) -> None:
    package_id = await add_package(db)
    booking, early = await travelled(db, package_id), await travelled(db, package_id, status="confirmed")

    async def insert(said: Saying = SAID, **of_what: Any) -> UUID:
        id_ = uuid7()
        async with db.transaction() as conn:
            await reviews.queries.insert(conn, id_, said, **of_what)
        return id_

    for name, of_what in {
        "testimonials_after_the_journey": {"booking_id": early.id, "package_id": package_id},
        "testimonials_after_the_journey ": {"booking_id": booking.id, "package_id": await add_package(db)},
        "testimonials_of_travellers_or_told": {"package_id": package_id},
        "testimonials_of_travellers_or_told ": {"booking_id": booking.id, "package_id": package_id, "made_up": True},
        "testimonials_have_one_to_five_stars": {"said": Saying(name="x", rating=6, message="x")},
    }.items():
        with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refused:
            await insert(**of_what)
        assert refused.value.constraint_name == name.strip()
    id_ = await insert(booking_id=booking.id, package_id=package_id)
    for name, statement in {
        "testimonials_words_are_theirs": "UPDATE testimonials SET rating = 5 WHERE id = $1",
        "testimonials_words_are_theirs ": "UPDATE testimonials SET made_up = true WHERE id = $1",
        "testimonials_are_refused_with_a_reason": "UPDATE testimonials SET status = 'rejected' WHERE id = $1",
        "testimonials_are_published_before_they_are_chosen": "UPDATE testimonials SET chosen = true WHERE id = $1",
        "testimonials_one_for_a_booking": "INSERT INTO testimonials (id, booking_id, package_id, name, rating, message) SELECT gen_random_uuid(), booking_id, package_id, 'x', 5, 'x' FROM testimonials WHERE id = $1",
    }.items():
        with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refused:
            async with db.transaction() as conn:
                await conn.execute(statement, id_)
        assert refused.value.constraint_name == name.strip()
    async with db.connection() as conn:
        assert await conn.fetchval("SELECT count(*) FROM testimonials") == 0, "what is not published is seen by nobody"
    with pytest.raises(BadInput):
        rules.check_reason("")
    assert date.today() < booking.starts_on


async def test_chosen_while_somebody_else_refuses_it_stays_refused(db: Database) -> None:
    kept = await written(db, await add_package(db), 5)
    async with db.transaction() as conn:
        await reviews.queries.get(conn, kept.id, lock=True)
        choosing = asyncio.create_task(reviews.praise(db, kept.id, chosen=True, actor="staff:y"))
        await asyncio.sleep(0.1)
        await reviews.queries.set_decision(conn, kept.id, "rejected", "It names our cook.", chosen=False)
    with pytest.raises(Conflict, match="review_not_published"):
        await choosing
    async with db.transaction() as conn:
        found = await reviews.get(conn, kept.id)
    assert found is not None and (found.status, found.chosen) == ("rejected", False)
