"""Whatever happens between the held seats and the paid booking leads somewhere sensible, and nothing is taken twice or lost."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import Page, expect

from jklg.kit.tokens import unsealed
from tests.browser.conftest import Shop
from tests.browser.steps import (
    ASHA,
    PAY,
    expect_confirmed,
    fill_contact,
    hold_button,
    pay_at_the_bank,
    reference_of,
    to_checkout,
    to_payment,
)
from tests.browser.test_paying_with_stripe import card

BOOKINGS = "SELECT count(*) FROM bookings"
ATTEMPTS = "SELECT count(*) FROM transactions"
CAPTURED = "SELECT coalesce(sum(captured_amount), 0)::bigint FROM transactions"
LINK = "SELECT substring(text_body FROM 'http[^ \n]*/manage/[^ \n]*') FROM mail_outbox WHERE kind = 'booking_confirmed'"


@pytest.fixture
def gateways(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return getattr(request, "param", ("sandbox",))


async def mailed_link(shop: Shop) -> str:
    for _ in range(50):
        link = await shop.one(LINK)
        if link:
            return unsealed(link, shop.house.settings.secrets)
        await asyncio.sleep(0.2)
    raise AssertionError("no confirmation was mailed")


async def test_she_leaves_the_bank_without_paying_and_finds_her_seats_again(shop: Shop) -> None:
    """Abandoned: by the back button, and by walking away and coming back through the menu."""
    async with shop.visitor() as page:
        reference = await to_payment(page)
        await page.get_by_role("link", name="Continue to the play bank").click()
        await expect(page.get_by_role("button", name=re.compile(f"^{PAY}"))).to_be_visible()
        await page.go_back()
        await expect(page.get_by_text("Your seats are held until")).to_be_visible()
        await page.get_by_role("link", name="Continue to the play bank").click()
        await page.goto(f"{shop.url}/")
        await page.get_by_role("navigation", name="Main").get_by_role("link", name="Bookings").click()
        await expect(page.get_by_text("Held, not paid yet")).to_be_visible()
        await page.get_by_role("link", name="Kashmir Bliss").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Your seats are held")
        await page.get_by_role("link", name=re.compile("^Pay ")).click()
        await pay_at_the_bank(page)
        await expect_confirmed(page, reference)
        assert await shop.one(ATTEMPTS) == 1 and await shop.one(CAPTURED) == 4_999_800


async def test_the_cookie_is_lost_on_the_way_back_and_nothing_else(shop: Shop) -> None:
    async with shop.visitor() as page:
        reference = await to_payment(page)
        await page.get_by_role("link", name="Continue to the play bank").click()
        await page.context.clear_cookies()
        await page.get_by_role("button", name=re.compile(f"^{PAY}")).first.click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("We cannot show this booking here")
        await expect(page.get_by_text("If you have just paid, nothing is lost")).to_be_visible()
        assert "₹" not in await page.locator("main").inner_text()
        await page.goto(await mailed_link(shop))
        await expect_confirmed(page, reference)
        assert await shop.one(CAPTURED) == 4_999_800


async def test_the_connection_is_lost_on_the_way_back_and_the_bank_tells_us_anyway(shop: Shop) -> None:
    async with shop.visitor() as page:
        reference = await to_payment(page)
        await page.context.route("**/return?*", lambda route: route.abort("internetdisconnected"))
        await pay_at_the_bank(page)
        link = await mailed_link(shop)
        await page.context.unroute_all()
        await page.goto(f"{shop.url}/bookings/{reference}")
        await expect_confirmed(page, reference)
        await page.goto(f"{shop.url}/bookings/{reference}/pay")
        await expect_confirmed(page, reference)
        await page.goto(link)
        await expect_confirmed(page, reference)
        assert await shop.one(CAPTURED) == 4_999_800


async def test_the_connection_is_lost_while_she_holds_seats_and_what_she_typed_is_still_there(shop: Shop) -> None:
    async with shop.visitor() as page:
        await to_checkout(page)
        await fill_contact(page)
        await page.get_by_label("Anything we should know").fill("A birthday on the way")
        await page.context.set_offline(True)
        await hold_button(page).click()
        await expect(page.get_by_role("alert")).to_contain_text("no connection")
        assert await shop.one(BOOKINGS) == 0
        await page.context.set_offline(False)
        for label, text in ASHA.items():
            assert await page.get_by_label(label, exact=True).input_value() == text
        assert await page.get_by_label("Anything we should know").input_value() == "A birthday on the way"
        await hold_button(page).click()
        await page.wait_for_url("**/pay")
        assert await shop.one(BOOKINGS) == 1


async def test_the_form_is_lost_on_its_way_and_the_back_button_finds_what_she_typed(shop: Shop) -> None:
    async with shop.visitor() as page:
        await to_checkout(page)
        await fill_contact(page)
        await page.wait_for_timeout(1_500)  # Chromium writes what is typed into its history once a second
        await page.route("**/checkout", lambda route: route.abort("internetdisconnected"))
        await hold_button(page).click()
        await page.wait_for_url("chrome-error://**")
        await page.unroute_all()
        await page.go_back()
        for label, text in ASHA.items():
            await expect(page.get_by_label(label, exact=True)).to_have_value(text)
        await page.get_by_label("I have read").check()
        await hold_button(page).click()
        await page.wait_for_url("**/pay")
        assert await shop.one(BOOKINGS) == 1


async def test_the_answer_is_lost_after_the_seats_were_held_and_the_same_form_finds_them(shop: Shop) -> None:
    """The server heard her, she did not hear the server: what she does next makes no second booking."""
    async with shop.visitor() as page:
        await to_checkout(page)
        address = page.url
        await fill_contact(page)
        await page.route("**/pay", lambda route: route.abort("internetdisconnected"))
        await hold_button(page).click()
        for _ in range(50):
            if await shop.one(BOOKINGS):
                break
            await asyncio.sleep(0.1)
        await page.unroute_all()
        await page.goto(address)
        await expect(page.get_by_text("You already hold seats from this page")).to_be_visible()
        await page.get_by_role("link", name="Continue to paying for it").click()
        reference = reference_of(page)
        await pay_at_the_bank(page)
        await expect_confirmed(page, reference)
        assert await shop.one(BOOKINGS) == 1 and await shop.one(CAPTURED) == 4_999_800


async def test_two_tabs_of_one_checkout_make_one_booking(shop: Shop) -> None:
    async with shop.visitor() as page:
        await to_checkout(page)
        other = await page.context.new_page()
        await other.goto(page.url)
        for tab in (page, other):
            await fill_contact(tab)
        await hold_button(page).click()
        await page.wait_for_url("**/pay")
        await hold_button(other).click()
        await other.wait_for_url("**/pay")
        assert reference_of(page) == reference_of(other)
        assert await shop.one(BOOKINGS) == 1 and await shop.one(ATTEMPTS) == 1


async def test_the_time_runs_out_while_she_is_at_the_bank_and_the_bank_takes_nothing_any_more(shop: Shop) -> None:
    async with shop.visitor() as page:
        reference = await to_payment(page)
        await page.get_by_role("link", name="Continue to the play bank").click()
        await shop.one("UPDATE bookings SET hold_expires_at = house_now() - interval '1 hour' RETURNING true")
        for _ in range(75):
            if await shop.one("SELECT status FROM bookings") == "expired":
                break
            await asyncio.sleep(0.2)
        await page.get_by_role("button", name=re.compile(f"^{PAY}")).first.click()
        back = page.get_by_role("button", name="Back to the shop")
        if await back.count():
            await back.click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("The time to pay ran out")
        await expect(page.get_by_text("Nothing was taken.")).to_be_visible()
        assert reference in page.url and await shop.one(CAPTURED) == 0
        await page.get_by_role("link", name="Choose a date again").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Kashmir Bliss")


@pytest.mark.parametrize("gateways", [("stripe",)], indirect=True)
async def test_three_d_secure_fails_and_another_card_pays(shop: Shop) -> None:
    async with shop.visitor() as page:
        reference = await to_payment(page)
        await card(page, "4000000000003220")
        await page.get_by_role("button", name="Refuse").click()
        await expect(page.get_by_role("alert")).to_be_visible()
        await expect(page.get_by_text("Your seats are held until")).to_be_visible()
        assert await shop.one(CAPTURED) == 0
        await page.reload()
        await expect(page.get_by_role("alert").first).to_contain_text("Nothing was taken")
        await card(page, "4242424242424242")
        await expect_confirmed(page, reference)
        assert await shop.one(CAPTURED) == 4_999_800


@pytest.mark.parametrize("gateways", [("stripe",)], indirect=True)
async def test_the_connection_to_stripe_is_lost_and_the_page_says_how_to_find_out(shop: Shop) -> None:
    async with shop.visitor() as page:
        reference = await to_payment(page)
        await _type(page)
        await page.context.set_offline(True)
        await page.get_by_role("button", name=re.compile("^Pay ")).click()
        await expect(page.get_by_role("alert")).to_contain_text("We lost the connection")
        await expect(page.get_by_role("button", name=re.compile("^Pay "))).to_be_enabled()
        await page.context.set_offline(False)
        await page.reload()
        await card(page, "4242424242424242")
        await expect_confirmed(page, reference)
        assert await shop.one(CAPTURED) == 4_999_800 and await shop.one(ATTEMPTS) == 1


@pytest.mark.parametrize("gateways", [("stripe",)], indirect=True)
async def test_the_card_form_does_not_load_and_the_page_says_so(shop: Shop) -> None:
    async with shop.visitor() as page:
        await page.context.route("**/stripe.js", lambda route: route.abort())
        reference = await to_payment(page)
        await expect(page.get_by_role("alert")).to_contain_text("did not load. Nothing was taken.")
        await page.context.unroute_all()
        await page.reload()
        await card(page, "4242424242424242")
        await expect_confirmed(page, reference)


async def _type(page: Page) -> None:
    for label, text in {"Card number": "4242424242424242", "Expiry date": "12/40", "Security code": "123"}.items():
        await page.get_by_label(label).fill(text)
