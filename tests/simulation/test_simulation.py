"""A small agency through a bad day, many times over: whatever the dice say, every invariant of the failure catalogue holds."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.simulation.stage import Stage, live

SEEDS = 30
AT_ONCE = 10
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("first", range(0, SEEDS, AT_ONCE))
async def test_whatever_goes_wrong_nothing_is_lost_doubled_or_stuck(first: int, stage: Stage) -> None:
    happened: Counter[str] = Counter()
    for seed in range(first, first + AT_ONCE):
        happened += (await live(seed, stage)).happened
    for wanted in (
        "completed", "expired", "crash", "connection lost", "sold_out", "pays", "is declined", "bad_signature"
    ):  # fmt: skip
        assert happened[wanted], f"these worlds are too peaceful: no {wanted!r} in {dict(happened)}"


async def test_the_same_seed_tells_the_same_story(stage: Stage) -> None:
    once, again, other = [await live(seed, stage) for seed in (7, 7, 8)]
    assert once.trace == again.trace
    assert once.fingerprint == again.fingerprint != other.fingerprint


async def test_the_same_seed_tells_the_same_story_in_another_process(stage: Stage) -> None:
    """Nothing that differs between two processes may decide anything: hashes, addresses, the order of a set."""
    seeds = ("3", "21")
    here = [(await live(int(seed), stage)).fingerprint for seed in seeds]
    for hash_seed in ("1", "4711"):
        assert await _fingerprints_elsewhere(stage, hash_seed, *seeds) == here, f"PYTHONHASHSEED={hash_seed}"


async def _fingerprints_elsewhere(stage: Stage, hash_seed: str, *seeds: str) -> list[str]:
    script = (
        "import asyncio, sys\n"
        "from tests.simulation.stage import Stage, live\n"
        "stage = Stage(*sys.argv[1:3])\n"
        "for seed in sys.argv[3:]: print(asyncio.run(live(int(seed), stage)).fingerprint)"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, *stage, *seeds, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT)))},
    )  # fmt: skip
    said, trouble = await process.communicate()
    assert process.returncode == 0, trouble.decode()
    return said.decode().split()
