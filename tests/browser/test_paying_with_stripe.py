"""Paying with Stripe's Payment Element, against a strict stand-in for Stripe."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Shop
from tests.browser.steps import expect_confirmed, reference_of, to_payment

CAPTURED = "SELECT coalesce(sum(captured_amount), 0)::bigint FROM transactions WHERE gateway = 'stripe'"


@pytest.fixture
def gateways(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return getattr(request, "param", ("stripe",))


async def card(page: Page, number: str) -> None:
    for label, text in {"Card number": number, "Expiry date": "12/40", "Security code": "123"}.items():
        await page.get_by_label(label).fill(text)
    await page.get_by_role("button", name=re.compile("^Pay ")).click()


async def test_asha_pays_by_card(shop: Shop) -> None:
    async with shop.visitor() as page:
        reference = await to_payment(page)
        await card(page, "4242424242424242")
        await expect_confirmed(page, reference)
        assert await shop.one(CAPTURED) == 4_999_800


async def test_wallets_are_offered_beside_the_card_and_pay(shop: Shop) -> None:
    """Stripe shows them where the payer's browser has one, unless the page says no: neither our script nor our headers do."""
    async with shop.visitor() as page:
        reference = await to_payment(page)
        for wallet in ("Apple Pay", "Google Pay"):
            await expect(page.get_by_role("button", name=wallet)).to_be_visible()
        answer = await page.request.get(page.url)
        assert "payment=" not in answer.headers["permissions-policy"]
        await page.get_by_role("button", name="Google Pay").click()
        await page.get_by_role("button", name=re.compile("^Pay ")).click()
        await expect_confirmed(page, reference)
        asked = [each for each in shop.stripe.requests if (each.method, each.path) == ("POST", "/v1/payment_intents")]
        assert (
            all(b"automatic_payment_methods[enabled]=true" in unquote_to_bytes(each.body) for each in asked) and asked
        )
        assert not any(b"excluded" in each.body or b"allowed" in each.body for each in asked)


async def test_a_declined_card_leaves_the_form_and_another_card_pays(shop: Shop) -> None:
    async with shop.visitor() as page:
        reference = await to_payment(page)
        await card(page, "4000000000000002")
        await expect(page.get_by_role("alert")).to_contain_text("declined")
        assert await shop.one(CAPTURED) == 0
        await card(page, "4242424242424242")
        await expect_confirmed(page, reference)


async def test_a_bank_that_asks_back_is_answered(shop: Shop) -> None:
    async with shop.visitor() as page:
        reference = await to_payment(page)
        await card(page, "4000000000003220")
        await page.get_by_role("button", name="Approve").click()
        await expect_confirmed(page, reference)


@pytest.mark.parametrize("gateways", [("stripe", "sandbox")], indirect=True)
async def test_where_there_are_two_ways_one_is_chosen_and_may_be_changed(shop: Shop) -> None:
    async with shop.visitor() as page:
        await to_payment(page)
        await expect(page.get_by_role("heading", level=1)).to_have_text("How would you like to pay?")
        await page.get_by_label("Play bank").check()
        await page.get_by_role("button", name="Continue").click()
        await expect(page.get_by_role("link", name="Continue to the play bank")).to_be_visible()
        await page.get_by_role("button", name="Card").click()
        await card(page, "4242424242424242")
        await expect_confirmed(page, reference_of(page))
        assert await shop.one("SELECT array_agg(gateway || ' ' || state ORDER BY created_at) FROM transactions") == [
            "sandbox canceled",
            "stripe succeeded",
        ]
