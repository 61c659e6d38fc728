"""The home page comes over a slow network, with every picture. What pages weigh in JavaScript is looked at where every page is opened (test_axe.py)."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Shop
from tests.browser.weights import HOME_BYTES, SCRIPT_BYTES, script_bytes, weigh


@pytest.mark.parametrize("width", [390, 1280])
async def test_the_home_page_is_light(shop: Shop, width: int) -> None:
    async with shop.visitor(width=width) as page:
        found = await weigh(page.context, "/")
    assert {"document", "stylesheet", "font", "image"} <= set(found), found
    assert sum(found.values()) <= HOME_BYTES, found


async def test_javascript_is_counted(shop: Shop) -> None:
    async with shop.visitor() as page:
        await page.goto("/login")
        before = await script_bytes(page)
        assert 500 < before <= SCRIPT_BYTES
        await page.reload()
        assert await script_bytes(page) == before, "what the browser has kept counts as well"
