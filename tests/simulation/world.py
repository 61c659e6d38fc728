"""A small agency, its customers, its staff and its banks, all driven by one seed: what they do, what goes wrong, and when.

`World.run` lets them loose, then takes the trouble away and lets time pass until nothing is on its way any more. At
every crash, every so often, and at the end, the invariants are asked. The same seed gives the same trace.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import httpx

from jklg import app
from jklg.kit import failpoints, ids
from jklg.kit.db import Database
from jklg.kit.errors import Refusal
from jklg.payments.webhooks import file_notice
from jklg.reconciliation import rules as reconciliation_rules
from jklg.settings import Settings
from tests.simulation import checks, climates
from tests.simulation.agency import Agency
from tests.simulation.banks import Banks
from tests.simulation.branches import BRANCHES, Branch, StripeBranch
from tests.simulation.climates import Climate
from tests.simulation.clock import BEGINS, SimulatedClock
from tests.simulation.ending import Ending
from tests.simulation.people import People
from tests.simulation.staff import Staff
from tests.simulation.stage import Stage
from tests.simulation.troubles import Troubles
from tests.simulation.turns import Actor, LineCut, Turns, WatchedPool
from tests.simulation.worker import Worker

SECRET = "a fixed secret for the simulation, 0123456789"
CHECK_EVERY = 100
COMPARED_AT_ONCE = timedelta(days=4)
"""The house compares six hours at a time, so as to stop early when a gateway does. Here that would be most of what happens."""
STUMBLES = ("jklg.payments.stumbles", "jklg.reconciliation.actions")
"""Where the house goes on with the others when something is wrong with one."""
WATCHDOG = 300
"""Seconds of the wall clock after which a world hangs: that is a bug of the simulation."""
Story = tuple[str, str, Coroutine[Any, Any, str]]
"""Who, does what, and how it goes: what it gives is how it ended."""


class Broken(AssertionError):
    """Something was not as it must be. The message is the story, newest last, and then what was found."""

    def __init__(self, world: World, findings: list[str]) -> None:
        super().__init__("\n".join([f"the simulation with seed {world.seed}:", *world.story(), "", *findings]))
        self.world = world
        self.findings = findings


class Ears(logging.Handler):
    """What the house stumbles over and gets over by itself is a bug all the same, unless its line was cut, or it says itself that it waits."""

    def __init__(self, loud: list[str]) -> None:
        super().__init__(logging.ERROR)
        self.loud = loud

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if record.name in STUMBLES and not isinstance(error, (LineCut, Refusal)):
            self.loud.append(f"{record.getMessage()}: {error!r}")


class World:
    """One run. Everybody who acts in it holds it, and finds the others here."""

    def __init__(self, seed: int, stage: Stage, climate: Climate | None = None) -> None:
        self.seed = seed
        self.stage = stage
        self.dice = Random(seed)
        self.climate = climate or climates.draw(self.dice)
        self.clock = SimulatedClock()
        self.turns = Turns(stage.superuser)
        self.db = Database(WatchedPool(stage, self.turns, self.clock.now))  # type: ignore[arg-type]
        # Nobody may wait for a statement that is shared: it acts in the turn of whoever asked first.
        self.db.at_once = 1000
        self.house = app.House(
            settings=Settings(
                secrets=(SECRET,), database_url=stage.login_url, data_dir=Path("/nowhere"), refund_alone=(("INR", 20_000),)
            ),
            db=self.db, gateways={}, clock=self.clock, dice=Random(seed + 1),
        )  # fmt: skip
        self.trace: list[str] = []
        self.happened: Counter[str] = Counter()
        self.loud: list[str] = []
        self.turn = 0
        self._names: dict[str, str] = {}
        self._named: Counter[str] = Counter()
        self.branches: list[Branch] = [self._open_branch(each) for each in self.climate.gateways]
        self.house.gateways = {branch.name: branch.gateway for branch in self.branches}
        self.agency = Agency(self)
        self.people = People(self)
        self.staff = Staff(self)
        self.banks = Banks(self)
        self.worker = Worker(self)
        self.troubles = Troubles(self)
        self.ending = Ending(self)

    def _open_branch(self, kind: str) -> Branch:
        name, _, capture = kind.partition(" ")

        async def mailbox(headers: dict[str, str], body: bytes) -> int:
            """The house's door for notices of this gateway."""
            try:
                await file_notice(self.house, name, headers, body)
            except Refusal as refusal:
                return refusal.status
            except failpoints.Crashed as crash:
                failpoints.arm("")
                self.tell(f"the house CRASHED under a notice at {crash}")
                raise httpx.ReadError("no answer") from None
            except LineCut:
                return 503
            return 200

        dice = Random(f"{self.seed} {name}")
        branch = BRANCHES[name](capture or "automatic", self.clock, self.turns, dice, self.tell, mailbox)
        if isinstance(branch, StripeBranch):
            branch.refused_later = self.climate.habit("has a card that is refused later")
        return branch

    # -- the trace ---------------------------------------------------------------------------------------------------

    def tell(self, line: str) -> None:
        self.trace.append(f"{self.clock.moment - BEGINS} {line}")

    def name(self, kind: str, id_: object) -> str:
        """Ids are not the same twice; the order in which they appear is."""
        known = self._names.get(str(id_))
        if known is None:
            self._named[kind] += 1
            known = self._names[str(id_)] = f"{kind}{self._named[kind]}"
        return known

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256("\n".join(self.trace).encode()).hexdigest()

    def story(self, lines: int = 60) -> list[str]:
        """The end of the trace without the single turns: what a person reads first."""
        return [line for line in self.trace if " | " not in line or "CRASH" in line or "LOSES" in line][-lines:]

    def chance(self, percent: int) -> bool:
        return self.dice.randrange(100) < percent

    def choose(self, *names: str) -> str:
        """One of them, as often as it is done in this climate. "" when none of them is."""
        weights = self.climate.weights(names)
        return self.dice.choices(names, weights)[0] if any(weights) else ""

    # -- the run -----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Everything. Raises Broken with the story."""
        try:
            async with asyncio.timeout(WATCHDOG):
                await self._live_through_it()
        except Broken:
            raise
        except Exception as error:
            raise Broken(self, [f"the house meets a bug when all is quiet: {error!r}"]) from error

    async def _live_through_it(self) -> None:
        self.tell(f"seed {self.seed}: {self.climate}")
        await self.agency.open()
        await self.people.have_paid(self.climate.sold)
        self.troubles.begin()
        for turn in range(self.climate.turns):
            self.turn = turn
            await self._something_happens()
            if turn % CHECK_EVERY == CHECK_EVERY - 1:
                await self.check()
        await self.everybody_finishes()
        await self.check()
        await self.ending.until_quiet()
        await self.check(quiet=True, counted=not self.climate.daily_money)
        await self.ending.after_the_journeys()
        await self.check(quiet=True)
        await checks.prove(self)
        await self.ending.sum_up()

    async def _something_happens(self) -> None:
        ready = await self.who_is_ready()
        roll = self.dice.randrange(1000)
        if not ready or (roll < 100 and len(self.turns.actors) < 7):
            await self._somebody_begins()
        elif roll < 130:
            await self.troubles.time_passes()
        elif roll < 142:
            self.troubles.something_goes_wrong()
        elif roll < 142 + self.climate.crashes:
            one = [self.dice.choice(ready)]
            await self.troubles.crash(self.dice.choice((ready, one, one)))
        elif roll < 142 + 2 * self.climate.crashes:
            await self.troubles.lose_a_connection(ready)
        else:
            await self._somebody_goes_on(ready)
        self._listen()

    async def _somebody_goes_on(self, ready: list[Actor]) -> None:
        awake = [actor for actor in ready if actor.wakes_at <= self.turn] or ready
        actor = self.dice.choice(awake)
        if actor.where == "has acted on the news" and self.climate.crashes and self.chance(15):
            await self.troubles.crash([actor])
        elif self.chance(40 if actor.where.startswith("is answered") else 3):
            # a slow process: the world moves on meanwhile
            actor.wakes_at = self.turn + self.dice.choice((5, 30, 60, 120, 200))
        else:
            await self.go_on(actor)

    async def who_is_ready(self) -> list[Actor]:
        ready = await self.turns.ready()
        if not ready and self.turns.actors:
            await self.turns.until_somebody_is_ready()
            ready = await self.turns.ready()
        return ready

    async def go_on(self, actor: Actor) -> None:
        self.tell(f"| {actor.name}: {actor.where}")
        await self.turns.give(actor)

    async def everybody_finishes(self) -> None:
        while self.turns.actors:
            await self.go_on(self.dice.choice(await self.who_is_ready()))
        self._listen()

    def _listen(self) -> None:
        if self.loud:
            raise Broken(self, self.loud)

    async def check(self, *, quiet: bool = False, counted: bool = True) -> None:
        self._listen()
        found = await checks.broken(self, quiet=quiet, counted=counted)
        if found:
            raise Broken(self, found)

    # -- who does what -----------------------------------------------------------------------------------------------

    async def _somebody_begins(self) -> None:
        match self.choose("customers", "worker", "postman", "teller", "staff", "bank", "mallory", "late call"):
            case "customers" if self.chance(self.climate.habit("everybody comes back")):
                for story in self.people.all_come_back():
                    await self._enter(*story)
                return
            case "customers":
                story = self.people.begins()
            case "worker" | "postman" | "teller" as who:
                story = self.worker.begins(who)
            case "staff":
                story = self.staff.begins()
            case "bank" | "mallory" as who:
                story = self.banks.begins(who)
            case _:
                await self.dice.choice(self.branches).line.late_arrivals()
                return
        if story is not None:
            await self._enter(*story)

    def busy(self, who: str) -> int:
        """How much they are doing just now."""
        return sum(actor.name.startswith(f"{who} ") for actor in self.turns.actors)

    async def _enter(self, who: str, what: str, story: Coroutine[Any, Any, str]) -> None:
        self.tell(f"{who} {what}")
        self.happened[what] += 1
        await self.turns.enter(f"{who} {what}", self._live(who, what, story))

    async def _live(self, who: str, what: str, story: Coroutine[Any, Any, str]) -> None:
        try:
            with closing(story):  # it may end before they are given a turn
                await self.turns.point("begins")
                ending = await story
        except Refusal as refusal:
            ending = f"is refused: {refusal.code}"
            self.happened[refusal.code] += 1
        except failpoints.Crashed as crash:
            failpoints.arm("")
            ending = f"CRASHED at {crash}"
        except LineCut:
            ending = "cannot reach the database"
        except Exception as error:
            ending = f"meets a bug: {error!r}"
            self.loud.append(f"{who} {what}: {error!r}")
        self.tell(f"{who} {what}: {ending}")

    async def rows(self, statement: str, *args: Any) -> list[Any]:
        """What somebody sees who looks at a page of the house, in a turn."""
        async with self.db.transaction() as conn:
            return await conn.fetch(statement, *args)

    async def one(self, statement: str, *args: Any) -> UUID | None:
        """The id of one of the rows that somebody sees, if there are any. The statement says in which order they are shown."""
        found = await self.rows(statement, *args)
        return self.dice.choice(found)[0] if found else None


