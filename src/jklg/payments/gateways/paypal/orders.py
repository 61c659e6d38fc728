"""PayPal's objects, as much of them as we read, and what they mean as a `Snapshot`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec

from jklg.payments.gateways.contract import (
    CASELESS,
    DisputeMovement,
    DisputeSnapshot,
    GatewayUnknown,
    RefundSnapshot,
    Snapshot,
)
from jklg.payments.gateways.paypal.amounts import from_paypal
from jklg.payments.gateways.signatures import uuid

Moment = Annotated[datetime, msgspec.Meta(tz=True)]

_EVER = datetime.min.replace(tzinfo=UTC)
_TAKEN = frozenset(("COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED", "REVERSED"))
_WAITS_FOR_PAYER = frozenset(("CREATED", "SAVED", "PAYER_ACTION_REQUIRED", "APPROVED"))
_REFUND_STATES = {"COMPLETED": "succeeded", "FAILED": "failed", "CANCELLED": "canceled"}


class Amount(msgspec.Struct):
    currency_code: str
    value: str


class Link(msgspec.Struct):
    href: str
    rel: str


class Reason(msgspec.Struct):
    reason: str | None = None


class Refund(msgspec.Struct):
    id: str
    status: str
    amount: Amount
    custom_id: str | None = None
    create_time: Moment | None = None
    status_details: Reason | None = None


class Capture(msgspec.Struct):
    id: str
    status: str
    amount: Amount
    create_time: Moment | None = None
    update_time: Moment | None = None
    status_details: Reason | None = None


class Payments(msgspec.Struct):
    captures: list[Capture] = []
    refunds: list[Refund] = []


class Unit(msgspec.Struct):
    amount: Amount
    custom_id: str | None = None
    payments: Payments | None = None


class Order(msgspec.Struct):
    id: str
    status: str
    purchase_units: Annotated[list[Unit], msgspec.Meta(min_length=1, max_length=1)]
    create_time: Moment | None = None
    update_time: Moment | None = None
    links: list[Link] = []
    payment_source: dict[str, Any] | None = None


class RelatedIds(msgspec.Struct):
    order_id: str | None = None


class Related(msgspec.Struct):
    related_ids: RelatedIds | None = None


class CaptureAlone(msgspec.Struct):
    """A capture fetched by its own id: it knows its order."""

    id: str
    supplementary_data: Related | None = None


def snapshot(order: Order, *, livemode: bool) -> Snapshot:
    """Raises GatewayUnknown for an amount that our minor units cannot express."""
    unit = order.purchase_units[0]
    payments = unit.payments or Payments()
    currency = unit.amount.currency_code
    amount = minor(unit.amount)
    taken = [capture for capture in payments.captures if capture.status in _TAKEN]
    if any(capture.amount.currency_code != currency for capture in taken):
        raise GatewayUnknown("other_currency", f"a capture of {order.id} is in another currency")
    captured = sum(minor(capture.amount) for capture in taken)
    state = _state(order.status, payments.captures, captured)
    newest = payments.captures[-1] if payments.captures else None
    moments = [
        order.create_time,
        order.update_time,
        *(at for c in payments.captures for at in (c.create_time, c.update_time)),
    ]
    known = [moment for moment in moments if moment is not None]
    return Snapshot(
        ref=order.id,
        transaction_id=uuid(unit.custom_id),
        state=state,
        amount=amount,
        currency=currency,
        livemode=livemode,
        captured=captured,
        capturable=amount if order.status == "APPROVED" and state == "requires_action" else 0,
        charge_ref=(taken[-1] if taken else newest).id if newest else None,
        client_secret=_approve_link(order),
        payment_method=next(iter(order.payment_source), None) if order.payment_source else None,
        error=_decline(newest),
        gateway_at=max(known) if known else None,
        refunds=[refund_snapshot(refund) for refund in _refunds(payments)],
    )


def _refunds(payments: Payments) -> list[Refund]:
    """Without a reversal that PayPal lists as if somebody had sent the money back: it takes all that was left, so it is the newest that is
    not ours of a reversed capture of which nothing is left."""
    reversed_ = [capture for capture in payments.captures if capture.status == "REVERSED"]
    strange = [refund for refund in payments.refunds if not refund.custom_id]
    if not strange or not reversed_ or _gone(payments.refunds) < sum(minor(capture.amount) for capture in reversed_):
        return payments.refunds
    # PayPal's times are whole seconds: of two in the same one, the one that is listed later.
    reversal = max(enumerate(strange), key=lambda each: (each[1].create_time or _EVER, each[0]))[1]
    return [refund for refund in payments.refunds if refund is not reversal]


def _gone(refunds: list[Refund]) -> int:
    return sum(minor(refund.amount) for refund in refunds if refund.status in ("COMPLETED", "PENDING"))


def reversals(order: Order) -> list[DisputeSnapshot]:
    """Captures that PayPal has reversed: the payer's bank took what was left, and there is no case to answer. A loss from the beginning."""
    payments = order.purchase_units[0].payments or Payments()
    found = []
    for capture in payments.captures:
        if capture.status == "REVERSED":
            left = minor(capture.amount) - _gone(_refunds(payments))
            found.append(
                DisputeSnapshot(
                    ref=f"{CASELESS}{capture.id}",
                    state="lost",
                    amount=left,
                    currency=capture.amount.currency_code,
                    reason="reversed",
                    evidence_due_at=None,
                    movements=[DisputeMovement(ref=f"{CASELESS}{capture.id}", amount=left)],
                )
            )
    return found


def _state(status: str, captures: list[Capture], captured: int) -> str:
    """The capture's word counts, not only the order's: a COMPLETED order may hold a declined capture."""
    if captured:
        return "succeeded"
    if any(capture.status not in ("DECLINED", "FAILED") for capture in captures):
        return "processing"
    if status == "VOIDED":
        return "canceled"
    if status == "COMPLETED" and captures:
        return "failed"  # PayPal takes no second try on this order
    return "requires_action" if status in _WAITS_FOR_PAYER else "processing"


def _decline(newest: Capture | None) -> str | None:
    if newest is None or newest.status not in ("DECLINED", "FAILED"):
        return None
    why = newest.status_details.reason if newest.status_details else None
    return f"PayPal declined the payment ({why})." if why else "PayPal declined the payment."


def _approve_link(order: Order) -> str | None:
    links = [link.href for link in order.links if link.rel in ("payer-action", "approve")]
    return next((href for href in links if href.startswith(("https://", "http://"))), None)


def refund_snapshot(refund: Refund) -> RefundSnapshot:
    return RefundSnapshot(
        ref=refund.id,
        refund_id=uuid((refund.custom_id or "").partition(":")[0]),
        state=_REFUND_STATES.get(refund.status, "pending"),
        amount=minor(refund.amount),
        currency=refund.amount.currency_code,
        failure=refund.status_details.reason if refund.status_details else None,
    )


def minor(amount: Amount) -> int:
    try:
        return from_paypal(amount.value, amount.currency_code)
    except ValueError as problem:
        raise GatewayUnknown("unreadable_amount", str(problem)) from problem
