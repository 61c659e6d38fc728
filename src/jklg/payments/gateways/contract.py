"""What every gateway must be able to do, and the closed vocabulary in which it may fail.

A gateway is a folder beside this file. It knows its own protocol and nothing of bookings, the ledger or our database:
it is handed an order and answers with a `Snapshot`, which is what the gateway says the truth is *now*. `settle` does
the rest. Every call has a timeout (10 s, 3 s to connect) and is made outside any database transaction.
`tests/payments/gateways/test_conformance.py` runs every gateway through the same cases.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable
from uuid import UUID

import msgspec

OPEN_STATES = ("requires_payment_method", "requires_action", "processing", "authorized")
CLOSED_STATES = ("canceled", "failed", "expired", "succeeded")
DISPUTE_STATES = ("inquiry", "inquiry_closed", "needs_response", "under_review", "prevented", "lost", "appealed", "won")


class KeptMethod(msgspec.Struct, frozen=True, kw_only=True):
    """A way to pay that the gateway keeps for us: its names for the payer and the method, and what to call it ('Visa ending 4242')."""

    customer_ref: str
    method_ref: str
    label: str


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt to take one amount. `amount` is in minor units of `currency` (ISO 4217, upper case).

    `keep`: the consent under which the gateway is to keep the method that it is paid with. `charge`: a method kept earlier, to be
    charged now, without the payer. Both only of a gateway that is MethodKeeping.
    """

    transaction_id: UUID
    booking_id: UUID
    booking_reference: str
    amount: int
    currency: str
    request_key: str
    description: str
    email: str
    return_url: str
    created_at: datetime
    keep: UUID | None = None
    charge: KeptMethod | None = None


class RefundSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One refund as the gateway sees it. `state`: pending, succeeded, failed or canceled. `refund_id` is ours, if it knows it."""

    ref: str
    refund_id: UUID | None
    state: str
    amount: int
    currency: str
    failure: str | None = None


class DisputeMovement(msgspec.Struct, frozen=True, kw_only=True):
    """Money that a dispute moved, once. `amount`: minor units of the dispute's currency, above 0 when taken from us, below when it
    came back. `fee` was taken besides, in minor units of `fee_currency`."""

    ref: str
    amount: int
    fee: int = 0
    fee_currency: str = ""


CASELESS = "reversal:"
"""How the ref of a dispute begins that is no case: the bank took the money, and lists nothing to answer, or not yet."""


class DisputeSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One dispute as the gateway sees it now. `state` is one of DISPUTE_STATES; a word that is new to us is `under_review`.
    `ref`: begins with CASELESS where there is no case. `evidence_due_at`: until when evidence is heard. `movements`: all so far."""

    ref: str
    state: str
    amount: int
    currency: str
    reason: str
    evidence_due_at: datetime | None
    movements: Sequence[DisputeMovement] = ()


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt as the gateway sees it now.

    `state` is one of OPEN_STATES or CLOSED_STATES. `captured` and `authorized` are cumulative minor units.
    `transaction_id` is what the gateway keeps of our id in its metadata; None when it keeps none.
    `capturable`: minor units that wait for our `capture`: an approved PayPal order, an authorised Razorpay payment, a
    Stripe payment with manual capture. Nothing of it is ours until then.
    `kept`: the method it was paid with, if the gateway keeps it by `Order.keep`.
    `charge_ref`: the gateway's id of the charge, capture or payment that it became.
    """

    ref: str
    transaction_id: UUID | None
    state: str
    amount: int
    currency: str
    livemode: bool
    captured: int = 0
    authorized: int = 0
    capturable: int = 0
    charge_ref: str | None = None
    client_secret: str | None = None
    payment_method: str | None = None
    receipt_url: str | None = None
    error: str | None = None
    gateway_at: datetime | None = None
    refunds: Sequence[RefundSnapshot] = ()
    disputes: Sequence[DisputeSnapshot] = ()
    kept: KeptMethod | None = None


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """A verified webhook, read just far enough to know where to look.

    `ref` is the gateway's id of the attempt (Snapshot.ref) it speaks of, or of its charge (Snapshot.charge_ref) where it names only that, and
    `transaction_id` ours, each None when the event does not say. Both None: the event is none of our business and is filed as ignored.
    `other_account`: it is about an account that is not ours. `delivery_id`: what the gateway signed this delivery as, if it does that; the same
    with another body is refused.
    """

    event_id: str
    event_type: str
    livemode: bool
    ref: str | None
    transaction_id: UUID | None
    gateway_at: datetime | None
    other_account: bool = False
    delivery_id: str | None = None


class Widget(msgspec.Struct, frozen=True, kw_only=True):
    """What the payment page needs to show this gateway: a template, its data, and what the page's CSP must allow."""

    template: str
    data: Mapping[str, str]
    csp: Mapping[str, Sequence[str]]
    """Directive -> extra sources, e.g. {"script-src": ["https://js.stripe.com"]}."""


