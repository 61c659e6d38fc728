"""PayPal behind the contract. Facts about PayPal: payments.md 2.2; Orders v2, Payments v2, Transaction Search v1, read 2026-11.

One attempt is one order, with our id as its `custom_id` and `invoice_id`. The payer approves it at PayPal; no money moves
until our `capture`. What PayPal cannot do, and what follows:

* It lists no orders. A create whose answer was lost is sent again under its PayPal-Request-Id, which PayPal keeps for six
  hours and answers with the order it made. After that an order that we never heard of can do no harm: nobody was shown it,
  and nobody but us can capture it. `find` and `list_attempts` see what money came of, through Transaction Search.
* It cancels no order. `cancel` closes the attempt by our never capturing it.
* It forgets an order that nobody has approved for three hours, and one that was approved and not captured for three more: from then on
  it is not found. What was captured, or is pending, is kept.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import UUID

import httpx
import msgspec
from cryptography import x509

from jklg.payments.gateways import signatures
from jklg.payments.gateways.calls import segment
from jklg.payments.gateways.contract import (
    BadNotice,
    DisputeSnapshot,
    GatewayRefused,
    GatewayUnknown,
    Notice,
    Order,
    RefundSnapshot,
    Snapshot,
    Widget,
)
from jklg.payments.gateways.movements import Movement
from jklg.payments.gateways.paypal import disputes, movements, notices, orders
from jklg.payments.gateways.paypal.amounts import to_paypal
from jklg.payments.gateways.paypal.calls import Calls

log = logging.getLogger(__name__)

LIVE = "https://api-m.paypal.com"
SANDBOX = "https://api-m.sandbox.paypal.com"
_JS = "https://www.paypal.com"
_LARGEST_CERTIFICATE = 64 * 1024
_MOST_CERTIFICATES = 16
_NOT_THERE = ("RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID")


class _Events(msgspec.Struct):
    events: list[dict[str, Any]] = []
    links: list[orders.Link] = []


class PayPalGateway:
    """One PayPal business account. `webhook_ids` are all good at once, for rotation; `brand` is what the payer reads at PayPal.

    `api_base` is PayPal's own, PayPal's sandbox, or a stand-in for tests; `settings` refuses anything else. `client`
    carries the calls instead of a client of our own; `roots` are whom webhook certificates must be vouched for by.
    """

    name = "paypal"
    key_lifetime_seconds = 6 * 3600
    refund_key_lifetime_seconds = 45 * 24 * 3600
    forgets_after_seconds = 3 * 3600
    listing_lag = timedelta(hours=6)

    def __init__(
        self,
        client_id: str,
        secret: str,
        webhook_ids: Sequence[str],
        api_base: str = LIVE,
        js_url: str = "https://www.paypal.com/sdk/js",
        *,
        brand: str = "",
        client: httpx.AsyncClient | None = None,
        roots: Sequence[x509.Certificate] | None = None,
    ) -> None:
        self._base = api_base.rstrip("/")
        self.livemode = self._base == LIVE
        self._client_id = client_id
        self._webhook_ids = tuple(each for each in webhook_ids if each)
        self._js_url = js_url
        self._brand = brand
        self._calls = Calls(client_id, secret, self._base, client)
        self._roots = roots
        self._certificates: dict[str, notices.Certificate] = {}
        self._fetching = asyncio.Lock()
        self._fetch_after = 0

    async def create(self, order: Order) -> Snapshot:
        context = {
            "return_url": order.return_url,
            "cancel_url": order.return_url,
            "user_action": "PAY_NOW",
            "shipping_preference": "NO_SHIPPING",
            "payment_method_preference": "IMMEDIATE_PAYMENT_REQUIRED",
        }
        if self._brand:
            context["brand_name"] = self._brand[:127]
        unit = {
            "amount": _amount(order.amount, order.currency),
            "custom_id": str(order.transaction_id),
            "invoice_id": str(order.transaction_id),
            "description": order.description[:127] or order.booking_reference,
        }
        body = {
            "intent": "CAPTURE",
            "purchase_units": [unit],
            "payment_source": {"paypal": {"experience_context": context}},
        }
        made = await self._calls.post("/v2/checkout/orders", body, order.request_key, orders.Order)
        return self._seen(made)

    async def fetch(self, ref: str) -> Snapshot:
        order = await self._order(ref)
        seen = self._seen(order)
        if not seen.captured or seen.charge_ref is None:
            return seen
        told = await self._disputes(seen.charge_ref)
        # What a case has moved, even if it gave it back since, is what the capture calls reversed.
        moved = any(movement.amount for dispute in told for movement in dispute.movements)
        return msgspec.structs.replace(seen, disputes=told if moved else [*told, *orders.reversals(order)])

    async def _order(self, ref: str) -> orders.Order:
        try:
            return await self._calls.get(f"/v2/checkout/orders/{segment(ref)}", orders.Order)
        except GatewayRefused as refusal:
            if refusal.code in _NOT_THERE:
                raise GatewayRefused("not_found", refusal.detail) from refusal
            raise

    async def _disputes(self, capture_id: str) -> list[DisputeSnapshot]:
        """None where PayPal does not let us read them (403 without the app's feature *Customer disputes*): the money itself is seen all the same."""
        try:
            return await disputes.list_disputes(self._calls, capture_id)
        except GatewayRefused as refusal:
            log.warning("PayPal does not show the disputes of %s: %s", capture_id, refusal)
            return []

    async def find(self, order: Order) -> Snapshot | None:
        """None proves less than elsewhere and enough: an order without money that we do not know stays without money."""
        start, end = order.created_at - timedelta(minutes=10), order.created_at + timedelta(days=2)
        async for snapshot in self.list_attempts(start, end):
            if snapshot.transaction_id == order.transaction_id:
                return snapshot
        return None

    async def cancel(self, ref: str, request_key: str) -> Snapshot:  # noqa: ARG002
        """Nothing is sent: an order without our capture takes nothing. What was or is being captured is refused."""
        seen = self._seen(await self._order(ref))
        if seen.state in ("succeeded", "canceled", "failed", "processing"):
            raise GatewayRefused(f"order_{seen.state}", "this order cannot be left alone any more")
        return msgspec.structs.replace(seen, state="canceled", capturable=0, client_secret=None)

    async def capture(self, *, ref: str, amount: int, currency: str, request_key: str) -> Snapshot:  # noqa: ARG002
        """PayPal captures an order whole; `amount` is what the house has compared with the order."""
        try:
            made = await self._calls.post(f"/v2/checkout/orders/{segment(ref)}/capture", {}, request_key, orders.Order)
        except GatewayRefused as refusal:
            if refusal.code == "ORDER_ALREADY_CAPTURED":
                return await self.fetch(ref)
            raise
        return self._seen(made)

    async def refund(
        self, *, ref: str, refund_id: UUID, amount: int, currency: str, request_key: str
    ) -> RefundSnapshot:
        """`custom_id` carries our refund and its order, so that a webhook about the refund leads back to both."""
        value = _amount(amount, currency)
        seen = self._seen(await self._order(ref))
        if not seen.captured or seen.charge_ref is None:
            raise GatewayRefused("not_captured", "nothing was captured of this order")
        body = {"amount": value, "custom_id": f"{refund_id}:{ref}"}
        path = f"/v2/payments/captures/{segment(seen.charge_ref)}/refund"
        return orders.refund_snapshot(await self._calls.post(path, body, request_key, orders.Refund))

    async def list_attempts(self, created_from: datetime, created_to: datetime) -> AsyncIterator[Snapshot]:
        """Only attempts that money moved for, by the day of the money, and up to three hours late: PayPal lists no others. What something else
        took on this account, an old shop or a button, may bear an id like ours, and is left out."""
        seen: set[str] = set()
        end = created_to
        while end > created_from:
            start = max(created_from, end - movements.LONGEST_SEARCH)
            searched = [
                info for info in await movements.search(self._calls, start, end) if signatures.uuid(info.custom_field)
            ]
            found = [info for info in searched if info.transaction_event_code.startswith("T00")]
            for info in sorted(found, key=lambda each: each.transaction_initiation_date, reverse=True):
                order_id = await self._order_of(info.transaction_id)
                if order_id is None or order_id in seen:
                    continue
                seen.add(order_id)
                try:
                    snapshot = await self.fetch(order_id)
                except GatewayRefused as refusal:
                    if refusal.code != "not_found":
                        raise
                    log.warning("PayPal lists the order %s, and does not show it", order_id)
                    continue
                yield snapshot
            end = start

    async def _order_of(self, capture_id: str) -> str | None:
        """The order that money came of; None for a payment that was made by none, which is not ours."""
        try:
            capture = await self._calls.get(f"/v2/payments/captures/{segment(capture_id)}", orders.CaptureAlone)
        except GatewayRefused as refusal:
            if refusal.code not in _NOT_THERE:
                raise
            log.warning("PayPal lists the payment %s, and does not show it", capture_id)
            return None
        related = capture.supplementary_data.related_ids if capture.supplementary_data else None
        if related is None or related.order_id is None:
            log.warning("PayPal lists the payment %s, which is of no order", capture_id)
            return None
        return related.order_id

    def list_movements(self, start: datetime, end: datetime) -> AsyncIterator[Movement]:
        return movements.list_movements(self._calls, start, end)

    async def balances(self) -> Mapping[str, int]:
        return await movements.balances(self._calls)

    async def list_notices(self, created_from: datetime, created_to: datetime) -> AsyncIterator[tuple[Notice, bytes]]:
        path = "/v1/notifications/webhooks-events"
        query = {
            "start_time": movements.moment(created_from),
            "end_time": movements.moment(created_to + timedelta(seconds=1)),
            "page_size": "100",
        }
        while True:
            page = await self._calls.get(path, _Events, query)
            for event in page.events:
                body = msgspec.json.encode(event)
                yield notices.read(body, livemode=self.livemode), body
            following = next((link.href for link in page.links if link.rel == "next"), None)
            if following is None or not page.events:
                return
            query = dict(parse_qsl(urlsplit(following).query))

    async def prepare_notice(self, headers: Mapping[str, str], now: int) -> None:
        """Fetch the certificate that a notice names, unless we have it: from PayPal's own place only, and never in a hurry.

        Raises BadNotice, GatewayUnknown. A stranger may name addresses that do not exist: one fetch at a time, a pause
        after each that failed, and no more than a handful are kept.
        """
        url = notices.certificate_url(headers, self._base)
        async with self._fetching:
            if url in self._certificates:
                return
            if now < self._fetch_after:
                raise GatewayUnknown("no_certificate", "asked too often")
            self._fetch_after = now + 10
            self.keep_certificate(url, await self._calls.get_bytes(url, _LARGEST_CERTIFICATE), now)
            self._fetch_after = 0

    def keep_certificate(self, url: str, pem: bytes, now: int) -> None:
        """A certificate that came from `url`. BadNotice when it may not speak for PayPal."""
        certificate = notices.Certificate(pem, self._trusted(), datetime.fromtimestamp(now, UTC))
        while len(self._certificates) >= _MOST_CERTIFICATES:
            del self._certificates[next(iter(self._certificates))]
        self._certificates[url] = certificate

    def _trusted(self) -> Sequence[x509.Certificate] | None:
        if self._roots is None and self._base in (LIVE, SANDBOX):
            self._roots = notices.public_roots()
        return self._roots

    def read_notice(self, headers: Mapping[str, str], body: bytes, now: int) -> Notice:
        if not self._webhook_ids:
            raise BadNotice("no webhook id is configured")
        certificate = self._certificates.get(notices.certificate_url(headers, self._base))
        if certificate is None:
            raise BadNotice("a certificate that we have not seen")
        notices.verify(headers, body, self._webhook_ids, certificate, datetime.fromtimestamp(now, UTC))
        return msgspec.structs.replace(
            notices.read(body, livemode=self.livemode), delivery_id=headers["paypal-transmission-id"]
        )

    def accepts_notices(self) -> bool:
        return bool(self._webhook_ids)

    def widget(self, *, ref: str, client_secret: str, amount: int, currency: str, return_url: str) -> Widget:
        """PayPal's buttons where there is JavaScript; a link to the approval page (`client_secret`) where there is none."""
        script = urlsplit(self._js_url)
        origin = f"{script.scheme}://{script.netloc}"
        sources = ["https://*.paypal.com", "https://*.paypalobjects.com"] if origin == _JS else [origin]
        nonce = secrets.token_urlsafe(16)
        asked = urlencode(
            {"client-id": self._client_id, "currency": currency, "intent": "capture", "components": "buttons"}
        )
        directives = ("script-src", "connect-src", "frame-src", "img-src", "style-src")
        csp: dict[str, list[str]] = {directive: list(sources) for directive in directives}
        for directive in ("script-src", "style-src"):
            csp[directive].append(f"'nonce-{nonce}'")
        return Widget(
            template="payments/widgets/paypal.html",
            data={
                "js_url": f"{self._js_url}?{asked}",
                "nonce": nonce,
                "ref": ref,
                "approve_url": client_secret,
                "return_url": return_url,
                "amount": str(amount),
                "currency": currency,
            },
            csp=csp,
        )

    async def close(self) -> None:
        await self._calls.close()

    def _seen(self, order: orders.Order) -> Snapshot:
        return orders.snapshot(order, livemode=self.livemode)


def _amount(minor: int, currency: str) -> dict[str, Any]:
    try:
        return {"currency_code": currency, "value": to_paypal(minor, currency)}
    except ValueError as problem:
        raise GatewayRefused("amount_not_possible", str(problem)) from problem
