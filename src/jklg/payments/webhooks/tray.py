"""The tray: notices that arrive in the same moment are filed by one statement, and each is committed before it is answered.

Gateways tell their news in bursts. A database transaction for each notice would cost PostgreSQL a flush to the disk and
us a round trip every time; so while one tray is being filed, the next one fills. A notice that comes alone is filed alone,
at once.
"""

from __future__ import annotations

import asyncio
import logging

from jklg.kit.db import Database
from jklg.payments.webhooks import queries
from jklg.payments.webhooks.queries import NewNotice

CLERKS = 2
"""How many trays one process files at the same time, each on a connection."""

log = logging.getLogger(__name__)


class Tray:
    """Of one process. Whoever puts something into an empty tray calls a clerk, who takes what lies there when one is free."""

    def __init__(self, db: Database, clerks: int = CLERKS) -> None:
        self._db = db
        self._free = asyncio.Semaphore(clerks)
        self._lying: dict[tuple[str, str], tuple[NewNotice, asyncio.Future[bool]]] = {}
        self._clerks: set[asyncio.Task[None]] = set()

    async def file(self, notice: NewNotice) -> bool:
        """Store a notice once; when it is here already, count it. True when it is new. Committed when this returns.

        Raises what the database raises for this notice; those beside it are filed all the same.
        """
        key = notice.gateway, notice.event_id
        if key in self._lying:  # told twice in one moment: a statement can count a row only once
            return await self._file_alone(notice)
        filed: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._lying[key] = notice, filed
        if len(self._lying) == 1:
            clerk = asyncio.create_task(self._file_tray())
            self._clerks.add(clerk)
            clerk.add_done_callback(self._clerks.discard)
        return await filed

    async def _file_tray(self) -> None:
        async with self._free:
            tray, self._lying = self._lying, {}
            try:
                known = await self._file_together([notice for notice, _ in tray.values()]) if len(tray) > 1 else {}
                for key, (notice, filed) in tray.items():
                    try:
                        new = known[key] if key in known else await self._file_alone(notice)
                    except BaseException as error:
                        if not filed.done():
                            filed.set_exception(error)
                    else:
                        if not filed.done():
                            filed.set_result(new)
            finally:  # nobody waits for a clerk who has gone
                for _, filed in tray.values():
                    filed.cancel()

    async def _file_together(self, notices: list[NewNotice]) -> dict[tuple[str, str], bool]:
        """Nothing when it fails: then each is tried alone, to find out whose fault it was."""
        try:
            async with self._db.connection() as conn:
                return await queries.file_all(conn, notices)
        except Exception as error:
            log.warning("%s notices could not be filed together: %r", len(notices), error)
            return {}

    async def _file_alone(self, notice: NewNotice) -> bool:
        async with self._db.connection() as conn:
            return await queries.file(conn, notice)
