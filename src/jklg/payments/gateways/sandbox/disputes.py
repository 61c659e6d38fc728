"""A dispute as the play bank tells it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from jklg.payments.gateways.contract import DISPUTE_STATES, DisputeMovement, DisputeSnapshot

_Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Movement(msgspec.Struct):
    id: str
    amount: int
    fee: int


class Dispute(msgspec.Struct):
    id: str
    amount: int
    currency: str
    status: str
    reason: str
    respond_by: _Moment
    movements: list[Movement] = []


def dispute_snapshot(dispute: Dispute) -> DisputeSnapshot:
    """In the contract's words; a status that is new to us is an open dispute."""
    return DisputeSnapshot(
        ref=dispute.id,
        state=dispute.status if dispute.status in DISPUTE_STATES else "under_review",
        amount=dispute.amount,
        currency=dispute.currency,
        reason=dispute.reason,
        evidence_due_at=dispute.respond_by,
        movements=[
            DisputeMovement(ref=each.id, amount=-each.amount, fee=each.fee, fee_currency=dispute.currency)
            for each in dispute.movements
        ],
    )
