"""A small agency through a bad day, many times over: whatever the dice say, every invariant of the failure catalogue holds."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from tests.conftest import FreshDatabase, Server
from tests.simulation.world import World, clear, world

SEEDS = 30
AT_ONCE = 5


async def live(seeds: range, fresh_database: FreshDatabase, server: Server, data_dir: Path) -> list[World]:
    """One world after the other on one database. Broken tells the story of the first that fails."""
    superuser_url = server.admin_url(urlsplit(fresh_database.login_url).path.lstrip("/"))
    superuser = await asyncpg.connect(superuser_url)
    lived = []
    try:
        for seed in seeds:
            await clear(superuser)
            async with world(seed, fresh_database.login_url, superuser_url, data_dir) as simulated:
                await simulated.run()
                lived.append(simulated)
    finally:
        await superuser.close()
    return lived


@pytest.mark.parametrize("first", range(0, SEEDS, AT_ONCE))
async def test_whatever_goes_wrong_nothing_is_lost_doubled_or_stuck(
    first: int, fresh_database: FreshDatabase, server: Server, tmp_path: Path
) -> None:
    lived = await live(range(first, first + AT_ONCE), fresh_database, server, tmp_path)
    happened = sum((simulated.happened for simulated in lived), lived[0].happened.__class__())
    for wanted in ("completed", "expired", "crash", "sold_out", "pays", "is declined", "bad_signature"):
        assert happened[wanted], f"these worlds are too peaceful: no {wanted!r} in {dict(happened)}"


async def test_the_same_seed_tells_the_same_story(
    fresh_database: FreshDatabase, server: Server, tmp_path: Path
) -> None:
    (once,) = await live(range(7, 8), fresh_database, server, tmp_path)
    (again,) = await live(range(7, 8), fresh_database, server, tmp_path)
    (other,) = await live(range(8, 9), fresh_database, server, tmp_path)
    assert once.trace == again.trace
    assert once.fingerprint == again.fingerprint != other.fingerprint
