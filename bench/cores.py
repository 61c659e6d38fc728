"""Stories on every core: one PostgreSQL, and a process for each core that tells some of them on a stage of its own."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context

from jklg.kit.embedded_postgres import Access
from tests.simulation.stage import fresh_stage, postgres

CORES = os.cpu_count() or 1


@contextmanager
def every_core() -> Iterator[tuple[Access, ProcessPoolExecutor]]:
    """The template that every process copies is made before."""
    with postgres() as access, ProcessPoolExecutor(CORES, get_context("spawn")) as pool:
        asyncio.run(_prepare(access))
        yield access, pool


async def _prepare(access: Access) -> None:
    async with fresh_stage(access):
        pass
