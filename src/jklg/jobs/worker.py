"""The worker: listens for news, and goes round looking at what is due. Any number may run against one database.

News is at-least-once, through pgqueuer: a listener that fails is tried again with growing, jittered pauses and is then
held, visible to staff, never lost. Sweeps are the house's own rounds; each is safe to run anywhere at any time, and one
that fails is logged and tried again with a growing pause without stopping the others.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import timedelta
from random import Random
from typing import Any, Protocol
from uuid import uuid4

import asyncpg
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver, AsyncpgPoolDriver
from pgqueuer.errors import RetryRequested
from pgqueuer.models import Job
from pgqueuer.ports.repository import EntrypointExecutionParameter
from pgqueuer.queries import Queries

from jklg.jobs.actions import LANGUAGE
from jklg.kit.db import Connection, Database, KeptConnection
from jklg.kit.languages import ENGLISH, speaking
from jklg.settings import Settings

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 10
LEASE = timedelta(seconds=60)
SELDOM = 60
"""Poll pauses between two rounds of a sweep that is unhurried."""

Listener = Callable[[Any, dict[str, Any]], Awaitable[None]]
Sweep = Callable[[Any], Awaitable[int]]


class House(Protocol):
    """What the worker needs of the house."""

    settings: Settings
    db: Database
    dice: Random


async def run(
    house: House,
    listeners: Mapping[str, list[Listener]],
    sweeps: Mapping[str, Sweep],
    stop: asyncio.Event,
    unhurried: Collection[str] = (),
) -> None:
    """Work until `stop` is set, then finish what is in hand. Sweeps that are `unhurried` begin later and go round seldom."""
    rounds = [
        asyncio.create_task(_go_round(house, name, sweep, stop, SELDOM if name in unhurried else 1))
        for name, sweep in sweeps.items()
    ]
    news = asyncio.create_task(_listen(house, listeners, stop))
    await stop.wait()
    await asyncio.gather(news, *rounds)


async def _go_round(house: House, name: str, sweep: Sweep, stop: asyncio.Event, pauses: int) -> None:
    """Run one sweep again and again: at once while there is work, else after so many poll pauses; longer after each failure."""
    failures = 0
    if pauses > 1:
        await _pause(stop, house.settings.worker_poll_seconds * 5)  # what hurries first
    while not stop.is_set():
        found = 0
        try:
            found = await sweep(house)
            failures = 0
        except Exception:
            failures += 1
            log.exception("the round %r failed (%d in a row)", name, failures)
        pause = house.settings.worker_poll_seconds * max(pauses, min(2**failures, 60))
        if not found or failures:
            await _pause(stop, pause)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


async def _listen(house: House, listeners: Mapping[str, list[Listener]], stop: asyncio.Event) -> None:
    """Hand news to its listeners until `stop` is set; after a lost connection, begin again."""
    while not stop.is_set():
        try:
            # pgqueuer reads and writes JSON as text, so its connections have none of our codecs.
            async with asyncpg.create_pool(
                house.settings.database_url,
                min_size=1,
                max_size=3,
                connection_class=KeptConnection,
                server_settings={"application_name": "jklg news", "role": "jklg_app"},
            ) as pool:
                await _consume(house, pool, listeners, stop)
        except Exception:
            log.exception("listening for news failed; trying again")
            await _pause(stop, 5)


async def _consume(
    house: House, pool: asyncpg.Pool[asyncpg.Record], listeners: Mapping[str, list[Listener]], stop: asyncio.Event
) -> None:
    queue = PgQueuer(AsyncpgPoolDriver(pool))
    for news, actors in listeners.items():
        queue.entrypoint(news, on_failure="hold")(_entrypoint(house, news, actors))
    stopper = asyncio.create_task(_forward(stop, queue.shutdown))
    try:
        await queue.qm.run(
            dequeue_timeout=timedelta(seconds=max(1.0, house.settings.worker_poll_seconds)),
            batch_size=50,
            heartbeat_timeout=LEASE,
            log_aggregation_interval=timedelta(0),
        )
    finally:
        stopper.cancel()


async def _forward(stop: asyncio.Event, shutdown: asyncio.Event) -> None:
    await stop.wait()
    shutdown.set()


def _entrypoint(house: House, news: str, actors: list[Listener]) -> Callable[[Job], Awaitable[None]]:
    async def act(job: Job) -> None:
        try:
            await _tell(house, actors, job)
        except Exception as error:
            if job.attempts >= MAX_ATTEMPTS:
                raise
            log.warning("news %s (%s) failed: %r", news, job.id, error)
            pause = min(2.0**job.attempts, 600.0) * (0.5 + house.dice.random())
            raise RetryRequested(delay=timedelta(seconds=pause), reason=repr(error)) from error

    return act


async def _tell(house: House, actors: list[Listener], job: Job) -> None:
    payload = json.loads(job.payload or b"{}")
    with speaking(payload.pop(LANGUAGE, ENGLISH)):
        for actor in actors:
            await actor(house, payload)


async def drain(house: House, listeners: Mapping[str, list[Listener]], conn: Connection | None = None) -> int:
    """Act on all news that is due, one after the other in the order it was announced. Returns how many.

    For tests and the simulation, which want one thing at a time; a failing listener raises here. `conn`: to fetch the news with,
    without our codecs, for who has one already.
    """
    if conn is not None:
        return await _drain(house, listeners, conn)
    conn = await asyncpg.connect(house.settings.database_url, server_settings={"role": "jklg_app"})
    try:
        return await _drain(house, listeners, conn)
    finally:
        await conn.close()


async def _drain(house: House, listeners: Mapping[str, list[Listener]], conn: Connection) -> int:
    done = 0
    queries = Queries(AsyncpgDriver(conn))  # type: ignore[arg-type]
    wanted = {news: EntrypointExecutionParameter(concurrency_limit=0) for news in listeners}
    while True:
        jobs = await queries.dequeue(
            batch_size=1,
            entrypoints=wanted,  # type: ignore[arg-type]
            queue_manager_id=uuid4(),  # type: ignore[arg-type]
            global_concurrency_limit=None,
            heartbeat_timeout=LEASE,
        )
        if not jobs:
            return done
        await _tell(house, listeners[jobs[0].entrypoint], jobs[0])
        await queries.log_jobs([(jobs[0], "successful", None)])
        done += 1
