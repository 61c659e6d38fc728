"""`python -m tests.simulation --seeds 200 --from 0`: many seeds, one line each, and what happened in all of them.

Exit status 1 when a seed broke something. `--trace --from SEED --seeds 1` prints every turn of one.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import asyncpg

from jklg.kit import embedded_postgres
from jklg.migrations import migrate
from tests.conftest import temporary_directory
from tests.simulation.world import Broken, clear, world


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description="The seeded simulation.")
    parser.add_argument("--seeds", type=int, default=100, help="how many (default 100)")
    parser.add_argument("--from", dest="first", type=int, default=0, help="the first (default 0)")
    parser.add_argument("--keep-going", action="store_true", help="do not stop at the first seed that breaks something")
    parser.add_argument("--trace", action="store_true", help="print the whole trace of every seed")
    options = parser.parse_args()
    with temporary_directory() as directory:
        running = embedded_postgres.start(directory, options=embedded_postgres.FAST)
        try:
            return asyncio.run(_simulate(running.access, options))
        finally:
            running.close()


async def _simulate(access: embedded_postgres.Access, options: argparse.Namespace) -> int:
    name = "jklg_simulation"
    admin = await asyncpg.connect(access.admin_url())
    await admin.execute(f"CREATE DATABASE {name} OWNER jklg_owner")
    await admin.close()
    await migrate(access.owner_url(name))
    superuser = await asyncpg.connect(access.admin_url(name))
    happened: Counter[str] = Counter()
    broken: list[int] = []
    began = time.monotonic()
    for seed in range(options.first, options.first + options.seeds):
        await clear(superuser)
        with tempfile.TemporaryDirectory() as data_dir:
            async with world(seed, access.login_url(name), access.admin_url(name), Path(data_dir)) as simulated:
                try:
                    await simulated.run()
                    print(f"seed {seed}: {simulated.fingerprint[:12]}, {len(simulated.trace)} lines", flush=True)
                except Broken as story:
                    broken.append(seed)
                    print(f"seed {seed}: BROKEN\n{story}\n", flush=True)
                if options.trace:
                    print("\n".join(simulated.trace))
                happened += simulated.happened
        if broken and not options.keep_going:
            break
    await superuser.close()
    seconds = time.monotonic() - began
    lived = seed - options.first + 1
    print(", ".join(f"{number} x {what}" for what, number in happened.most_common()))
    print(f"{lived} seeds in {seconds:.1f} s ({lived / seconds:.2f} a second); {len(broken)} broken {broken or ''}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
