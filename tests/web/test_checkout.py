"""The checkout without JavaScript: nothing typed is lost, one attempt makes one booking, and strangers see nothing."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import AsyncIterator
from datetime import date
from typing import Any
from uuid import UUID

import httpx
import pytest

from jklg import bookings, departures
from jklg.app import House
from jklg.bookings import reaching
from jklg.kit.db import Database
from jklg.kit.ids import uuid7
from tests import trade
from tests.front import front_of

HOSTILE = '"><img src=x onerror=alert(1)>'


@pytest.fixture
async def browser(house: House) -> AsyncIterator[httpx.AsyncClient]:
    """Says of itself what browsers say."""
    app = front_of(house)
    async with (
        app.lifespan(),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app),
            base_url="http://localhost:3000",
            headers={"Sec-Fetch-Site": "same-origin"},
        ) as visitor,
    ):
        yield visitor


def fields(page: httpx.Response) -> dict[str, str]:
    """What a browser would send of the first form that posts."""
    form = page.text.partition('method="post"')[2].partition("</form>")[0]
    found: dict[str, str] = {}
    for tag in re.findall(r"<input\b[^>]*>", form):
        attributes = dict(re.findall(r'([a-z-]+)="([^"]*)"', tag))
        if attributes.get("type") != "checkbox" or " checked" in tag:
            found[attributes["name"]] = html.unescape(attributes.get("value", ""))
    for name, text in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>([^<]*)</textarea>', form):
        found[name] = html.unescape(text)
    return found


async def open_checkout(browser: httpx.AsyncClient, departure: UUID, **party: int) -> httpx.Response:
    page = await browser.get(
        "/checkout", params={"departure": str(departure), **(party or {"adult": 2})}, follow_redirects=True
    )
    assert page.status_code == 200, page.text
    return page


def agreed_to(page: httpx.Response) -> str:
    """The box of the terms, ticked."""
    found = re.search(r'name="terms" value="([^"]+)"', page.text)
    assert found is not None
    return found[1]


def ashas(page: httpx.Response, **changes: str) -> dict[str, str]:
    return {
        **fields(page),
        "name": "Asha Rao",
        "email": "asha@example.org",
        "phone": "+91 98765 43210",
        "terms": agreed_to(page),
        **changes,
    }


async def test_asha_holds_two_seats_and_is_sent_on_to_pay(browser: httpx.AsyncClient, db: Database) -> None:
    departure = await trade.add_departure(db)
    page = await open_checkout(browser, departure)
    assert "Hold 2 seats for ₹\u202f49,998" in page.text
    assert page.headers["cache-control"] == "no-store"
    answer = await browser.post("/checkout", data=ashas(page))
    assert answer.status_code == 303
    assert re.fullmatch(r"/bookings/[A-HJ-NP-Z2-9]{6}/pay", answer.headers["location"])
    assert await trade.seats_taken(db, departure) == 2
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    reference = answer.headers["location"].split("/")[2]
    shown = await browser.get(f"/bookings/{reference}")
    assert reference in shown.text
    assert "Held, not paid yet" in shown.text


async def test_a_double_click_a_reload_and_the_back_button_make_one_booking(
    browser: httpx.AsyncClient, db: Database
) -> None:
    departure = await trade.add_departure(db)
    page = await open_checkout(browser, departure)
    form = ashas(page)
    answers = await asyncio.gather(*(browser.post("/checkout", data=form) for _ in range(8)))
    answers.append(await browser.post("/checkout", data=form))
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert await trade.seats_taken(db, departure) == 2

    again = await browser.get(str(page.url))
    assert "You already hold seats from this page" in again.text
    resent = await browser.post("/checkout", data=ashas(again))
    assert resent.headers["location"] == answers[0].headers["location"]
    assert await trade.seats_taken(db, departure) == 2


async def test_the_back_button_still_leads_to_paying_after_her_address_was_corrected(
    browser: httpx.AsyncClient, house: House, db: Database
) -> None:
    page = await open_checkout(browser, await trade.add_departure(db))
    held = (await browser.post("/checkout", data=ashas(page))).headers["location"]
    async with db.transaction() as conn:
        booking = await bookings.get_by_reference(conn, held.split("/")[2])
    assert booking is not None
    await reaching.change(house, booking.id, email="asha.rao@example.org", phone="+91 98765 43210", actor="x")
    assert (await browser.get(held.removesuffix("/pay"))).status_code == 404, "her browser has the key of before"
    again = await browser.post("/checkout", data=ashas(page))
    assert (again.status_code, again.headers["location"]) == (303, held)
    assert (await browser.get(held.removesuffix("/pay"))).status_code == 200


async def test_another_wish_from_the_same_page_is_asked_about_before_it_makes_a_second_booking(
    browser: httpx.AsyncClient, db: Database
) -> None:
    departure = await trade.add_departure(db)
    page = await open_checkout(browser, departure)
    await browser.post("/checkout", data=ashas(page))
    other = await browser.post("/checkout", data=ashas(page, name="Ben Thomas"))
    assert other.status_code == 409
    assert "You already hold seats from this page" in other.text
    assert await trade.seats_taken(db, departure) == 2
    meant = await browser.post("/checkout", data=ashas(other, name="Ben Thomas"))
    assert meant.status_code == 303
    assert await trade.seats_taken(db, departure) == 4


async def test_every_complaint_stands_beside_its_field_and_on_top_and_nothing_typed_is_lost(
    browser: httpx.AsyncClient, db: Database
) -> None:
    departure = await trade.add_departure(db)
    page = await open_checkout(browser, departure, adult=2, child=1)
    typed = {
        "email": "asha at example",
        "phone": "",
        "terms": "",
        "special_requests": "No nuts\nplease",
        "traveller.adult.1.name": "Asha Rao",
        "traveller.child.1.name": "Mira",
        "traveller.child.1.date_of_birth": "1999-01-01",
    }
    answer = await browser.post("/checkout", data=ashas(page, **typed))
    assert answer.status_code == 422
    for field, sentence in {
        "email": "This does not look like an e-mail address.",
        "phone": "Please give a phone number",
        "terms": "Please read the booking terms",
        "traveller-child-1-date_of_birth": "children are age 2 to 11",
    }.items():
        assert f'href="#f-{field}"' in answer.text
        assert f'id="f-{field}"' in answer.text
        assert answer.text.count(sentence) == 2, sentence
    kept = fields(answer)
    assert {name: kept[name].strip() for name in typed if name != "terms"} == {
        name: text for name, text in typed.items() if name != "terms"
    }
    assert kept["name"] == "Asha Rao"
    assert await trade.seats_taken(db, departure) == 0


async def test_a_price_that_the_page_did_not_show_is_shown_before_anything_is_held(
    browser: httpx.AsyncClient, db: Database
) -> None:
    departure = await trade.add_departure(db)
    page = await open_checkout(browser, departure)
    changed = await browser.post("/checkout", data=ashas(page, adult="3"))
    assert changed.status_code == 409
    assert "The price is a new one" in changed.text
    assert "Hold 3 seats for ₹\u202f74,997" in changed.text
    assert await trade.seats_taken(db, departure) == 0
    assert (await browser.post("/checkout", data=ashas(changed))).status_code == 303
    assert await trade.seats_taken(db, departure) == 3


async def test_a_departure_that_was_moved_meanwhile_is_shown_with_its_days_before_anything_is_held(
    browser: httpx.AsyncClient, db: Database
) -> None:
    departure = await trade.add_departure(db, starts_on=date(2027, 5, 12))
    page = await open_checkout(browser, departure)
    await departures.move(
        db, departure, move_id=uuid7(), before=(date(2027, 5, 12), date(2027, 5, 17)), starts_on=date(2027, 5, 20), ends_on=date(2027, 5, 25),
        words="", actor="system",
    )  # fmt: skip
    moved = await browser.post("/checkout", data=ashas(page))
    assert moved.status_code == 409
    assert "has been moved to other days since you saw it" in moved.text
    assert "Thu 20 May 2027 to Tue 25 May 2027" in moved.text and 'value="Asha Rao"' in moved.text
    assert await trade.seats_taken(db, departure) == 0
    assert (await browser.post("/checkout", data=ashas(moved))).status_code == 303


async def test_the_amount_cannot_be_sent_along(browser: httpx.AsyncClient, db: Database) -> None:
    departure = await trade.add_departure(db)
    page = await open_checkout(browser, departure)
    answer = await browser.post("/checkout", data=ashas(page, total_price="1", amount="1", currency="JPY"))
    reference = answer.headers["location"].split("/")[2]
    async with db.transaction() as conn:
        booking = await bookings.get_by_reference(conn, reference)
    assert booking is not None
    assert (booking.total_price, booking.currency) == (2 * trade.ADULT, "INR")


async def test_sold_out_says_so_and_offers_the_nearest_dates(browser: httpx.AsyncClient, db: Database) -> None:
    departure = await trade.add_departure(db, seats=2)
    page = await open_checkout(browser, departure)
    await trade.hold(db, departure)
    late = await browser.post("/checkout", data=ashas(page))
    assert late.status_code == 409
    assert "is sold out" in late.text
    assert "nothing was taken" in late.text
    fresh = await browser.get("/checkout", params={"departure": str(departure), "adult": 1}, follow_redirects=True)
    assert fresh.status_code == 409


async def test_one_seat_too_few_is_said_beside_the_party(browser: httpx.AsyncClient, db: Database) -> None:
    departure = await trade.add_departure(db, seats=3)
    page = await open_checkout(browser, departure)
    await trade.hold(db, departure)
    late = await browser.post("/checkout", data=ashas(page))
    assert late.status_code == 409
    assert "Not enough seats are left" in late.text
    assert fields(late)["email"] == "asha@example.org"


@pytest.mark.parametrize("departure", ["", "1", "../../etc", "01a20000-0000-7000-8000-000000000000", "%00", "x" * 5000])
async def test_a_departure_that_never_was_is_a_page_that_helps(browser: httpx.AsyncClient, departure: str) -> None:
    answer = await browser.get("/checkout", params={"departure": departure}, follow_redirects=True)
    assert answer.status_code == 404
    assert "Your bookings" in answer.text


@pytest.mark.parametrize("number", ["-1", "two", "2.5", "99999", "١", "1e3", " "])
async def test_a_party_that_is_no_number_is_a_complaint(browser: httpx.AsyncClient, db: Database, number: str) -> None:
    departure = await trade.add_departure(db)
    page = await browser.get("/checkout", params={"departure": str(departure), "adult": number}, follow_redirects=True)
    assert page.status_code == 200
    assert 'href="#f-adult"' in page.text
    field = re.search(r'<input id="f-adult"[^>]*>', page.text)
    assert field is not None and 'aria-describedby="f-adult-help f-adult-error"' in field[0], "whoever hears it, too"
    assert 'id="f-adult-error"' in page.text
    answer = await browser.post("/checkout", data=ashas(page))
    assert answer.status_code in (409, 422)
    assert await trade.seats_taken(db, departure) == 0


async def test_hostile_names_are_text_wherever_they_are_shown(browser: httpx.AsyncClient, db: Database) -> None:
    departure = await trade.add_departure(db, package_id=await trade.add_package(db, name=f"Kashmir {HOSTILE}"))
    page = await open_checkout(browser, departure)
    refused = await browser.post("/checkout", data=ashas(page, name=HOSTILE, special_requests=HOSTILE, email=HOSTILE))
    answer = await browser.post(
        "/checkout", data=ashas(page, name=HOSTILE, special_requests=HOSTILE, **{"traveller.adult.1.name": HOSTILE})
    )
    booking = await browser.get(answer.headers["location"].removesuffix("/pay"))
    mine = await browser.get("/bookings")
    listed = await browser.get("/packages", params={"q": HOSTILE})
    for shown in (page, refused, booking, mine, listed):
        assert "onerror" in shown.text, shown.url
        assert "<img src=x" not in shown.text, shown.url


async def test_a_stranger_and_a_wrong_link_get_the_page_of_a_booking_that_does_not_exist(
    browser: httpx.AsyncClient, house: House, db: Database
) -> None:
    held = await trade.hold(db, await trade.add_departure(db))
    other = await trade.hold(db, await trade.add_departure(db))
    wrong = bookings.manage_token(house.settings.secret, other.id)

    def told(answer: httpx.Response) -> tuple[int, str]:
        own = r'<code>[0-9a-f]{16}</code>|<nav class="languages".*?</nav>'  # the number of the request, and its own address
        return answer.status_code, re.sub(own, "", answer.text, flags=re.S)

    unknown = told(await browser.get("/bookings/ZZZZZZ"))
    assert unknown[0] == 404
    assert told(await browser.get(f"/bookings/{held.reference}")) == unknown
    for path in ("pay", "return"):
        assert told(await browser.get(f"/bookings/{held.reference}/{path}")) == unknown
    assert told(await browser.post(f"/bookings/{held.reference}/cancel")) == unknown
    nobody = told(await browser.get(f"/manage/ZZZZZZ/{wrong}"))
    assert nobody[0] == 404
    assert told(await browser.get(f"/manage/{held.reference}/{wrong}")) == nobody
    assert await trade.status_of(db, held.id) == "held"


async def test_the_link_of_the_mail_becomes_a_key_and_leaves_the_address(
    browser: httpx.AsyncClient, house: House, db: Database
) -> None:
    held = await trade.hold(db, await trade.add_departure(db))
    link = bookings.manage_link("", held.reference, bookings.manage_token(house.settings.secret, held.id))
    answer = await browser.get(link)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/bookings/{held.reference}"
    assert answer.headers["referrer-policy"] == "no-referrer"
    page = await browser.get(answer.headers["location"])
    assert page.status_code == 200
    token = bookings.manage_token(house.settings.secret, held.id)
    assert token not in page.text
    assert held.reference in (await browser.get("/bookings")).text


async def test_a_forged_key_opens_nothing(browser: httpx.AsyncClient, db: Database) -> None:
    held = await trade.hold(db, await trade.add_departure(db))
    browser.cookies.set("jklg_bookings", f"{held.reference}.{held.id.hex}.{'A' * 32}", domain="localhost.local")
    answer = await browser.get(f"/bookings/{held.reference}")
    assert answer.status_code == 404
    assert held.email not in answer.text


async def test_asha_lets_her_seats_go_twice_without_harm(browser: httpx.AsyncClient, db: Database) -> None:
    departure = await trade.add_departure(db)
    page = await open_checkout(browser, departure)
    reference = (await browser.post("/checkout", data=ashas(page))).headers["location"].split("/")[2]
    for _ in range(2):
        assert (await browser.post(f"/bookings/{reference}/cancel")).status_code == 303
    assert await trade.seats_taken(db, departure) == 0
    shown = await browser.get(f"/bookings/{reference}")
    assert "This booking was cancelled" in shown.text
    assert "Nothing was taken." in shown.text


async def test_a_hold_that_ran_out_is_said_plainly_and_cannot_be_paid(browser: httpx.AsyncClient, db: Database) -> None:
    departure = await trade.add_departure(db)
    page = await open_checkout(browser, departure)
    reference = (await browser.post("/checkout", data=ashas(page))).headers["location"].split("/")[2]
    async with db.transaction() as conn:
        booking = await bookings.get_by_reference(conn, reference)
        assert booking is not None
        await trade.let_hold_run_out(conn, booking.id)
    for swept in (False, True):
        if swept:
            await bookings.expire_due(db)
        shown = await browser.get(f"/bookings/{reference}/pay", follow_redirects=True)
        assert "The time to pay ran out" in shown.text
        assert "Nothing was taken." in shown.text
    assert await trade.seats_taken(db, departure) == 0


async def test_the_parts_that_follow_the_party_come_alone_for_the_script(
    browser: httpx.AsyncClient, db: Database
) -> None:
    departure = await trade.add_departure(db)
    page = await open_checkout(browser, departure)
    typed: dict[str, Any] = ashas(page, child="1", **{"traveller.adult.1.name": "Asha Rao"})
    parts = await browser.post("/checkout/quote", data=typed)
    assert set(re.findall(r'data-part="([a-z]+)"', parts.text)) == {"travellers", "quote", "action"}
    assert 'name="traveller.child.1.date_of_birth"' in parts.text
    assert 'value="Asha Rao"' in parts.text
    assert "<html" not in parts.text
    assert await trade.seats_taken(db, departure) == 0


@pytest.mark.parametrize("closing", ["allotment = 0", "cutoff_at = house_now()"])
async def test_what_was_typed_is_still_there_when_the_seats_have_gone_meanwhile(
    browser: httpx.AsyncClient, db: Database, closing: str
) -> None:
    package = await trade.add_package(db)
    departure = await trade.add_departure(db, package_id=package)
    other = await trade.add_departure(db, package_id=package, starts_on=date(2027, 6, 12))
    page = await open_checkout(browser, departure, adult=1, child=1)
    typed = ashas(
        page,
        special_requests="No onions, please",
        **{"traveller.child.1.name": "Devi Rao", "traveller.child.1.date_of_birth": "2019-05-12"},
    )
    async with db.transaction() as conn:
        await conn.execute(f"UPDATE departures SET {closing} WHERE id = $1", departure)
    late = await browser.post("/checkout", data=typed)
    assert late.status_code == 409
    assert ("is sold out" if "allotment" in closing else "can no longer be booked") in late.text
    again = fields(late)
    assert {name: again.get(name) for name in typed if name not in ("quote_id", "terms")} == {
        name: value for name, value in typed.items() if name not in ("quote_id", "terms")
    }
    assert again["terms"] == typed["terms"], "the box is still ticked"
    link = re.search(rf'href="(/packages/[^"]*departure={other}[^"]*)"', late.text)
    assert link is not None and (await browser.get(html.unescape(link[1]))).status_code == 200
    asked = await browser.post("/checkout/quote", data=typed)
    assert asked.status_code == 409 and 'data-part="quote"' in asked.text


async def test_after_a_mistake_another_language_shows_the_same_checkout(
    browser: httpx.AsyncClient, db: Database
) -> None:
    """The page of a form that was sent has no query: /hi/checkout was no page."""
    departure = await trade.add_departure(db)
    wrong = await browser.post("/checkout", data=ashas(await open_checkout(browser, departure, adult=3), phone="x"))
    assert wrong.status_code == 422
    there = re.search(r'href="(/hi[^"]*)" lang="hi"', wrong.text)
    assert there is not None
    answer = await browser.get(html.unescape(there[1]))
    assert answer.status_code == 200
    assert (fields(answer)["adult"], fields(answer)["attempt"]) == ("3", fields(wrong)["attempt"])
