"""What Asha sees of it: the words beside the box, the card on her page, and the button that stops it."""

from __future__ import annotations

import httpx

from jklg import payments
from tests.payments.cancellations.test_pages import browser, opens, text_of  # noqa: F401  (a fixture)
from tests.payments.conftest import Street, street  # noqa: F401  (a fixture)
from tests.payments.consents.test_cards_by_consent import Counter, counter  # noqa: F401  (a fixture)
from tests.trade import TERMS


async def pays(counter: Counter, browser: httpx.AsyncClient, where: str, **form: str) -> None:
    await browser.post(f"{where}/pay", data={"gateway": "stripe", **form})
    secret = await counter.street.one(
        "SELECT client_secret FROM transactions WHERE state = 'requires_payment_method' ORDER BY id DESC LIMIT 1"
    )
    await counter.peer.confirm(secret)
    assert (await browser.get(f"{where}/return")).status_code == 303


async def test_she_ticks_the_box_sees_her_card_and_stops_it(counter: Counter, browser: httpx.AsyncClient) -> None:
    held = await counter.street.asha_holds_under_terms(TERMS)
    await opens(browser, counter.street, held)
    where = f"/bookings/{held.reference}"
    shown = text_of(await browser.get(f"{where}/pay"))
    words = "Take the balance of INR 39,998.40 from this card on"
    assert words in shown and "checked" not in (await browser.get(f"{where}/pay")).text.partition('name="keep"')[2][:40]
    await pays(counter, browser, where, part="deposit", keep="yes")
    assert (await counter.consent(held.id)).wording.startswith(words)
    page = text_of(await browser.get(where))
    assert "Visa ending 4242 pays it, as you agreed." in page
    assert (await browser.post(f"{where}/card/stop")).headers["location"] == where
    page = text_of(await browser.get(where))
    assert "Visa" not in page and "Pay the balance now" in page


async def test_unticked_or_with_everything_at_once_nothing_is_kept(
    counter: Counter, browser: httpx.AsyncClient
) -> None:
    for form in ({"part": "deposit"}, {"part": "full", "keep": "yes"}):
        held = await counter.street.asha_holds_under_terms(TERMS)
        await opens(browser, counter.street, held)
        await pays(counter, browser, f"/bookings/{held.reference}", **form)
    assert await counter.street.one("SELECT count(*) FROM payment_consents") == 0


async def test_a_mind_changed_on_the_way_is_what_counts(counter: Counter, browser: httpx.AsyncClient) -> None:
    held = await counter.street.asha_holds_under_terms(TERMS)
    await opens(browser, counter.street, held)
    where = f"/bookings/{held.reference}"
    await browser.post(f"{where}/pay", data={"gateway": "stripe", "part": "deposit", "keep": "yes"})
    await pays(counter, browser, where, part="deposit")
    await counter.work()
    assert (await counter.consent(held.id)).ended_why == "never_paid"
    assert counter.peer.wallet.methods == {}


async def test_without_a_gateway_that_keeps_cards_there_is_no_box(street: Street, browser: httpx.AsyncClient) -> None:
    held = await street.asha_holds_under_terms(TERMS)
    await opens(browser, street, held)
    assert 'name="keep"' not in (await browser.get(f"/bookings/{held.reference}/pay")).text
    await browser.post(f"/bookings/{held.reference}/pay", data={"gateway": "sandbox", "part": "deposit", "keep": "yes"})
    assert await street.one("SELECT count(*) FROM payment_consents") == 0


async def test_a_stranger_stops_nothing(counter: Counter, browser: httpx.AsyncClient) -> None:
    held = await counter.deposit()
    assert (await browser.post(f"/bookings/{held.reference}/card/stop")).status_code == 404
    assert (await counter.consent(held.id)).ended_at is None
    async with counter.street.db.transaction() as conn:
        assert len(await payments.list_of_booking(conn, held.id)) == 1
