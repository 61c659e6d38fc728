"""A hotel shows the agency's dates on its own site, and its guests book from there, whatever their browser thinks of third-party cookies."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import BrowserContext, Page, async_playwright, expect

from tests.browser.conftest import PATIENCE_MS, Shop
from tests.browser.steps import expect_confirmed, fill_contact, hold_button, pay_at_the_bank, reference_of
from tests.chromium import launch
from tests.peers.loopback import serve

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Hotel</title><style>a {{ font-size: 40px }} li {{ display: none }}</style>
<h1>Our guests travel with</h1><p><a data-book="kashmir-bliss" href="{shop}/packages/kashmir-bliss">Kashmir Bliss: dates and prices</a></p>
<script async src="{shop}/embed.js"></script>"""


def site(body: str, headers: dict[str, str] | None = None) -> Callable[..., Any]:
    """Somebody else's web site: one page. It writes down which cookies came along, and gives one of its own."""
    seen: list[bytes] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            return
        seen.append(dict(scope["headers"]).get(b"cookie", b""))
        lines = [(b"content-type", b"text/html"), *((k.encode(), v.encode()) for k, v in (headers or {}).items())]
        await send({"type": "http.response.start", "status": 200, "headers": lines})
        await send({"type": "http.response.body", "body": body.encode()})

    app.seen = seen  # type: ignore[attr-defined]
    return app


@pytest.fixture
async def guest() -> AsyncIterator[BrowserContext]:
    """A browser that keeps no cookies of third parties."""
    async with async_playwright() as playwright:
        browser = await launch(playwright, "--test-third-party-cookie-phaseout")
        context = await browser.new_context()
        context.set_default_timeout(PATIENCE_MS)
        yield context
        await browser.close()


@asynccontextmanager
async def at_the_hotel(guest: BrowserContext, shop: Shop, headers: dict[str, str] | None = None) -> AsyncIterator[Page]:
    async with serve(site(PAGE.format(shop=shop.url), headers)) as hotel:
        page = await guest.new_page()
        await page.goto(hotel)
        yield page


async def test_this_browser_blocks_third_party_cookies(guest: BrowserContext) -> None:
    tracker = site("tracker", {"Set-Cookie": "follow=me; SameSite=None; Secure"})
    async with serve(tracker) as third:
        port = third.rpartition(":")[2]
        framing = site(f'<iframe src="http://localhost:{port}/"></iframe>')
        async with serve(framing) as hotel:
            page = await guest.new_page()
            for _ in range(2):
                await page.goto(hotel)
                await expect(page.frame_locator("iframe").get_by_text("tracker")).to_be_visible()
            assert not any(tracker.seen)  # type: ignore[attr-defined]
            await page.goto(f"http://localhost:{port}/")
            await page.reload()
            assert tracker.seen[-1] == b"follow=me"  # type: ignore[attr-defined]


async def test_a_guest_books_from_the_hotels_page(guest: BrowserContext, shop: Shop) -> None:
    async with at_the_hotel(guest, shop) as page:
        frame = page.frame_locator("iframe")
        await expect(frame.get_by_role("heading", name="Kashmir Bliss")).to_be_visible()
        await expect(frame.get_by_text("seats left").first).to_be_visible()
        await expect(page.locator("a[data-book]")).to_be_hidden()
        tall = await page.locator("iframe").evaluate("each => each.clientHeight")
        assert 300 < tall < 1200
        assert await page.frames[1].evaluate("document.documentElement.scrollHeight <= innerHeight + 1")
        assert await guest.cookies() == []
        async with guest.expect_page() as opened:
            await frame.get_by_role("link", name="Book").first.click()
        checkout = await opened.value
        await expect(checkout.get_by_role("heading", level=1)).to_contain_text("Who travels")
        assert await checkout.evaluate("window.opener") is None
        await fill_contact(checkout)
        await hold_button(checkout).click()
        await checkout.wait_for_url("**/pay")
        reference = reference_of(checkout)
        await pay_at_the_bank(checkout)
        await expect_confirmed(checkout, reference)
        assert page.url.startswith("http://127.0.0.1"), "the hotel keeps its guest"


async def test_where_the_hotel_forbids_frames_or_scripts_there_is_still_the_link(
    guest: BrowserContext, shop: Shop
) -> None:
    for policy in ("frame-src 'none'", "script-src 'none'"):
        async with at_the_hotel(guest, shop, {"Content-Security-Policy": policy}) as page:
            await page.wait_for_load_state("networkidle")
            link = page.get_by_role("link", name="Kashmir Bliss: dates and prices")
            await link.click()
            await expect(page.get_by_role("heading", level=1)).to_have_text("Kashmir Bliss")


async def test_the_checkout_itself_shows_nothing_in_a_frame(guest: BrowserContext, shop: Shop) -> None:
    async with serve(site(f'<iframe src="{shop.url}/packages/kashmir-bliss"></iframe>')) as hotel:
        page = await guest.new_page()
        await page.goto(hotel)
        await page.wait_for_load_state("networkidle")
        await expect(page.frame_locator("iframe").get_by_text("Kashmir Bliss")).to_have_count(0)
