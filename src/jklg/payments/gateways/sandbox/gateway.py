"""The sandbox behind the contract. The shortest example of a gateway: read this before writing another one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, TypeVar
from urllib.parse import quote, urlsplit
from uuid import UUID

import httpx
import msgspec

from jklg.payments.gateways import calls, signatures
from jklg.payments.gateways.contract import (
    CLOSED_STATES,
    OPEN_STATES,
    BadNotice,
    GatewayBusy,
    GatewayRefused,
    GatewayUnknown,
    GatewayUnreachable,
    Notice,
    Order,
    RefundSnapshot,
    Snapshot,
    Widget,
)
from jklg.payments.gateways.movements import Movement
from jklg.payments.gateways.sandbox import movements
from jklg.payments.gateways.sandbox.disputes import Dispute, dispute_snapshot

T = TypeVar("T")
_Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class _Refund(msgspec.Struct):
    id: str
    intent: str
    amount: int
    currency: str
    status: str
    metadata: dict[str, str] = {}
    failure_reason: str | None = None


class _Intent(msgspec.Struct):
    id: str
    amount: int
    currency: str
    status: str
    livemode: bool
    client_secret: str
    amount_received: int
    amount_capturable: int
    created_at: _Moment
    changed_at: _Moment
    metadata: dict[str, str] = {}
    payment_method: str | None = None
    last_error: str | None = None
    refunds: list[_Refund] = []
    disputes: list[Dispute] = []


class _List(msgspec.Struct):
    data: list[_Intent]
    has_more: bool


class _Refunds(msgspec.Struct):
    data: list[_Refund]


class _Error(msgspec.Struct):
    code: str
    message: str = ""


class _Refusal(msgspec.Struct):
    error: _Error


class _Data(msgspec.Struct):
    object: dict[str, Any]


class _Event(msgspec.Struct):
    id: str
    type: str
    livemode: bool
    data: _Data
    created: Any = None
    created_at: _Moment | None = None


class _Events(msgspec.Struct):
    data: list[msgspec.Raw]
    has_more: bool


class SandboxGateway:
    """The play bank at `base_url`; `public_url` is where the payer's browser finds it, when that is another address.

    `manual_capture`: payments wait for `capture`.
    `webhook_secret` may be several, comma-separated or in a sequence, while one is being replaced by another.
    """

    name = "sandbox"
    livemode = False
    key_lifetime_seconds = 24 * 3600
    refund_key_lifetime_seconds = 24 * 3600
    listing_lag = timedelta(hours=1)

    def __init__(
        self,
        base_url: str,
        key: str,
        webhook_secret: str | Sequence[str],
        *,
        public_url: str | None = None,
        manual_capture: bool = False,
        client: httpx.AsyncClient | None = None,
    ) -> None:
        secrets = webhook_secret.split(",") if isinstance(webhook_secret, str) else webhook_secret
        self._secrets = tuple(secret.strip() for secret in secrets if secret.strip())
        self._base = base_url.rstrip("/")
        self._public = (public_url or base_url).rstrip("/")
        self._manual_capture = manual_capture
        self._headers = {"Authorization": f"Bearer {key}"}
        self._client = client or calls.open_client()

    async def create(self, order: Order) -> Snapshot:
        body: dict[str, object] = {
            "amount": order.amount,
            "currency": order.currency,
            "description": order.description,
            "email": order.email,
            "return_url": order.return_url,
            "metadata": {"transaction_id": str(order.transaction_id), "booking_id": str(order.booking_id)},
        }
        if self._manual_capture:
            body["capture"] = "manual"
        try:
            return _snapshot(await self._post("/v1/intents", body, order.request_key, _Intent))
        except GatewayRefused as refusal:
            if refusal.code != "idempotency_error":
                raise
            # Our key is known with other words, so the attempt was made before (a package was renamed in between).
            found = await self.find(order)
            if found is None:
                raise GatewayUnknown(refusal.code, refusal.detail) from refusal
            return found

    async def fetch(self, ref: str) -> Snapshot:
        return _snapshot(await self._get(f"/v1/intents/{quote(ref, safe='')}", {}, _Intent))

    async def find(self, order: Order) -> Snapshot | None:
        # Our clock and the gateway's may differ, and the key may have been sent for the last time a day later.
        start = order.created_at - timedelta(minutes=10)
        end = order.created_at + timedelta(seconds=self.key_lifetime_seconds + 3600)
        async for snapshot in self.list_attempts(start, end):
            if snapshot.transaction_id == order.transaction_id:
                return snapshot
        return None

    async def cancel(self, ref: str, request_key: str) -> Snapshot:
        return _snapshot(await self._post(f"/v1/intents/{quote(ref, safe='')}/cancel", {}, request_key, _Intent))

    async def capture(self, *, ref: str, amount: int, currency: str, request_key: str) -> Snapshot:
        body = {"amount": amount, "currency": currency}
        return _snapshot(await self._post(f"/v1/intents/{quote(ref, safe='')}/capture", body, request_key, _Intent))

    async def refund(
        self, *, ref: str, refund_id: UUID, amount: int, currency: str, request_key: str
    ) -> RefundSnapshot:
        body = {"intent": ref, "amount": amount, "metadata": {"refund_id": str(refund_id)}}
        try:
            refund = await self._post("/v1/refunds", body, request_key, _Refund)
        except GatewayRefused as refusal:
            if refusal.code != "idempotency_error":
                raise
            made = await self._get("/v1/refunds", {"intent": ref, "limit": "100"}, _Refunds)
            mine = [each for each in made.data if signatures.uuid(each.metadata.get("refund_id")) == refund_id]
            if not mine:
                raise GatewayUnknown(refusal.code, refusal.detail) from refusal
            refund = mine[0]
        if refund.currency != currency:
            raise GatewayUnknown("other_currency", f"refund {refund.id} is in {refund.currency}")
        return _refund_snapshot(refund)

    async def list_attempts(self, created_from: datetime, created_to: datetime) -> AsyncIterator[Snapshot]:
        query = {
            "created_from": str(max(int(created_from.timestamp()), 0)),
            "created_to": str(int(created_to.timestamp()) + 1),
            "limit": "100",
        }
        while True:
            page = await self._get("/v1/intents", query, _List)
            for intent in page.data:
                yield _snapshot(intent)
            if not page.has_more or not page.data:
                return
            query["starting_after"] = page.data[-1].id

    async def list_notices(self, created_from: datetime, created_to: datetime) -> AsyncIterator[tuple[Notice, bytes]]:
        query = {
            "created_from": str(int(created_from.timestamp())),
            "created_to": str(int(created_to.timestamp()) + 1),
            "limit": "100",
        }
        while True:
            page = await self._get("/v1/events", query, _Events)
            for raw in page.data:
                event = msgspec.json.decode(raw, type=_Event)
                yield _notice(event), bytes(raw)
            if not page.has_more or not page.data:
                return
            query["starting_after"] = event.id

    async def list_movements(self, start: datetime, end: datetime) -> AsyncIterator[Movement]:
        query = {"from": str(max(int(start.timestamp()), 0)), "to": str(int(end.timestamp()) + 1), "limit": "100"}
        while True:
            page = await self._get("/v1/movements", query, movements.Lines)
            for line in page.data:
                yield movements.movement(line)
            if not page.has_more or not page.data:
                return
            query["starting_after"] = page.data[-1].id

    async def balances(self) -> Mapping[str, int]:
        told = await self._get("/v1/balance", {}, movements.Balance)
        return {currency: held.available for currency, held in told.currencies.items()}

    def read_notice(self, headers: Mapping[str, str], body: bytes, now: int) -> Notice:
        if not self._secrets:
            raise BadNotice("no webhook secret is configured")
        signatures.verify(headers.get("sandbox-signature"), body, self._secrets, now)
        event = signatures.read_envelope(body, _Event)
        if signatures.text(event.id) is None or signatures.text(event.type) is None:
            raise BadNotice("signed, but without a usable id or type")
        return _notice(event)

    def accepts_notices(self) -> bool:
        return bool(self._secrets)

    def widget(self, *, ref: str, client_secret: str, amount: int, currency: str, return_url: str) -> Widget:  # noqa: ARG002
        shop = urlsplit(self._public)
        url = f"{self._public}/pay/{quote(ref, safe='')}?client_secret={quote(client_secret, safe='')}"
        return Widget(
            template="payments/widgets/sandbox.html",
            data={"url": url},
            csp={"form-action": [f"{shop.scheme}://{shop.netloc}"]},
        )

    async def close(self) -> None:
        await self._client.aclose()

    # -- HTTP ------------------------------------------------------------------------------------------------------

    async def _get(self, path: str, query: Mapping[str, str], type_: type[T]) -> T:
        return await self._call(
            self._client.build_request("GET", self._base + path, params=query, headers=self._headers), type_
        )

    async def _post(self, path: str, body: object, request_key: str, type_: type[T]) -> T:
        headers = self._headers | {"Idempotency-Key": request_key, "Content-Type": "application/json"}
        content = msgspec.json.encode(body)
        return await self._call(
            self._client.build_request("POST", self._base + path, content=content, headers=headers), type_
        )

    async def _call(self, request: httpx.Request, type_: type[T]) -> T:
        """One call, one answer, every failure in the contract's words."""
        response = await calls.send(self._client, request)
        if response.is_success:
            return calls.read(response, type_)
        raise _failure(response)


