"""Who is signed in buys without typing, finds the booking on any device, and nobody else does."""

from __future__ import annotations

import re
from uuid import UUID

import httpx

from jklg import bookings
from jklg.bookings import reaching
from jklg.payments import cancellations
from tests import trade
from tests.customers.people import (  # noqa: F401  (people is a fixture)
    MALLORYS,
    PASSWORD,
    People,
    people,
)
from tests.customers.test_pages import browser, join, sign_in
from tests.web.test_checkout import ashas, fields, open_checkout

CUSTOMER = "SELECT customer_id, name FROM bookings"


async def buy(asha: httpx.AsyncClient, departure: UUID) -> str:
    """Hold two seats; the reference."""
    answer = await asha.post("/checkout", data=ashas(await open_checkout(asha, departure)))
    assert answer.status_code == 303, answer.text
    found = re.search(r"/bookings/(\w{6})/pay", answer.headers["location"])
    assert found is not None
    return found[1]


async def test_the_checkout_begins_with_what_a_customer_has_told_us(people: People) -> None:
    departure = await trade.add_departure(people.house.db)
    async with browser(people) as asha:
        guest = await open_checkout(asha, departure)
        assert "Have an account?" in guest.text
        assert 'href="/login?next=%2Fcheckout%3Fdeparture%3D' in guest.text
        await join(people, asha)
        await asha.post("/account/profile", data={"name": "Asha Rao", "phone": "+91 98765 43210"})
        await asha.post("/account/preferences", data={"food": "Jain", "beds": "Two beds", "notes": "My knee."})
        page = await open_checkout(asha, departure)
        typed = fields(page)
        assert (typed["name"], typed["email"], typed["phone"]) == ("Asha Rao", "asha@example.org", "+91 98765 43210")
        assert typed["special_requests"] == "Food: Jain. Room: Two beds. My knee."
        assert "This booking will stand in your account" in page.text


async def test_the_sign_in_of_the_checkout_leads_back_to_it(people: People) -> None:
    departure = await trade.add_departure(people.house.db)
    await people.join()
    async with browser(people) as asha:
        guest = await open_checkout(asha, departure, adult=1, child=2)
        link = re.search(r'href="/login\?next=([^"]+)"', guest.text)
        assert link is not None
        back = (await asha.get(f"/login?next={link[1]}")).text
        wanted = re.search(r'name="next" value="([^"]+)"', back)
        assert wanted is not None
        answer = await sign_in(asha, back=wanted[1].replace("&amp;", "&"))
        page = await asha.get(answer.headers["location"])
        typed = fields(page)
        assert (typed["adult"], typed["child"], typed["name"]) == ("1", "2", "Asha Rao")


async def test_a_booking_of_a_customer_stands_in_the_account_and_opens_on_any_device(people: People) -> None:
    departure = await trade.add_departure(people.house.db)
    async with browser(people) as asha, browser(people) as phone, browser(people, MALLORYS) as mallory:
        await join(people, asha)
        reference = await buy(asha, departure)
        ids = await people.rows("SELECT id FROM customers WHERE is_email_verified")
        assert [row[0] for row in await people.rows(CUSTOMER)] == [ids[0][0]]
        assert reference in (await asha.get("/account")).text
        assert (await phone.get(f"/bookings/{reference}")).status_code == 404
        await sign_in(phone)
        assert reference in (await phone.get("/account/bookings")).text
        assert "Your seats are held" in (await phone.get(f"/bookings/{reference}")).text
        assert "jklg_bookings" not in phone.cookies, "the key ends with the session"
        await people.join("mallory@example.net", name="Mallory", at=MALLORYS)
        await mallory.post("/login", data={"email": "mallory@example.net", "password": PASSWORD})
        assert (await mallory.get(f"/bookings/{reference}")).status_code == 404
        assert (await mallory.post(f"/bookings/{reference}/cancel")).status_code == 404
        assert reference not in (await mallory.get("/account/bookings")).text
        await phone.post("/logout")
        assert (await phone.get(f"/bookings/{reference}")).status_code == 404
        assert (await asha.get(f"/bookings/{reference}")).status_code == 200


