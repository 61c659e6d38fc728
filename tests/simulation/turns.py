"""Who may act: everybody at once as far as PostgreSQL can see, one at a time as far as Python is concerned.

Every actor stops before each statement and each call to the bank, and goes on when it is given a turn. So the order of
everything that happens is chosen by the dice, also between two halves of one database transaction; and an actor that
has to wait for a row lock really waits, in PostgreSQL, until another one is given the turn in which it lets go.
Before any turn an actor may crash instead, or lose its connection before or after the statement of that turn.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from datetime import datetime
from typing import Any

import asyncpg

from jklg.kit.failpoints import Crashed
from tests.simulation.stage import Stage

_acting: ContextVar[Actor | None] = ContextVar("_acting", default=None)
_LOCKS = re.compile(r"^(?!.*SKIP LOCKED).*\b(UPDATE|INSERT|DELETE|hold_booking|ledger_post)\b", re.DOTALL)
"""Statements that get in line for a lock."""
_MAY_WAIT = re.compile(r"\b(UPDATE|INSERT|DELETE|hold_booking|ledger_post)\b")
"""Statements that a lock may hold up all the same: behind one that takes only what is free there may be a trigger."""
_WAITS = """
WITH RECURSIVE ahead(pid) AS (SELECT unnest(pg_blocking_pids($1)) UNION SELECT unnest(pg_blocking_pids(pid)) FROM ahead)
SELECT count(*) > 0 AND NOT coalesce(bool_or(pid = $1), false) FROM ahead
"""
"""Whether somebody waits for a lock that will be let go. In a circle PostgreSQL refuses one of them at once, and they go on."""
_GLANCE = 0.004
"""Seconds after which we look whether a statement waits for a lock. Changes nothing but how soon that is noticed."""

LineCut = asyncpg.ConnectionDoesNotExistError
"""What asyncpg raises when a connection breaks under a statement."""


class Actor:
    """Somebody doing something: 'ready' for a turn, 'running', 'waiting' for a lock, or 'done'."""

    def __init__(self, name: str, number: int) -> None:
        self.name = name
        self.number = number
        self.state = "running"
        self.where = "begins"
        self.next = ""  # the statement that the next turn is for
        self.asking: int | None = None  # the server process that works on our statement
        self.server_process: int | None = None  # the one we were last served by
        self.in_transaction = False
        self.cut = ""  # "before" or "after" the next statement the connection breaks
        self.wakes_at = 0  # not given a turn before this one, as long as somebody else can be
        self.rested = asyncio.get_running_loop().create_future()
        self.turn: asyncio.Future[None] | None = None
        self.task: asyncio.Task[None] | None = None

    def rest(self, state: str) -> None:
        self.state = state
        if not self.rested.done():
            self.rested.set_result(None)


class Turns:
    """The actors, and the turns they are given."""

    def __init__(self, monitor: Any) -> None:
        self._monitor = monitor
        self._looking = asyncio.Lock()
        self._count = 0
        self._over = False
        self.actors: list[Actor] = []

    async def enter(self, name: str, story: Coroutine[Any, Any, None]) -> Actor:
        """Let somebody begin. They come as far as their first stop."""
        self._count += 1
        actor = Actor(name, self._count)
        self.actors.append(actor)
        actor.task = asyncio.create_task(self._play(actor, story))
        await self._until_it_rests(actor)
        return actor

    async def _play(self, actor: Actor, story: Coroutine[Any, Any, None]) -> None:
        _acting.set(actor)
        try:
            await story
        finally:
            self.actors.remove(actor)
            actor.rest("done")

    async def ready(self) -> list[Actor]:
        """Who may be given a turn. While somebody waits for a lock, nobody else gets in line for one: PostgreSQL does not
        promise that a line moves in order, and then the same seed would not tell the same story."""
        ready = [actor for actor in self.actors if actor.state == "ready"]
        waiting = [actor.asking for actor in self.actors if actor.state == "waiting"]
        if not waiting:
            return ready
        holders = await self._monitor.fetchval(
            "SELECT array_agg(DISTINCT h) FROM unnest($1::integer[]) w, unnest(pg_blocking_pids(w)) h", waiting
        )
        return [actor for actor in ready if not _LOCKS.search(actor.next) or actor.server_process in (holders or [])]

    async def point(self, where: str) -> None:
        """Stop here until it is our turn. Raises Crashed when that turn never comes. For the world itself: no stop."""
        actor = _acting.get()
        if actor is None or self._over:
            return
        actor.where = where
        actor.turn = asyncio.get_running_loop().create_future()
        actor.rest("ready")
        await actor.turn

    async def give(self, actor: Actor, *, crash: bool = False, cut: str = "") -> None:
        """One turn for `actor`; then whoever waited for a lock that it gave up comes to rest as well."""
        assert actor.turn is not None and actor.state == "ready"
        assert actor.next or not cut, "only a statement has a connection to lose"
        actor.cut = cut
        waiting = [other for other in self.actors if other.state == "waiting"]
        actor.state = "running"
        actor.rested = asyncio.get_running_loop().create_future()
        may_wait = _MAY_WAIT.search(actor.next) is not None
        if crash:
            actor.turn.set_exception(Crashed(actor.where))
        else:
            actor.turn.set_result(None)
        if may_wait:
            await self._until_it_rests(actor)
        else:
            await actor.rested
        for other in waiting:
            if other.asking is None or not await self._waits_for_lock(other.asking):
                await self._until_it_rests(other)

    async def end(self) -> None:
        """Everybody leaves, whatever they were doing."""
        self._over = True
        leaving = [actor.task for actor in self.actors if actor.task is not None]
        for actor in self.actors:
            if actor.turn is not None:
                actor.turn.cancel()  # it may be another task of theirs that waits for it
        for task in leaving:
            task.cancel()
        await asyncio.gather(*leaving, return_exceptions=True)

    async def until_somebody_is_ready(self) -> None:
        """Everybody waits for a lock: PostgreSQL finds the deadlock and refuses one of them."""
        async with asyncio.timeout(30):
            while self.actors and not await self.ready():  # noqa: ASYNC110  (it is PostgreSQL that we wait for)
                await asyncio.sleep(0.01)

    async def _until_it_rests(self, actor: Actor) -> None:
        """Or waits for a lock: then somebody else is to be given a turn."""
        while not actor.rested.done():
            await asyncio.wait((actor.rested,), timeout=_GLANCE)
            if actor.rested.done():
                return
            if actor.asking is not None and await self._waits_for_lock(actor.asking):
                if not actor.rested.done():
                    actor.state = "waiting"
                return

    async def _waits_for_lock(self, server_process: int) -> bool:
        async with self._looking:
            return bool(await self._monitor.fetchval(_WAITS, server_process))

    async def ask(self, conn: _WatchedConnection, verb: str, statement: str, args: tuple[Any, ...]) -> Any:
        """One statement, in one turn, at the time of that turn. What it has to wait for is waited for outside our turn."""
        actor = _acting.get()
        if actor is None:
            if statement != "ROLLBACK":
                await conn.hear_the_time()
            return await getattr(conn.raw, verb)(statement, *args)
        if statement != "ROLLBACK":
            actor.next = statement
            await self.point(" ".join(statement.split(None, 3)[:3]))
            actor.next = ""
            await conn.hear_the_time()
        actor.asking = actor.server_process = conn.pid
        cut, actor.cut = actor.cut, ""
        try:
            if cut == "before":
                await self._break(actor, conn)
            answer = await getattr(conn.raw, verb)(statement, *args)
            if statement.startswith("BEGIN"):
                actor.in_transaction = True
            if cut == "after":
                await self._break(actor, conn)
            return answer
        finally:
            actor.asking = None
            if statement in ("COMMIT", "ROLLBACK"):
                actor.in_transaction = False
            if actor.state == "waiting":
                await self.point("had to wait for a lock")

    async def _break(self, actor: Actor, conn: _WatchedConnection) -> None:
        """The connection is gone for whoever has it, and with it what was not committed: its locks are let go when we go on.

        The session serves others afterwards: what PostgreSQL does when a line breaks is a ROLLBACK, and a new one plans everything anew.
        """
        actor.asking, actor.in_transaction = None, False
        conn.gone = True
        if conn.raw.is_in_transaction():
            await conn.raw.execute("ROLLBACK")
        raise LineCut("connection was closed in the middle of operation")


class Queue:
    """Stands for a lock in memory: whoever finds it taken waits by giving up turns, for nobody may wait for anything else."""

    def __init__(self, turns: Turns, what: str) -> None:
        self._turns = turns
        self._what = what
        self._taken = False

    async def __aenter__(self) -> None:
        while self._taken:
            await self._turns.point(f"waits for {self._what}")
        self._taken = True

    async def __aexit__(self, *_: object) -> None:
        self._taken = False


class WatchedPool:
    """A pool whose connections ask for a turn before each statement."""

    def __init__(self, stage: Stage, turns: Turns, now: Callable[[], datetime]) -> None:
        self.stage = stage
        self.turns = turns
        self.now = now

    def acquire(self) -> _Lent:
        return _Lent(self)

    async def close(self) -> None:
        pass


class _Lent:
    """A connection for as long as a block lasts."""

    def __init__(self, pool: WatchedPool) -> None:
        self._pool = pool

    async def __aenter__(self) -> _WatchedConnection:
        self._conn = await self._pool.stage.lend()
        return _WatchedConnection(self._conn, self._pool)

    async def __aexit__(self, *_: object) -> None:
        conn = self._conn
        if conn.is_in_transaction():  # whoever had it died before the COMMIT
            await conn.execute("ROLLBACK")
            self._pool.stage.told.pop(conn.get_server_pid(), None)
        self._pool.stage.give_back(conn)


class _WatchedConnection:
    def __init__(self, raw: Any, pool: WatchedPool) -> None:
        self.raw = raw
        self.pid: int = raw.get_server_pid()
        self.gone = False
        self._pool = pool

    async def hear_the_time(self) -> None:
        """It may have become late while we waited for our turn, and house_now() is the time of the statement."""
        told, now = self._pool.stage.told, self._pool.now()
        if told.get(self.pid) != now:
            await self.raw.execute("SELECT set_config('jklg.clock', $1, false)", now.isoformat())
            told[self.pid] = now

    async def _ask(self, verb: str, statement: str, args: tuple[Any, ...]) -> Any:
        if self.gone:
            raise asyncpg.InterfaceError("connection is closed")
        try:
            return await self._pool.turns.ask(self, verb, statement, args)
        except BaseException:  # what is rolled back is forgotten, the time too
            self._pool.stage.told.pop(self.pid, None)
            raise
        finally:
            if statement == "ROLLBACK":
                self._pool.stage.told.pop(self.pid, None)

    async def execute(self, statement: str, *args: Any) -> Any:
        return await self._ask("execute", statement, args)

    async def fetch(self, statement: str, *args: Any) -> Any:
        return await self._ask("fetch", statement, args)

    async def fetchrow(self, statement: str, *args: Any) -> Any:
        return await self._ask("fetchrow", statement, args)

    async def fetchval(self, statement: str, *args: Any) -> Any:
        return await self._ask("fetchval", statement, args)

    def cursor(self, statement: str, **how: Any) -> Any:
        return self.raw.cursor(statement, **how)

    def is_closed(self) -> bool:
        return self.gone
