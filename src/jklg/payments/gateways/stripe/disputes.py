"""A dispute as Stripe tells it (SDK 16.1, API version 2026-10-28.endive)."""

from __future__ import annotations

import msgspec
import stripe
from stripe.params import DisputeListParams

from jklg.payments.gateways import signatures
from jklg.payments.gateways.contract import DisputeMovement, DisputeSnapshot
from jklg.payments.gateways.stripe.amounts import minor
from jklg.payments.gateways.stripe.calls import call

_STATES = {
    "warning_needs_response": "inquiry",
    "warning_under_review": "inquiry",
    "warning_closed": "inquiry_closed",
    "needs_response": "needs_response",
    "under_review": "under_review",
    "appeal_needs_response": "appealed",
    "appeal_under_review": "appealed",
    "prevented": "prevented",
    "won": "won",
    "lost": "lost",
}


class _Movement(msgspec.Struct):
    id: str
    amount: int
    fee: int
    currency: str


class _EvidenceDetails(msgspec.Struct):
    due_by: int | None = None


class _Dispute(msgspec.Struct):
    id: str
    amount: int
    currency: str
    status: str
    reason: str
    balance_transactions: list[_Movement] = []
    evidence_details: _EvidenceDetails | None = None


class _Disputes(msgspec.Struct):
    data: list[_Dispute]
    has_more: bool


async def list_disputes(client: stripe.StripeClient, ref: str) -> list[DisputeSnapshot]:
    """Every dispute of a PaymentIntent, with what each has moved. Raises what `calls.call` raises."""
    params: DisputeListParams = {"payment_intent": ref, "limit": 100}
    disputes: list[DisputeSnapshot] = []
    while True:
        page = await call(client.v1.disputes.list_async(params), _Disputes)
        disputes += [_dispute_snapshot(dispute) for dispute in page.data]
        if not page.has_more or not page.data:
            return disputes
        params["starting_after"] = page.data[-1].id


def _dispute_snapshot(dispute: _Dispute) -> DisputeSnapshot:
    currency = dispute.currency.upper()
    details = dispute.evidence_details
    return DisputeSnapshot(
        ref=dispute.id,
        state=_STATES.get(dispute.status, "under_review"),
        amount=minor(dispute.amount, currency),
        currency=currency,
        reason=dispute.reason,
        evidence_due_at=signatures.moment(details.due_by) if details else None,
        movements=[_movement(each, dispute, currency) for each in dispute.balance_transactions],
    )


def _movement(moved: _Movement, dispute: _Dispute, currency: str) -> DisputeMovement:
    """Stripe books a dispute in the currency of our account there. We keep its books in the currency of the payment, as all others."""
    settled = moved.currency.upper()
    amount = abs(moved.amount) if settled == currency else dispute.amount
    return DisputeMovement(
        ref=moved.id,
        amount=minor(amount if moved.amount < 0 else -amount, currency),
        fee=minor(moved.fee, settled),
        fee_currency=settled,
    )
