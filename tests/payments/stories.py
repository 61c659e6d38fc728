"""Lives of a payment at the play bank, as the bank would have told them at each moment, and every order in which we may hear of them."""

from __future__ import annotations

from random import Random
from typing import Any
from uuid import UUID

from jklg.kit.db import Connection, Database
from jklg.payments import actions
from jklg.payments.gateways.contract import Snapshot
from jklg.sandbox.bank import Bank, Work
from jklg.sandbox.things import BankError, Dispute, Intent, Refund
from tests.payments.conftest import Street

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
apart (refunds_owed) depends on whether we ever heard that it had succeeded, so both are one here."""


class Unsettled(Exception):
    """To roll back."""


async def live(street: Street, ref: str, dice: Random) -> list[Snapshot]:
    """Let a payment live at the bank; what the bank says of it after each step."""
    gateway = street.house.gateways["sandbox"]
    told = [await gateway.fetch(ref)]
    for _ in range(dice.randint(3, 9)):
        async with street.bank.bank.work() as work:
            _step(work, street.bank.bank, ref, dice)
        told.append(await gateway.fetch(ref))
    return told


def _step(work: Work, bank: Bank, ref: str, dice: Random) -> None:
    """Something that can happen now, or nothing."""
    intent = work.get(Intent, ref)
    disputes = [each for each in work.disputes_of(ref) if each.status in ("inquiry", "needs_response", "under_review")]
    refunds = [each for each in work.refunds_of(ref) if each.then]
    if not intent.amount_received:
        what: Any = dice.choice(("decline", "ask", "later", "pay", "pay", "cancel"))
    elif disputes:
        what = dice.choice(("escalate", "respond", "win", "lose"))
    else:
        what = dice.choice(("refund", "refund", "ripen", "dispute", "inquire"))
    bank.faults.refund_pending, bank.faults.refund_fails = dice.randrange(2), dice.randrange(2)
    dispute = work.find(Dispute, disputes[-1].id) if disputes else None
    try:
        match what:
            case "decline":
                work.decline(intent, "card_declined")
            case "ask":
                work.ask_the_bank(intent)
            case "later":
                work.pay_later(intent)
            case "pay":
                work.pay(intent, "play_card")
            case "cancel":
                work.cancel(intent)
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
    """All of it, some of it twice, in any order; or only some, and then somebody looks."""
    again = [each for each in told if dice.random() < 0.3]
    if dice.random() < 0.5:
        return dice.sample([*told, *again], len(told) + len(again))
    some = [*(each for each in told if dice.random() < 0.8), *again]
    return [*dice.sample(some, len(some)), told[-1]]


async def tell(street: Street, number: int, orders: int) -> list[Snapshot]:
    """One story, and so many orders in which it may reach us. AssertionError for an order that makes us believe something else."""
    dice = Random(number)
    held = await street.asha_holds(email=f"asha{number}@example.org")
    started = await street.start(held.id)
    told = await live(street, started.transaction.ref or "", dice)
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
