"""`bench simulate`: the seeded simulation, many seeds, on every core; then every planted bug, to see that the invariants still bite."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, as_completed
from typing import NamedTuple

import uvloop

from bench.cores import CORES, every_core
from bench.report import Report
from jklg.kit.embedded_postgres import Access
from tests.simulation.hunt import Found, hunt, named
from tests.simulation.mutations import MUTATIONS
from tests.simulation.stage import fresh_stage
from tests.simulation.world import Broken, live

SEEDS = 10_000
AT_ONCE = 100
"""Worlds on one database, one after the other."""
STEPS = 20


class Lived(NamedTuple):
    """What became of some worlds. `broken`: seed and story."""

    worlds: int
    happened: Counter[str]
    broken: list[tuple[int, str]]


def run(options: argparse.Namespace) -> Report:
    seeds = options.count or (SEEDS // 10 if options.quick else SEEDS)
    report = Report("simulate")
    with every_core() as (access, pool):
        _live(report, seeds, [pool.submit(live_through, access, *slice_) for slice_ in _slices(seeds)])
        _hunt(report, {mutation.name: pool.submit(hunted, access, mutation.name) for mutation in MUTATIONS})
    return report


def _slices(seeds: int) -> Iterator[tuple[int, int]]:
    for first in range(0, seeds, AT_ONCE):
        yield first, min(first + AT_ONCE, seeds)


def _live(report: Report, seeds: int, lives: list[Future[Lived]]) -> None:
    """No world may break an invariant."""
    report.say(
        f"seeds 0 to {seeds - 1}, {CORES} processes; a world is some hundred turns and the days until all is quiet"
    )
    happened: Counter[str] = Counter()
    broken: list[int] = []
    lived = 0
    began = time.monotonic()
    for done in as_completed(lives):
        some = done.result()
        happened += some.happened
        for seed, story in some.broken:
            broken.append(seed)
            report.say(f"{story}\n")
        if (lived + some.worlds) * STEPS // seeds > lived * STEPS // seeds:
            report.say(f"  {lived + some.worlds} of {seeds}, {len(broken)} broken, {time.monotonic() - began:.0f} s")
        lived += some.worlds
    seconds = time.monotonic() - began
    report.say("what happened: " + ", ".join(f"{number} x {what}" for what, number in happened.most_common()))
    report.beside("seeds a second", seeds / seconds)
    report.exactly(f"worlds that broke an invariant{f' (seeds {sorted(broken)})' if broken else ''}", len(broken), 0)


def _hunt(report: Report, hunts: dict[str, Future[Found | None]]) -> None:
    """Every planted bug must be found, and as what it is."""
    report.say("\nbugs planted, one at a time:")
    found = 0
    for name, hunting in hunts.items():
        finding = hunting.result()
        if finding is None:
            said = "NOT FOUND"
        elif finding.speaks_of(named(name)):
            found += 1
            said = f"found in seed {finding.seed}, the {finding.worlds}. world"
        else:
            said = f"found in seed {finding.seed}, but as something else: {'; '.join(finding.findings)}"
        report.say(f"  {name}: {said}")
    report.exactly("planted bugs found", found, len(hunts))


def live_through(access: Access, first: int, last: int) -> Lived:
    """In a process of its own."""

    async def some() -> Lived:
        happened: Counter[str] = Counter()
        broken: list[tuple[int, str]] = []
        async with fresh_stage(access) as stage:
            for seed in range(first, last):
                try:
                    happened += (await live(seed, stage)).happened
                except Broken as story:
                    broken.append((seed, str(story)))
        return Lived(last - first, happened, broken)

    return uvloop.run(some())


def hunted(access: Access, name: str) -> Found | None:
    """In a process of its own."""

    async def search() -> Found | None:
        async with fresh_stage(access) as stage:
            return await hunt(named(name), stage)

    return uvloop.run(search())
