"""`python -m tests.simulation --seeds 200 --from 0`: many seeds, one line each, and what happened in all of them.

`--trace --from SEED --seeds 1` prints every turn of one, `--plant NAME` plants one of the bugs of `mutations` first and lives in its
climate, `--hunt` looks for every planted bug and writes down the worlds that have found them.
Exit status 1 when a seed broke something, or a planted bug was not found. docs/simulation.md tells how to read what is printed.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections import Counter

import pytest

from jklg.kit.embedded_postgres import Access
from tests.simulation.hunt import hunt, named, plant, write_seeds
from tests.simulation.mutations import MUTATIONS, SEEDS, Mutation
from tests.simulation.stage import fresh_stage, postgres
from tests.simulation.world import Broken, live


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulation",
        description="The seeded simulation.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="bugs to plant:\n" + "\n".join(f"  {mutation.name}" for mutation in MUTATIONS),
    )
    parser.add_argument("--seeds", type=int, default=100, help="how many (default 100)")
    parser.add_argument("--from", dest="first", type=int, default=0, help="the first (default 0)")
    parser.add_argument("--keep-going", action="store_true", help="do not stop at the first seed that breaks something")
    parser.add_argument("--trace", action="store_true", help="print the whole trace of every seed")
    parser.add_argument("--plant", metavar="NAME", help="plant one of the bugs below first")
    parser.add_argument(
        "--hunt", action="store_true", help="look for every bug below, and write mutations/seeds.py anew"
    )
    options = parser.parse_args()
    if options.seeds < 1:
        parser.error("--seeds must be 1 or more")
    try:
        mutation = named(options.plant) if options.plant else None
    except ValueError as error:
        parser.error(str(error))
    with postgres() as access:
        if options.hunt:
            return asyncio.run(_hunt(access))
        return asyncio.run(_simulate(access, options, mutation))


async def _simulate(access: Access, options: argparse.Namespace, mutation: Mutation | None) -> int:
    happened: Counter[str] = Counter()
    broken: list[int] = []
    climate = mutation.climate if mutation else None
    began = time.monotonic()
    async with fresh_stage(access) as stage:
        with pytest.MonkeyPatch.context() as patch:
            if mutation is not None:
                await plant(mutation, stage, patch)
            for seed in range(options.first, options.first + options.seeds):
                try:
                    simulated = await live(seed, stage, climate)
                    print(f"seed {seed}: {simulated.fingerprint[:12]}, {len(simulated.trace)} lines", flush=True)
                except Broken as story:
                    simulated = story.world
                    broken.append(seed)
                    print(f"seed {seed}: BROKEN\n{story}\n", flush=True)
                if options.trace:
                    print("\n".join(simulated.trace))
                happened += simulated.happened
                if broken and not options.keep_going:
                    break
    seconds = time.monotonic() - began
    lived = seed - options.first + 1
    print(", ".join(f"{number} x {what}" for what, number in happened.most_common()))
    print(f"{lived} seeds in {seconds:.1f} s ({lived / seconds:.2f} a second); {len(broken)} broken {broken or ''}")
    return 1 if broken else 0


async def _hunt(access: Access) -> int:
    """Every planted bug, each in a house of its own. What is not found as what it is keeps the worlds that it had."""
    worlds = dict(SEEDS)
    missed = 0
    for mutation in MUTATIONS:
        async with fresh_stage(access) as stage:
            found = await hunt(mutation, stage)
        if found is not None and found.speaks_of(mutation):
            worlds[mutation.name] = (found.seed,)
            said = f"seed {found.seed}, the {found.worlds}. world"
        else:
            missed += 1
            said = f"as something else in seed {found.seed}: {found.findings}" if found else "NOT FOUND"
        print(f"{mutation.name}: {said}", flush=True)
    write_seeds({mutation.name: worlds.get(mutation.name, (0,)) for mutation in MUTATIONS})
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
