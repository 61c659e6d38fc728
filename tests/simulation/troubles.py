"""What goes wrong, and when time passes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from jklg.kit import failpoints
from jklg.sandbox import Faults
from tests.simulation.branches import Branch
from tests.simulation.clock import BEGINS
from tests.simulation.turns import Actor

if TYPE_CHECKING:
    from tests.simulation.world import World

LOST_ANSWERS = ("error_before", "error_after", "drop_after", "truncate", "busy")


class Troubles:
    def __init__(self, world: World) -> None:
        self.world = world
        self.late_money = world.climate.late_money

    def begin(self) -> None:
        for branch in self.world.branches:
            branch.line.trouble = self.world.climate.line
            branch.bank.fee_per_mille = 20 if self.world.climate.daily_money else 0
            self.calm(branch)

    def calm(self, branch: Branch) -> None:
        for field in Faults.__struct_fields__:
            setattr(branch.faults, field, getattr(Faults(), field))
        branch.line.cut = False
        for kind in self.world.climate.always:
            setattr(branch.faults, kind, 50)
            branch.faults.later_seconds = self.world.dice.choice(self.world.climate.later)
        if self.late_money:
            branch.faults.late_success = 50
            branch.faults.later_seconds = self.world.dice.choice((*self.world.climate.later, 1_500, 5_000))

    def something_goes_wrong(self) -> None:
        """A bank misbehaves for a while, or stops misbehaving; or the house is made to die in a certain place."""
        world, dice = self.world, self.world.dice
        kinds = ["calm", *(["failpoint"] if world.climate.crashes else []), *world.climate.troubles]
        kind, branch = dice.choice(kinds), dice.choice(world.branches)
        world.tell(f"trouble at {branch.name}: {kind}")
        world.happened[f"trouble: {kind}"] += 1
        match kind:
            case "calm":
                self.calm(branch)
            case "failpoint":
                failpoints.arm(f"{dice.choice(sorted(failpoints.NAMES))}:crash")
            case "refund_answers":
                self.lose_answers_to_refunds(branch)
            case "hold_webhooks":
                branch.faults.hold_webhooks = True
            case "silence":
                branch.line.cut = True
            case "capture_pending":
                if branch.name == "paypal":
                    branch.peer.pending_captures = dice.randint(1, 3)
                    branch.faults.later_seconds = dice.choice(world.climate.later)
            case _:
                setattr(branch.faults, kind, dice.randint(1, 12 if kind.endswith("webhooks") else 4))
                branch.faults.later_seconds = dice.choice(world.climate.later)

    def lose_answers_to_refunds(self, branch: Branch) -> None:
        branch.faults.only = branch.refund_path
        setattr(branch.faults, self.world.dice.choice(LOST_ANSWERS), 2)

    async def crash(self, victims: list[Actor]) -> None:
        """The process of one of them dies, or everybody's."""
        for actor in victims:
            if actor.state == "ready" and actor.where != "begins":
                self.world.tell(f"| CRASH of {actor.name} at {actor.where}")
                self.world.happened["crash"] += 1
                await self.world.turns.give(actor, crash=True)
        await self.world.check()

    async def lose_a_connection(self, ready: list[Actor]) -> None:
        """To the database, right before or right after a statement: a COMMIT may have been done and nobody is told."""
        world = self.world
        asking = [actor for actor in ready if actor.next]
        if asking:
            actor, cut = world.dice.choice(asking), world.dice.choice(("before", "after"))
            world.tell(f"| {actor.name} LOSES ITS CONNECTION {cut} {actor.where}")
            world.happened["connection lost"] += 1
            await world.turns.give(actor, cut=cut)
            await world.check()

    async def time_passes(self) -> None:
        """Moments, whatever is going on. A longer time only after every database transaction has come to its end, which its
        timeout would have put to it otherwise."""
        world, dice = self.world, self.world.dice
        if any(actor.in_transaction or actor.asking for actor in world.turns.actors) and dice.randrange(2):
            world.clock.moment += timedelta(milliseconds=dice.choice((1, 30, 900)))
            return
        while busy := [actor for actor in await world.who_is_ready() if actor.in_transaction]:
            await world.go_on(dice.choice(busy))
        span = timedelta(seconds=dice.choice(world.climate.spans))
        if world.clock.moment + span > BEGINS + timedelta(days=world.climate.days):
            return
        if span > timedelta(hours=4):
            await world.everybody_finishes()  # no process sleeps through a fifth of the life of a key at the bank
        if span > timedelta(minutes=2):
            for branch in world.branches:
                await branch.line.late_arrivals()  # nothing is on a line for longer
        world.clock.moment += span
