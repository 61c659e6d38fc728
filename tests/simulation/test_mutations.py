"""Who guards the guards: with each of these bugs planted, the simulation must fail."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from tests.conftest import FreshDatabase, Server
from tests.simulation.mutations import MUTATIONS, Mutation
from tests.simulation.world import Broken, clear, world

SEEDS = 30
"""In how many worlds it must be found, after the one in which it was found last."""


@pytest.mark.slow
@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
async def test_the_simulation_finds_a_planted_bug(
    mutation: Mutation, fresh_database: FreshDatabase, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    superuser_url = server.admin_url(urlsplit(fresh_database.login_url).path.lstrip("/"))
    superuser = await asyncpg.connect(superuser_url)
    try:
        if mutation.sql:
            await superuser.execute(mutation.sql)
        if mutation.patch is not None:
            mutation.patch(monkeypatch)
        for seed in (mutation.seed, *range(SEEDS)):
            await clear(superuser)
            try:
                async with world(seed, fresh_database.login_url, superuser_url, tmp_path) as simulated:
                    await simulated.run()
            except Broken as broken:
                print(f"found in seed {seed}: {'; '.join(broken.findings)}")
                assert mutation.found_as in "\n".join(broken.findings)
                return
    finally:
        await superuser.close()
    pytest.fail(f"{mutation.name}: not found in seed {mutation.seed} nor in {SEEDS} others")
