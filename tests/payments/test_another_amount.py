"""Asha pays early, or more, or another way, in pages: what she chose is what she is asked for, and the parts make the price."""

from __future__ import annotations

from collections.abc import AsyncIterator
from random import Random
from typing import Any

import httpx
import pytest

from jklg import ledger
from jklg.bookings import Held
from jklg.payments.books import CHECKS
from jklg.payments.gateways.stripe import StripeGateway
from tests.conftest import SECRET
from tests.payments.cancellations.test_pages import browser, opens, text_of  # noqa: F401  (a fixture)
from tests.payments.conftest import Street, street  # noqa: F401  (a fixture)
from tests.peers.stripe import StripePeer
from tests.trade import TERMS

OPEN = "SELECT row(gateway, amount)::text FROM transactions WHERE state NOT IN ('failed', 'canceled', 'expired', 'succeeded')"


async def chooses(browser: httpx.AsyncClient, held: Held, **form: str) -> Any:
    return await browser.post(f"/bookings/{held.reference}/pay", data={"gateway": "sandbox", **form})


async def pays(street: Street, browser: httpx.AsyncClient, held: Held, **form: str) -> None:
    """She chooses, pays at the bank, and comes back."""
    answer = await chooses(browser, held, **form)
    assert answer.status_code == 303, text_of(answer)
    await street.pays(next(each.id for each in await street.intents() if each.status == "requires_payment_method"))
    assert (await browser.get(f"/bookings/{held.reference}/return")).status_code == 303


async def test_she_pays_more_than_the_deposit_and_the_rest_in_two_parts(
    street: Street, browser: httpx.AsyncClient
) -> None:
    held = await street.asha_holds_under_terms(TERMS)
    await opens(browser, street, held)
    where = f"/bookings/{held.reference}"
    choice = text_of(await browser.get(f"{where}/pay"))
    assert "Another amount" in choice and "₹ 9,999.60" in choice.replace("\u202f", " ")
    await pays(street, browser, held, part="other", amount="12,000.40")
    assert (await street.booking(held.id)).status == "confirmed"
    later = text_of(await browser.get(f"{where}/pay"))
    assert "Pay another amount" in later
    await pays(street, browser, held, part="other", amount="20000")
    assert "Still to pay: ₹ 17,997.60" in text_of(await browser.get(where)).replace("\u202f", " ")
    await pays(street, browser, held, part="balance")
    booking = await street.booking(held.id)
    assert booking.payment_status == "Paid"
    assert await street.one(
        "SELECT array_agg(captured_amount ORDER BY id) FROM transactions WHERE captured_amount > 0"
    ) == [
        1_200_040,
        2_000_000,
        1_799_760,
    ]
    assert sum((1_200_040, 2_000_000, 1_799_760)) == held.total_price
    assert (await ledger.verify(street.db, CHECKS, keys=[SECRET])).ok


@pytest.mark.parametrize(
    ("amount", "sentence"),
    [
        ("9999.59", "Please pay at least INR 9,999.60"),
        ("49998.01", "No more than INR 49,998.00 is due."),
        ("49997.50", "would leave INR 0.50"),
        ("", "an amount such as"),
        ("-1", "an amount such as"),
        ("1e4", "an amount such as"),
        ("12000.001", "an amount such as"),
        ("ten <b>thousand</b>", "an amount such as"),
    ],
)
async def test_an_amount_that_cannot_be_is_told_beside_the_field_and_closes_nothing(
    street: Street, browser: httpx.AsyncClient, amount: str, sentence: str
) -> None:
    held = await street.asha_holds_under_terms(TERMS)
    await opens(browser, street, held)
    await chooses(browser, held, part="deposit")
    answer = await chooses(browser, held, part="other", amount=amount)
    assert answer.status_code == 422
    assert sentence in text_of(answer)
    assert 'aria-invalid="true"' in answer.text and "<b>thousand" not in answer.text
    assert amount in answer.text.replace("&lt;", "<").replace("&gt;", ">"), "what she typed is still there"
    assert await street.one(OPEN) == f"(sandbox,{held.deposit_amount})"


async def test_without_a_deposit_there_is_nothing_to_choose(street: Street, browser: httpx.AsyncClient) -> None:
    held = await street.asha_holds()
    await opens(browser, street, held)
    shown = text_of(await browser.get(f"/bookings/{held.reference}/pay"))
    assert "Pay for your seats" in shown and "another amount" not in shown.lower()
    assert (await chooses(browser, held, part="other", amount="100")).status_code == 422