@asynccontextmanager
async def world(seed: int, stage: Stage, climate: Climate | None = None) -> AsyncIterator[World]:
    """A world on an empty, migrated database. Ids come from the seed while it lasts, so that ties are decided alike."""
    made = World(seed, stage, climate)
    dice = Random(seed + 4)
    real = ids.time, ids.os, reconciliation_rules.STEP
    reconciliation_rules.STEP = COMPARED_AT_ONCE
    ids.time = SimpleNamespace(time_ns=lambda: int(made.clock.moment.timestamp() * 1000) * 1_000_000)  # type: ignore[assignment]
    ids.os = SimpleNamespace(urandom=dice.randbytes)  # type: ignore[assignment]
    quiet = logging.root.manager.disable
    logging.disable(logging.WARNING)
    ears = Ears(made.loud)
    logging.getLogger("jklg").addHandler(ears)
    try:
        yield made
    finally:
        await made.turns.end()
        failpoints.arm("")
        logging.disable(quiet)
        logging.getLogger("jklg").removeHandler(ears)
        ids.time, ids.os, reconciliation_rules.STEP = real
        for branch in made.branches:
            await branch.close()


async def live(seed: int, stage: Stage, climate: Climate | None = None) -> World:
    """One life from the first turn to the last, on a swept stage. Raises Broken, which knows its world."""
    await stage.sweep()
    async with world(seed, stage, climate) as simulated:
        await simulated.run()
        return simulated
