"""How a world ends: no more trouble, time passes, everybody does what is left to do, until nothing is on its way any more."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from jklg import app
from jklg.kit import failpoints
from jklg.kit.errors import Refusal
from jklg.payments import aside, desk
from jklg.reconciliation import movements
from jklg.sandbox import account
from jklg.sandbox.things import BankError, Dispute
from tests.simulation import worker
from tests.simulation.banks import OPEN_DISPUTES
from tests.simulation.clock import BEGINS
from tests.simulation.staff import PUT_ASIDE, STAFF

if TYPE_CHECKING:
    from tests.simulation.world import World

SPANS = [timedelta(minutes=m) for m in (2, 20, 61, 420)] + [timedelta(hours=h) for h in (25, 25, 25, 75, 75, 25)]
ROUNDS = 8
TRIES, PAUSE = 5, timedelta(days=2, hours=1)
"""A card is charged up to three times, with days between. What its payer's bank refuses stays open for her, for a day."""


class Ending:
    def __init__(self, world: World) -> None:
        self.world = world

    async def until_quiet(self) -> None:
        """What the banks could not tell us, we have to find out."""
        world = self.world
        failpoints.arm("")
        world.troubles.late_money = False
        world.tell("the trouble ends")
        for branch in world.branches:
            world.troubles.calm(branch)
            branch.line.trouble = 0
            await branch.line.late_arrivals()
            async with branch.bank.work() as work:
                work.release()
        if world.climate.late_money:
            self._all_but_the_last_trouble()
        for span in SPANS:
            await self._later(span)
        for _ in range(TRIES):
            if not await world.rows("SELECT FROM payment_consents WHERE ended_at IS NULL AND method_ref IS NOT NULL"):
                break
            await self._later(PAUSE)

    async def _later(self, span: timedelta) -> None:
        self.world.clock.moment += span
        await self._people_finish()
        await self._worker_finishes()

    def _all_but_the_last_trouble(self) -> None:
        """What comes late is not announced, what goes back takes its time or is not answered."""
        for branch in self.world.branches:
            if self.world.climate.reconciles or "refund_fails" not in self.world.climate.troubles:
                branch.faults.lose_webhooks = self.world.dice.randint(1, 6)
            branch.faults.refund_pending = self.world.dice.randint(0, 2)
            self.world.troubles.lose_answers_to_refunds(branch)

    async def _worker_finishes(self, *, compare: bool = True) -> None:
        """Until there is nothing left to do at this time."""
        for number in range(ROUNDS):
            if not await self._go_round(*(self.world.worker.seldom if number % 3 == 0 else ()), compare=compare):
                return

    async def _go_round(self, *seldom: str, compare: bool) -> int:
        world = self.world
        found = 0
        for branch in world.branches:
            found += await branch.peer.deliver_due()
        for name in (*seldom, *worker.ROUNDS):
            if name == "reconciliation" and not compare:
                continue
            done = await app.SWEEPS[name](world.house)
            found += done
            if done:
                world.tell(f"the worker's round {name!r} finds {done}")
        return found + await world.worker.drain()

    async def _people_finish(self) -> None:
        """Banks decide, staff do what waits for them."""
        world = self.world
        for branch in world.branches:
            async with branch.bank.work() as work:
                for dispute in work.all(Dispute):
                    if dispute.status in OPEN_DISPUTES and world.chance(60):
                        world.tell(world.banks.decide(work, work.get(Dispute, dispute.id), at_last=True))
        for row in await world.rows(
            "SELECT id, asked_by FROM refund_requests WHERE needs_second AND decision IS NULL ORDER BY id"
        ):
            await self._decide(*row)
        for row in await world.rows(
            "SELECT r.id FROM refunds r JOIN transactions t ON t.id = r.transaction_id WHERE t.gateway = 'manual' AND r.state = 'reserved' ORDER BY r.id"
        ):
            await desk.paid_out(world.house, row[0], actor=STAFF["Dev"])
        for row in await world.rows(PUT_ASIDE):
            world.tell("Dev has something tried again")
            await aside.again(world.house, row[0], actor=STAFF["Dev"])

    async def _decide(self, request_id: object, asked_by: str) -> None:
        """Somebody else agrees; if it cannot be done any more, nobody does."""
        other = next(actor for actor in STAFF.values() if actor != asked_by)
        try:
            decided = await desk.approve(self.world.house, request_id, actor=other)  # type: ignore[arg-type]
        except Refusal as refusal:
            self.world.tell(f"cannot approve {self.world.name('q', request_id)}: {refusal.code}")
            if refusal.code == "disputed":
                return
            decided = await desk.refuse(self.world.house, request_id, actor=other)  # type: ignore[arg-type]
        self.world.tell(f"{self.world.name('q', request_id)} is decided: {decided.status}")

    async def after_the_journeys(self) -> None:
        world = self.world
        world.clock.moment = BEGINS + timedelta(days=120)
        await self._people_finish()
        await self._worker_finishes(compare=False)  # for three months nothing has happened at the banks
        if world.climate.daily_money:
            await self._books_are_closed()
        await self._worker_finishes(compare=False)

    async def _books_are_closed(self) -> None:
        """Everything is paid out, and read; what belongs to nobody's payment is booked as what it is."""
        world = self.world
        for branch in world.branches:
            try:
                async with branch.bank.work() as work:
                    world.tell(f"{branch.name} pays out {account.pay_out(work, 'INR').amount}")
            except BankError as refusal:
                world.tell(f"{branch.name} pays nothing out: {refusal.code}")
        for _ in range(2):
            world.clock.moment += timedelta(hours=25)
            await self._worker_finishes(compare=False)
        for row in await world.rows(
            "SELECT id, detail ->> 'difference' FROM anomalies WHERE resolved_at IS NULL AND kind = ANY($1) AND transaction_id IS NULL ORDER BY id",
            list(movements.ADOPTED),
        ):
            world.tell(f"Chitra books a difference of {row[1]}")
            await movements.adopt(world.house, row[0], shown=row[1], note="somebody else's", actor=STAFF["Chitra"])

    async def sum_up(self) -> None:
        """The end, as far as it is the same twice: into the trace."""
        world = self.world
        for statement in (
            "SELECT status, payment_status, seats, total_price, created_at FROM bookings ORDER BY created_at, id",
            "SELECT gateway, state, captured_amount, refund_amount, checks FROM transactions ORDER BY created_at, id",
            "SELECT kind, posted_at FROM ledger_transactions ORDER BY posted_at, id",
            "SELECT account, sum(amount)::bigint FROM ledger_entries GROUP BY account ORDER BY account",
            "SELECT kind, to_address FROM mail_outbox ORDER BY created_at, id",
            "SELECT concat_ws(': ', kind, detail ->> 'reason') AS kind FROM anomalies ORDER BY opened_at, id",
        ):
            for row in await world.stage.superuser.fetch(statement):
                world.tell("end: " + " ".join(str(value) for value in row))
                if "status" in row:
                    world.happened[row["status"]] += 1
                if "kind" in row and "posted_at" not in row:
                    world.happened[row["kind"]] += 1
