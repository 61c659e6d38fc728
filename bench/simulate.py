"""`bench simulate`: the seeded simulation, many seeds; then every planted bug, to see that the invariants still bite."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections import Counter

from bench.report import Report
from jklg.kit.embedded_postgres import Access
from tests.simulation.hunt import hunt
from tests.simulation.mutations import MUTATIONS
from tests.simulation.stage import fresh_stage, postgres
from tests.simulation.world import Broken, live

SEEDS = 500
STEPS = 10


def run(options: argparse.Namespace) -> Report:
    seeds = options.count or (SEEDS // 10 if options.quick else SEEDS)
    report = Report("simulate")
    with postgres() as access:
        asyncio.run(_run(report, access, seeds))
    return report


async def _run(report: Report, access: Access, seeds: int) -> None:
    await _live(report, access, seeds)
    await _hunt(report, access)


async def _live(report: Report, access: Access, seeds: int) -> None:
    """No world may break an invariant."""
    report.say(f"seeds 0 to {seeds - 1}, one process; a world is a thousand turns and the days until all is quiet")
    happened: Counter[str] = Counter()
    broken: list[int] = []
    began = time.monotonic()
    async with fresh_stage(access) as stage:
        for seed in range(seeds):
            try:
                happened += (await live(seed, stage)).happened
            except Broken as story:
                broken.append(seed)
                report.say(f"{story}\n")
            lived = seed + 1
            if lived * STEPS // seeds > seed * STEPS // seeds:
                report.say(f"  {lived} of {seeds}")
    seconds = time.monotonic() - began
    report.say("what happened: " + ", ".join(f"{number} x {what}" for what, number in happened.most_common()))
    report.beside("seeds a second", seeds / seconds)
    report.exactly(f"worlds that broke an invariant{f' (seeds {broken})' if broken else ''}", len(broken), 0)


async def _hunt(report: Report, access: Access) -> None:
    """Every planted bug must be found, and as what it is."""
    report.say("\nbugs planted, one at a time:")
    found = 0
    for mutation in MUTATIONS:
        async with fresh_stage(access) as stage:
            finding = await hunt(mutation, stage)
        if finding is None:
            said = "NOT FOUND"
        elif finding.speaks_of(mutation):
            found += 1
            said = f"found in seed {finding.seed}"
        else:
            said = f"found in seed {finding.seed}, but as something else: {'; '.join(finding.findings)}"
        report.say(f"  {mutation.name}: {said}")
    report.exactly("planted bugs found", found, len(MUTATIONS))
