"""What Asha sees: the deposit or all, the balance, and what comes back before she gives up."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from html import unescape
from typing import Any

import httpx
import pytest

from jklg import bookings
from jklg.bookings import Held
from jklg.bookings.holds import TravellerRequest
from jklg.pricing import terms
from tests.front import front_of
from tests.payments.conftest import Street
from tests.trade import TERMS


@pytest.fixture
async def browser(street: Street) -> AsyncIterator[httpx.AsyncClient]:
    application = front_of(street.house)
    origin = street.house.settings.public_url
    async with (
        application.lifespan(),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=application), base_url=origin, headers={"Origin": origin}
        ) as browser,
    ):
        yield browser


async def opens(browser: httpx.AsyncClient, street: Street, held: Held) -> None:
    """With the link of her mail."""
    token = bookings.manage_token(street.house.settings.secret, held.id)
    link = bookings.manage_link(street.house.settings.public_url, held.reference, token)
    answer = await browser.get(link)
    if answer.status_code == 200:
        await browser.post(link)


def text_of(answer: Any) -> str:
    main = answer.text.partition("<main")[2].partition("</main>")[0]
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", main)).replace("\xa0", " ").split())


async def test_she_chooses_between_deposit_and_all_and_later_pays_the_balance(
    browser: httpx.AsyncClient, street: Street
) -> None:
    held = await street.asha_holds_under_terms(TERMS)
    await opens(browser, street, held)
    where = f"/bookings/{held.reference}"
    choice = text_of(await browser.get(f"{where}/pay"))
    assert "The deposit" in choice and "Everything at once" in choice
    await browser.post(f"{where}/pay", data={"gateway": "sandbox", "part": "deposit"})
    assert (await street.intents())[0].amount == held.deposit_amount
    await browser.post(f"{where}/pay", data={"gateway": "sandbox", "part": "full"})
    assert sorted(each.status for each in await street.intents()) == ["canceled", "requires_payment_method"]
    await browser.post(f"{where}/pay", data={"gateway": "sandbox", "part": "deposit"})
    last = next(each for each in await street.intents() if each.status == "requires_payment_method")
    await street.pays(last.id)
    assert (await browser.get(f"{where}/return")).status_code == 303
    page = text_of(await browser.get(where))
    assert "Still to pay" in page and "Pay the balance now" in page
    assert "Pay for your journey" in text_of(await browser.get(f"{where}/pay"))


async def test_she_sees_what_comes_back_and_then_it_does(browser: httpx.AsyncClient, street: Street) -> None:
    held = await street.asha_holds_under_terms({"tiers": TERMS["tiers"]}, in_days=45)
    await street.asha_pays(held.id)
    await opens(browser, street, held)
    where = f"/bookings/{held.reference}"
    assert "See what would come back" in text_of(await browser.get(where))
    preview = await browser.get(f"{where}/cancel")
    assert "50 % comes back" in text_of(preview)
    for sentence in terms.say(terms.read({"tiers": TERMS["tiers"]}), "INR").giving_up:
        assert sentence in text_of(preview), "the sentences that she agreed to"
    await browser.post(f"{where}/cancel", data={})
    assert (await street.booking(held.id)).status == "confirmed", "not without what the preview said"
    outdated = await browser.post(f"{where}/cancel", data={"refund": "1"})
    assert outdated.status_code == 409 and "has changed since you looked" in outdated.text
    refund = re.search(r'name="refund" value="(\d+)"', preview.text)
    assert refund is not None
    assert (await browser.post(f"{where}/cancel", data={"refund": refund[1]})).status_code == 303
    assert "You gave it up. We sent" in text_of(await browser.get(where))


async def test_one_stays_at_home_in_pages(browser: httpx.AsyncClient, street: Street) -> None:
    held = await street.asha_holds_under_terms({"tiers": TERMS["tiers"]})
    await street.asha_pays(held.id)
    await opens(browser, street, held)
    where = f"/bookings/{held.reference}"
    preview = await browser.get(f"{where}/cancel?adult=1")
    assert "Some of you cannot go" in text_of(preview)
    too_many = await browser.get(f"{where}/cancel?adult=7")
    assert too_many.status_code == 422
    assert (await browser.get(f"{where}/cancel?adult=x&child=99999")).status_code == 200
    answer = await browser.post(f"{where}/cancel", data={"refund": str(held.total_price // 2), "adult": "1"})
    assert answer.status_code == 303
    assert (await street.booking(held.id)).cancelled_party == {"adult": 1}


async def test_the_api_says_the_same(browser: httpx.AsyncClient, street: Street) -> None:
    held = await street.asha_holds_under_terms({"tiers": TERMS["tiers"]}, in_days=45)
    await street.asha_pays(held.id)
    token = {"X-Booking-Token": bookings.manage_token(street.house.settings.secret, held.id)}
    preview = (await browser.get(f"/api/bookings/{held.id}/cancellation", headers=token)).json()
    assert (preview["possible"], preview["refund"], preview["percent"]) == (True, held.total_price // 2, 50)
    assert (await browser.get(f"/api/bookings/{held.id}/cancellation")).status_code == 404
    part = (await browser.get(f"/api/bookings/{held.id}/cancellation?adult=1", headers=token)).json()
    assert part["whole"] is False
    wrong = await browser.post(f"/api/bookings/{held.id}/cancel", json={"expected_refund": 1}, headers=token)
    assert (wrong.status_code, wrong.json()["code"]) == (409, "preview_outdated")
    done = await browser.post(
        f"/api/bookings/{held.id}/cancel", json={"expected_refund": preview["refund"]}, headers=token
    )
    assert (done.status_code, done.json()["refund_status"]) == (200, "completed")
    assert (
        await browser.post("/api/payments/refund", json={"bookingId": str(held.id), "reason": "x"})
    ).status_code == 401


async def test_pressed_twice_one_of_them_stays_at_home(browser: httpx.AsyncClient, street: Street) -> None:
    """Both amounts were the same, so that the second press took out the other person, and with her the whole journey."""
    held = await street.asha_holds_under_terms({"tiers": TERMS["tiers"]})
    await street.asha_pays(held.id)
    await opens(browser, street, held)
    where = f"/bookings/{held.reference}"
    preview = (await browser.get(f"{where}/cancel?adult=1")).text.partition('method="post"')[2].partition("</form>")[0]
    form = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', preview))
    assert (await browser.post(f"{where}/cancel", data=form)).status_code == 303
    again = await browser.post(f"{where}/cancel", data=form)
    assert again.status_code == 409 and "has changed since you looked" in again.text
    booking = await street.booking(held.id)
    assert (booking.status, booking.cancelled_party) == ("confirmed", {"adult": 1})


async def test_whoever_was_ticked_stays_ticked_when_one_is_missing(browser: httpx.AsyncClient, street: Street) -> None:
    people = [TravellerRequest(name=name) for name in ("Asha Rao", "Ben Okoye", "Devi Rao")]
    held = await street.asha_holds_under_terms({"tiers": TERMS["tiers"]}, party={"adult": 3}, travellers=people)
    await street.asha_pays(held.id)
    await opens(browser, street, held)
    where = f"/bookings/{held.reference}/cancel"
    page = (await browser.get(f"{where}?adult=2")).text
    form = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
    boxes = re.findall(r'name="(traveller\.[^"]+)"', page)
    again = await browser.post(where, data={**form, boxes[1]: "1"})
    assert again.status_code == 422
    assert re.findall(r'name="(traveller\.[^"]+)" value="1" checked', again.text) == [boxes[1]]
