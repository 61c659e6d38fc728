"""What a gateway tells of our account with it: every movement of money, and what it holds for us.

Beside `contract.Gateway`, which speaks of one attempt at a time. The house reads this once a day and holds it against its books.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import date, datetime, timedelta
from typing import Protocol, runtime_checkable
from uuid import UUID

import msgspec

KINDS = ("capture", "refund", "refund_returned", "dispute", "fee", "exchange", "payout", "payout_returned", "other")
"""`refund_returned`: a refund that did not arrive, and came back to us. `dispute`: either way. `exchange`: one side of one,
where the gateway tells both sides as lines of their own. `payout_returned`: our bank did not take it.
`other`: a word that is new to us, or something that has nothing to do with selling; somebody has to look at it."""


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """One line of our account at a gateway. Minor units of `currency`, signed: what came to us is positive.

    `gross` is what moved and `fee` what was taken besides (above 0: from us), so that the account changed by `net`. `asked` is what moved
    in the payment's own currency, where that is another one. `ref` is the gateway's id of the line and never changes; `about` its id of what
    the line comes from (a charge, a refund, a dispute, a payout), `attempt_ref` of the attempt (Snapshot.ref), `transaction_id` ours.
    `payout_ref`: the payout with which it left for our bank; a line that had none may be listed again with one. Of a payout: `arrives_on`,
    by the gateway's calendar, and `bank_ref`, what our bank will write on its statement, as far as it is known.
    """

    ref: str
    kind: str
    gross: int
    fee: int
    currency: str
    happened_at: datetime
    asked: int | None = None
    asked_currency: str | None = None
    about: str | None = None
    attempt_ref: str | None = None
    transaction_id: UUID | None = None
    payout_ref: str | None = None
    arrives_on: date | None = None
    bank_ref: str | None = None

    @property
    def net(self) -> int:
        return self.gross - self.fee


@runtime_checkable
class MoneyListing(Protocol):
    """What a gateway has besides when it lists the movements of our account. Both methods may raise any GatewayError."""

    listing_lag: timedelta
    """How long a movement may be missing from the list although the money has moved. Before that, a difference is none."""

    def list_movements(self, start: datetime, end: datetime) -> AsyncIterator[Movement]:
        """Every movement from `start` up to and including the second of `end`, all pages, in no promised order.

        What is listed by the day it was paid out (Razorpay) is listed by that day. Some may come twice, or from a little outside the span.
        """
        ...

    async def balances(self) -> Mapping[str, int] | None:
        """What the gateway holds for us now by currency, available or not yet, in minor units. None: this gateway does not tell."""
        ...
