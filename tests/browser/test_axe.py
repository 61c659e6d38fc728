"""Every public page, looked at by axe (WCAG 2.2 AA) in the light, in the dark and from right to left; and none of them scrolls sideways."""

from __future__ import annotations

import pytest
from playwright.async_api import Page

from tests.browser.axe import complaints
from tests.browser.conftest import Shop
from tests.browser.pages import PUBLIC

WAYS = {"light": ("", False, 1280), "dark": ("", True, 390), "right to left": ("/ar", False, 390)}
"""Language prefix, dark, width."""
NARROW = 320


@pytest.mark.parametrize("way", WAYS)
async def test_nothing_on_a_public_page_stands_in_anybodys_way(shop: Shop, way: str) -> None:
    prefix, dark, width = WAYS[way]
    wrong: list[str] = []
    async with shop.visitor(dark=dark, width=width) as page:
        for shown in PUBLIC:
            answer = await page.goto(prefix + shown.path)
            assert answer is not None and answer.status == shown.status, f"{shown.path}: {answer and answer.status}"
            wrong += [f"{prefix}{shown.path}: {each}" for each in await complaints(page, colours_only=dark)]
            if way == "right to left":
                wrong += [f"{prefix}{shown.path}: {each}" for each in await _sideways(page)]
    assert not wrong, "\n".join(wrong)


async def test_axe_still_bites(shop: Shop) -> None:
    async with shop.visitor() as page:
        await page.goto("/terms")
        assert await complaints(page) == []
        await page.evaluate("document.querySelector('main').innerHTML += '<img src=/favicon.ico><button></button>'")
        found = "\n".join(await complaints(page))
    assert "image-alt" in found and "button-name" in found


async def _sideways(page: Page) -> list[str]:
    """At 320 px a page scrolls in one direction only."""
    before = page.viewport_size or {"width": 390, "height": 860}
    await page.set_viewport_size({"width": NARROW, "height": 640})
    wide = await page.evaluate("document.documentElement.scrollWidth")
    widest = await page.evaluate(
        """() => { let found = ""; let most = innerWidth + 1;
          for (const one of document.querySelectorAll("main *")) { const box = one.getBoundingClientRect();
            if (box.right > most || box.left < -1) { if (!one.closest(".strip, .month-row, .table-scroll, .visually-hidden")) { most = box.right; found = one.outerHTML.slice(0, 120); } } }
          return found; }"""
    )
    await page.set_viewport_size({"width": before["width"], "height": before["height"]})
    return [f"scrolls sideways at {NARROW} px ({wide}): {widest}"] if wide > NARROW else []
