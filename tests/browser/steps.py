"""What a customer does, in the words that are on the buttons."""

from __future__ import annotations

import re
from contextlib import suppress

from playwright.async_api import Locator, Page, expect

ZOOMED = {"width": 320, "height": 256}
"""A window of 1280 by 1024 at 400 %."""
JOURNEY = "/packages/kashmir-bliss"
PAY = "Pay (?!with|by)"
"""The bank's own button names the amount."""
ASHA = {"Your name": "Asha Rao", "E-mail address": "asha@example.org", "Phone": "+91 98765 43210"}


async def to_checkout(page: Page) -> None:
    """From the front page to the form, for two adults."""
    await page.goto("/")
    await page.get_by_role("link", name="Kashmir Bliss", exact=True).last.click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Kashmir Bliss")
    await page.get_by_role("button", name="See the price for these people").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Who travels")


async def fill_contact(page: Page) -> None:
    for label, text in ASHA.items():
        await page.get_by_label(label, exact=True).fill(text)
    await page.get_by_label("I have read").check()


def hold_button(page: Page) -> Locator:
    return page.get_by_role("button", name=re.compile("^Hold"))


async def to_payment(page: Page) -> str:
    """Hold two seats; the reference."""
    await to_checkout(page)
    await fill_contact(page)
    await hold_button(page).click()
    await page.wait_for_url("**/pay")
    return reference_of(page)


def reference_of(page: Page) -> str:
    found = re.search(r"/bookings/([A-HJ-NP-Z2-9]{6})", page.url)
    assert found, page.url
    return found.group(1)


async def pay_at_the_bank(page: Page, button: str = PAY) -> None:
    await page.get_by_role("link", name="Continue to the play bank").click()
    await page.get_by_role("button", name=re.compile(f"^{button}")).first.click()


async def expect_confirmed(page: Page, reference: str) -> None:
    await expect(page.get_by_role("heading", level=1)).to_have_text("Your seats are yours", timeout=15_000)
    await expect(page.get_by_text(reference, exact=True).first).to_be_visible()


IN_SIGHT = """element => {
    const shown = [element, ...(element.labels ?? [])].map(each => each.getBoundingClientRect()).find(box => box.width > 4);
    if (!shown) return false;
    const x = (Math.max(shown.left, 0) + Math.min(shown.right, innerWidth)) / 2;
    const y = (Math.max(shown.top, 0) + Math.min(shown.bottom, innerHeight)) / 2;
    const there = document.elementFromPoint(x, y);
    return !!there && (element.contains(there) || there.contains(element) || [...(element.labels ?? [])].some(each => each.contains(there)));
}"""
"""Whether one sees an element that has the focus (WCAG 2.4.11)."""


async def tab_to(page: Page, target: Locator, most: int = 120) -> None:
    """Reach something with the Tab key alone, and see that it shows where the focus is."""
    for _ in range(most):
        await page.keyboard.press("Tab")
        with suppress(AssertionError):
            await expect(target).to_be_focused(timeout=1)
            ring = await target.evaluate(
                """element => [element, element.closest("label")].filter(Boolean)
                    .map(each => getComputedStyle(each)).some(style => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2)"""
            )
            assert ring, "no visible focus"
            assert await target.evaluate(IN_SIGHT), "what has the focus is hidden by something else, or out of sight"
            return
    raise AssertionError(f"the Tab key does not reach {target}")


async def expect_one_direction(page: Page) -> None:
    """The page scrolls up and down and not sideways."""
    wide = await page.evaluate("document.documentElement.scrollWidth")
    assert wide <= await page.evaluate("innerWidth"), f"{page.url} is {wide} px wide"
