"""What Asha agreed to when she booked can be read, word for word, whatever the terms say later."""

from __future__ import annotations

import dataclasses
import re
from html import unescape
from uuid import UUID

import asyncpg
import httpx
import pytest

from jklg import bookings
from jklg.app import House
from jklg.bookings import agreements
from jklg.kit.db import Database
from jklg.kit.languages import speaking
from jklg.pricing import terms
from tests import trade
from tests.enquiries.test_contact import sign_in
from tests.front import front_of
from tests.web.test_checkout import ashas, browser, open_checkout

__all__ = ["browser"]


async def booked(browser: httpx.AsyncClient, db: Database, package: UUID | None = None) -> tuple[str, UUID]:
    page = await open_checkout(browser, await trade.add_departure(db, package_id=package))
    done = await browser.post("/checkout", data=ashas(page))
    assert done.status_code == 303, done.text
    reference = done.headers["location"].split("/")[2]
    async with db.transaction() as conn:
        return reference, await conn.fetchval("SELECT id FROM bookings WHERE reference = $1", reference)


async def test_asha_and_staff_read_what_she_agreed_to_when_the_terms_are_others(
    browser: httpx.AsyncClient, db: Database, house: House
) -> None:
    reference, _ = await booked(browser, db)
    assert "off sale for 15 minutes" in (await browser.get(f"/bookings/{reference}/terms")).text
    later = dataclasses.replace(house.settings, hold_minutes=40, agency_name="Another & Name")
    house.settings = later
    app = front_of(house)
    async with (
        app.lifespan(),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url="http://localhost:3000", cookies=browser.cookies
        ) as asha,
    ):
        assert "off sale for 40 minutes" in (now := (await asha.get("/terms")).text) and "Another &amp; Name" in now
        hers = (await asha.get(f"/bookings/{reference}/terms")).text
        assert "off sale for 15 minutes" in hers and "Another &amp; Name agree" not in hers
        assert "Version 2026-12" in hers and "You agreed to this version" in hers
        assert f"/bookings/{reference}/terms" in (await asha.get(f"/bookings/{reference}")).text
        asha.cookies.clear()
        assert (await asha.get(f"/bookings/{reference}/terms")).status_code == 404
        await sign_in(asha, db, "Support")
        assert "off sale for 15 minutes" in (await asha.get(f"/staff/bookings/{reference}")).text


async def test_a_text_is_kept_once_for_each_language_and_the_box_agrees_to_the_one_that_was_shown(
    browser: httpx.AsyncClient, db: Database
) -> None:
    for _ in range(2):
        await booked(browser, db)
    departure = await trade.add_departure(db)
    english = ashas(await open_checkout(browser, departure))
    hindi = await browser.post("/hi/checkout", data=english)
    assert hindi.status_code == 422, "the box was ticked under other words"
    asked = await browser.get(f"/hi/checkout?departure={departure}&adult=2", follow_redirects=True)
    assert (await browser.post("/hi/checkout", data=ashas(asked))).status_code == 303
    async with db.connection() as conn:
        kept = await conn.fetch("SELECT locale, body FROM agreement_texts ORDER BY kept_at")
    assert [each["locale"] for each in kept] == ["en", "hi"]
    assert "15" in kept[1]["body"] and kept[1]["body"] != kept[0]["body"]


async def test_a_booking_without_a_text_says_so(browser: httpx.AsyncClient, db: Database, house: House) -> None:
    departure = await trade.add_departure(db)
    for version, sentence in ((None, "nothing was recorded"), ("2026-11", "text was not kept")):
        held = await trade.hold(db, departure, terms_version=version)
        token = bookings.manage_token(house.settings.secret, held.id)
        await browser.get(f"/manage/{held.reference}/{token}")
        page = await browser.get(f"/bookings/{held.reference}/terms")
        assert page.status_code == 200 and sentence in page.text


async def test_nobody_changes_a_text_or_what_was_agreed(browser: httpx.AsyncClient, db: Database, db_url: str) -> None:
    _, booking_id = await booked(browser, db)
    owner = await asyncpg.connect(db_url)
    try:
        for wrong in ("UPDATE agreement_texts SET body = 'Everything is ours.'", "DELETE FROM agreement_texts"):
            with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="append-only") as refused:
                await owner.execute(wrong)
            assert refused.value.constraint_name == "agreement_texts_append_only"
        await owner.execute('SET request.jwt.claims = \'{"role": "system"}\'')
        with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="cannot be edited") as refused:
            await owner.execute("UPDATE bookings SET terms_version = '2027-01' WHERE id = $1", booking_id)
        assert refused.value.constraint_name == "bookings_agreed_once"
        text = agreements.current("JKLG", 15)
        insert = "INSERT INTO agreement_texts (mark, version, locale, body, digest) VALUES ($1, $2, $3, $4, $5)"
        for mark, body, name in (
            (text.mark, "Everything is ours.", "agreement_texts_are_what_their_digest_says"),
            ("2026-11-en-x", text.body, "agreement_texts_have_their_own_mark"),
        ):
            with pytest.raises(asyncpg.CheckViolationError, match=name):
                await owner.execute(insert, mark, text.version, text.locale, body, text.digest)
    finally:
        await owner.close()


