"""Asha names those who travel later; Ben does it himself on his telephone, with a private link."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from jklg import bookings, staff
from tests.browser.axe import complaints
from tests.browser.conftest import Shop
from tests.browser.test_axe import WAYS, _sideways
from tests.trade import add_departure, hold

PASSWORD = "a long walk in the hills"


async def test_asha_sends_ben_a_link_and_he_fills_in_who_he_is(shop: Shop) -> None:
    held = await hold(shop.house.db, await add_departure(shop.house.db), party={"adult": 2})
    async with shop.visitor() as asha, shop.visitor(javascript=False, width=390) as ben:
        await asha.goto(f"/manage/{held.reference}/{bookings.manage_token(shop.house.settings.secret, held.id)}")
        await asha.get_by_role("link", name="Name them, or send them a private link").click()
        await asha.get_by_role("group", name="Adult 1").get_by_label("Name").fill("Asha Rao")
        await asha.get_by_role("button", name="Save the travellers").click()
        await expect(asha.get_by_text("1 traveller has no name yet")).to_be_visible()
        await asha.get_by_role("button", name="Make a private link for Adult 2").click()
        link = await asha.get_by_label("Private link for Adult 2").input_value()
        await ben.goto(link)
        await ben.get_by_label("Your name").fill("Ben Iyer")
        await ben.get_by_label("Date of birth").fill("1990-02-28")
        await ben.get_by_role("button", name="Save my details").click()
        await expect(ben.get_by_text("Thank you, that is all")).to_be_visible()
        assert await ben.context.cookies() == []
        await asha.reload()
        await expect(asha.get_by_text("Everybody is named")).to_be_visible()
        await asha.get_by_role("button", name="Stop this link for Adult 2").click()
        await expect(asha.get_by_label("Private link for Adult 2")).to_have_count(0)
        await ben.reload()
        await expect(ben.get_by_role("heading", level=1)).to_have_text("This link does not open anything")


@pytest.mark.parametrize("way", WAYS)
async def test_nothing_on_these_pages_stands_in_anybodys_way(shop: Shop, way: str) -> None:
    prefix, dark, width = WAYS[way]
    held = await hold(shop.house.db, await add_departure(shop.house.db), party={"adult": 2, "child": 1})
    wrong: list[str] = []
    async with shop.visitor(dark=dark, width=width) as page:
        await page.goto(f"/manage/{held.reference}/{bookings.manage_token(shop.house.settings.secret, held.id)}")
        await page.goto(f"/bookings/{held.reference}/travellers")
        await page.locator("button[name=do]").first.click()
        link = await page.locator("input[readonly]").first.input_value()
        for path in (
            f"/bookings/{held.reference}",
            f"/bookings/{held.reference}/travellers",
            f"/bookings/{held.reference}/terms",
            link.removeprefix(shop.url),
        ):
            await page.goto(prefix + path)
            wrong += [*await complaints(page, colours_only=dark), *await _sideways(page)]
        await staff.add(shop.house.db, email="chitra@example.org", name="Chitra Nair", role="Admin", password=PASSWORD)
        await page.goto("/en/staff/sign-in")
        await page.get_by_label("E-mail").fill("chitra@example.org")
        await page.get_by_label("Password", exact=True).fill(PASSWORD)
        await page.get_by_role("button", name="Sign in").click()
        for path in (f"/staff/bookings/{held.reference}", "/staff/questions", "/staff/embed"):
            await page.goto(path)
            wrong += [*await complaints(page, colours_only=dark), *await _sideways(page)]
    assert not wrong, "\n".join(wrong)