def _failure(response: httpx.Response) -> GatewayRefused | GatewayBusy | GatewayUnknown | GatewayUnreachable:
    refusal = calls.read_refusal(response, _Refusal)
    said = refusal.error if refusal else _Error(f"http_{response.status_code}")
    match response.status_code:
        case 429:
            return GatewayBusy(said.code, said.message, retry_after=calls.retry_after(response))
        case 401:  # our key is wrong: this call did nothing, but says nothing of the call before it
            return GatewayUnreachable(said.code, said.message)
        case 400 | 402 | 403 | 404 | 422 if not said.code.startswith("http_"):
            return GatewayRefused(said.code, said.message)
    return GatewayUnknown(said.code, said.message)


def _notice(event: _Event) -> Notice:
    thing = event.data.object
    ref = thing.get("id") if thing.get("object") == "intent" else thing.get("intent")
    metadata = thing.get("metadata") if thing.get("object") == "intent" else None
    return Notice(
        event_id=event.id,
        event_type=event.type,
        livemode=event.livemode,
        ref=signatures.text(ref),
        transaction_id=signatures.uuid(metadata.get("transaction_id")) if isinstance(metadata, dict) else None,
        gateway_at=event.created_at or signatures.moment(event.created),
    )


def _snapshot(intent: _Intent) -> Snapshot:
    known = intent.status in OPEN_STATES + CLOSED_STATES
    return Snapshot(
        ref=intent.id,
        transaction_id=signatures.uuid(intent.metadata.get("transaction_id")),
        state=intent.status if known else "processing",  # a word we do not know: open, and looked at again
        amount=intent.amount,
        currency=intent.currency,
        livemode=intent.livemode,
        captured=intent.amount_received,
        authorized=intent.amount_capturable,
        capturable=intent.amount_capturable,
        client_secret=intent.client_secret,
        payment_method=intent.payment_method,
        error=intent.last_error,
        gateway_at=intent.changed_at,
        refunds=[_refund_snapshot(refund) for refund in intent.refunds],
        disputes=[dispute_snapshot(dispute) for dispute in intent.disputes],
    )


def _refund_snapshot(refund: _Refund) -> RefundSnapshot:
    return RefundSnapshot(
        ref=refund.id,
        refund_id=signatures.uuid(refund.metadata.get("refund_id")),
        state=refund.status if refund.status in ("succeeded", "failed", "canceled") else "pending",
        amount=refund.amount,
        currency=refund.currency,
        failure=refund.failure_reason,
    )
