"""Chitra and Dev, who work at the agency: they send money back and look at what the other one wants to send back, take cash and give
it back, look again, settle what stands before them, and sell under other terms."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any
from uuid import UUID

from jklg import catalogue, payments
from jklg.kit.ids import uuid7
from jklg.payments import aside, cancellations, desk, suspense
from tests.simulation.climates import TERMS, TREASURY

if TYPE_CHECKING:
    from tests.simulation.world import Story, World

STAFF = {"Chitra": f"staff:{UUID(int=1)}", "Dev": f"staff:{UUID(int=2)}"}
JUST_TOLD = ("refund_made_at_gateway", "gateway_refused_lookup", "late_authorization", "capture_mismatch")
"""Concerns that are about no money that still lies with us: whoever has read them may settle them."""


PUT_ASIDE = """
SELECT id FROM anomalies WHERE resolved_at IS NULL AND kind IN ('webhook_dead', 'mail_dead', 'news_failed') ORDER BY opened_at, id
"""


class Staff:
    def __init__(self, world: World) -> None:
        self.world = world
        self.asked: list[tuple[UUID, UUID, int | None]] = []
        """Requests as they were made, for who presses a button twice: (id, booking, amount)."""
        self.taken: list[tuple[UUID, UUID, int]] = []
        """Cash as it was written down, for the same."""

    def begins(self) -> Story | None:
        free = [name for name in STAFF if not self.world.busy(name)]
        if not free:
            return None
        who = self.world.dice.choice(free)
        what = self.world.choose(
            "asks for a refund", "decides", "takes cash", "pays out", "looks", "settles a concern", "tries again", "gives up for them",
            "opens or closes", "changes a price", "changes the terms", *TREASURY,
        )  # fmt: skip
        return (who, what, self._does(what, STAFF[who])) if what else None

    def _does(self, what: str, actor: str) -> Coroutine[Any, Any, str]:
        match what:
            case "asks for a refund":
                return self._ask(actor)
            case "decides":
                return self._decide(actor)
            case "takes cash":
                return self._take_cash(actor)
            case "pays out":
                return self._pay_out(actor)
            case "looks":
                return self._look()
            case "settles a concern":
                return self._settle(actor)
            case "tries again":
                return self._try_again(actor)
            case "gives up for them":
                return self._give_up(actor)
            case "opens or closes":
                return self._open_or_close()
            case "changes a price":
                return self._change_price()
            case "applies what lies":
                return self._apply(actor)
            case "gives a stranger's money":
                return self._attach(actor)
            case "keeps a stranger's money":
                return self._keep(actor)
            case "pays what is owed":
                return self._pay_owed(actor)
        return self._change_terms(actor)

    # -- money ---------------------------------------------------------------------------------------------------------

    async def _ask(self, actor: str) -> str:
        world, dice = self.world, self.world.dice
        if self.asked and world.chance(15):
            request_id, booking_id, amount = dice.choice(self.asked)
        else:
            booking = await world.one(
                "SELECT id FROM bookings WHERE payment_status IN ('Partial', 'Paid') ORDER BY created_at, id"
            )
            if booking is None:
                return "finds nobody who has paid"
            request_id, booking_id = uuid7(), booking
            part = world.chance(world.climate.habit("asks for a part"))
            amount = dice.choice((700, 300_000, 900_000, 900_000) if part else (None, None, 2_100_000))
            self.asked.append((request_id, booking_id, amount))
        asked = await desk.ask_refund(
            world.house, request_id=request_id, booking_id=booking_id, amount=amount, reason="goodwill", actor=actor
        )
        if asked.request.id != request_id:
            world.loud.append(
                f"Q: not true: what is asked twice under one id is asked once ({world.name('q', request_id)})"
            )
        world.happened[f"refund {asked.status}"] += 1
        return (
            f"{world.name('q', request_id)} for {world.name('b', booking_id)}: {asked.request.amount}, {asked.status}"
        )

    async def _decide(self, actor: str) -> str:
        world = self.world
        request_id = await world.one(
            "SELECT id FROM refund_requests WHERE needs_second AND decision IS NULL ORDER BY asked_at, id"
        )
        if request_id is None:
            return "finds nothing that waits"
        verb = desk.approve if world.chance(75) else desk.refuse
        decided = await verb(world.house, request_id, actor=actor)
        world.happened[verb.__name__] += 1
        return f"{verb.__name__}s {world.name('q', request_id)}: {decided.status}"

    async def _take_cash(self, actor: str) -> str:
        world, dice = self.world, self.world.dice
        if self.taken and world.chance(15):
            payment_id, booking_id, amount = dice.choice(self.taken)
        else:
            found = await world.rows(
                """
                SELECT id, coalesce(deposit_amount, total_price), total_price - reduced_amount FROM bookings
                WHERE status IN ('held', 'confirmed', 'expired') AND payment_status IN ('Pending', 'Failed', 'Partial') ORDER BY created_at, id
                """
            )
            if not found:
                return "finds nobody who owes anything"
            booking_id, first, price = dice.choice(found)
            payment_id, amount = uuid7(), dice.choice((first, price, max(price - first, 1), 100_000))
            self.taken.append((payment_id, booking_id, amount))
        paid = await desk.record_payment(
            world.house,
            payment_id=payment_id,
            booking_id=booking_id,
            amount=amount,
            method="cash",
            note="",
            actor=actor,
        )
        world.happened["cash"] += 1
        return f"takes {paid.amount} as {world.name('t', paid.id)} for {world.name('b', booking_id)}"

    async def _pay_out(self, actor: str) -> str:
        refund_id = await self.world.one(
            """
            SELECT r.id FROM refunds r JOIN transactions t ON t.id = r.transaction_id
            WHERE t.gateway = 'manual' AND r.state = 'reserved' ORDER BY r.created_at, r.id
            """
        )
        if refund_id is None:
            return "finds nothing to pay out"
        await desk.paid_out(self.world.house, refund_id, actor=actor)
        self.world.happened["paid out"] += 1
        return f"pays out {self.world.name('r', refund_id)}"

    async def _give_up(self, actor: str) -> str:
        """A customer has called, and they agree on what is kept."""
        world = self.world
        booking_id = await world.one("SELECT id FROM bookings WHERE status = 'confirmed' ORDER BY created_at, id")
        if booking_id is None:
            return "finds nobody to give up for"
        ((adults,),) = await world.rows(
            "SELECT (party ->> 'adult')::integer - coalesce((cancelled_party ->> 'adult')::integer, 0) FROM bookings WHERE id = $1",
            booking_id,
        )
        kept = world.dice.choice((None, 0, 100_000))
        leaving = {"adult": 1} if adults > 1 and kept == 0 else None
        outcome = await cancellations.cancel(
            world.house, booking_id, leaving=leaving, kept=kept, actor=actor, by_staff=True
        )
        status = outcome.asked.status if outcome.asked else "nothing to send back"
        return f"gives up {leaving or 'all'} of {world.name('b', booking_id)} for them, keeping {kept}: {status}"

    # -- money that lies with us -----------------------------------------------------------------------------------------

    async def _lying(self, account: str) -> UUID | None:
        return await self.world.one(
            "SELECT subject_id FROM ledger_entries WHERE account = $1 AND subject_id IS NOT NULL GROUP BY subject_id HAVING sum(amount) < 0 ORDER BY subject_id",
            account,
        )

    async def _apply(self, actor: str) -> str:
        booking_id = await self._lying("suspense:unapplied")
        if booking_id is None:
            return "finds nothing in suspense"
        applied = await suspense.apply(self.world.house, booking_id, actor=actor)
        self.world.happened["applied"] += 1
        return f"applies {applied} to {self.world.name('b', booking_id)}"

    async def _stranger(self) -> UUID | None:
        return await self.world.one(
            "SELECT id FROM anomalies WHERE resolved_at IS NULL AND kind = 'unmatched_gateway_object' ORDER BY opened_at, id"
        )

    async def _attach(self, actor: str) -> str:
        world = self.world
        concern = await self._stranger()
        found = await world.rows(
            "SELECT id, reference FROM bookings WHERE payment_status IN ('Pending', 'Failed', 'Partial') ORDER BY created_at, id"
        )
        if concern is None or not found:
            return "finds no stranger, or nobody to give it to"
        booking_id, reference = world.dice.choice(found)
        attempt = await suspense.attach(world.house, concern, reference, actor=actor)
        world.happened["attached"] += 1
        return f"gives a stranger's money to {world.name('b', booking_id)} as {world.name('t', attempt)}"

    async def _keep(self, actor: str) -> str:
        concern = await self._stranger()
        if concern is None:
            return "finds no stranger"
        kept = await suspense.keep(self.world.house, concern, note="our own", actor=actor)
        self.world.happened["kept"] += 1
        return f"keeps {kept}"

    async def _pay_owed(self, actor: str) -> str:
        booking_id = await self._lying("refunds_owed")
        if booking_id is None:
            return "finds nothing owed"
        paid = await desk.pay_owed(
            self.world.house, request_id=uuid7(), booking_id=booking_id, amount=self.world.dice.choice((None, None, 700)),
            method="bank_transfer", note="as she asked", actor=actor,
        )  # fmt: skip
        self.world.happened["owed, and paid"] += 1
        return f"pays {paid.request.amount} that is owed to {self.world.name('b', booking_id)}: {paid.status}"

    # -- looking -------------------------------------------------------------------------------------------------------

    async def _look(self) -> str:
        """What would happen if we looked now?"""
        transaction_id = await self.world.one(
            "SELECT id FROM transactions WHERE gateway <> 'manual' ORDER BY created_at, id"
        )
        if transaction_id is None:
            return "finds no payment"
        foreseen = await payments.foresee(self.world.house, transaction_id)
        return f"foresees {foreseen.state[0]} -> {foreseen.state[1]} of {self.world.name('t', transaction_id)}, {foreseen.unknown or 'known'}"

    async def _settle(self, actor: str) -> str:
        concern = await self.world.one(
            "SELECT id FROM anomalies WHERE resolved_at IS NULL AND kind = ANY($1) ORDER BY opened_at, id",
            list(JUST_TOLD),
        )
        if concern is None:
            return "has nothing on the list"
        await payments.settle_concern(self.world.db, concern, actor=actor, note="we know")
        return "settles a concern"

    async def _try_again(self, actor: str) -> str:
        concern = await self.world.one(PUT_ASIDE)
        if concern is None:
            return "finds nothing that was put aside"
        await aside.again(self.world.house, concern, actor=actor)
        return "has something tried again"

    # -- selling -------------------------------------------------------------------------------------------------------

    async def _open_or_close(self) -> str:
        agency = self.world.agency
        departure = self.world.dice.choice(sorted(agency.closed) or agency.departures)
        async with self.world.db.transaction() as conn:
            await conn.execute(
                "UPDATE departures SET status = CASE status WHEN 'open' THEN 'closed' ELSE 'open' END WHERE id = $1",
                departure,
            )
        agency.closed ^= {departure}
        return f"{self.world.name('d', departure)} is {'closed' if departure in agency.closed else 'open'}"

    async def _change_price(self) -> str:
        departure = self.world.dice.choice(self.world.agency.departures)
        async with self.world.db.transaction() as conn:
            await conn.execute("UPDATE departure_prices SET amount = amount + 10000 WHERE departure_id = $1", departure)
        return self.world.name("d", departure)

    async def _change_terms(self, actor: str) -> str:
        world = self.world
        terms = world.dice.choice(sorted(TERMS))
        (found,) = await world.rows("SELECT slug FROM packages WHERE id = $1", world.dice.choice(world.agency.packages))
        await catalogue.set_terms(world.db, found[0], TERMS[terms], actor=actor)
        return f"sells under {terms!r} from now on"
