"""`./jklg look`: every page as a picture, on a phone and on a desktop, in the light and in the dark, into one folder.

Opens a house of its own with the demo agency and the stage of the browser tests, in a database that goes away again. `--url` looks at
a house that is open already; there nobody is signed in, and the public pages are all there is to see.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from playwright.async_api import Browser, BrowserContext, async_playwright

from jklg.kit import embedded_postgres
from jklg.kit.db import open_database
from jklg.migrations import migrate
from jklg.settings import Settings
from tests.browser.conftest import Shop, open_shop
from tests.browser.pages import ACCOUNT, BOOKING, PUBLIC, STAFF, Shown, at
from tests.browser.stage import Stage, set_stage
from tests.chromium import launch
from tests.conftest import OPTIONS, SECRET, temporary_directory

SIZES = {"phone": (390, 844), "desktop": (1280, 900)}
GROUPS = {"public": PUBLIC, "booking": BOOKING, "account": ACCOUNT, "staff": STAFF}


def main() -> int:
    parser = argparse.ArgumentParser(prog="jklg look", description=__doc__)
    parser.add_argument("--url", help="a house that is open already, say http://localhost:3000")
    parser.add_argument("--out", type=Path, default=Path("build/look"), help="the folder (build/look)")
    parser.add_argument("--only", default="", help="pages whose name begins so; or public, booking, account, staff")
    parser.add_argument("--language", default="", help="ar or hi: the pages under that prefix")
    parser.add_argument("--fold", action="store_true", help="what is seen before one scrolls, not the whole page")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    drawn = asyncio.run(_at_somebodys(asked) if asked.url else _at_our_own(asked))
    print(f"{drawn} pictures in {asked.out}")
    return 0 if drawn else 1


async def _at_somebodys(asked: argparse.Namespace) -> int:
    async with async_playwright() as playwright:
        browser = await launch(playwright)
        pages = _wanted("public", asked)
        for size in SIZES:
            for dark in (False, True):
                context = await _visitor(browser, asked.url.rstrip("/"), size, dark=dark)
                await _draw(context, pages, {}, f"{size}-{'dark' if dark else 'light'}", asked)
        return len(pages) * len(SIZES) * 2


async def _at_our_own(asked: argparse.Namespace) -> int:
    drawn = 0
    async with AsyncExitStack() as doors:
        folder = doors.enter_context(temporary_directory())
        server = embedded_postgres.start(folder, options=OPTIONS)
        doors.callback(server.close)
        await migrate(server.access.owner_url())
        db = await open_database(server.access.login_url())
        doors.push_async_callback(db.close)
        settings = Settings(secrets=(SECRET,), database_url=server.access.login_url(), data_dir=folder)
        browser = await launch(await doors.enter_async_context(async_playwright()))
        shop = await doors.enter_async_context(open_shop(settings, db, browser))
        signed_in = await _people(shop, browser, asked)
        for group, (state, addresses) in signed_in.items():
            pages = _wanted(group, asked)
            for size in SIZES:
                for dark in (False, True):
                    context = await _visitor(browser, shop.url, size, dark=dark, state=state)
                    await _draw(context, pages, addresses, f"{size}-{'dark' if dark else 'light'}", asked)
                    drawn += len(pages)
    return drawn


async def _people(
    shop: Shop, browser: Browser, asked: argparse.Namespace
) -> dict[str, tuple[str | None, Mapping[str, str]]]:
    """Who looks at which group of pages: the file with the cookies, and the addresses on the stage. Only those whose pages are wanted come."""
    found: dict[str, tuple[str | None, Mapping[str, str]]] = {"public": (None, {})}
    stage: Stage | None = None
    for groups, comes in ((("booking", "account"), Stage.asha), (("staff",), Stage.chitra)):
        if any(_wanted(group, asked) for group in groups):
            stage = stage or await set_stage(shop)
            context = await _visitor(browser, shop.url, "desktop", dark=False)
            await comes(stage, context)
            state = str(shop.house.settings.data_dir / f"{groups[0]}.json")
            await context.storage_state(path=state)
            await context.close()
            found.update(dict.fromkeys(groups, (state, stage.addresses)))
    return found


def _wanted(group: str, asked: argparse.Namespace) -> list[Shown]:
    if group == "staff" and asked.language == "ar":
        return []  # staff are not spoken to from right to left
    return [page for page in GROUPS[group] if asked.only == group or page.name.startswith(asked.only)]


async def _visitor(browser: Browser, url: str, size: str, *, dark: bool, state: str | None = None) -> BrowserContext:
    width, height = SIZES[size]
    return await browser.new_context(
        base_url=url,
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
        device_scale_factor=1,
        storage_state=state,
    )


async def _draw(
    context: BrowserContext, pages: Sequence[Shown], addresses: Mapping[str, str], way: str, asked: argparse.Namespace
) -> None:
    tab = await context.new_page()
    prefix = f"/{asked.language}" if asked.language else ""
    for page in pages:
        await tab.goto(at(page, addresses, prefix), wait_until="load")
        await tab.evaluate("for (const one of document.images) one.loading = 'eager'")
        await tab.evaluate("Promise.all([...document.images].map((one) => one.decode().catch(() => {})))")
        await tab.screenshot(path=asked.out / f"{page.name}-{way}.png", full_page=not asked.fold)
    await context.close()


if __name__ == "__main__":
    sys.exit(main())