async def test_an_older_key_in_her_browser_does_not_keep_asha_from_her_own_booking(people: People) -> None:
    """Chitra wrote down another address, with which the key has turned; or its secret is gone."""
    departure = await trade.add_departure(people.house.db)
    async with browser(people) as asha:
        await join(people, asha)
        page = f"/bookings/{await buy(asha, departure)}"
        [(id_,)] = await people.rows("SELECT id FROM bookings")
        await reaching.change(people.house, id_, email="asha.rao@example.org", phone="+91 98765 43210", actor="x")
        assert "jklg_bookings" in asha.cookies
        assert "Your seats are held" in (await asha.get(page)).text
        assert page in (await asha.get("/bookings")).text
        await asha.post("/logout")
        assert (await asha.get(page)).status_code == 404, "the older key opens nothing by itself"


async def test_whoever_was_signed_out_meanwhile_still_gets_the_seats_as_a_guest(people: People) -> None:
    departure = await trade.add_departure(people.house.db)
    async with browser(people) as asha, browser(people) as phone:
        await join(people, asha)
        form = ashas(await open_checkout(asha, departure))
        await sign_in(phone)
        await phone.post("/account/security/end-others")
        assert (await asha.post("/checkout", data=form)).status_code == 303
        assert [row[0] for row in await people.rows(CUSTOMER)] == [None]
        joined = await phone.post("/account/bookings")
        assert joined.headers["location"] == "/account/bookings?joined=1"
        assert "1 booking joined your account" in (await phone.get("/account/bookings?joined=1")).text


async def test_a_registration_that_nobody_confirmed_owns_no_booking(people: People) -> None:
    departure = await trade.add_departure(people.house.db)
    async with browser(people, MALLORYS) as mallory:
        await mallory.post("/signup", data={"name": "Mallory", "email": "asha@example.org", "password": PASSWORD})
        await buy(mallory, departure)
        assert [row[0] for row in await people.rows(CUSTOMER)] == [None]


async def test_a_long_list_of_journeys_has_pages(people: People) -> None:
    departure = await trade.add_departure(people.house.db, seats=60)
    async with browser(people) as asha:
        await join(people, asha)
        bought = {await buy(asha, departure) for _ in range(22)}
        first = (await asha.get("/account/bookings")).text
        earlier = re.search(r'href="(/account/bookings\?cursor=[^"]+)"', first)
        assert earlier is not None
        second = (await asha.get(earlier[1])).text
        assert {each for each in bought if each in first or each in second} == bought
        assert sum(each in second for each in bought) == 2
        assert (await asha.get("/account/bookings?cursor=rubbish")).headers["location"] == "/account/bookings"


async def test_what_is_still_to_pay_of_the_next_journey_stands_on_the_first_page(people: People) -> None:
    departure = await trade.add_departure(people.house.db)
    async with browser(people) as asha:
        await join(people, asha)
        reference = await buy(asha, departure)
        async with people.house.db.transaction() as conn:
            held = await bookings.get_by_reference(conn, reference)
            assert held is not None
            await bookings.confirm(conn, await bookings.lock(conn, held.id))
        page = (await asha.get("/account")).text
        assert re.search(r"Still to pay: <strong>.*49,998</span></strong>\.", page)
        assert f'href="/bookings/{reference}/pay"' in page
        async with people.house.db.transaction() as conn:
            booking = await bookings.lock(conn, held.id)
            await bookings.take_off(conn, booking, booking.price, actor="staff:chitra", why="a gift")
        assert "Still to pay" not in (await asha.get("/account")).text


async def test_of_two_one_is_given_up_and_the_pages_show_who_still_goes_and_the_price_of_today(people: People) -> None:
    departure = await trade.add_departure(people.house.db)
    async with browser(people) as asha:
        await join(people, asha)
        reference = await buy(asha, departure)
        async with people.house.db.transaction() as conn:
            held = await bookings.get_by_reference(conn, reference)
            assert held is not None
            await bookings.confirm(conn, await bookings.lock(conn, held.id))
        await cancellations.cancel(people.house, held.id, leaving={"adult": 1}, actor="staff:chitra", by_staff=True)
        journeys = (await asha.get("/account/bookings")).text
        assert "24,999" in journeys and "49,998" not in journeys
        booking = (await asha.get(f"/bookings/{reference}")).text
        assert re.search(r"Party</th><td>\s*1 adult\s*</td>", booking) and "24,999" in booking
