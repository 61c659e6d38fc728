"""What a page weighs: bytes on the wire, compressed as we send them, counted by a browser that has nothing yet and scrolls to the end."""

from __future__ import annotations

from typing import Any

from playwright.async_api import BrowserContext, Page

HOME_BYTES = 150_000
SCRIPT_BYTES = 15_000

_SCRIPTS = """() => performance.getEntriesByType("resource").filter(each => new URL(each.name).pathname.endsWith(".js"))
    .reduce((sum, each) => sum + each.encodedBodySize, 0)
    + [...document.scripts].filter(each => !each.src && (!each.type || each.type === "module")).reduce((sum, each) => sum + each.text.length, 0)"""

_ALL_PICTURES = (
    """() => Promise.all([...document.images].map(each => { each.loading = "eager"; return each.decode() }))"""
)


async def weigh(context: BrowserContext, url: str) -> dict[str, int]:
    """Kind of resource -> bytes on the wire, headers among them."""
    tab = await context.new_page()
    client = await context.new_cdp_session(tab)
    await client.send("Network.enable")
    kinds: dict[str, str] = {}
    weights: dict[str, int] = {}

    def count(told: Any) -> None:
        kind = kinds.get(told["requestId"], "other")
        weights[kind] = weights.get(kind, 0) + int(told["encodedDataLength"])

    client.on("Network.responseReceived", lambda told: kinds.update({told["requestId"]: told["type"].lower()}))
    client.on("Network.loadingFinished", count)
    await tab.goto(url, wait_until="networkidle")
    await tab.evaluate(_ALL_PICTURES)
    await tab.close()
    return weights


async def script_bytes(page: Page) -> int:
    """JavaScript of the page that is open, also what the browser had already: compressed, without headers."""
    return int(await page.evaluate(_SCRIPTS))
