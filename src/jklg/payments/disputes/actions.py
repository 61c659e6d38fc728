"""Disputes, told like refunds: what the gateway says now is merged into our row, and each movement of money is booked once.

The bank moves the money without asking us, so there is nothing to reserve and nothing to send. While a dispute is open the money is
owed to us (disputes_receivable); lost, it is a loss, which is met by what would have gone back to her otherwise (`bookings.meet_loss`); won,
it comes back. The fee is gone either way.
"""

from __future__ import annotations

import msgspec

from jklg import bookings, history, ledger
from jklg.kit.db import Connection
from jklg.kit.ids import uuid7
from jklg.payments import concerns
from jklg.payments import queries as payment_queries
from jklg.payments.disputes import queries, rules
from jklg.payments.disputes.queries import Dispute
from jklg.payments.gateways.contract import DisputeMovement, DisputeSnapshot
from jklg.payments.queries import Transaction


async def apply(conn: Connection, transaction: Transaction, reported: DisputeSnapshot, source: str) -> bool:
    """Merge what a gateway says of one dispute. True while it is open. The caller holds the locks of booking and transaction.

    A bank may take the money first and list the case later, or lose sight of it for a moment: whatever is taken is booked as one of them.
    """
    others = [
        each
        for each in await queries.list_of_transaction(conn, transaction.id)
        if each.withdrawn > 0 and each.gateway_ref != reported.ref
    ]
    if rules.caseless(reported.ref):
        return False if others else await _merge(conn, transaction, reported, source)
    if sum(movement.amount for movement in reported.movements) > 0:
        for other in others:
            if rules.caseless(other.gateway_ref):
                await _tells_a_case(conn, transaction, other, source)
    return await _merge(conn, transaction, reported, source)


async def _tells_a_case(conn: Connection, transaction: Transaction, dispute: Dispute, source: str) -> None:
    """What was taken without a case is taken back out of the books: a case tells of it now."""
    back = DisputeMovement(ref=f"{dispute.gateway_ref}:case", amount=-dispute.withdrawn)
    undone = DisputeSnapshot(
        ref=dispute.gateway_ref,
        state=dispute.state,
        amount=dispute.amount,
        currency=dispute.currency,
        reason=dispute.reason,
        evidence_due_at=None,
        movements=[back],
    )
    await _merge(conn, transaction, undone, source)
    await concerns.resolve_concerns(conn, f"money_taken_back:{dispute.id}", [])


async def _merge(conn: Connection, transaction: Transaction, reported: DisputeSnapshot, source: str) -> bool:
    before, dispute = await _known(conn, transaction, reported)
    withdrawn = dispute.withdrawn
    for movement in reported.movements:
        withdrawn += await _book(conn, transaction, dispute, movement, source)
    state = rules.next_state(dispute.state, reported.state) or dispute.state
    lost = rules.written_off(state, withdrawn)
    if lost != dispute.lost:
        await _write_off(conn, transaction, dispute, lost - dispute.lost)
    now = msgspec.structs.replace(
        dispute,
        amount=reported.amount,
        state=state,
        evidence_due_at=reported.evidence_due_at or dispute.evidence_due_at,
        withdrawn=withdrawn,
        lost=lost,
        loss_postings=dispute.loss_postings + (lost != dispute.lost),
    )
    await queries.update(conn, now)
    if state != before:
        await _tell(conn, transaction, now, source)
    await _put_before_person(conn, transaction, now)
    if before is None and state == "lost" and withdrawn:
        await _tell_of_loss(conn, transaction, now)
    return state in rules.OPEN


async def _known(conn: Connection, transaction: Transaction, reported: DisputeSnapshot) -> tuple[str | None, Dispute]:
    """The state it was in, None for one that is new to us, and our row."""
    dispute = await queries.find(conn, transaction.id, reported.ref)
    if dispute is not None:
        return dispute.state, dispute
    await queries.insert(
        conn,
        dispute_id=uuid7(),
        transaction_id=transaction.id,
        gateway=transaction.gateway,
        livemode=transaction.livemode,
        gateway_ref=reported.ref,
        amount=reported.amount,
        currency=reported.currency,
        reason=reported.reason,
        state=reported.state,
        evidence_due_at=reported.evidence_due_at,
    )
    dispute = await queries.find(conn, transaction.id, reported.ref)
    assert dispute is not None, "just written"
    return None, dispute


