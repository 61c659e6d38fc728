"""What banks do without being asked, and what Mallory would like to have done."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from jklg.payments.webhooks import file_notice
from jklg.sandbox import account
from jklg.sandbox.bank import Work
from jklg.sandbox.things import BankError, Dispute, Event, Intent, Payout
from tests.simulation.branches import Branch, RazorpayBranch

if TYPE_CHECKING:
    from tests.simulation.world import Story, World

OPEN_DISPUTES = ("inquiry", "needs_response", "under_review")


class Banks:
    def __init__(self, world: World) -> None:
        self.world = world

    def begins(self, who: str) -> Story | None:
        world = self.world
        branch = world.dice.choice(world.branches)
        if who == "mallory":
            return "Mallory", "forges a notice", self._forge(branch)
        acts = [
            "repeats itself",
            "asks about a payment",
            "takes money back",
            "goes on with a dispute",
            "refunds by itself",
            "is paid by a stranger",
        ]
        if world.climate.daily_money:
            acts += ["pays out to us"]
        if branch.name == "razorpay":
            acts += ["authorizes late", "lapses"]
        if branch.name == "paypal":
            acts += ["lapses"]
        what = world.choose(*acts)
        return (f"Bank {branch.name}", what, self._act(branch, what)) if what else None

    def _act(self, branch: Branch, what: str) -> Coroutine[Any, Any, str]:
        match what:
            case "repeats itself":
                return self._repeat(branch)
            case "asks about a payment":
                return self._dispute(branch, inquiry=True)
            case "takes money back":
                return self._dispute(branch, inquiry=False)
            case "goes on with a dispute":
                return self._go_on(branch)
            case "refunds by itself":
                return self._refund(branch)
            case "is paid by a stranger":
                return self._stranger(branch)
            case "pays out to us":
                return self._pay_out(branch)
            case "authorizes late":
                return self._authorize_late(branch)
        return self._lapse(branch)

    # -- what is told ------------------------------------------------------------------------------------------------

    async def _some_event(self, branch: Branch) -> Event | None:
        async with branch.bank.work() as work:
            events = work.all(Event)
        return self.world.dice.choice(events) if events else None

    async def _forge(self, branch: Branch) -> str:
        """Mallory knows what a notice looks like, but not the secret."""
        event = await self._some_event(branch)
        if event is None:
            return "has nothing to copy"
        body = (
            event.body.replace("requires_payment_method", "succeeded")
            .replace("evt_", "evt_forged_")
            .replace("WH-", "WH-forged-")
        )
        headers, content = branch.signed(event, body=body, truly=False)
        await file_notice(self.world.house, branch.name, headers, content)
        self.world.loud.append("Z: not true: a forged notice is refused")
        return "is believed"

    async def _repeat(self, branch: Branch) -> str:
        """The bank tells again what it told long ago."""
        event = await self._some_event(branch)
        if event is None:
            return "has nothing to say"
        headers, content = branch.signed(event)
        new = await file_notice(self.world.house, branch.name, headers, content)
        return f"{event.id} {event.type} {'new' if new else 'known'}"

    # -- what is done to payments --------------------------------------------------------------------------------------

    def _some_paid(self, branch: Branch, work: Work, *, strangers: bool = False) -> Intent | None:
        paid = [each for each in work.all(Intent) if each.amount_received]
        if not strangers:
            paid = [each for each in paid if each.id not in branch.strangers]
        return work.get(Intent, self.world.dice.choice(paid).id) if paid else None

    async def _dispute(self, branch: Branch, *, inquiry: bool) -> str:
        async with branch.bank.work() as work:
            intent = self._some_paid(branch, work)
            if intent is None:
                return "has nothing to ask about"
            left = self._left(work, intent)
            if left <= 0:
                return "finds nothing left"
            try:
                dispute = work.dispute(intent, self.world.dice.choice((left, left, min(900, left))), inquiry=inquiry)
            except BankError as refusal:
                return f"cannot: {refusal.code}"
        self.world.happened["inquiry" if inquiry else "dispute"] += 1
        return f"{dispute.id} of {intent.id}: {dispute.amount}"

    @staticmethod
    def _left(work: Work, intent: Intent) -> int:
        """What of a payment has neither gone back nor been taken back."""
        back = sum(each.amount for each in work.refunds_of(intent.id) if each.status != "failed")
        taken = -sum(moved.amount for each in work.disputes_of(intent.id) for moved in each.movements)
        return intent.amount_received - back - taken

    async def _go_on(self, branch: Branch) -> str:
        async with branch.bank.work() as work:
            found = [each.id for each in work.all(Dispute) if each.status in OPEN_DISPUTES]
            if not found:
                return "has no dispute"
            dispute = work.get(Dispute, self.world.dice.choice(found))
            return self.decide(work, dispute)

    def decide(self, work: Work, dispute: Dispute, *, at_last: bool = False) -> str:
        """The next step of a dispute, or its end."""
        if not at_last and self.world.chance(50):
            if dispute.status == "inquiry":
                work.escalate(dispute)
                return f"{dispute.id} is escalated"
            if dispute.status == "needs_response":
                work.respond(dispute)
                return f"{dispute.id} is under review"
        won = self.world.chance(50)
        work.decide(dispute, won=won)
        self.world.happened[f"dispute {dispute.status}"] += 1
        return f"{dispute.id} is {dispute.status}"

    async def _refund(self, branch: Branch) -> str:
        """Somebody sends money back in the bank's own dashboard. That of a stranger's is only known where the account is read line by line."""
        async with branch.bank.work() as work:
            intent = self._some_paid(branch, work, strangers=self.world.climate.daily_money)
            if intent is None:
                return "has nothing to refund"
            left = self._left(work, intent)
            amount = self.world.dice.choice((700, intent.amount // 3, left))
            if not 0 < amount <= left:
                return "finds nothing left"
            try:
                refund = work.refund(intent, amount, {})
            except BankError as refusal:
                return f"cannot: {refusal.code}"
        self.world.happened["dashboard refund"] += 1
        return f"{refund.id} of {intent.id}: {refund.amount}, {refund.status}"

    async def _stranger(self, branch: Branch) -> str:
        async with branch.bank.work() as work:
            intent = branch.stranger(work, len(branch.strangers) + 1)
        branch.strangers.add(intent.id)
        self.world.happened["money of a stranger"] += 1
        return f"{intent.id}: {intent.amount}"

    async def _pay_out(self, branch: Branch) -> str:
        async with branch.bank.work() as work:
            paid = [each.id for each in work.all(Payout) if each.status == "paid"]
            if paid and branch.name != "razorpay" and self.world.chance(20):
                account.send_back(work, work.get(Payout, paid[-1]))
                return f"{paid[-1]} comes back"
            try:
                payout = account.pay_out(work, "INR")
            except BankError as refusal:
                return f"cannot: {refusal.code}"
        self.world.happened["payout"] += 1
        return f"{payout.id}: {payout.amount}"

    async def _authorize_late(self, branch: Branch) -> str:
        """A bank says yes after all to a payment that failed."""
        assert isinstance(branch, RazorpayBranch)
        async with branch.bank.work() as work:
            failed = [each.id for each in work.all(Intent) if branch.failed(work, each)]  # type: ignore[arg-type]
            if not failed:
                return "has nothing to change its mind about"
            intent = work.get(Intent, self.world.dice.choice(failed))
            work.authorize_late(intent)  # type: ignore[attr-defined]
        self.world.happened["late authorisation"] += 1
        return f"{intent.id} is {intent.status}"

    async def _lapse(self, branch: Branch) -> str:
        """What was approved and never taken goes back by itself."""
        async with branch.bank.work() as work:
            held = [each.id for each in work.all(Intent) if each.status == "authorized"]
        if not held:
            return "has nothing that waits"
        ref = self.world.dice.choice(held)
        await (branch.peer.lapse if branch.name == "razorpay" else branch.peer.void)(ref)
        self.world.happened["lapse"] += 1
        return f"{ref} lapses"