async def test_another_amount_closes_the_one_that_is_open(street: Street, browser: httpx.AsyncClient) -> None:
    held = await street.asha_holds_under_terms(TERMS)
    await opens(browser, street, held)
    await chooses(browser, held, part="full")
    await chooses(browser, held, part="other", amount="15000")
    assert await street.one(OPEN) == "(sandbox,1500000)"
    assert sorted(each.status for each in await street.intents()) == ["canceled", "requires_payment_method"]
    for _ in range(2):
        await chooses(browser, held, part="other", amount="15000")
    assert len(await street.intents()) == 2, "the same again is the same"


async def test_a_balance_that_is_declined_frightens_nobody_about_seats(
    street: Street, browser: httpx.AsyncClient
) -> None:
    """The page spoke of a hold that was over long ago: 'The seats were released.'"""
    held = await street.asha_holds_under_terms(TERMS)
    await opens(browser, street, held)
    await pays(street, browser, held, part="deposit")
    where = f"/bookings/{held.reference}"
    assert "held until" not in text_of(await browser.get(f"{where}/pay"))
    await street.later(days=3)
    open_one = next(each.id for each in await street.intents() if each.status == "requires_payment_method")
    await street.declines(open_one)
    page = text_of(await browser.get(f"{where}/return"))
    assert "The payment did not go through" in page and "Try to pay" in page
    for text in (page, text_of(await browser.get(f"{where}/pay"))):
        assert "released" not in text and "held until" not in text and "let the seats go" not in text


# -- another way to pay ------------------------------------------------------------------------------------------------


@pytest.fixture
async def two_ways(street: Street) -> AsyncIterator[Street]:
    """A house that takes cards by Stripe, and the play bank's money."""
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app=StripePeer(dice=Random(1), clock=street.clock)))
    stripe = StripeGateway("sk_test_peer", "pk_test_peer", ["whsec_peer"], "http://stripe.peer", client=client)
    street.house.gateways = {**street.house.gateways, "stripe": stripe}
    yield street
    await stripe.close()


@pytest.mark.parametrize(
    ("form", "amount"),
    [({"part": "full"}, 4_999_800), ({"part": "other", "amount": "15000"}, 1_500_000), ({"part": "deposit"}, 999_960)],
)
async def test_another_way_to_pay_keeps_the_amount_that_she_chose(
    two_ways: Street, browser: httpx.AsyncClient, form: dict[str, str], amount: int
) -> None:
    """She wanted to pay all, changed from the card to the play bank, and was asked for the deposit only."""
    street = two_ways
    held = await street.asha_holds_under_terms(TERMS)
    await opens(browser, street, held)
    await browser.post(f"/bookings/{held.reference}/pay", data={"gateway": "stripe", **form})
    assert await street.one(OPEN) == f"(stripe,{amount})"
    page = (await browser.get(f"/bookings/{held.reference}/pay")).text
    named = page.partition('name="attempt" value="')[2].partition('"')[0]
    answer = await browser.post(f"/bookings/{held.reference}/pay", data={"gateway": "sandbox", "attempt": named})
    assert answer.status_code == 303
    assert await street.one(OPEN) == f"(sandbox,{amount})"


async def test_a_payment_that_failed_is_tried_again_with_its_amount(street: Street, browser: httpx.AsyncClient) -> None:
    held = await street.asha_holds_under_terms(TERMS)
    await opens(browser, street, held)
    await chooses(browser, held, part="full")
    attempt = await street.one("SELECT id FROM transactions")
    await chooses(browser, held, part="deposit")
    await chooses(browser, held, attempt=str(attempt))
    assert await street.one(OPEN) == f"(sandbox,{held.total_price})"


@pytest.mark.parametrize("named", ["", "x", "00000000-0000-7000-8000-000000000000"])
async def test_a_payment_that_is_not_hers_brings_no_amount(
    street: Street, browser: httpx.AsyncClient, named: str
) -> None:
    held = await street.asha_holds_under_terms(TERMS)
    await opens(browser, street, held)
    await chooses(browser, held, attempt=named)
    assert await street.one(OPEN) == f"(sandbox,{held.deposit_amount})"