async def _book(
    conn: Connection, transaction: Transaction, dispute: Dispute, moved: DisputeMovement, source: str
) -> int:
    """One movement, once: money between the gateway and what it owes us, and the fee. Answers what is new of the money."""
    clearing = f"gateway_clearing:{transaction.gateway}"
    source_id = f"{dispute.id}:{moved.ref}"
    if moved.fee:
        fee = [("dispute_fees", moved.fee), (clearing, -moved.fee)]
        await ledger.post(conn, "dispute_fee", "dispute", source_id, transaction.booking_id, moved.fee_currency, fee)
    if not moved.amount:
        return 0
    kind = "dispute_withdrawn" if moved.amount > 0 else "dispute_reinstated"
    entries = [("disputes_receivable", moved.amount), (clearing, -moved.amount)]
    if not await ledger.post(conn, kind, "dispute", source_id, transaction.booking_id, dispute.currency, entries):
        return 0
    await payment_queries.add_fact(
        conn, transaction, object_id=moved.ref, fact_type=kind, amount=abs(moved.amount), source=source
    )
    return moved.amount


async def _write_off(conn: Connection, transaction: Transaction, dispute: Dispute, amount: int) -> None:
    """What is lost is no longer owed to us; below 0: it is, again."""
    kind = "dispute_lost" if amount > 0 else "dispute_loss_reversed"
    entries = [(bookings.LOSSES, amount), ("disputes_receivable", -amount)]
    source_id = f"{dispute.id}:{dispute.loss_postings + 1}"
    await ledger.post(conn, kind, "dispute", source_id, transaction.booking_id, dispute.currency, entries)
    lost = await bookings.amount_lost(conn, transaction.booking_id, dispute.currency)
    if lost < 0:
        await _owe(conn, transaction, dispute, -lost, source_id)


async def _owe(conn: Connection, transaction: Transaction, dispute: Dispute, amount: int, source_id: str) -> None:
    """What her bank had given her was not sent to her, and now the bank has taken it from her again: we owe it."""
    entries = [(bookings.LOSSES, amount), ("refunds_owed", -amount)]
    await ledger.post(conn, "loss_owed", "loss", source_id, transaction.booking_id, dispute.currency, entries)
    await payment_queries.report_anomaly(
        conn,
        anomaly_id=uuid7(),
        kind="money_left_behind",
        once_key=f"money_left_behind:{transaction.booking_id}:{source_id}",
        transaction_id=transaction.id,
        booking_id=transaction.booking_id,
        detail={"amount": amount, "currency": dispute.currency, "why": "won_after_all"},
    )


async def _tell(conn: Connection, transaction: Transaction, dispute: Dispute, source: str) -> None:
    """Into the facts and the history."""
    fact = f"dispute_{dispute.state}"
    await payment_queries.add_fact(conn, transaction, object_id=dispute.gateway_ref, fact_type=fact, source=source)
    detail = {"dispute_id": str(dispute.id), "amount": dispute.amount, "reason": dispute.reason}
    actor, what = f"gateway:{transaction.gateway}", f"dispute.{dispute.state}"
    await history.record(conn, actor, what, "booking", transaction.booking_id, detail)


async def _put_before_person(conn: Connection, transaction: Transaction, dispute: Dispute) -> None:
    """As long as it is open, with its deadline; and once more in each new round, whatever somebody said of the one before."""
    subject = f"dispute:{dispute.id}:"
    about = subject + rules.round_of(dispute.state, dispute.loss_postings)
    if dispute.state in rules.OPEN:
        due = dispute.evidence_due_at.isoformat() if dispute.evidence_due_at else None
        detail = {
            "dispute_id": str(dispute.id), "state": dispute.state, "amount": dispute.amount, "reason": dispute.reason, "evidence_due_at": due,
        }  # fmt: skip
        await concerns.report_concern(
            conn, "dispute", about, detail, transaction_id=transaction.id, booking_id=transaction.booking_id
        )
    await concerns.resolve_concerns(conn, subject, [about] if dispute.state in rules.OPEN else [])


async def _tell_of_loss(conn: Connection, transaction: Transaction, dispute: Dispute) -> None:
    """The money was gone before anybody could answer: no question was asked that we heard of."""
    detail: dict[str, object] = {
        "dispute_id": str(dispute.id), "amount": dispute.withdrawn, "currency": dispute.currency, "reason": dispute.reason,
    }  # fmt: skip
    await concerns.report_concern(
        conn, "money_taken_back", f"money_taken_back:{dispute.id}", detail, transaction_id=transaction.id, booking_id=transaction.booking_id
    )  # fmt: skip
