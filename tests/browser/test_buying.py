"""The one journey the house exists for, as people really make it."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import expect

from jklg.kit.tokens import unsealed
from tests import trade
from tests.browser.conftest import Shop
from tests.browser.steps import (
    ASHA,
    JOURNEY,
    PAY,
    ZOOMED,
    expect_confirmed,
    expect_one_direction,
    fill_contact,
    hold_button,
    pay_at_the_bank,
    reference_of,
    tab_to,
    to_checkout,
    to_payment,
)

BOOKINGS = "SELECT count(*) FROM bookings"
CAPTURED = "SELECT coalesce(sum(captured_amount), 0)::bigint FROM transactions"
ATTEMPTS = "SELECT count(*) FROM transactions"


async def test_asha_buys_two_seats_with_the_mouse(shop: Shop) -> None:
    async with shop.visitor() as page:
        reference = await to_payment(page)
        await expect(page.get_by_text("₹\u202f49,998").first).to_be_visible()
        await expect(page.locator(".clock")).to_have_text(re.compile(r"^1[45]:\d\d$"))
        await pay_at_the_bank(page)
        await expect_confirmed(page, reference)
        assert await shop.one(CAPTURED) == 4_999_800
        for _ in range(50):
            if await shop.one("SELECT count(*) FROM mail_outbox") == 2:
                break
            await asyncio.sleep(0.2)
        await page.goto("/dev/mail")
        await expect(page.get_by_text(reference).first).to_be_visible()


async def test_asha_buys_on_a_phone_in_the_dark(shop: Shop) -> None:
    async with shop.visitor(width=390, dark=True) as page:
        reference = await to_payment(page)
        await pay_at_the_bank(page)
        await expect_confirmed(page, reference)
        for path in ("/", "/packages", JOURNEY, "/destinations", f"/bookings/{reference}", "/schema/"):
            await page.goto(path)
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
                f"{path} is wider than the phone"
            )


@pytest.mark.parametrize("window", [{}, ZOOMED], ids=["as it is", "at 400 %"])
async def test_asha_buys_with_the_keyboard_alone(shop: Shop, window: dict[str, int]) -> None:
    async with shop.visitor(**window) as page:
        await page.goto("/")
        await expect_one_direction(page)
        await tab_to(page, page.get_by_role("link", name="Kashmir Bliss", exact=True).last)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Kashmir Bliss")
        await expect_one_direction(page)
        await tab_to(page, page.get_by_role("radio").first)
        await page.keyboard.press("ArrowDown")
        await expect(page.get_by_role("radio").nth(1)).to_be_checked()
        await tab_to(page, page.get_by_label("Adults"))
        await page.keyboard.type("2")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_contain_text("Who travels")
        await expect_one_direction(page)
        for label, text in ASHA.items():
            await tab_to(page, page.get_by_label(label, exact=True))
            await page.keyboard.type(text)
        await tab_to(page, page.get_by_label("I have read"))
        await page.keyboard.press("Space")
        await tab_to(page, hold_button(page))
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/pay")
        await expect_one_direction(page)
        reference = reference_of(page)
        await tab_to(page, page.get_by_role("link", name="Continue to the play bank"))
        await page.keyboard.press("Enter")
        await tab_to(page, page.get_by_role("button", name=re.compile(f"^{PAY}")))
        await page.keyboard.press("Enter")
        await expect_confirmed(page, reference)
        await expect_one_direction(page)


async def test_asha_buys_without_javascript(shop: Shop) -> None:
    async with shop.visitor(javascript=False) as page:
        await to_checkout(page)
        await page.get_by_label("Children").fill("1")
        await page.get_by_role("button", name="Work out the price again").click()
        await expect(hold_button(page)).to_have_text("Hold 3 seats for ₹\u202f67,497")
        await fill_contact(page)
        await page.get_by_role("group", name="Child").get_by_label("Name").fill("Mira Rao")
        await page.get_by_label("Date of birth").fill("2019-05-12")
        await hold_button(page).click()
        await page.wait_for_url("**/pay")
        reference = reference_of(page)
        await expect(page.get_by_text("Your seats are held until")).to_be_visible()
        await pay_at_the_bank(page)
        await expect_confirmed(page, reference)


async def test_a_bank_that_wants_a_moment_is_waited_for_without_javascript(shop: Shop) -> None:
    async with shop.visitor(javascript=False) as page:
        reference = await to_payment(page)
        await pay_at_the_bank(page, "Pay by transfer")
        if await page.get_by_role("button", name="Back to the shop").count():
            await page.get_by_role("button", name="Back to the shop").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Your bank wants a moment")
        await expect(page.get_by_text("Your seats stay yours")).to_be_visible()
        await expect_confirmed(page, reference)
        assert await shop.one(CAPTURED) == 4_999_800


async def test_a_declined_card_takes_nothing_and_the_next_try_pays(shop: Shop) -> None:
    async with shop.visitor() as page:
        reference = await to_payment(page)
        await pay_at_the_bank(page, "Have the card declined")
        await page.get_by_role("button", name="Back to the shop").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("The payment did not go through")
        await expect(page.get_by_text("Nothing was taken.")).to_be_visible()
        await expect(page.get_by_text("Your seats are held until")).to_be_visible()
        assert await shop.one(CAPTURED) == 0
        await page.get_by_role("link", name="Try to pay").click()
        await expect(page.get_by_role("alert")).to_contain_text("Nothing was taken")
        await pay_at_the_bank(page)
        await expect_confirmed(page, reference)
        assert await shop.one(CAPTURED) == 4_999_800


async def test_the_price_follows_the_party_while_one_types(shop: Shop) -> None:
    async with shop.visitor() as page:
        await to_checkout(page)
        await page.get_by_label("Your name").fill("Asha Rao")
        await page.get_by_label("Adults").fill("1")
        await expect(hold_button(page)).to_have_text("Hold 1 seat for ₹\u202f30,999")
        await expect(page.get_by_text("Single supplement").first).to_be_visible()
        await page.get_by_label("Children").fill("2")
        await expect(page.get_by_label("Date of birth")).to_have_count(2)
        await page.get_by_label("Infants").fill("2")
        await expect(page.get_by_text("Each infant travels on the lap of an adult")).to_be_visible()
        await page.get_by_label("Infants").fill("1")
        await expect(hold_button(page)).to_have_text("Hold 3 seats for ₹\u202f61,497")
        assert await page.get_by_label("Your name").input_value() == "Asha Rao"
        await page.reload()
        await expect(page.get_by_label("Children")).to_have_value("2")


async def test_double_click_reload_and_back_make_one_booking(shop: Shop) -> None:
    async with shop.visitor() as page:
        await to_checkout(page)
        await fill_contact(page)
        await hold_button(page).dblclick()
        await page.wait_for_url("**/pay")
        reference = reference_of(page)
        await page.reload()
        await page.go_back()
        await expect(page.get_by_text("You already hold seats from this page")).to_be_visible()
        await fill_contact(page)
        await hold_button(page).click()
        await page.wait_for_url("**/pay")
        assert reference_of(page) == reference
        assert await shop.one(BOOKINGS) == 1
        assert await shop.one(ATTEMPTS) == 1
        await pay_at_the_bank(page)
        await expect_confirmed(page, reference)
        await page.go_back()
        await page.goto(f"/bookings/{reference}/pay")
        await expect_confirmed(page, reference)
        assert await shop.one(CAPTURED) == 4_999_800


async def test_two_tabs_pay_once(shop: Shop) -> None:
    async with shop.visitor() as page:
        reference = await to_payment(page)
        other = await page.context.new_page()
        await asyncio.gather(page.reload(), other.goto(f"/bookings/{reference}/pay"))
        for tab in (page, other):
            await tab.get_by_role("link", name="Continue to the play bank").click()
        await page.get_by_role("button", name=re.compile(f"^{PAY}")).click()
        await expect_confirmed(page, reference)
        await other.get_by_role("button", name=re.compile(f"^{PAY}")).click()
        back = other.get_by_role("button", name="Back to the shop")
        if await back.count():
            await back.click()
        await expect_confirmed(other, reference)
        assert await shop.one(ATTEMPTS) == 1
        assert await shop.one(CAPTURED) == 4_999_800


async def test_the_last_seats_go_while_asha_types(shop: Shop) -> None:
    async with shop.visitor() as page:
        await to_checkout(page)
        departure = await page.locator("input[name=departure]").input_value()
        await shop.one(
            "UPDATE departures SET seats_taken = allotment WHERE id = $1::text::uuid RETURNING id", departure
        )
        await fill_contact(page)
        await hold_button(page).click()
        await expect(page.get_by_role("heading", name=re.compile("is sold out"))).to_be_visible()
        await expect(page.get_by_role("heading", name="Nearest dates with seats")).to_be_visible()
        await expect(page.locator("input[name=email]")).not_to_have_value("")
        assert await shop.one(BOOKINGS) == 0
        await page.goto(JOURNEY)
        await expect(page.get_by_text("Sold out").first).to_be_visible()


async def test_time_runs_out_before_asha_pays(shop: Shop) -> None:
    async with shop.visitor() as page:
        reference = await to_payment(page)
        booking = await shop.one("SELECT id FROM bookings")
        async with shop.house.db.transaction() as conn:
            await conn.execute("UPDATE bookings SET hold_expires_at = house_now() + interval '2 seconds'")
        await page.reload()
        await expect(page.locator(".clock")).to_have_text(re.compile(r"^0:0\d$"))
        await page.goto(f"/bookings/{reference}")
        await expect(page.get_by_role("heading", level=1)).to_have_text("The time to pay ran out", timeout=15_000)
        await expect(page.get_by_text("Nothing was taken.")).to_be_visible()
        for _ in range(50):
            if await trade.status_of(shop.house.db, booking) == "expired":
                break
            await asyncio.sleep(0.2)
        assert await trade.status_of(shop.house.db, booking) == "expired"
        assert await shop.one("SELECT sum(seats_taken)::integer FROM departures") == 0
        await page.get_by_role("link", name="Choose a date again").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Kashmir Bliss")


async def test_a_slip_in_the_form_moves_the_focus_to_the_summary_and_the_summary_to_the_field(shop: Shop) -> None:
    async with shop.visitor() as page:
        await to_checkout(page)
        await fill_contact(page)
        await page.get_by_label("E-mail address").fill("asha at example")
        await hold_button(page).click()
        await expect(page.locator("#summary")).to_be_focused()
        await page.get_by_role("link", name="This does not look like an e-mail address.").click()
        await expect(page.get_by_label("E-mail address")).to_be_focused()
        assert await page.get_by_label("E-mail address").input_value() == "asha at example"
        assert await page.get_by_label("Your name").input_value() == "Asha Rao"


async def test_the_link_in_the_mail_opens_the_booking_in_another_browser(shop: Shop) -> None:
    async with shop.visitor() as page:
        reference = await to_payment(page)
        await pay_at_the_bank(page)
        await expect_confirmed(page, reference)
        for _ in range(50):
            if await shop.one("SELECT count(*) FROM mail_outbox") == 2:
                break
            await asyncio.sleep(0.2)
    link = await shop.one(
        "SELECT substring(text_body FROM 'http[^ \n]*/manage/[^ \n]*') FROM mail_outbox WHERE kind = 'booking_confirmed'"
    )
    link = unsealed(link, shop.house.settings.secrets)
    async with shop.visitor() as stranger:
        await stranger.goto(f"/bookings/{reference}")
        await expect(stranger.get_by_role("heading", level=1)).to_have_text("We cannot show this booking here")
        await stranger.goto(link)
        await expect_confirmed(stranger, reference)
        assert "manage" not in stranger.url
