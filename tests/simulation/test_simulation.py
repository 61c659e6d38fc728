"""A small agency through a bad day, many times over: whatever the dice say, every invariant of the failure catalogue holds."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.simulation.climates import Climate
from tests.simulation.stage import Stage
from tests.simulation.world import live

SEEDS = 12
AT_ONCE = 4
ROOT = Path(__file__).parents[2]
EVERYWHERE = Climate(
    gateways=("sandbox manual", "stripe", "paypal", "razorpay"), terms=("tiers", "fixed"), troubles=("lose_webhooks", "refund_answers"),
    line=15, crashes=12, sold=2, turns=250, late_money=True, reconciles=True, daily_money=True,
)  # fmt: skip
"""A little of everything."""


@pytest.mark.parametrize("first", range(0, SEEDS, AT_ONCE))
async def test_whatever_goes_wrong_nothing_is_lost_doubled_or_stuck(first: int, stage: Stage) -> None:
    happened: Counter[str] = Counter()
    for seed in range(first, first + AT_ONCE):
        happened += (await live(seed, stage)).happened
    for wanted in ("completed", "expired", "crash", "connection lost", "payment_receipt"):
        assert happened[wanted], f"these worlds are too peaceful: no {wanted!r} in {dict(happened)}"


async def test_the_same_seed_tells_the_same_story_in_any_process_and_whatever_was_played_before(stage: Stage) -> None:
    """Nothing that differs between two processes may decide anything: hashes, addresses, the order of a set, how a table came to be."""
    lives = [await live(seed, stage, EVERYWHERE) for seed in (3, 7)]
    here = [each.fingerprint for each in lives]
    assert here[0] != here[1]
    assert await _fingerprints_elsewhere(stage, "4711", "7", "3") == here[::-1]


async def _fingerprints_elsewhere(stage: Stage, hash_seed: str, *seeds: str) -> list[str]:
    script = (
        "import asyncio, sys\n"
        "from tests.simulation.stage import open_stage\n"
        "from tests.simulation.test_simulation import EVERYWHERE\n"
        "from tests.simulation.world import live\n"
        "async def main():\n"
        "    async with open_stage(*sys.argv[1:3]) as stage:\n"
        "        for seed in sys.argv[3:]: print((await live(int(seed), stage, EVERYWHERE)).fingerprint)\n"
        "asyncio.run(main())"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stage.login_url, stage.superuser_url, *seeds, cwd=ROOT,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT)))},
    )  # fmt: skip
    said, trouble = await process.communicate()
    assert process.returncode == 0, trouble.decode()
    return said.decode().split()
