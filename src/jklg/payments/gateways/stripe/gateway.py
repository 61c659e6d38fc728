"""Stripe behind the contract. Facts about Stripe: payments.md 2.1; SDK 16.1, API version 2026-10-28.endive.

No card data comes near us: the payer types it into Stripe's own frame. One attempt is one PaymentIntent; our id is in
its metadata as `transaction_id`, which is how a create whose answer was lost is found again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
import stripe
from stripe.params import EventListParams, PaymentIntentCreateParams, PaymentIntentListParams, RefundListParams

from jklg.payments.gateways import signatures
from jklg.payments.gateways.alarms import Alarm
from jklg.payments.gateways.calls import segment
from jklg.payments.gateways.contract import (
    BadNotice,
    DisputeSnapshot,
    GatewayError,
    GatewayRefused,
    GatewayUnknown,
    GatewayUnreachable,
    KeptMethod,
    Notice,
    Order,
    RefundSnapshot,
    Snapshot,
    Widget,
)
from jklg.payments.gateways.movements import Movement
from jklg.payments.gateways.stripe import alarms, movements
from jklg.payments.gateways.stripe.amounts import minor, to_stripe
from jklg.payments.gateways.stripe.calls import Http, Replayed, call
from jklg.payments.gateways.stripe.disputes import list_disputes
from jklg.payments.gateways.stripe.keeping import customer_for, forget, kept_by

_STATES = {
    "requires_payment_method": "requires_payment_method",
    "requires_confirmation": "requires_payment_method",
    "requires_action": "requires_action",
    "processing": "processing",
    "requires_capture": "authorized",
    "canceled": "canceled",
    "succeeded": "succeeded",
}
_REFUND_STATES = ("succeeded", "failed", "canceled")
_KEEP_METHOD = ("succeeded", "requires_capture", "canceled")
"""A method is kept from the moment the payer has approved, whatever becomes of the payment."""

_STRIPE_JS = "https://js.stripe.com"


class _Refund(msgspec.Struct):
    id: str
    amount: int
    currency: str
    status: str | None = None
    metadata: dict[str, str] | None = None
    failure_reason: str | None = None
    balance_transaction: str | dict[str, Any] | None = None


class _Refunds(msgspec.Struct):
    data: list[_Refund]
    has_more: bool


class _Charge(msgspec.Struct):
    id: str
    created: int | None = None
    receipt_url: str | None = None
    payment_method_details: dict[str, Any] | None = None
    disputed: bool = False
    refunds: _Refunds | None = None


class _Intent(msgspec.Struct):
    id: str
    amount: int
    currency: str
    status: str
    livemode: bool
    created: int
    amount_received: int | None = None
    amount_capturable: int | None = None
    client_secret: str | None = None
    latest_charge: str | _Charge | None = None
    metadata: dict[str, str] | None = None
    last_payment_error: dict[str, Any] | None = None
    canceled_at: int | None = None
    customer: str | None = None
    payment_method: str | None = None
    setup_future_usage: str | None = None


class _Intents(msgspec.Struct):
    data: list[_Intent]
    has_more: bool


class _Data(msgspec.Struct):
    object: dict[str, Any]


class _Event(msgspec.Struct):
    id: str
    type: str
    object: str
    livemode: bool
    data: _Data
    created: Any = None
    account: Any = None


class _Events(msgspec.Struct):
    data: list[dict[str, Any]]
    has_more: bool


class StripeGateway:
    """Stripe with one account's keys. `webhook_secrets` are all valid at once, for rotation.

    `api_base` and `js_url` point elsewhere in tests only; `settings` refuses that with a live key. `client` carries the
    calls instead of a client of our own.
    """

    name = "stripe"
    key_lifetime_seconds = 24 * 3600
    refund_key_lifetime_seconds = 24 * 3600
    listing_lag = timedelta(hours=1)

    def __init__(
        self,
        secret_key: str,
        publishable_key: str,
        webhook_secrets: Sequence[str],
        api_base: str = "https://api.stripe.com",
        js_url: str = "https://js.stripe.com/endive/stripe.js",
        *,
        manual_capture: bool = False,
        client: Any = None,
    ) -> None:
        self._manual_capture = manual_capture
        self.livemode = secret_key.startswith(("sk_live_", "rk_live_"))
        self._publishable_key = publishable_key
        self._webhook_secrets = tuple(secret for secret in webhook_secrets if secret)
        self._js_url = js_url
        self._http = Http(client)
        self._stripe = stripe.StripeClient(
            secret_key, base_addresses={"api": api_base}, http_client=self._http, max_network_retries=0
        )

    async def create(self, order: Order) -> Snapshot:
        params: PaymentIntentCreateParams = {
            "amount": _units(order.amount, order.currency),
            "currency": order.currency.lower(),
            "automatic_payment_methods": {"enabled": True},
            "description": order.description[:1000],
            "metadata": {
                "transaction_id": str(order.transaction_id),
                "booking_id": str(order.booking_id),
                "booking_reference": order.booking_reference,
            },
        }
        if self._manual_capture:
            params["capture_method"] = "manual"
        if order.email:
            params["receipt_email"] = order.email
        if any(letter.isalpha() for letter in order.booking_reference):  # Stripe wants at least one letter in it
            params["statement_descriptor_suffix"] = order.booking_reference
        if order.keep:
            params |= {"customer": await customer_for(self._stripe, order.keep), "setup_future_usage": "off_session"}
        if order.charge:
            kept = order.charge
            params |= {
                "customer": kept.customer_ref,
                "payment_method": kept.method_ref,
                "off_session": True,
                "confirm": True,
                # Wanted with every confirmation that might send her elsewhere, though this one never does.
                "return_url": order.return_url,
            }
        doing = self._stripe.v1.payment_intents.create_async(params, {"idempotency_key": order.request_key})
        try:
            return _snapshot(await call(doing, _Intent))
        except GatewayError as problem:
            # A bank that refuses a charge, or wants the payer herself, leaves an open PaymentIntent behind.
            left_open = order.charge is not None and isinstance(problem, GatewayRefused)
            if not (left_open or _made_before(problem)):
                raise
            try:
                found = await self.find(order)
            except GatewayUnreachable as silence:  # the looking was not heard; what was sent before it was
                raise GatewayUnknown(silence.code, silence.detail) from silence
            if found is None and left_open:
                raise
            if found is None:
                raise GatewayUnknown(problem.code, problem.detail) from problem
            return found

    async def fetch(self, ref: str) -> Snapshot:
        # As text: the SDK would make an object of every field, and this is the call that is made all day.
        path = f"/v1/payment_intents/{segment(ref)}"
        doing = self._stripe.raw_request_async("get", path, expand=["latest_charge.refunds"])
        try:
            intent = await call(doing, _Intent)
        except GatewayRefused as refusal:
            if refusal.code == "resource_missing":
                raise GatewayRefused("not_found", refusal.detail) from refusal
            raise
        charge = intent.latest_charge
        told = charge.refunds if isinstance(charge, _Charge) else None
        if told is not None and not told.has_more:  # Stripe tells the newest ten with the charge
            listed = told.data
        else:
            listed = await self._refunds(ref) if intent.amount_received else []
        disputes = await list_disputes(self._stripe, ref) if isinstance(charge, _Charge) and charge.disputed else []
        return _snapshot(intent, [_refund_snapshot(each) for each in listed if not _released(intent, each)], disputes)

    async def find(self, order: Order) -> Snapshot | None:
        # By listing, never by Stripe's search, which may be an hour behind. Clocks may differ by minutes, and the key
        # may have been sent for the last time almost a day after the attempt was written.
        start = order.created_at - timedelta(minutes=10)
        end = order.created_at + timedelta(seconds=self.key_lifetime_seconds + 3600)
        async for snapshot in self.list_attempts(start, end):
            if snapshot.transaction_id == order.transaction_id:
                return await self.fetch(snapshot.ref)
        return None

    async def cancel(self, ref: str, request_key: str) -> Snapshot:
        doing = self._stripe.v1.payment_intents.cancel_async(
            ref, {"cancellation_reason": "abandoned"}, {"idempotency_key": request_key}
        )
        return _snapshot(await call(doing, _Intent))

    async def capture(self, *, ref: str, amount: int, currency: str, request_key: str) -> Snapshot:
        doing = self._stripe.v1.payment_intents.capture_async(
            ref, {"amount_to_capture": _units(amount, currency)}, {"idempotency_key": request_key}
        )
        return _snapshot(await call(doing, _Intent))

    async def refund(
        self, *, ref: str, refund_id: UUID, amount: int, currency: str, request_key: str
    ) -> RefundSnapshot:
        doing = self._stripe.v1.refunds.create_async(
            {
                "payment_intent": ref,
                "amount": _units(amount, currency),
                "reason": "requested_by_customer",
                "metadata": {"refund_id": str(refund_id)},
            },
            {"idempotency_key": request_key},
        )
        try:
            return _refund_snapshot(await call(doing, _Refund))
        except GatewayError as problem:
            if not _made_before(problem):
                raise
            made = [each for each in map(_refund_snapshot, await self._refunds(ref)) if each.refund_id == refund_id]
            if not made:
                raise GatewayUnknown(problem.code, problem.detail) from problem
            return made[0]

    async def forget_method(self, kept: KeptMethod, request_key: str) -> None:
        await forget(self._stripe, kept, request_key)

    async def list_attempts(self, created_from: datetime, created_to: datetime) -> AsyncIterator[Snapshot]:
        params: PaymentIntentListParams = {
            "created": {"gte": max(int(created_from.timestamp()), 0), "lte": int(created_to.timestamp()) + 1},
            "limit": 100,
        }
        while True:
            page = await call(self._stripe.v1.payment_intents.list_async(params), _Intents)
            for intent in page.data:
                yield _snapshot(intent)
            if not page.has_more or not page.data:
                return
            params["starting_after"] = page.data[-1].id

    async def _refunds(self, ref: str) -> list[_Refund]:
        params: RefundListParams = {"payment_intent": ref, "limit": 100}
        refunds: list[_Refund] = []
        while True:
            page = await call(self._stripe.v1.refunds.list_async(params), _Refunds)
            refunds += page.data
            if not page.has_more or not page.data:
                return refunds
            params["starting_after"] = page.data[-1].id

    async def list_notices(self, created_from: datetime, created_to: datetime) -> AsyncIterator[tuple[Notice, bytes]]:
        # Stripe keeps events for 30 days, delivered or not.
        params: EventListParams = {
            "created": {"gte": int(created_from.timestamp()), "lte": int(created_to.timestamp()) + 1},
            "limit": 100,
        }
        while True:
            page = await call(self._stripe.v1.events.list_async(params), _Events)
            for each in page.data:
                yield _notice(msgspec.convert(each, _Event)), msgspec.json.encode(each)
            if not page.has_more or not page.data:
                return
            params["starting_after"] = page.data[-1]["id"]

    def list_movements(self, start: datetime, end: datetime) -> AsyncIterator[Movement]:
        return movements.list_movements(self._stripe, start, end)

    async def balances(self) -> Mapping[str, int]:
        return await movements.balances(self._stripe)

    def read_notice(self, headers: Mapping[str, str], body: bytes, now: int) -> Notice:
        if not self._webhook_secrets:
            raise BadNotice("no webhook secret is configured")
        signatures.verify(headers.get("stripe-signature"), body, self._webhook_secrets, now)
        event = signatures.read_envelope(body, _Event)
        if event.object != "event" or signatures.text(event.id) is None or signatures.text(event.type) is None:
            raise BadNotice("signed, but not an event of the API that we speak")
        return _notice(event)

    def rings_alarm(self, event_type: str) -> bool:
        return event_type.startswith((alarms.WARNING, alarms.REVIEW))

    async def fetch_alarm(self, event_type: str, body: bytes) -> Alarm | None:
        return await alarms.fetch_alarm(self._stripe, event_type, body)

    def accepts_notices(self) -> bool:
        return bool(self._webhook_secrets)

    def widget(self, *, ref: str, client_secret: str, amount: int, currency: str, return_url: str) -> Widget:
        script = urlsplit(self._js_url)
        origin = f"{script.scheme}://{script.netloc}"
        scripts, frames, connects = [origin], [origin], [origin]
        if origin == _STRIPE_JS:
            scripts += ["https://*.js.stripe.com"]
            frames += ["https://*.js.stripe.com", "https://hooks.stripe.com"]
            connects = ["https://api.stripe.com"]
        return Widget(
            template="payments/widgets/stripe.html",
            data={
                "js_url": self._js_url,
                "publishable_key": self._publishable_key,
                "client_secret": client_secret,
                "return_url": return_url,
                "ref": ref,
                "amount": str(amount),
                "currency": currency,
            },
            csp={"script-src": scripts, "frame-src": frames, "connect-src": connects},
        )

    async def close(self) -> None:
        await self._http.close_async()


def _made_before(problem: GatewayError) -> bool:
    """Whether our key was used before, so that what it made has to be looked up.

    Either Stripe repeats the 5xx it saved the first time, or the words have changed since (a package was renamed).
    """
    return isinstance(problem, Replayed) or problem.code == "idempotency_error"


def _speaks_of(event: _Event) -> tuple[str | None, Mapping[str, Any]]:
    """The PaymentIntent an event is about, and the metadata that came with it; (None, {}) when it is about none of ours."""
    if event.account is not None:  # an event of a connected account; we have none
        return None, {}
    thing = event.data.object
    if event.type.startswith("payment_intent."):
        ref = thing.get("id")
    elif event.type.startswith(("charge.", "refund.")):
        ref = thing.get("payment_intent")
        if isinstance(ref, dict):
            ref = ref.get("id")
    elif event.type.startswith((alarms.WARNING, alarms.REVIEW)):
        ref = alarms.payment_of(thing)
    else:
        return None, {}
    metadata = thing.get("metadata")
    return signatures.text(ref), metadata if isinstance(metadata, dict) else {}


def _notice(event: _Event) -> Notice:
    ref, metadata = _speaks_of(event)
    return Notice(
        event_id=event.id,
        event_type=event.type,
        livemode=event.livemode,
        ref=ref,
        transaction_id=signatures.uuid(metadata.get("transaction_id")) if ref else None,
        gateway_at=signatures.moment(event.created),
        other_account=event.account is not None,
    )


def _snapshot(
    intent: _Intent, refunds: Sequence[RefundSnapshot] = (), disputes: Sequence[DisputeSnapshot] = ()
) -> Snapshot:
    """Raises GatewayUnknown for an amount that our minor units cannot express."""
    currency = intent.currency.upper()
    charge = intent.latest_charge
    details = charge if isinstance(charge, _Charge) else None
    method = (details.payment_method_details or {}).get("type") if details else None
    moments = [intent.created, intent.canceled_at, details.created if details else None]
    return Snapshot(
        ref=intent.id,
        transaction_id=signatures.uuid((intent.metadata or {}).get("transaction_id")),
        # A status we do not know yet is an open one that we look at again.
        state=_STATES.get(intent.status, "processing"),
        amount=minor(intent.amount, currency),
        currency=currency,
        livemode=intent.livemode,
        captured=minor(intent.amount_received or 0, currency),
        authorized=minor(intent.amount_capturable or 0, currency),
        capturable=minor(intent.amount_capturable or 0, currency) if intent.status == "requires_capture" else 0,
        charge_ref=charge.id if isinstance(charge, _Charge) else charge,
        client_secret=intent.client_secret,
        payment_method=method if isinstance(method, str) else None,
        receipt_url=details.receipt_url if details else None,
        error=_last_error(intent.last_payment_error),
        gateway_at=signatures.moment(max(moment for moment in moments if moment is not None)),
        refunds=refunds,
        disputes=disputes,
        kept=kept_by(
            intent.customer,
            intent.payment_method,
            intent.setup_future_usage,
            details.payment_method_details if details else None,
        )
        if intent.status in _KEEP_METHOD
        else None,
    )


def _released(intent: _Intent, refund: _Refund) -> bool:
    """Whether this only gave an authorisation back, or what was not taken of it: Stripe lists that as a refund that succeeded and moved nothing."""
    taken = intent.amount_received or 0
    return not taken or (taken < intent.amount and refund.status == "succeeded" and not refund.balance_transaction)


def _refund_snapshot(refund: _Refund) -> RefundSnapshot:
    currency = refund.currency.upper()
    return RefundSnapshot(
        ref=refund.id,
        refund_id=signatures.uuid((refund.metadata or {}).get("refund_id")),
        state=refund.status if refund.status in _REFUND_STATES else "pending",
        amount=minor(refund.amount, currency),
        currency=currency,
        failure=refund.failure_reason,
    )


def _units(amount: int, currency: str) -> int:
    try:
        return to_stripe(amount, currency)
    except ValueError as problem:
        raise GatewayRefused("amount_not_possible", str(problem)) from problem


def _last_error(said: Mapping[str, Any] | None) -> str | None:
    message = (said or {}).get("message") or (said or {}).get("code")
    return message if isinstance(message, str) else None