class GatewayError(Exception):
    """The call did not give an answer we may act on.

    GatewayError
    |- GatewayRefused      a proven no: the gateway understood and did nothing. `code` is the gateway's own word
    |- GatewayUnreachable  nothing was sent (connection refused, no such host): safe to send again
    |- GatewayBusy         429: nothing was done; wait `retry_after` seconds
    `- GatewayUnknown      timeout, reset, 5xx, unreadable answer: it may or may not have happened. Look before acting
    """

    def __init__(self, code: str, detail: str = "", *, retry_after: float | None = None) -> None:
        """`retry_after`: seconds before which we are not to ask again, if the gateway said so."""
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail
        self.retry_after = retry_after or 0


class GatewayRefused(GatewayError):
    pass


class GatewayUnreachable(GatewayError):
    pass


class GatewayBusy(GatewayError):
    pass


class GatewayUnknown(GatewayError):
    pass


class BadNotice(Exception):
    """A webhook that is not from the gateway, or cannot be read. Answered with 400; nothing is stored."""


@runtime_checkable
class NoticePreparing(Protocol):
    """What a gateway has besides when verifying its webhooks needs something of its own that must be fetched first."""

    async def prepare_notice(self, headers: Mapping[str, str], now: int) -> None:
        """Fetch it, from the gateway and nowhere else, unless it is here. BadNotice, or any GatewayError."""
        ...


@runtime_checkable
class PaymentProving(Protocol):
    """What a gateway has besides when its window hands the browser a signature for us."""

    def proves_payment(self, ref: str, payment_id: str, signature: str) -> bool:
        """Whether the gateway signed that the attempt `ref` was paid by `payment_id`. Pure; False for any text at all that it did not sign.

        True proves that the two belong together, and nothing of the money: that is asked.
        """
        ...


@runtime_checkable
class MethodKeeping(Protocol):
    """What a gateway has besides when it can keep a method with the payer's consent, and charge it later (`Order.keep`, `Order.charge`).

    A charge that the payer's bank refuses, or wants her to confirm, leaves an open attempt that she can finish by herself.
    """

    async def forget_method(self, kept: KeptMethod, request_key: str) -> None:
        """Keep it no longer. Twice is as good as once: GatewayRefused when there is no such method. Raises any GatewayError."""
        ...


@runtime_checkable
class Forgetting(Protocol):
    """What a gateway has besides when it forgets an attempt that it took nothing of: from then on `fetch` says `not_found`, and nobody can pay it any more."""

    forgets_after_seconds: int
    """How long after its making it may be forgotten. What is not found sooner was not forgotten."""


class Gateway(Protocol):
    """The contract. Every method may raise any GatewayError unless it says otherwise."""

    name: str
    livemode: bool
    key_lifetime_seconds: int
    """How long the gateway remembers the key of an attempt or a capture. After 80 % of it we look (`find`) and never send again."""
    refund_key_lifetime_seconds: int
    """How long it remembers the key of a refund. After 80 % of it we only look (`fetch`), until it is over."""

    async def create(self, order: Order) -> Snapshot:
        """Open the attempt under `order.request_key`. Sending it twice yields the same attempt."""
        ...

    async def fetch(self, ref: str) -> Snapshot:
        """The attempt as it stands, with its refunds and disputes. GatewayRefused('not_found') when there is none."""
        ...

    async def find(self, order: Order) -> Snapshot | None:
        """The attempt made for `order`, looked up by listing what was created around `order.created_at` and comparing our id. None: proven absent."""
        ...

    async def cancel(self, ref: str, request_key: str) -> Snapshot:
        """Close the attempt. GatewayRefused when it cannot be closed any more, because it succeeded or was closed before: fetch to see which."""
        ...

    async def capture(self, *, ref: str, amount: int, currency: str, request_key: str) -> Snapshot:
        """Take what waits (`Snapshot.capturable`), all of it. Sent twice under its key it is taken once.

        GatewayRefused: this call took nothing; a call before it may have: fetch to see.
        """
        ...

    async def refund(
        self, *, ref: str, refund_id: UUID, amount: int, currency: str, request_key: str
    ) -> RefundSnapshot:
        """Send `amount` of the attempt back. The amount is always explicit. GatewayRefused: nothing was sent back."""
        ...

    def list_attempts(self, created_from: datetime, created_to: datetime) -> AsyncIterator[Snapshot]:
        """Every attempt the gateway made in the window, newest first, all pages."""
        ...

    def list_notices(self, created_from: datetime, created_to: datetime) -> AsyncIterator[tuple[Notice, bytes]]:
        """Every event of the window with its bytes, newest first, all pages, whether it was delivered or not. Nothing, where a gateway keeps
        no list of them."""
        ...

    def read_notice(self, headers: Mapping[str, str], body: bytes, now: int) -> Notice:
        """Verify a webhook over its raw bytes (header names lower case, `now` in Unix seconds) and read its envelope. BadNotice otherwise.

        Pure: no network, no database, and any bytes at all give a Notice or BadNotice.
        """
        ...

    def accepts_notices(self) -> bool:
        """Whether a webhook secret is configured. Without one, every notice is refused with 503."""
        ...

    def widget(self, *, ref: str, client_secret: str, amount: int, currency: str, return_url: str) -> Widget:
        """How the payer pays in the browser."""
        ...

    async def close(self) -> None:
        """Release connections. Never raises."""
        ...
