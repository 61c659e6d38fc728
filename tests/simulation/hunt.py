"""The search for a planted bug: which world finds it, and as what."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import asyncpg
import pytest

from tests.simulation.mutations import MUTATIONS, Mutation
from tests.simulation.stage import Stage, live
from tests.simulation.world import Broken

OTHERS = range(100)
"""The worlds that are tried after the one that is known to find a bug."""


class Found(NamedTuple):
    """What one world says of a bug."""

    seed: int
    findings: list[str]

    def speaks_of(self, mutation: Mutation) -> bool:
        """Whether it was found as what it is, and not by accident."""
        return any(mutation.found_as in finding for finding in self.findings)


def named(name: str) -> Mutation:
    """ValueError with all names when there is no such bug."""
    for mutation in MUTATIONS:
        if mutation.name == name:
            return mutation
    raise ValueError("no such bug; there are:\n" + "\n".join(f"  {mutation.name}" for mutation in MUTATIONS))


async def plant(mutation: Mutation, stage: Stage, patch: pytest.MonkeyPatch) -> None:
    """Into the house until `patch` is undone, and into this database for good."""
    if mutation.sql:
        superuser = await asyncpg.connect(stage.superuser_url)
        try:
            await superuser.execute(mutation.sql)
        finally:
            await superuser.close()
    if mutation.patch is not None:
        mutation.patch(patch)


async def hunt(mutation: Mutation, stage: Stage, others: Iterable[int] = OTHERS) -> Found | None:
    """Plant it on a fresh stage and live, first in the world that is known to find it. The house is sound again afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        await plant(mutation, stage, patch)
        for seed in (mutation.seed, *others):
            try:
                await live(seed, stage)
            except Broken as broken:
                return Found(seed, broken.findings)
    return None