def test_every_language_has_its_own_words_and_they_are_told_apart() -> None:
    marks = set()
    for code in ("en", "hi", "ar"):
        with speaking(code):
            marks.add(agreements.current("JKLG", 15).mark)
    assert len(marks) == 3
    assert agreements.version_of("2026-11-en-00ff") == agreements.version_of("2026-11") == "2026-11"
    assert agreements.version_of(None) is None


def text_of(answer: httpx.Response) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", answer.text)).split())


SALE = (
    "A deposit of 20 % of the price confirms the booking; the rest is due 30 days before departure.",
    "Given up 60 days before departure or earlier: 100 % comes back.",
    "Given up 30 days before departure or earlier: 50 % comes back.",
    "Given up later: nothing comes back.",
)


async def test_what_is_kept_by_the_terms_was_shown_before_and_is_what_she_agreed_to(
    browser: httpx.AsyncClient, db: Database
) -> None:
    """The text said 'please write to us', and half of her price was kept by tiers that nobody had shown her."""
    package = await trade.add_package(db, terms=trade.TERMS)
    departure = await trade.add_departure(db, package_id=package)
    async with db.connection() as conn:
        slug = await conn.fetchval("SELECT slug FROM packages WHERE id = $1", package)
    checkout = await open_checkout(browser, departure)
    reference, _ = await booked(browser, db, package)
    for page in (
        await browser.get(f"/packages/{slug}"),
        checkout,
        await browser.get(f"/terms?departure={departure}"),
        await browser.get(f"/bookings/{reference}/terms"),
    ):
        for sentence in SALE:
            assert sentence in text_of(page), page.url
        assert "please write to us; we cancel it together" not in page.text
    assert "₹ 9,999.60 confirms the booking" in text_of(checkout).replace("\u202f", " ")
    assert checkout.text.index(SALE[1]) < checkout.text.index('name="terms"'), "before the box that agrees to them"
    general = text_of(await browser.get("/terms"))
    assert "Each journey has terms of its own" in general and "please write to us; we cancel" not in general
    assert text_of(await browser.get("/terms?departure=x")) == general
    arabic = await browser.get(f"/ar/checkout?departure={departure}&adult=2", follow_redirects=True)
    with speaking("ar"):
        said = terms.say(terms.read(trade.TERMS), "INR")
    assert all(each in unescape(arabic.text) for each in said.paying + said.giving_up)


async def test_without_tiers_the_text_asks_her_to_write(browser: httpx.AsyncClient, db: Database) -> None:
    reference, _ = await booked(browser, db)
    assert "For a paid booking, please write to us" in text_of(await browser.get(f"/bookings/{reference}/terms"))


async def test_terms_of_sale_that_change_while_she_types_are_not_put_into_her_text(
    browser: httpx.AsyncClient, db: Database
) -> None:
    """The price that was shown is kept for half an hour, with its terms: so is the text about them."""
    package = await trade.add_package(db, terms=trade.TERMS)
    page = await open_checkout(browser, await trade.add_departure(db, package_id=package))
    async with db.transaction() as conn:
        await conn.execute("UPDATE packages SET sales_terms = '{}' WHERE id = $1", package)
    done = await browser.post("/checkout", data=ashas(page))
    assert done.status_code == 303
    reference = done.headers["location"].split("/")[2]
    hers = text_of(await browser.get(f"/bookings/{reference}/terms"))
    assert all(sentence in hers for sentence in SALE)
    async with db.transaction() as conn:
        booking = await bookings.get_by_reference(conn, reference)
    assert booking is not None
    assert terms.read(booking.sold_terms) == terms.read(trade.TERMS)
    lost = {**ashas(page), "quote_id": "", "attempt": ""}
    other = await browser.post("/checkout", data=lost)
    assert other.status_code == 422 and "Please read the booking terms" in other.text
    assert "please write to us" in other.text
