"""What the play bank keeps, each saved as one JSON document, and how it says no."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

import msgspec


class BankError(Exception):
    """The bank says no. `status` and `code` travel over HTTP."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


class Thing(msgspec.Struct, kw_only=True):
    """Anything that is kept. `due_at`: when it wants to be looked at next, if ever."""

    kind: ClassVar[str]
    id: str
    due_at: datetime | None = None


class Intent(Thing, kw_only=True):
    """Somebody means to pay once. Status: requires_payment_method, requires_action, processing, authorized, succeeded, canceled."""

    kind = "intent"
    amount: int
    currency: str
    status: str
    client_secret: str
    created_at: datetime
    changed_at: datetime
    amount_received: int = 0
    amount_capturable: int = 0
    fee: int = 0
    capture: str = "automatic"
    description: str = ""
    email: str = ""
    return_url: str = ""
    metadata: dict[str, str] = {}
    payment_method: str | None = None
    last_error: str | None = None


class Refund(Thing, kw_only=True):
    """Status: pending, succeeded, failed. `then`: what it becomes at `due_at`. `sent_at`: when the money left the shop's account."""

    kind = "refund"
    intent: str
    amount: int
    currency: str
    status: str
    created_at: datetime
    changed_at: datetime
    metadata: dict[str, str] = {}
    failure_reason: str | None = None
    sent_at: datetime | None = None
    then: str | None = None


class Movement(msgspec.Struct, kw_only=True):
    """What a dispute moved: `amount` less than nothing was taken from the shop, more came back. `fee` was taken besides."""

    id: str
    amount: int
    fee: int
    at: datetime | None = None


class Dispute(Thing, kw_only=True):
    """The payer's bank asks (inquiry), takes the money back (needs_response, under_review), and decides (won, lost: as the shop sees it).

    An inquiry moves no money; it ends (inquiry_closed) or becomes a dispute. `respond_by`: until when the shop may be heard.
    """

    kind = "dispute"
    intent: str
    amount: int
    currency: str
    status: str
    reason: str = "fraudulent"
    created_at: datetime
    respond_by: datetime
    movements: list[Movement] = []


class Payout(Thing, kw_only=True):
    """The play bank pays the shop's own bank. `covers`: the lines of the account (account.py) that it pays. Status: paid, failed."""

    kind = "payout"
    amount: int
    currency: str
    status: str
    created_at: datetime
    changed_at: datetime
    arrives_on: date
    bank_ref: str
    covers: list[str] = []


class Event(Thing, kw_only=True):
    """Something happened; `body` is what the shop is sent, the same bytes each time.

    Delivery: due, held, lost, delivered, dead.
    """

    kind = "event"
    type: str
    body: str
    created_at: datetime
    delivery: str = "due"
    copies: int = 1
    attempts: int = 0


class Saved(Thing, kw_only=True):
    """The answer given under an idempotency key (the id), for its replay until it is forgotten. `saved_at`: None of those from before."""

    kind = "saved"
    fingerprint: str
    status: int
    body: str
    saved_at: datetime | None = None


def plain(thing: Thing) -> dict[str, Any]:
    """A thing as JSON values, without what is nobody's business."""
    fields: dict[str, Any] = msgspec.to_builtins(thing)
    for private in ("due_at", "then", "sent_at"):
        fields.pop(private, None)
    return fields
