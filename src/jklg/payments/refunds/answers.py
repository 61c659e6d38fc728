"""What a gateway says of our refunds, and of those it made without us: merged into the rows, booked once."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from jklg import bookings, history, jobs, ledger
from jklg.kit.db import Connection
from jklg.kit.errors import Unavailable
from jklg.kit.ids import uuid7
from jklg.payments import commands, concerns
from jklg.payments import queries as payment_queries
from jklg.payments.gateways.contract import RefundSnapshot
from jklg.payments.queries import Transaction
from jklg.payments.refunds import queries, rules


async def apply(conn: Connection, transaction_id: UUID, told: Iterable[RefundSnapshot], source: str) -> None:
    """Merge what a gateway says of an attempt's refunds. The caller holds the locks of departure, booking and transaction.

    Those that went wrong come first: their failure makes the room that a later one was made in. Raises Unavailable (refunds_collide)
    while what is promised here takes the room of one that was made there: ours will be refused, and then theirs fits.
    """
    for reported in sorted(told, key=lambda each: each.state not in ("failed", "canceled")):
        await _apply(conn, transaction_id, reported, source)


async def _apply(conn: Connection, transaction_id: UUID, reported: RefundSnapshot, source: str) -> None:
    transaction = await payment_queries.get(conn, transaction_id)
    assert transaction is not None, "asked about by its own snapshot"
    if reported.currency != transaction.currency:
        await _foreign_returned(conn, transaction, reported)
        return
    refund = await queries.find(conn, transaction_id, reported.refund_id, reported.ref)
    if refund is not None:
        told = "done" if reported.ref else "rejected"
        await commands.finish_all(conn, [refund.request_key], told, reported.failure)
    if refund is not None and rules.was_made_after_all(refund.state, refund.gateway_ref, reported.state):
        # It is a refund of its own now: what has ended here cannot begin again.
        await payment_queries.resolve_anomaly(conn, f"refund_failed:{refund.id}")
        refund = None
    if refund is None and reported.state in ("failed", "canceled") and reported.amount > _room(transaction):
        return  # somebody tried it there in vain, before we heard of it, and all has gone back since: nothing moved
    if refund is None:
        if _room(transaction) < reported.amount <= _room(transaction) + transaction.refund_reserved:
            raise Unavailable(
                "refunds_collide", "Money is on its way back just now. Please look again in a few minutes."
            )
        refund = await _adopt(conn, transaction, reported)
    state = rules.next_state(refund.state, reported.state)
    if state is None:
        if refund.gateway_ref is None and reported.ref:
            await queries.move(conn, refund.id, refund.state, gateway_ref=reported.ref)
        return
    await queries.move(conn, refund.id, state, gateway_ref=reported.ref or None, failure=reported.failure)
    await payment_queries.add_fact(
        conn, transaction, object_id=reported.ref or refund.request_key, fact_type=f"refund_{state}", amount=refund.amount, source=source
    )  # fmt: skip
    submitted = await ledger.entries_of(conn, "refund_submitted", "refund", str(refund.id))
    moved = rules.posting(refund.state, state, f"gateway_clearing:{refund.gateway}", submitted, refund.amount)
    if moved is not None:
        kind, entries = moved
        await ledger.post(conn, kind, "refund", str(refund.id), refund.booking_id, refund.currency, entries)
    await history.record(
        conn,
        f"gateway:{refund.gateway}",
        f"refund.{state}",
        "booking",
        refund.booking_id,
        {"refund_id": str(refund.id), "amount": refund.amount},
    )
    if state in ("succeeded", "failed", "canceled"):
        news = {"refund_id": str(refund.id), "booking_id": str(refund.booking_id)}
        await jobs.announce(conn, "refund.settled", news)
    if state == "succeeded" and refund.origin == "late_money":
        await jobs.announce(conn, "refund.late_money", {"refund_id": str(refund.id)})
    if state in ("failed", "canceled"):
        await payment_queries.report_anomaly(
            conn,
            anomaly_id=uuid7(),
            kind="refund_failed",
            once_key=f"refund_failed:{refund.id}",
            transaction_id=transaction_id,
            booking_id=refund.booking_id,
            detail={"refund_id": str(refund.id), "amount": refund.amount, "failure": reported.failure},
        )


async def _foreign_returned(conn: Connection, transaction: Transaction, reported: RefundSnapshot) -> None:
    """Money in a currency that we had not asked for lies in suspense, and somebody sent it back at the gateway."""
    fact = ("transaction", f"{transaction.id}:{reported.currency}:{reported.ref}")
    entries = [(rules.SUSPENSE, reported.amount), (f"gateway_clearing:{transaction.gateway}", -reported.amount)]
    if reported.state == "succeeded":
        await ledger.post(conn, "foreign_returned", *fact, transaction.booking_id, reported.currency, entries)
    elif reported.state in ("failed", "canceled") and await ledger.entries_of(conn, "foreign_returned", *fact):
        back = [(account, -amount) for account, amount in entries]
        await ledger.post(conn, "foreign_return_failed", *fact, transaction.booking_id, reported.currency, back)
    await concerns.resolve_when_nothing_lies(conn, transaction.booking_id)


def _room(transaction: Transaction) -> int:
    """What of it is neither sent back nor promised, in minor units."""
    return transaction.captured - transaction.refunded - transaction.refund_reserved


async def _adopt(conn: Connection, transaction: Transaction, reported: RefundSnapshot) -> queries.Refund:
    """A refund we did not make: somebody made it in the gateway's own dashboard. It is booked like ours, and shown."""
    booking = await bookings.get(conn, transaction.booking_id)
    assert booking is not None, "a transaction keeps its booking"
    kept = await bookings.amount_kept(conn, booking.id, reported.currency)
    apart = {
        account: -await ledger.balance(conn, account, reported.currency, booking.id)
        for account in (rules.OWED, rules.SUSPENSE)
    }
    sources = rules.sources_of_stranger(kept | apart, reported.amount)
    # Whoever sent it back there has given it up: the customer is not asked for it again.
    of_booking = sum(part for account, part in sources if account in kept)
    given_up = rules.off_the_price(sum(kept.values()), booking.price, of_booking)
    await bookings.take_off(conn, booking, given_up, actor=f"gateway:{transaction.gateway}", why="sent back there")
    refund_id = uuid7()
    await queries.insert(
        conn,
        refund_id=refund_id,
        transaction_id=transaction.id,
        amount=reported.amount,
        currency=reported.currency,
        origin="gateway",
        request_key=f"gateway:{transaction.gateway}:{reported.ref}",
        reason="made at the gateway",
        source_account=sources[0][0],
        gateway_ref=reported.ref,
    )
    await ledger.post(
        conn,
        "refund_submitted",
        "refund",
        str(refund_id),
        transaction.booking_id,
        reported.currency,
        [*sources, ("refunds_in_flight", -reported.amount)],
    )
    await concerns.resolve_when_nothing_lies(conn, booking.id)
    await payment_queries.report_anomaly(
        conn,
        anomaly_id=uuid7(),
        kind="refund_made_at_gateway",
        once_key=f"refund_made_at_gateway:{reported.ref}",
        transaction_id=transaction.id,
        booking_id=transaction.booking_id,
        detail={"amount": reported.amount, "ref": reported.ref},
    )
    refund = await queries.get(conn, refund_id)
    assert refund is not None, "just written"
    return refund
