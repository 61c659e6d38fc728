"""Asked in one moment, asked together: one statement for all who want the same kind of thing now.

Gateways tell their news in bursts, and a departure that has just been advertised is looked at by everybody at once. A
round trip for each costs us a dozen system calls, and each one that writes costs PostgreSQL a flush to the disk. So
while one statement, or one database transaction, is under way, the next one fills. Who comes alone is asked for alone, at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from jklg.kit.db import Claims, Connection, Database

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")
_Waiting = dict[Hashable, tuple[Asked, list["asyncio.Future[Answer | None]"]]]
Ask = Callable[["Connection", Sequence[Asked]], Awaitable[Mapping[Any, Answer]]]

log = logging.getLogger(__name__)


class Together(Generic[Asked, Answer]):
    """One kind of statement in one process, `at_once` of them under way. `ask` answers under the `key` of what was asked and
    leaves out what it does not know. `writes`: the same asked twice is to be done twice, and a statement can do it once only.

    `who`: it is a database transaction on their behalf, committed before anybody is answered; else a statement without claims.
    """

    def __init__(
        self,
        db: Database,
        ask: Ask[Asked, Answer],
        key: Callable[[Asked], Hashable],
        *,
        writes: bool,
        at_once: int,
        who: Claims | None = None,
        opening: str = "",
    ) -> None:
        self._db = db
        self._ask = ask
        self._key = key
        self._writes = writes
        self._who = who
        self._opening = opening
        self._free = asyncio.Semaphore(at_once)
        self._waiting: _Waiting[Asked, Answer] = {}
        self._under_way: set[asyncio.Task[None]] = set()

    async def __call__(self, asked: Asked) -> Answer | None:
        """Raises what the database raises about this one; those beside it get their answers all the same."""
        key = self._key(asked)
        answer: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()
        known = self._waiting.get(key)
        if known is not None:
            if self._writes:
                return await self._ask_alone(key, asked)
            known[1].append(answer)
            return await answer
        self._waiting[key] = asked, [answer]  # one for each who asks: who hangs up takes nobody along
        if len(self._waiting) == 1:
            task = asyncio.create_task(self._ask_all())
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        return await answer

    async def _ask_all(self) -> None:
        waiting: _Waiting[Asked, Answer] = {}
        try:
            async with self._free:
                waiting, self._waiting = self._waiting, {}
                if len(waiting) == 1:
                    await self._answer_each(waiting)
                    return
                if await self._answer_together(waiting):
                    return
            await self._answer_each(waiting)
        finally:  # nobody waits for what has been given up
            for _, answers in waiting.values():
                for answer in answers:
                    answer.cancel()

    async def _answer_together(self, waiting: _Waiting[Asked, Answer]) -> bool:
        """False when it fails: then each is asked alone, to find out whose fault it was."""
        try:
            async with self._open() as conn:
                known = await self._ask(conn, [asked for asked, _ in waiting.values()])
        except Exception as error:
            log.warning("%s at once failed in %s: %r", len(waiting), self._ask.__qualname__, error)
            return False
        for key, (_, answers) in waiting.items():
            for answer in answers:
                if not answer.done():
                    answer.set_result(known.get(key))
        return True

    async def _answer_each(self, waiting: _Waiting[Asked, Answer]) -> None:
        """Side by side: one that waits for a lock holds up no other."""
        await asyncio.gather(*(self._answer_alone(key, *each) for key, each in waiting.items()))

    async def _answer_alone(self, key: Hashable, asked: Asked, answers: list[asyncio.Future[Answer | None]]) -> None:
        try:
            found = await self._ask_alone(key, asked)
        except BaseException as error:
            for answer in answers:
                if not answer.done():
                    answer.set_exception(error)
        else:
            for answer in answers:
                if not answer.done():
                    answer.set_result(found)

    async def _ask_alone(self, key: Hashable, asked: Asked) -> Answer | None:
        async with self._open() as conn:
            return (await self._ask(conn, [asked])).get(key)

    def _open(self) -> AbstractAsyncContextManager[Connection]:
        if self._who is None:
            return self._db.connection()
        return self._db.transaction(self._who, self._opening, planned_once=True)
