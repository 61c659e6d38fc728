"""Who guards the guards: with each of these bugs planted, the simulation must fail, and say of what."""

from __future__ import annotations

import pytest

from tests.simulation.hunt import OTHERS, hunt
from tests.simulation.mutations import MUTATIONS, SEEDS, Mutation
from tests.simulation.stage import Stage


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
async def test_the_simulation_finds_a_planted_bug(mutation: Mutation, stage: Stage) -> None:
    found = await hunt(mutation, stage)
    assert found is not None, f"not found in the worlds that have found it before, nor in {OTHERS} others"
    print(f"found in seed {found.seed}, after {found.worlds} worlds: {'; '.join(found.findings)}")
    assert found.speaks_of(mutation), f"found in seed {found.seed}, but as something else: {found.findings}"


def test_every_planted_bug_has_a_name_of_its_own_and_worlds_that_have_found_it() -> None:
    names = [mutation.name for mutation in MUTATIONS]
    assert len(names) == len(set(names)) >= 40
    assert set(names) == set(SEEDS)
