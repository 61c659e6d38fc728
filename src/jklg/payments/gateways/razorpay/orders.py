"""Razorpay's orders, payments and refunds, as much of them as we read, and what they mean as a `Snapshot`.

An order is tried as often as the payer likes: each try is a payment. A failed one proves nothing for three days, because her
bank may say yes late; so a failed payment never ends an attempt. Only what is `captured` is ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from jklg.payments.gateways import signatures
from jklg.payments.gateways.contract import DisputeSnapshot, GatewayUnknown, RefundSnapshot, Snapshot
from jklg.payments.gateways.razorpay.amounts import minor

_REFUND_STATES = {"processed": "succeeded", "failed": "failed"}

Notes = dict[str, str | None] | list[str]
"""Empty notes come as an empty list."""


class Order(msgspec.Struct):
    id: str
    amount: int
    currency: str
    status: str
    created_at: int
    amount_paid: int = 0
    receipt: str | None = None
    notes: Notes = {}


class Payment(msgspec.Struct):
    id: str
    amount: int
    currency: str
    status: str
    created_at: int
    captured: bool | None = False
    method: str | None = None
    error_description: str | None = None


class Refund(msgspec.Struct):
    id: str
    amount: int
    currency: str
    status: str = ""
    notes: Notes = {}


def receipt(transaction_id: UUID) -> str:
    """Our id as an order's receipt, which takes 40 characters. Orders can be looked for by it."""
    return transaction_id.hex


def transaction_id(order: Order) -> UUID | None:
    """Our id, as the order carries it."""
    noted = order.notes.get("transaction_id") if isinstance(order.notes, dict) else None
    return signatures.uuid(noted) or signatures.uuid(order.receipt)


def captured(payments: Sequence[Payment]) -> list[Payment]:
    """The payments whose money is ours, oldest first. One that went back without our having had it was never captured."""
    return sorted((each for each in payments if each.captured), key=_age)


def to_refund(taken: Sequence[Payment], refunds: Sequence[Sequence[Refund]], amount: int) -> Payment:
    """Which of the captured payments of an order, oldest first and with the refunds of each, sends `amount` (Razorpay's units) back: the oldest of
    which enough is left.

    What has failed counts as gone as long as it can: so a refund whose answer was lost moves on, if at all, from a payment that has not enough
    for it any more, and never back to one that it may be on its way from. Where none has enough, Razorpay is to say so, of the oldest.
    """
    for gone in (("", "pending", "processed", "failed"), ("", "pending", "processed")):
        for payment, made in zip(taken, refunds, strict=True):
            if payment.amount - sum(each.amount for each in made if each.status in gone) >= amount:
                return payment
    return taken[0]


def waiting(payments: Sequence[Payment]) -> Payment | None:
    """The payment that waits for our capture. Nothing waits once one was taken: Razorpay sends back what is authorised besides."""
    held = sorted((each for each in payments if each.status == "authorized" and not each.captured), key=_age)
    return held[0] if held and not captured(payments) else None


def snapshot(
    order: Order,
    payments: Sequence[Payment] = (),
    refunds: Sequence[Refund] = (),
    disputes: Sequence[DisputeSnapshot] = (),
    *,
    livemode: bool,
) -> Snapshot:
    """Raises GatewayUnknown for money in another currency than the order's."""
    taken, held = captured(payments), waiting(payments)
    if any(each.currency != order.currency for each in (*taken, *([held] if held else []))):
        raise GatewayUnknown("other_currency", f"a payment of {order.id} is in another currency")
    received = sum(each.amount for each in taken) if payments else order.amount_paid
    authorized = minor(held.amount, order.currency) if held else 0
    shown = taken[0] if taken else held
    return Snapshot(
        ref=order.id,
        transaction_id=transaction_id(order),
        state=_state(order, payments, received),
        amount=minor(order.amount, order.currency),
        currency=order.currency,
        livemode=livemode,
        captured=minor(received, order.currency),
        authorized=authorized,
        capturable=authorized,
        charge_ref=shown.id if shown else None,
        client_secret=order.id,  # all that a browser needs besides our public key
        payment_method=shown.method if shown else None,
        error=_error(payments),
        gateway_at=signatures.moment(max([order.created_at, *(each.created_at for each in payments)])),
        refunds=[refund_snapshot(each) for each in refunds],
        disputes=disputes,
    )


def _state(order: Order, payments: Sequence[Payment], received: int) -> str:
    if received:
        return "succeeded"
    states = {each.status for each in payments}
    if "authorized" in states:
        return "authorized"
    if "created" in states:
        return "requires_action"  # she is with her bank, or has left there; nobody tells which
    return "requires_payment_method" if order.status in ("created", "attempted") else "processing"


def _error(payments: Sequence[Payment]) -> str | None:
    """Why the latest try failed, while no other one is under way."""
    if not payments or any(each.status != "failed" for each in payments):
        return None
    return max(payments, key=_age).error_description or "The payment failed."


def _age(payment: Payment) -> tuple[int, str]:
    return payment.created_at, payment.id


def refund_snapshot(refund: Refund) -> RefundSnapshot:
    """Razorpay does not say why a refund failed."""
    state = _REFUND_STATES.get(refund.status, "pending")
    ours = refund.notes.get("refund_id") if isinstance(refund.notes, dict) else None
    return RefundSnapshot(
        ref=refund.id,
        refund_id=signatures.uuid(ours),
        state=state,
        amount=minor(refund.amount, refund.currency),
        currency=refund.currency,
        failure="refund_failed" if state == "failed" else None,
    )
