"""The search for a planted bug: how many worlds of its climate it takes, and as what it is found."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.simulation.mutations import MUTATIONS, SEEDS, Mutation
from tests.simulation.stage import Stage
from tests.simulation.world import Broken, live

OTHERS = 15
"""How many worlds are tried after those that have found the bug before, one of which is nearly always enough."""


_SEEDS = Path(__file__).parent / "mutations" / "seeds.py"


class Found(NamedTuple):
    """What one world says of a bug. `worlds`: how many it took."""

    seed: int
    worlds: int
    findings: list[str]

    def speaks_of(self, mutation: Mutation) -> bool:
        """Whether it was found as what it is, and not by accident."""
        return any(sentence in finding for finding in self.findings for sentence in mutation.found_as)


def named(name: str) -> Mutation:
    """ValueError with all names when there is no such bug."""
    for mutation in MUTATIONS:
        if mutation.name == name:
            return mutation
    raise ValueError("no such bug; there are:\n" + "\n".join(f"  {mutation.name}" for mutation in MUTATIONS))


async def plant(mutation: Mutation, stage: Stage, patch: pytest.MonkeyPatch) -> None:
    """Into the house until `patch` is undone, and into this database for good."""
    if mutation.sql:
        await stage.superuser.execute(mutation.sql)
    if mutation.patch is not None:
        mutation.patch(patch)


async def hunt(mutation: Mutation, stage: Stage, *, others: int = OTHERS) -> Found | None:
    """Plant it on a fresh stage and live, in worlds of its climate: first those that have found it before, then the first of all, until
    it is found as what it is. Found as something else is told when nothing better comes. The house is sound again afterwards."""
    known = SEEDS.get(mutation.name, ())
    first = (seed for seed in range(others + len(known)) if seed not in known)
    otherwise = None
    with pytest.MonkeyPatch.context() as patch:
        await plant(mutation, stage, patch)
        for number, seed in enumerate((*known, *islice(first, others)), 1):
            try:
                await live(seed, stage, mutation.climate)
            except Broken as broken:
                found = Found(seed, number, broken.findings)
                if found.speaks_of(mutation):
                    return found
                otherwise = otherwise or found
    return otherwise


def write_seeds(worlds: dict[str, tuple[int, ...]]) -> None:
    """The file of the worlds that have found each bug, with these ones."""
    text = _SEEDS.read_text("utf-8")
    head = text[: text.index("SEEDS: dict")]
    lines = "".join(f'    "{name}": {seeds},\n' for name, seeds in worlds.items())
    _SEEDS.write_text(f"{head}SEEDS: dict[str, tuple[int, ...]] = {{\n{lines}}}\n", "utf-8")
