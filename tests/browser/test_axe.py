"""Every page, looked at by axe (WCAG 2.2 AA) in the light, in the dark and from right to left; and none of them scrolls sideways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from playwright.async_api import Page

from tests.browser.axe import complaints
from tests.browser.conftest import Shop
from tests.browser.pages import ACCOUNT, BOOKING, NO_PAGE, PUBLIC, STAFF, TABLE, Shown, at, unseen
from tests.browser.stage import set_stage
from tests.browser.weights import SCRIPT_BYTES, script_bytes

WAYS = {"light": ("", False, 1280), "dark": ("", True, 390), "right to left": ("/ar", False, 390)}
"""Language prefix, dark, width."""
NARROW, PHONE = 320, 390


def test_every_page_is_looked_at() -> None:
    """A page that docs/pages.md tells of is opened by one of the lists in pages.py, or is none."""
    assert unseen() == [], "add them to tests/browser/pages.py"
    table = TABLE.read_text("utf-8")
    assert [path for path in NO_PAGE if f"`{path}`" not in table] == [], "no longer in docs/pages.md"


@pytest.mark.parametrize("way", WAYS)
async def test_nothing_on_a_public_page_stands_in_anybodys_way(shop: Shop, way: str) -> None:
    prefix, dark, width = WAYS[way]
    async with shop.visitor(dark=dark, width=width) as page:
        wrong = await _in_the_way(page, PUBLIC, {}, prefix, dark=dark)
    assert not wrong, "\n".join(wrong)


async def test_nothing_on_ashas_pages_stands_in_anybodys_way(shop: Shop) -> None:
    stage = await set_stage(shop)
    async with shop.visitor() as page:
        await stage.asha(page.context)
        wrong = await _in_the_way(page, (*BOOKING, *ACCOUNT), stage.addresses, both=True)
    assert not wrong, "\n".join(wrong)


async def test_nothing_on_ashas_pages_stands_in_anybodys_way_from_right_to_left(shop: Shop) -> None:
    prefix, _, width = WAYS["right to left"]
    stage = await set_stage(shop)
    async with shop.visitor(width=width) as page:
        await stage.asha(page.context)
        wrong = await _in_the_way(page, (*BOOKING, *ACCOUNT), stage.addresses, prefix)
    assert not wrong, "\n".join(wrong)


async def test_nothing_on_a_page_of_staff_stands_in_anybodys_way(shop: Shop) -> None:
    stage = await set_stage(shop)
    async with shop.visitor() as page:
        await stage.chitra(page.context)
        wrong = await _in_the_way(page, STAFF, stage.addresses, both=True)
    assert not wrong, "\n".join(wrong)


async def _in_the_way(
    page: Page,
    pages: Sequence[Shown],
    addresses: Mapping[str, str],
    prefix: str = "",
    *,
    dark: bool = False,
    both: bool = False,
) -> list[str]:
    """What axe says, what is wider than a narrow phone, and too much JavaScript. `both`: in the light, and then in the dark on a phone, where nothing differs but colours."""
    wrong: list[str] = []
    for shown in pages:
        path = at(shown, addresses, prefix)
        answer = await page.goto(path)
        assert answer is not None and answer.status == shown.status, f"{path}: {answer and answer.status}"
        found = await complaints(page, colours_only=dark, no_colours=bool(prefix))
        if await script_bytes(page) > SCRIPT_BYTES:
            found.append(f"more than {SCRIPT_BYTES} bytes of JavaScript")
        if both:
            wide = page.viewport_size
            assert wide is not None
            await page.emulate_media(color_scheme="dark")
            await page.set_viewport_size({"width": PHONE, "height": 860})
            found += [f"in the dark, {each}" for each in await complaints(page, colours_only=True)]
            found += await _sideways(page)
            await page.emulate_media(color_scheme="light")
            await page.set_viewport_size(wide)
        elif prefix:
            found += await _sideways(page)
        wrong += [f"{path}: {each}" for each in found]
    return wrong


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
