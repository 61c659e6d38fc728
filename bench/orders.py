"""`bench orders`: lives of a payment, heard of in any order, doubled and with losses; each must leave the same rows and the same books."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

from bench.report import Report
from jklg.kit.embedded_postgres import Access
from jklg.settings import Settings
from tests.payments.conftest import open_street
from tests.payments.gateways.counters import COUNTERS
from tests.payments.stories import tell
from tests.simulation.stage import fresh_stage, postgres

RUNS, ORDERS, STORIES_A_STAGE = 50_000, 20, 50


def run(options: argparse.Namespace) -> Report:
    report = Report("orders")
    runs = options.count or (RUNS // 10 if options.quick else RUNS)
    with postgres() as access:
        asyncio.run(_run(report, access, runs // ORDERS))
    return report


async def _run(report: Report, access: Access, stories: int) -> None:
    wrong = 0
    for first in range(0, stories, STORIES_A_STAGE):
        with tempfile.TemporaryDirectory() as data_dir:
            async with fresh_stage(access) as stage:
                settings = Settings(
                    secrets=("a fixed secret for the stories, 0123456789",),
                    database_url=stage.login_url,
                    data_dir=Path(data_dir),
                )
                async with open_street(settings, stage.superuser_url) as street:
                    counters = [counter() for counter in COUNTERS.values()]
                    for number in range(first, min(first + STORIES_A_STAGE, stories)):
                        try:
                            await tell(street, counters[number % len(counters)], number, ORDERS)
                        except AssertionError as otherwise:
                            wrong += 1
                            report.say(f"story {number}: {otherwise}")
        report.say(f"  {min(first + STORIES_A_STAGE, stories)} of {stories} stories, {ORDERS} orders each")
    report.exactly("stories that an order changed", wrong, 0)
