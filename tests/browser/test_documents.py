"""The page of a booking's documents stands in nobody's way, on a telephone, in the dark and from right to left."""

from __future__ import annotations

import pytest

from jklg import bookings, invoices
from jklg.invoices.jobs import seller_of
from tests.browser.axe import complaints
from tests.browser.conftest import Shop
from tests.browser.test_axe import WAYS, _sideways
from tests.trade import add_departure, hold


async def confirmed(shop: Shop) -> bookings.Held:
    held = await hold(shop.house.db, await add_departure(shop.house.db))
    async with shop.house.db.transaction() as conn:
        await bookings.confirm(conn, await bookings.lock(conn, held.id))
    async with shop.house.db.transaction() as conn:
        await invoices.write(conn, seller_of(shop.house.settings), [held.id])
    return held


@pytest.mark.parametrize("way", WAYS)
async def test_nothing_on_the_documents_page_stands_in_anybodys_way(shop: Shop, way: str) -> None:
    prefix, dark, width = WAYS[way]
    held = await confirmed(shop)
    token = bookings.manage_token(shop.house.settings.secret, held.id)
    async with shop.visitor(dark=dark, width=width) as page:
        answer = await page.goto(f"/manage/{held.reference}/{token}?to=documents")
        assert answer is not None and answer.status == 200 and page.url.endswith("/documents")
        await page.goto(f"{prefix}/bookings/{held.reference}/documents")
        assert await page.get_by_role("main").get_by_role("listitem").count() == 4
        wrong = [*await complaints(page, colours_only=dark), *await _sideways(page)]
    assert not wrong, "\n".join(wrong)
