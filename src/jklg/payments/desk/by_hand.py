"""Money that staff took themselves, and gave back: cash, a transfer to the agency's account, a card on their own terminal. And attempts that
nobody but they can close."""

from __future__ import annotations

from uuid import UUID

from jklg import bookings, history
from jklg.kit.db import claims
from jklg.kit.errors import BadInput, Conflict, NotFound
from jklg.payments import actions, commands, merging, queries, refunds, rules
from jklg.payments.actions import House
from jklg.payments.gateways.contract import RefundSnapshot, Snapshot
from jklg.payments.queries import Transaction
from jklg.payments.refunds import BY_HAND
from jklg.payments.refunds import queries as refund_queries

METHODS = {
    "cash": "Cash",
    "bank_transfer": "Bank transfer",
    "card_terminal": "Card, on our own terminal",
    "other": "Other",
}


async def record_payment(
    house: House, *, payment_id: UUID, booking_id: UUID, amount: int, method: str, note: str, actor: str
) -> Transaction:
    """Write down `amount` (minor units of the booking's currency) that was taken for a booking. Recorded twice under one id, it is once.

    The amounts that its customer may pay (rules.payable). An open payment is closed at its gateway first, so that nobody pays twice.
    Raises, in the order checked: BadInput (method_invalid); NotFound (booking_not_found); Conflict (payment_open: it could not be
    closed; booking_ended, already_paid); BadInput (amount_mismatch, with what is payable).
    """
    if method not in METHODS:
        raise BadInput("method_invalid", "Please say how it was paid.", details={"field": "method"})
    async with house.db.transaction() as conn:
        recorded = await queries.get(conn, payment_id)
        open_attempt = await queries.find_open(conn, booking_id)
    if recorded is not None and recorded.booking_id == booking_id:
        return recorded
    if open_attempt is not None:
        await actions.cancel_attempt(house, open_attempt.id, actor=actor)
    async with house.db.transaction(claims("system", actor=actor, reason=method)) as conn:
        booking = await bookings.lock(conn, booking_id)
        recorded = await queries.get(conn, payment_id)
        if recorded is not None:
            return recorded
        if await queries.find_open(conn, booking_id) is not None:
            raise Conflict(
                "payment_open", "A payment is still open, and could not be closed. Please look again in a minute."
            )
        paid = await bookings.amount_paid(conn, booking.id, booking.currency)
        due = max(booking.price - paid, 0)
        if await bookings.no_use_for_money(conn, booking, min(amount, due)) in ("seats_gone", "booking_cancelled"):
            raise Conflict("booking_ended", "This booking has ended, and its seats are gone.")
        if due == 0 or booking.status == "completed":
            raise Conflict("already_paid", "This booking is paid. Nothing more is due.")
        first_due = 0 if booking.status == "confirmed" else max(booking.confirms_at - paid, 0)
        parts = rules.payables(due, first_due, booking.balance_due_on)
        rules.payable(parts, rules.least(due, first_due), amount, None, booking.currency)
        await queries.insert(
            conn,
            transaction_id=payment_id,
            booking_id=booking.id,
            amount=amount,
            currency=booking.currency,
            gateway=BY_HAND,
            livemode=True,
            request_key=f"by_hand:{payment_id}",
            description=" ".join(note.split())[:500],
        )
        taken = Snapshot(
            ref=f"by_hand:{payment_id}",
            transaction_id=payment_id,
            state="succeeded",
            amount=amount,
            currency=booking.currency,
            livemode=True,
            captured=amount,
            payment_method=method,
        )
        await merging.merge(conn, payment_id, taken, "staff")
        detail = {"transaction_id": str(payment_id), "amount": amount, "method": method}
        await history.record(conn, actor, "payment.recorded", "booking", booking.id, detail)
        recorded = await queries.get(conn, payment_id)
        assert recorded is not None, "just written"
        return recorded


async def close_attempt(house: House, transaction_id: UUID, *, note: str, actor: str) -> Transaction:
    """Close an open attempt here, as `note` says, because its gateway can be asked no more: it is not configured, or for the other mode, or
    refuses to show it. It is asked once more first. This moves no money; what arrives all the same is late money.

    Raises, in the order checked: BadInput (note_missing); NotFound (transaction_not_found); Conflict (gateway_can_be_asked).
    """
    note = note.strip()[:2000]
    if not note:
        raise BadInput("note_missing", "Please say how you know that nothing was taken.", details={"field": "note"})
    settled = await actions.cancel_attempt(house, transaction_id, actor=actor)
    if settled.transaction.state not in rules.OPEN:
        return settled.transaction
    if settled.refused is None and settled.unknown != actions.NOT_CONFIGURED:
        raise Conflict(
            "gateway_can_be_asked",
            "The gateway still knows this payment, or may answer later. It is closed there, not here.",
        )
    async with house.db.transaction(claims("system", actor=actor, reason="closed by hand")) as conn:
        await bookings.lock(conn, settled.transaction.booking_id)
        now = await queries.lock(conn, transaction_id)
        if now.state not in rules.OPEN:
            return now
        if now.ref is None:
            await commands.finish_all(conn, [now.request_key, f"cancel:{now.id}"], "rejected", "closed by hand")
            await queries.fail(conn, now.id, "")
        else:
            closed = Snapshot(
                ref=now.ref, transaction_id=now.id, state="canceled", amount=now.amount, currency=now.currency, livemode=now.livemode,
            )  # fmt: skip
            await merging.merge(conn, now.id, closed, "staff")
        detail = {"transaction_id": str(now.id), "note": note}
        await history.record(conn, actor, "payment.closed_by_hand", "booking", now.booking_id, detail)
        return (await actions.seen(conn, now.id)).transaction


async def paid_out(house: House, refund_id: UUID, *, actor: str) -> None:
    """Staff gave money back by hand that was taken by hand. Twice is once. NotFound (refund_not_found), Conflict (refund_not_by_hand)."""
    async with house.db.transaction(claims("system", actor=actor, reason="paid out")) as conn:
        refund = await refund_queries.get(conn, refund_id)
        if refund is None:
            raise NotFound("refund_not_found", "We cannot find this refund.")
        if refund.gateway != BY_HAND:
            raise Conflict("refund_not_by_hand", "The gateway sends this back by itself.")
        await bookings.lock(conn, refund.booking_id)
        await queries.lock(conn, refund.transaction_id)
        answer = RefundSnapshot(
            ref=f"by_hand:{refund.id}",
            refund_id=refund.id,
            state="succeeded",
            amount=refund.amount,
            currency=refund.currency,
        )
        await refunds.apply(conn, refund.transaction_id, [answer], "staff")
        await history.record(
            conn,
            actor,
            "refund.paid_out",
            "booking",
            refund.booking_id,
            {"refund_id": str(refund.id), "amount": refund.amount},
        )
        await queries.resolve_anomaly(conn, f"refund_by_hand:{refund.id}")
