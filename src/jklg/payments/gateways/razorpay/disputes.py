"""Disputes as Razorpay tells them (its Disputes API, read 2026-11).

Its list cannot be asked about one payment: everything since the payment is read, and compared. Razorpay takes no money before a
dispute is lost, and then says how much (`amount_deducted`); what it takes for its trouble is not told here.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from jklg.payments.gateways import signatures
from jklg.payments.gateways.contract import DisputeMovement, DisputeSnapshot
from jklg.payments.gateways.razorpay.amounts import minor
from jklg.payments.gateways.razorpay.calls import Calls, Page
from jklg.payments.gateways.razorpay.orders import Payment

_INQUIRIES = ("fraud", "retrieval")
"""Phases in which a bank only asks."""
_STATES = {"open": "needs_response", "under_review": "under_review", "won": "won", "lost": "lost", "closed": "won"}


class Dispute(msgspec.Struct):
    id: str
    payment_id: str
    amount: int
    currency: str
    status: str
    phase: str | None = None
    reason_code: str | None = None
    amount_deducted: int | None = 0
    respond_by: int | None = None


async def list_disputes(calls: Calls, payments: list[Payment]) -> list[DisputeSnapshot]:
    """Every dispute of these payments, of which there is one at least. Raises what `Calls.get` raises."""
    since = str(min(each.created_at for each in payments))
    ours = {each.id for each in payments}
    found: Mapping[str, Dispute] = {
        each.id: each
        async for each in calls.list_all("/disputes", Page[Dispute], {"from": since})
        if each.payment_id in ours
    }
    return [snapshot(each) for each in found.values()]


def snapshot(dispute: Dispute) -> DisputeSnapshot:
    """In the contract's words."""
    lost = minor(dispute.amount_deducted or 0, dispute.currency)
    return DisputeSnapshot(
        ref=dispute.id,
        state=_state(dispute),
        amount=minor(dispute.amount, dispute.currency),
        currency=dispute.currency,
        reason=dispute.reason_code or "",
        evidence_due_at=signatures.moment(dispute.respond_by),
        movements=[DisputeMovement(ref=f"{dispute.id}:lost", amount=lost)] if lost else [],
    )


def _state(dispute: Dispute) -> str:
    """A word that is new to us is a dispute under review."""
    state = _STATES.get(dispute.status, "under_review")
    if dispute.phase in _INQUIRIES and state != "lost":
        return "inquiry_closed" if state == "won" else "inquiry"
    return state
