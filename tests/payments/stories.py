"""Lives of a payment at any gateway, as it would have told them at each moment, and every order in which we may hear of them."""

from __future__ import annotations

from random import Random
from typing import Any
from uuid import UUID

from jklg import payments
from jklg.kit.db import Connection, Database
from jklg.payments import actions
from jklg.payments.gateways.contract import OPEN_STATES, GatewayError, Snapshot
from jklg.sandbox.bank import Bank, Work
from jklg.sandbox.things import BankError, Dispute, Intent, Refund
from tests.payments.conftest import Street
from tests.payments.gateways.counters import Counter

PROJECTION = """
SELECT (SELECT jsonb_agg(to_jsonb(t) ORDER BY t.id) FROM (
           SELECT id, state, status, captured_amount, refund_amount, refund_reserved, refund_status, transaction_id FROM transactions) t)
    || (SELECT coalesce(jsonb_agg(to_jsonb(r) ORDER BY r.gateway_ref), '[]') FROM (
           SELECT gateway_ref, amount, currency, CASE WHEN state IN ('failed', 'canceled') THEN 'failed' ELSE state END AS state, origin FROM refunds) r)
    || (SELECT coalesce(jsonb_agg(to_jsonb(d) ORDER BY d.gateway_ref), '[]') FROM (
           SELECT gateway_ref, amount, state, withdrawn_amount, lost_amount FROM disputes) d)
    || (SELECT jsonb_agg(to_jsonb(b) ORDER BY b.id) FROM (SELECT id, status, payment_status, payment_open FROM bookings) b)
    || (SELECT coalesce(jsonb_agg(to_jsonb(l) ORDER BY l.account), '[]') FROM (
           SELECT CASE account WHEN 'refunds_owed' THEN 'customer_deposits' ELSE account END AS account, currency, sum(amount) AS amount
           FROM ledger_entries GROUP BY 1, 2 HAVING sum(amount) <> 0) l)
"""
"""Everything that must be the same. A refund that fails owes the customer her money again: whether that stands with the deposits or
apart (refunds_owed) depends on what we heard first, so both are one here (docs/decisions/33)."""


class Unsettled(Exception):
    """To roll back."""


async def live(counter: Counter, ref: str, before: int, dice: Random) -> list[Snapshot]:
    """Let a payment live at its gateway, which had `before` others; what it says of it after each step."""
    told = [await counter.gateway.fetch(ref)]
    for _ in range(dice.randint(4, 11)):
        paid = next((each for each in (await counter.attempts())[before:] if each.amount_received), None)
        if paid is None:
            await _payer(counter, told[-1], dice)
        else:
            async with counter.bank.work() as work:
                _step(work, counter.bank, paid.id, dice)
        told.append(await counter.gateway.fetch(ref))
    return told


async def _payer(counter: Counter, now: Snapshot, dice: Random) -> None:
    """The payer does something, or her patience ends."""
    what = dice.choice(("decline", "bank_check", "approve", "later", "pay", "pay", "pay", "cancel"))
    try:
        if what == "cancel":
            await counter.gateway.cancel(now.ref, f"cancel:{dice.random()}")
        elif now.state in ("requires_payment_method", "requires_action"):
            await counter.act(now, what)
    except GatewayError:
        pass  # it does not do that, or not now


def _step(work: Work, bank: Bank, ref: str, dice: Random) -> None:
    """Something that can happen now, or nothing."""
    intent = work.get(Intent, ref)
    disputes = [each for each in work.disputes_of(ref) if each.status in ("inquiry", "needs_response", "under_review")]
    refunds = [each for each in work.refunds_of(ref) if each.then]
    what: Any
    if disputes:
        what = dice.choice(("escalate", "respond", "win", "lose"))
    else:
        what = dice.choice(("refund", "refund", "ripen", "ripen", "dispute", "inquire"))
    bank.faults.refund_pending, bank.faults.refund_fails = dice.randrange(2), dice.randrange(2)
    dispute = work.find(Dispute, disputes[-1].id) if disputes else None
    try:
        match what:
            case "refund":
                work.refund(intent, dice.choice((1, 700, intent.amount // 3)), {})
            case "ripen" if refunds:
                _end(work, work.get(Refund, refunds[0].id))
            case "dispute" | "inquire":
                work.dispute(intent, dice.choice((None, 900)), inquiry=what == "inquire")
            case "escalate" if dispute:
                work.escalate(dispute)
            case "respond" if dispute:
                work.respond(dispute)
            case "win" | "lose" if dispute:
                work.decide(dispute, won=what == "win")
    except BankError:
        pass  # the bank does not do that now


def _end(work: Work, refund: Refund) -> None:
    refund.status, refund.then, refund.due_at = refund.then or refund.status, None, None
    work.put(refund)


def heard(told: list[Snapshot], dice: Random) -> list[Snapshot]:
    """All of it, some of it twice, in any order; or only some, and then somebody looks.

    An open attempt is looked at in the end in any case, as the poller does: gateways that give no time to their open states, or whole
    seconds, leave it open which of two came first.
    """
    again = [each for each in told if dice.random() < 0.3]
    if dice.random() < 0.5 and told[-1].state not in OPEN_STATES:
        return dice.sample([*told, *again], len(told) + len(again))
    some = [*(each for each in told if dice.random() < 0.8), *again]
    return [*dice.sample(some, len(some)), told[-1]]


async def tell(street: Street, counter: Counter, number: int, orders: int) -> list[Snapshot]:
    """One story at a gateway, and so many orders in which it may reach us. AssertionError for an order that makes us believe something else."""
    dice = Random(number)
    before = len(await counter.attempts())
    street.house.gateways = {counter.gateway.name: counter.gateway}
    held = await street.asha_holds(email=f"asha{number}@example.org")
    started = await payments.start(street.house, held.id, counter.gateway.name)
    told = await live(counter, started.transaction.ref or "", before, dice)
    expected = await believed(street.db, started.transaction.id, told)
    for _ in range(orders):
        order = heard(told, dice)
        found = await believed(street.db, started.transaction.id, order)
        assert found == expected, (number, [(each.state, each.captured) for each in order])
    return told


async def believed(db: Database, transaction_id: UUID, snapshots: list[Snapshot]) -> Any:
    """What we believe after hearing this. Nothing of it stays."""
    found: Any = None
    try:
        async with db.transaction() as conn:
            for snapshot in snapshots:
                await _hear(conn, transaction_id, snapshot)
            await conn.execute("SET CONSTRAINTS ALL IMMEDIATE")
            found = await conn.fetchval(PROJECTION)
            raise Unsettled
    except Unsettled:
        return found


async def _hear(conn: Connection, transaction_id: UUID, snapshot: Snapshot) -> None:
    await actions.merge(conn, transaction_id, snapshot, "webhook")
