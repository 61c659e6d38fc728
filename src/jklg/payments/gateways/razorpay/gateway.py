"""Razorpay behind the contract. Facts about Razorpay: payments.md 2.3; its API reference and webhook pages, read 2026-11.

One attempt is one order, with our id as its `receipt` and in its `notes`. The payer may try several payments on it; one of them
is captured, by us or by the account's own setting. What Razorpay cannot do, and what follows:

* It has no keys for orders. Before one is made, the orders with our receipt are looked at: sent twice is made once, unless both
  are under way at the same moment. Then the second order is one that no payer ever sees.
* It cancels no order. `cancel` closes the attempt by our never capturing: what is authorised later goes back by itself after
  some days, and what the account captures by itself comes to the house as late money.
* It keeps no list of events. What no webhook has brought is found by looking at attempts, by comparing orders, and in the lists of
  refunds and disputes (`happenings`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import msgspec

from jklg.payments.gateways.calls import segment
from jklg.payments.gateways.contract import BadNotice, GatewayRefused, Notice, Order, RefundSnapshot, Snapshot, Widget
from jklg.payments.gateways.movements import Movement
from jklg.payments.gateways.razorpay import movements, notices, orders
from jklg.payments.gateways.razorpay.amounts import to_razorpay
from jklg.payments.gateways.razorpay.calls import Calls, Page
from jklg.payments.gateways.razorpay.disputes import list_disputes
from jklg.payments.gateways.razorpay.happenings import Happenings

API = "https://api.razorpay.com/v1"
JS = "https://checkout.razorpay.com/v1/checkout.js"


class RazorpayGateway:
    """One Razorpay account. `webhook_secrets` are all good at once, for rotation; `brand` is what the payer reads in Razorpay's window.

    `api_base` and `js_url` point elsewhere in tests only; `settings` refuses that with a live key. `client` carries the
    calls instead of a client of our own.
    """

    name = "razorpay"
    key_lifetime_seconds = 24 * 3600
    """A receipt is never forgotten; a capture needs no key."""
    refund_key_lifetime_seconds = 24 * 3600
    """How long Razorpay knows it is not written; a day is what others promise."""
    listing_lag = timedelta(days=10)

    def __init__(
        self,
        key_id: str,
        key_secret: str,
        webhook_secrets: Sequence[str],
        api_base: str = API,
        js_url: str = JS,
        *,
        brand: str = "",
        client: httpx.AsyncClient | None = None,
    ) -> None:
        self.livemode = key_id.startswith("rzp_live_")
        self._key_id = key_id
        self._key_secret = key_secret
        self._webhook_secrets = tuple(secret for secret in webhook_secrets if secret)
        self._js_url = js_url
        self._brand = brand
        self._calls = Calls(key_id, key_secret, api_base, client)
        self._happenings = Happenings(self._calls, livemode=self.livemode)

    async def create(self, order: Order) -> Snapshot:
        amount = _units(order.amount, order.currency)
        found = await self.find(order)
        if found is not None:
            return found
        body = {
            "amount": amount,
            "currency": order.currency,
            "receipt": orders.receipt(order.transaction_id),
            "notes": {"transaction_id": str(order.transaction_id), "booking_reference": order.booking_reference},
            "partial_payment": False,
        }
        return orders.snapshot(await self._calls.post("/orders", body, orders.Order), livemode=self.livemode)

    async def fetch(self, ref: str) -> Snapshot:
        order = await self._calls.get(f"/orders/{segment(ref)}", orders.Order)
        payments = await self._payments(ref)
        taken = orders.captured(payments)
        refunds = [refund for payment in taken for refund in await self._refunds(payment)]
        disputes = await list_disputes(self._calls, taken) if taken else []
        return orders.snapshot(order, payments, refunds, disputes, livemode=self.livemode)

    async def find(self, order: Order) -> Snapshot | None:
        # By the receipt, which is compared exactly and at once. Of two orders that were made at the same moment it is always the same one.
        ours = orders.receipt(order.transaction_id)
        listed = self._calls.list_all("/orders", Page[orders.Order], {"receipt": ours})
        made = [each async for each in listed if each.receipt == ours]
        if not made:
            return None
        return await self.fetch(min(made, key=lambda each: (-each.amount_paid, each.created_at, each.id)).id)

    async def cancel(self, ref: str, request_key: str) -> Snapshot:  # noqa: ARG002
        """Nothing is sent: an order without our capture takes nothing. What was taken is refused."""
        seen = await self.fetch(ref)
        if seen.state in ("succeeded", "processing"):
            raise GatewayRefused(f"order_{seen.state}", "this order cannot be left alone any more")
        return msgspec.structs.replace(seen, state="canceled", capturable=0, client_secret=None)

    async def capture(self, *, ref: str, amount: int, currency: str, request_key: str) -> Snapshot:  # noqa: ARG002
        """Razorpay has no keys for this, and needs none: a payment is captured once, and whole."""
        payments = await self._payments(ref)
        held = orders.waiting(payments)
        if held is not None:
            body = {"amount": _units(amount, currency), "currency": currency}
            try:
                await self._calls.post(f"/payments/{segment(held.id)}/capture", body, orders.Payment)
            except GatewayRefused:  # the account's own setting, or a call before this one, may have been quicker
                seen = await self.fetch(ref)
                if seen.captured:
                    return seen
                raise
        elif not orders.captured(payments):
            raise GatewayRefused("nothing_authorized", "no payment of this order waits to be captured")
        return await self.fetch(ref)

    async def refund(
        self, *, ref: str, refund_id: UUID, amount: int, currency: str, request_key: str
    ) -> RefundSnapshot:
        """Of a payment that was captured, and no other one of the order: of several, of the oldest that this leaves enough of."""
        units = _units(amount, currency)
        body = {
            "amount": units,
            "speed": "normal",
            "notes": {"refund_id": str(refund_id)},
            "receipt": refund_id.hex,
        }
        taken = orders.captured(await self._payments(ref))
        if not taken:
            raise GatewayRefused("not_captured", "nothing was captured of this order")
        listed = [await self._refunds(each) for each in taken]
        made = _ours(listed, refund_id)
        if made is not None:
            return made
        # Razorpay wants letters, digits, - and _ in a key; ours are told apart without their colons, too.
        headers = {"X-Refund-Idempotency": request_key.replace(":", "_")}
        try:
            path = f"/payments/{segment(orders.to_refund(taken, listed, units).id)}/refund"
            return orders.refund_snapshot(await self._calls.post(path, body, orders.Refund, headers))
        except GatewayRefused:
            listed = [await self._refunds(each) for each in taken]
            made = _ours(listed, refund_id)  # "this key was used": then the first request was done
            if made is None:
                raise
            return made

    async def list_attempts(self, created_from: datetime, created_to: datetime) -> AsyncIterator[Snapshot]:
        """Orders as they are listed: with what was paid, without their payments."""
        query = {"from": str(max(int(created_from.timestamp()), 0)), "to": str(int(created_to.timestamp()) + 1)}
        seen: set[str] = set()
        async for order in self._calls.list_all("/orders", Page[orders.Order], query):
            if order.id not in seen:
                seen.add(order.id)
                yield orders.snapshot(order, livemode=self.livemode)

    def list_notices(self, created_from: datetime, created_to: datetime) -> AsyncIterator[tuple[Notice, bytes]]:
        return self._happenings.list_all(created_from, created_to)

    def list_movements(self, start: datetime, end: datetime) -> AsyncIterator[Movement]:
        return movements.list_movements(self._calls, start, end)

    async def balances(self) -> None:
        """Razorpay does not tell."""
        return

    def read_notice(self, headers: Mapping[str, str], body: bytes, now: int) -> Notice:  # noqa: ARG002
        if not self._webhook_secrets:
            raise BadNotice("no webhook secret is configured")
        notices.verify(headers, body, self._webhook_secrets)
        return notices.read(headers, body, livemode=self.livemode)

    def accepts_notices(self) -> bool:
        return bool(self._webhook_secrets)

    def proves_payment(self, ref: str, payment_id: str, signature: str) -> bool:
        """Signed with the key's own secret, over our order: of an order that somebody else names, anything may be true."""
        return notices.is_signed(self._key_secret, f"{ref}|{payment_id}".encode(errors="replace"), signature)

    def widget(self, *, ref: str, client_secret: str, amount: int, currency: str, return_url: str) -> Widget:
        """Razorpay's window, opened by a button. There is no way to pay without its script."""
        script = urlsplit(self._js_url)
        origin = f"{script.scheme}://{script.netloc}"
        csp = {directive: [origin] for directive in ("script-src", "frame-src", "connect-src", "img-src")}
        if self._js_url == JS:
            csp = {
                "script-src": [origin],
                "frame-src": ["https://api.razorpay.com", origin],
                "connect-src": ["https://api.razorpay.com", "https://lumberjack.razorpay.com"],
                "img-src": ["https://cdn.razorpay.com", "data:"],
            }
        return Widget(
            template="payments/widgets/razorpay.html",
            data={
                "js_url": self._js_url,
                "key_id": self._key_id,
                "order_id": client_secret or ref,
                "brand": self._brand,
                "units": str(_units(amount, currency)),
                "amount": str(amount),
                "currency": currency,
                "return_url": return_url,
            },
            csp=csp,
        )

    async def close(self) -> None:
        await self._calls.close()

    async def _payments(self, ref: str) -> list[orders.Payment]:
        return (await self._calls.get(f"/orders/{segment(ref)}/payments", Page[orders.Payment])).items

    async def _refunds(self, payment: orders.Payment) -> list[orders.Refund]:
        """Each once, though the list moves while it is read."""
        listed = self._calls.list_all(f"/payments/{segment(payment.id)}/refunds", Page[orders.Refund], {})
        return list({each.id: each async for each in listed}.values())


def _ours(listed: Sequence[Sequence[orders.Refund]], refund_id: UUID) -> RefundSnapshot | None:
    made = [orders.refund_snapshot(refund) for refunds in listed for refund in refunds]
    return next((each for each in made if each.refund_id == refund_id), None)


def _units(minor: int, currency: str) -> int:
    try:
        return to_razorpay(minor, currency)
    except ValueError as problem:
        raise GatewayRefused("amount_not_possible", str(problem)) from problem
