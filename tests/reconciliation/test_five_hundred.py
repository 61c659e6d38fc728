"""Five hundred things happen, in any order, to many bookings at one gateway, and no webhook ever arrives. At the end the gateway's books
and ours agree to the cent (payments.md L01, L08)."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

import pytest

from jklg import app, ledger, payments
from jklg.app import House
from jklg.kit.db import open_database
from jklg.kit.errors import Refusal
from jklg.reconciliation import ALL_CHECKS
from jklg.sandbox import account
from jklg.sandbox.things import BankError, Dispute, Intent, Refund
from jklg.settings import Settings
from tests.conftest import SECRET, FreshDatabase
from tests.payments.gateways.counters import COUNTERS, Counter, PayPalCounter
from tests.trade import add_departure, hold

OPERATIONS = 500


class Market:
    """A house, a gateway, and everything that people do to both."""

    def __init__(self, house: House, counter: Counter, dice: Random) -> None:
        self.house, self.counter, self.dice = house, counter, dice
        self.happened: dict[str, int] = {}

    async def something(self) -> None:
        name = self.dice.choice(
            (
                "buys",
                "buys",
                "pays",
                "pays",
                "pays",
                "declines",
                "gives up",
                "refund",
                "ripens",
                "dispute",
                "answers",
                "decides",
                "time",
                "worker",
            )
        )
        doing = getattr(self, f"_{name.replace(' ', '_')}")
        try:
            if await doing() is not False:
                self.happened[name] = self.happened.get(name, 0) + 1
        except (BankError, Refusal):
            pass  # nobody could do that now

    async def _buys(self) -> None:
        held = await hold(self.house.db, await add_departure(self.house.db, seats=self.dice.choice((2, 8))))
        await payments.start(self.house, held.id, self.counter.gateway.name)

    async def _intents(self, *, paid: bool) -> list[Intent]:
        async with self.counter.bank.work() as work:
            return [each for each in work.all(Intent) if bool(each.amount_received) == paid]

    async def _act(self, what: str) -> bool:
        open_ = [each for each in await self._intents(paid=False) if each.status != "canceled"]
        if not open_:
            return False
        ref = self.dice.choice(open_).id
        if isinstance(self.counter, PayPalCounter):
            await self.counter.peer.approve(ref, "declined" if what == "decline" else "paypal")
        else:
            await self.counter.act(await self.counter.gateway.fetch(ref), what)
        return True

    async def _pays(self) -> bool:
        return await self._act("pay")

    async def _declines(self) -> bool:
        return await self._act("decline")

    async def _gives_up(self) -> bool:
        async with self.house.db.transaction() as conn:
            booking_id = await conn.fetchval(
                "SELECT id FROM bookings WHERE status = 'held' ORDER BY created_at DESC LIMIT 1"
            )
        if booking_id is None:
            return False
        await payments.give_up(self.house, booking_id, actor="guest")
        return True

    async def _refund(self) -> bool:
        """Somebody sends money back at the gateway itself."""
        paid = await self._intents(paid=True)
        if not paid:
            return False
        self.counter.faults.refund_pending, self.counter.faults.refund_fails = (
            self.dice.randrange(2),
            self.dice.randrange(2),
        )
        async with self.counter.bank.work() as work:
            intent = work.get(Intent, self.dice.choice(paid).id)
            work.refund(intent, self.dice.choice((1, 700, intent.amount // 3)), {})
        return True

    async def _ripens(self) -> bool:
        async with self.counter.bank.work() as work:
            waiting = [each for each in work.all(Refund) if each.then]
            if not waiting:
                return False
            refund = work.get(Refund, self.dice.choice(waiting).id)
            refund.status, refund.then, refund.due_at = refund.then or refund.status, None, None
            work.put(refund)
            work._tell("refund.failed" if refund.status == "failed" else "refund.updated", refund)
        return True

    async def _dispute(self) -> bool:
        paid = await self._intents(paid=True)
        if not paid:
            return False
        async with self.counter.bank.work() as work:
            intent = work.get(Intent, self.dice.choice(paid).id)
            left = intent.amount_received - sum(
                each.amount for each in work.refunds_of(intent.id) if each.status != "failed"
            )
            taken = -sum(moved.amount for each in work.disputes_of(intent.id) for moved in each.movements)
            if left - taken <= 0:
                return False
            work.dispute(intent, min(left - taken, self.dice.choice((900, left))), inquiry=self.dice.random() < 0.3)
        return True

    async def _open_dispute(self, work: Any) -> Dispute | None:
        found = [each for each in work.all(Dispute) if each.status in ("inquiry", "needs_response", "under_review")]
        return work.get(Dispute, self.dice.choice(found).id) if found else None

    async def _answers(self) -> bool:
        async with self.counter.bank.work() as work:
            dispute = await self._open_dispute(work)
            if dispute is not None:
                (work.escalate if dispute.status == "inquiry" else work.respond)(dispute)
        return dispute is not None

    async def _decides(self) -> bool:
        async with self.counter.bank.work() as work:
            dispute = await self._open_dispute(work)
            if dispute is not None:
                work.decide(dispute, won=self.dice.random() < 0.5)
        return dispute is not None

    async def _time(self) -> None:
        self.counter.clock.ahead += timedelta(minutes=self.dice.choice((1, 6, 20, 70)))

    async def _worker(self) -> None:
        for name, sweep in app.SWEEPS.items():
            if name != "mail":
                await sweep(self.house)

    async def all_quiet(self) -> None:
        """Days go by, and the worker goes round. Late refunds end at the gateway as they will."""
        for number in range(60):
            self.counter.clock.ahead += timedelta(hours=3)
            if number == 30:  # everything that ripens has ripened: the gateway pays
                async with self.counter.bank.work() as work:
                    account.pay_out(work, "INR")
            async with self.counter.bank.work() as work:
                work.ripen()
            await self._worker()
            await self._worker()


@pytest.mark.parametrize("name", COUNTERS)
async def test_the_books_agree_after_five_hundred_operations_without_any_webhook(
    name: str, settings: Settings, fresh_database: FreshDatabase
) -> None:
    counter = COUNTERS[name]()
    counter.faults.lose_webhooks = 10**6
    counter.bank.fee_per_mille = 20
    db = await open_database(fresh_database.login_url, max_size=10, clock=counter.clock.now)
    house = await app.build_house(settings, db, {name: counter.gateway}, counter.clock, Random(2))
    market = Market(house, counter, Random(500))
    for _ in range(OPERATIONS):
        await market.something()
    await market.all_quiet()
    assert set(market.happened) >= {"buys", "pays", "refund", "dispute", "decides"}, market.happened
    assert market.happened["pays"] > 20
    findings = await ledger.verify(db, ALL_CHECKS, keys=[SECRET])
    assert findings.ok, findings.broken
    async with counter.bank.work() as work:
        theirs = {currency: page["available"] for currency, page in work.balance().items()}
        told = {each.status for each in work.all(Intent)}
    ours = {
        currency: amount for account, currency, amount in findings.balances if account == f"gateway_clearing:{name}"
    }
    assert ours == theirs, market.happened
    async with db.transaction() as conn:
        told = await conn.fetch(
            "SELECT kind, detail FROM anomalies WHERE kind LIKE 'movement%' OR kind LIKE 'balance%'"
        )
        assert [dict(row) for row in told] == []
        kinds = {row[0] for row in await conn.fetch("SELECT kind FROM gateway_movements")}
    assert kinds >= {"capture", "refund", "payout"}, "the account was read, and its fees and the payout are booked"
    assert "processing" not in told
    await house.close()
