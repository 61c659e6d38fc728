"""`bench orders`: lives of a payment, heard of in any order, doubled and with losses; each must leave the same rows and the same books."""

from __future__ import annotations

import argparse
import tempfile
from concurrent.futures import as_completed
from pathlib import Path

import uvloop

from bench.cores import every_core
from bench.report import Report
from jklg.kit.embedded_postgres import Access
from jklg.settings import Settings
from tests.payments.conftest import open_street
from tests.payments.gateways.counters import COUNTERS
from tests.payments.stories import tell
from tests.simulation.stage import fresh_stage

RUNS, ORDERS, STORIES_A_STAGE = 50_000, 20, 50


def run(options: argparse.Namespace) -> Report:
    report = Report("orders")
    stories = (options.count or (RUNS // 10 if options.quick else RUNS)) // ORDERS
    with every_core() as (access, pool):
        begun = [
            pool.submit(told, access, first, min(first + STORIES_A_STAGE, stories))
            for first in range(0, stories, STORIES_A_STAGE)
        ]
        done, wrong = 0, 0
        for some in as_completed(begun):
            heard, changed = some.result()
            done += heard
            wrong += len(changed)
            for story in changed:
                report.say(story)
            report.say(f"  {done} of {stories} stories, {ORDERS} orders each")
    report.exactly("stories that an order changed", wrong, 0)
    return report


def told(access: Access, first: int, last: int) -> tuple[int, list[str]]:
    """In a process of its own: how many stories were told, and those that an order changed."""

    async def some() -> list[str]:
        changed = []
        with tempfile.TemporaryDirectory() as data_dir:
            async with fresh_stage(access) as stage:
                settings = Settings(
                    secrets=("a fixed secret for the stories, 0123456789",),
                    database_url=stage.login_url,
                    data_dir=Path(data_dir),
                )
                async with open_street(settings, stage.superuser_url) as street:
                    counters = [counter() for counter in COUNTERS.values()]
                    for number in range(first, last):
                        try:
                            await tell(street, counters[number % len(counters)], number, ORDERS)
                        except AssertionError as otherwise:
                            changed.append(f"story {number}: {otherwise}")
        return changed

    return last - first, uvloop.run(some())
