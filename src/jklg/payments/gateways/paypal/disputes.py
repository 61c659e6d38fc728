"""Disputes as PayPal tells them (Customer Disputes v1, read 2026-11).

An inquiry is between payer and seller, and moves nothing. What is moved afterwards is in `fund_movements` (older: `money_movements`),
which carry no ids of their own: they only grow, so the place in the list is one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC

import msgspec

from jklg.payments.gateways.calls import segment
from jklg.payments.gateways.contract import DisputeMovement, DisputeSnapshot
from jklg.payments.gateways.paypal.calls import Calls
from jklg.payments.gateways.paypal.orders import Amount, Moment, minor

_OPEN = {"OPEN": "needs_response", "WAITING_FOR_SELLER_RESPONSE": "needs_response"}
_WON = ("RESOLVED_SELLER_FAVOUR", "CANCELED_BY_BUYER", "RESOLVED_WITH_PAYOUT")


class Movement(msgspec.Struct):
    amount: Amount
    type: str
    reason: str = ""
    party: str = ""
    affected_party: str = ""


class Outcome(msgspec.Struct):
    outcome_code: str = ""


class Dispute(msgspec.Struct):
    dispute_id: str
    status: str
    dispute_amount: Amount
    reason: str = ""
    dispute_life_cycle_stage: str = ""
    dispute_outcome: Outcome | None = None
    seller_response_due_date: Moment | None = None
    fund_movements: list[Movement] = []
    money_movements: list[Movement] = []


class Listed(msgspec.Struct):
    dispute_id: str


class Disputes(msgspec.Struct):
    items: list[Listed] = []


async def list_disputes(calls: Calls, capture_id: str) -> list[DisputeSnapshot]:
    """Every dispute of a capture, with what each has moved. Raises what `Calls.get` raises."""
    query = {"disputed_transaction_id": capture_id, "page_size": "50"}
    listed = await calls.get("/v1/customer/disputes", Disputes, query)
    return [
        snapshot(await calls.get(f"/v1/customer/disputes/{segment(each.dispute_id)}", Dispute)) for each in listed.items
    ]


def snapshot(dispute: Dispute) -> DisputeSnapshot:
    """In the contract's words. Raises GatewayUnknown for an amount that our minor units cannot express."""
    due = dispute.seller_response_due_date
    return DisputeSnapshot(
        ref=dispute.dispute_id,
        state=_state(dispute),
        amount=minor(dispute.dispute_amount),
        currency=dispute.dispute_amount.currency_code,
        reason=dispute.reason.lower(),
        evidence_due_at=due.astimezone(UTC) if due else None,
        movements=_movements(dispute),
    )


def _state(dispute: Dispute) -> str:
    """A word that is new to us is a dispute under review."""
    if dispute.dispute_life_cycle_stage == "INQUIRY":
        return "inquiry_closed" if dispute.status == "RESOLVED" else "inquiry"
    if dispute.status == "RESOLVED":
        return "won" if dispute.dispute_outcome and dispute.dispute_outcome.outcome_code in _WON else "lost"
    return _OPEN.get(dispute.status, "under_review")


def _movements(dispute: Dispute) -> Sequence[DisputeMovement]:
    """What was taken from us or came back. A fee is a movement of its own here."""
    moved = []
    for place, each in enumerate(dispute.fund_movements or dispute.money_movements):
        if "SELLER" not in (each.party, each.affected_party):
            continue
        currency = each.amount.currency_code
        amount = minor(each.amount) * (1 if each.type == "DEBIT" else -1)
        fee = each.reason.endswith("_FEE")
        moved.append(
            DisputeMovement(
                ref=f"{dispute.dispute_id}:{place}",
                amount=0 if fee else amount,
                fee=amount if fee else 0,
                fee_currency=currency,
            )
        )
    return moved
