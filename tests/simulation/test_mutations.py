"""Who guards the guards: with each of these bugs planted, the simulation must fail, and say of what."""

from __future__ import annotations

import pytest

from tests.simulation.hunt import OTHERS, hunt
from tests.simulation.mutations import MUTATIONS, Mutation
from tests.simulation.stage import Stage


@pytest.mark.slow
@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
async def test_the_simulation_finds_a_planted_bug(mutation: Mutation, stage: Stage) -> None:
    found = await hunt(mutation, stage)
    assert found is not None, f"not found in seed {mutation.seed} nor in {len(OTHERS)} others"
    print(f"found in seed {found.seed}: {'; '.join(found.findings)}")
    assert found.speaks_of(mutation), f"found in seed {found.seed}, but as something else: {found.findings}"
