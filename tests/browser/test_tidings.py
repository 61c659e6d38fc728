"""What happens to a journey is said on whatever page of the account is open, without a reload."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from jklg.kit.languages import gettext, speaking
from tests.browser.axe import complaints
from tests.browser.conftest import Shop
from tests.browser.steps import hold_button, pay_at_the_bank, reference_of
from tests.browser.test_accounts import join
from tests.browser.test_axe import WAYS, _sideways


@pytest.mark.parametrize("way", WAYS)
async def test_a_payment_on_one_page_is_said_on_another(shop: Shop, way: str) -> None:
    prefix, dark, width = WAYS[way]
    async with shop.visitor(dark=dark, width=width) as page:
        await join(shop, page)
        await page.goto("/packages/kashmir-bliss")
        await page.get_by_role("button", name="See the price for these people").click()
        await page.get_by_label("Phone").fill("+91 98765 43210")
        await page.get_by_label("I have read").check()
        await hold_button(page).click()
        await page.wait_for_url("**/pay")
        reference = reference_of(page)
        account = await page.context.new_page()
        await account.goto(f"{prefix}/account")
        await expect(account.locator(".tidings")).to_be_hidden()
        await pay_at_the_bank(page)
        with speaking(prefix.strip("/")):  # the other page has chosen the language for both
            heading = gettext("Your seats are yours")
        await expect(page.get_by_role("heading", level=1)).to_have_text(heading, timeout=15_000)
        list_ = account.locator(".tidings-list li")
        await expect(list_).to_have_count(2)
        await expect(account.locator("[aria-live=polite] a")).to_have_attribute(
            "href", f"{prefix}/bookings/{reference}"
        )
        await expect(account.locator(".next-trip .button")).to_have_count(0)  # nobody is asked to pay twice
        said = {(await list_.nth(number).get_by_role("link").inner_text()).strip() for number in range(2)}
        wrong = [*await complaints(account, colours_only=dark), *await _sideways(account)]
        await account.reload()
        await expect(list_).to_have_count(2)
        assert {(await list_.nth(number).get_by_role("link").inner_text()).strip() for number in range(2)} == said
        await account.locator(".tidings button").click()
        await expect(account.locator(".tiding-new")).to_have_count(0)
        await expect(list_).to_have_count(2)
    assert not wrong, "\n".join(wrong)
