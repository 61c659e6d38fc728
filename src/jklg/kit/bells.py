"""Bells: one connection of a process hears what the database announces on a channel, and wakes whoever waits for that name.

A bell carries nothing: whoever is woken goes and looks. So a bell that was not heard, because the connection was lost just then, is only
a delay, and everybody is woken once when the connection is there again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jklg.kit.db import Database

log = logging.getLogger(__name__)
PAUSE_SECONDS = 2.0
"""Before a lost connection is replaced."""


class Bells:
    """Those who wait on one channel in this process. A connection of the pool is kept while there is anybody, and none else."""

    def __init__(self, db: Database, channel: str) -> None:
        self._db = db
        self._channel = channel
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._listening: asyncio.Task[None] | None = None

    async def close(self) -> None:
        """Hear nothing any more, so that the pool has all its connections back."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait([self._listening])

    def waiting(self, name: str) -> int:
        """How many wait for this name in this process."""
        return len(self._waiting.get(name, ()))

    @contextmanager
    def at(self, name: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever there is something for `name`, for as long as the block lasts; whoever waits clears it."""
        bell = asyncio.Event()
        self._waiting.setdefault(name, set()).add(bell)
        if self._listening is None or self._listening.done():
            self._listening = asyncio.create_task(self._listen())
        try:
            yield bell
        finally:
            self._waiting[name].discard(bell)
            if not self._waiting[name]:
                del self._waiting[name]
            if not self._waiting:
                self._listening.cancel()

    async def _listen(self) -> None:
        while self._waiting:
            try:
                await self._hear()
                log.warning("the connection that hears %s is lost; there will be another", self._channel)
            except Exception as error:  # whatever it is that a dying connection raises
                log.warning("nothing is heard on %s for a moment: %r", self._channel, error)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _hear(self) -> None:
        """Until the connection is lost. Whatever was announced before it listened is made up for by waking everybody."""
        lost = asyncio.Event()

        def gone(_: Any) -> None:
            lost.set()

        async with self._db.connection() as conn:
            conn.add_termination_listener(gone)
            await conn.add_listener(self._channel, self._ring)
            try:
                for name in list(self._waiting):
                    self._ring(conn, 0, self._channel, name)
                await lost.wait()
            finally:
                if not lost.is_set():  # a lost one has gone from the pool, and what it listened to with it
                    conn.remove_termination_listener(gone)
                    await conn.remove_listener(self._channel, self._ring)

    def _ring(self, _conn: Any, _pid: int, _channel: str, name: object) -> None:
        for bell in self._waiting.get(str(name), ()):
            bell.set()
