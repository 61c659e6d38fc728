"""Chitra looks at the office on her telephone, in the bus: nothing is wider than it is, and the figures are all there."""

from __future__ import annotations

import pytest

from jklg import staff
from jklg.kit.ids import uuid7
from jklg.payments import desk
from tests.browser.conftest import Shop
from tests.trade import add_departure, hold

PASSWORD = "a long walk in the hills"


@pytest.mark.parametrize("dark", [False, True])
async def test_the_office_fits_a_telephone(shop: Shop, dark: bool) -> None:
    await staff.add(shop.house.db, email="chitra@example.org", name="Chitra Nair", role="Manager", password=PASSWORD)
    held = await hold(
        shop.house.db, await add_departure(shop.house.db), name="Maximiliane Wolkenstein-Trostburg zu Hohenlohe"
    )
    taken = await desk.record_payment(
        shop.house,
        payment_id=uuid7(),
        booking_id=held.id,
        amount=held.total_price,
        method="bank_transfer",
        note="",
        actor="staff:x",
    )
    await desk.ask_refund(
        shop.house, request_id=uuid7(), booking_id=held.id, amount=125_050, reason="a wet tent", actor="staff:x"
    )
    payment, reference = taken.id, held.reference
    async with shop.visitor(width=360, dark=dark) as page:
        await page.goto("/staff/sign-in")
        await page.fill("[name=email]", "chitra@example.org")
        await page.fill("[name=password]", PASSWORD)
        await page.click("main button[type=submit]")
        await page.wait_for_url("**/staff")
        for path in (
            "/staff",
            "/staff/concerns",
            "/staff/payments",
            f"/staff/payments/{payment}",
            f"/staff/bookings/{reference}",
            f"/staff/bookings/{reference}/money",
            f"/staff/bookings/{reference}/give-up",
            "/staff/bank",
        ):
            answer = await page.goto(path)
            assert answer is not None and answer.status == 200, path
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{path} is too wide"
        await page.goto("/staff/payments")
        row = page.locator(".rows-stack tbody tr").first
        assert await row.locator(".state").is_visible() and await row.locator(".money").first.is_visible()
        box = await row.locator(".money").first.bounding_box()
        assert box is not None and box["x"] + box["width"] <= 360, "the amount is seen without scrolling"
