"""Who guards the guards: with each of these bugs planted, the simulation must fail."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from tests.conftest import FreshDatabase, Server
from tests.simulation.mutations import MUTATIONS, Mutation
from tests.simulation.world import Broken, clear, world

SEEDS = 40
"""In how many worlds it must be found, after the one in which it was found last."""


async def find(seed: int, login_url: str, superuser_url: str, data_dir: Path) -> list[str]:
    """What one world finds."""
    superuser = await asyncpg.connect(superuser_url)
    try:
        await clear(superuser)
    finally:
        await superuser.close()
    async with world(seed, login_url, superuser_url, data_dir) as simulated:
        try:
            await simulated.run()
        except Broken as broken:
            return broken.findings
    return []


@pytest.mark.slow
@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
async def test_the_simulation_finds_a_planted_bug(
    mutation: Mutation, fresh_database: FreshDatabase, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    superuser_url = server.admin_url(urlsplit(fresh_database.login_url).path.lstrip("/"))
    if mutation.sql:
        superuser = await asyncpg.connect(superuser_url)
        await superuser.execute(mutation.sql)
        await superuser.close()
    if mutation.patch is not None:
        mutation.patch(monkeypatch)
    for seed in (mutation.seed, *range(SEEDS)):
        found = await find(seed, fresh_database.login_url, superuser_url, tmp_path)
        if found:
            print(f"found in seed {seed}: {'; '.join(found)}")
            assert mutation.found_as in "\n".join(found)
            return
    pytest.fail(f"{mutation.name}: not found in seed {mutation.seed} nor in {SEEDS} others")
