"""What pages cost: the server's time for a journey's page with 10,000 departures on sale, the weight of the home page, the JavaScript of any page.

The time is measured at the server, over one kept connection, one request after the other: nobody else's waiting is in it. A page that shows what it
showed a moment ago is not printed again; what it costs when it must be stands beside it. The weight is what a browser
fetches, compressed as we send it, counted by a browser with an empty cache that scrolls to the end.
"""

from __future__ import annotations

import asyncio
import http.client
import os
import statistics
import time
from argparse import Namespace
from uuid import UUID

import asyncpg
from playwright.async_api import async_playwright

from bench.report import Report
from bench.stand import Stand, standing
from jklg import demo
from jklg.kit.db import open_database
from jklg.kit.ids import uuid7
from tests.browser.pages import PUBLIC
from tests.browser.weights import HOME_BYTES, SCRIPT_BYTES, weigh
from tests.chromium import launch

DEPARTURES = 10_000
P50_MS = 8.0
JOURNEY = "/packages/kashmir-bliss"


def run(options: Namespace) -> Report:
    report = Report("pages")
    rounds = 60 if options.quick else 600
    with standing() as stand:
        _fill(stand)
        with stand.server("jklg", JKLG_ENV="development") as server:
            for name, path in (
                ("a journey", JOURNEY),
                ("the list", "/packages"),
                ("home", "/"),
                ("a place", "/destinations/gulmarg"),
            ):
                p50 = _p50_ms(server.port, path, rounds)
                what = f"{name}, median of {rounds} answers"
                if path == JOURNEY:
                    report.at_most(what, p50, P50_MS, " ms")
                    anew = _p50_ms(server.port, path, rounds, anew=True)
                    report.beside("the same, printed anew for each (web/reprints)", anew, " ms")
                else:
                    report.beside(what, p50, " ms")
            weights = asyncio.run(_weigh(f"http://localhost:{server.port}"))
    home = weights["home"]
    report.at_most("home page, all of it", sum(home.values()), HOME_BYTES, " bytes")
    for kind, size in sorted(home.items()):
        report.beside(f"of that, {kind}", size, " bytes")
    heaviest = max(weights, key=lambda name: weights[name].get("script", 0))
    report.at_most(
        f"JavaScript, most on any page ({heaviest})", weights[heaviest].get("script", 0), SCRIPT_BYTES, " bytes"
    )
    return report


def _fill(stand: Stand) -> None:
    """The demo agency, and departures of its first journey until there are enough."""

    async def fill() -> None:
        database = await open_database(stand.url)
        await demo.load(database)
        await database.close()
        conn = await asyncpg.connect(stand.owner_url)
        try:
            package: UUID = await conn.fetchval("SELECT id FROM packages WHERE slug = 'kashmir-bliss'")
            present = int(await conn.fetchval("SELECT count(*) FROM departures"))
            ids = [uuid7() for _ in range(DEPARTURES - present)]
            await conn.execute(
                """
                INSERT INTO departures (id, package_id, starts_on, ends_on, cutoff_at, currency, allotment)
                SELECT id, $2, current_date + 10 + (n % 1500)::integer, current_date + 15 + (n % 1500)::integer,
                       now() + interval '8 days', 'INR', 12
                FROM unnest($1::uuid[]) WITH ORDINALITY AS d(id, n)
                """,
                ids,
                package,
            )
            await conn.execute(
                """
                INSERT INTO departure_prices (departure_id, category, amount, min_age, max_age, takes_seat)
                SELECT id, p.* FROM unnest($1::uuid[]) AS d(id), (VALUES
                    ('adult', 2499900::bigint, 12, 150, true), ('child', 1749900, 3, 11, true), ('infant', 100000, 0, 2, false)
                ) AS p
                """,
                ids,
            )
            await conn.execute("VACUUM ANALYZE")
        finally:
            await conn.close()

    asyncio.run(fill())


def _p50_ms(port: int, path: str, rounds: int, *, anew: bool = False) -> float:
    """`anew`: no two requests are for the same page, since a page names the address that was asked for."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    times = []
    for number in range(rounds + 20):
        began = time.perf_counter()
        connection.request("GET", f"{path}?{number}" if anew else path, headers={"Accept-Encoding": "gzip"})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise AssertionError(f"{path}: {answer.status}")
        if number >= 20:
            times.append((time.perf_counter() - began) * 1000)
    connection.close()
    return statistics.median(times)


async def _weigh(url: str) -> dict[str, dict[str, int]]:
    """Page -> kind of resource -> bytes on the wire."""
    os.environ.setdefault("JKLG_TEST_BROWSER", "/usr/bin/chromium")
    found: dict[str, dict[str, int]] = {}
    async with async_playwright() as playwright:
        browser = await launch(playwright)
        for page in PUBLIC:
            context = await browser.new_context(viewport={"width": 390, "height": 844}, reduced_motion="reduce")
            found[page.name] = await weigh(context, url + page.path)
            await context.close()
        await browser.close()
    return found
