"""A strict stand-in for PayPal, for PAYPAL_API_BASE and PAYPAL_JS_URL: the play bank's engine behind Orders v2 and Payments v2.

Every body is held against PayPal's published request schemas (paypal_requests.schema.json); fields that the house has no business
with are refused, as are a missing PayPal-Request-Id and a token that was never given out or has run out. It
misbehaves by the same `faults` as the play bank; its webhooks are signed with a certificate of its own. From Python the payer
is `approve` and `void`; in a browser she is served at /checkoutnow.

    python -m tests.peers.paypal 12112 http://localhost:3000/api/payments/webhooks/paypal
"""

from __future__ import annotations

import asyncio
import base64
import functools
import html
import json
import re
import sys
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, ClassVar, Literal, TypeVar
from urllib.parse import urlencode
from uuid import UUID

import httpx
import jsonschema_rs
import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from jklg.kit.clock import Clock
from jklg.sandbox import account, keys
from jklg.sandbox.bank import Bank, Work
from jklg.sandbox.deliveries import Postman
from jklg.sandbox.faults import AnswerLost, Faults, misbehave
from jklg.sandbox.http import (
    Answer,
    Receive,
    Request,
    Scope,
    Send,
    json_answer,
    lifespan,
    read_request,
    redirect,
    send_answer,
    send_broken_answer,
)
from jklg.sandbox.storage import MemoryStorage
from jklg.sandbox.things import BankError, Dispute, Event, Intent, Movement, Payout, Refund, Thing
from tests.peers.loopback import serve

T = TypeVar("T", bound="Body")
Kind = TypeVar("Kind", bound=Thing)
PUBLISHED = json.loads((Path(__file__).parent / "paypal_requests.schema.json").read_text("utf-8"))


class Body(msgspec.Struct, forbid_unknown_fields=True):
    """What the house may send, and no field besides; what each may hold is said by PayPal's own schema, named where a whole body is one."""

    published: ClassVar[str] = ""


class Money(Body):
    currency_code: str
    value: str


class PurchaseUnit(Body):
    amount: Money
    custom_id: str
    invoice_id: str
    description: str | None = None
    soft_descriptor: str | None = None


class Context(Body):
    return_url: str
    cancel_url: str
    brand_name: str | None = None
    user_action: str = "CONTINUE"
    shipping_preference: str = "GET_FROM_FILE"
    payment_method_preference: str = "UNRESTRICTED"
    landing_page: str = "NO_PREFERENCE"


class Wallet(Body):
    experience_context: Context


class Source(Body):
    paypal: Wallet


class OrderRequest(Body):
    published = "order_request"
    intent: Literal["CAPTURE"]
    purchase_units: list[PurchaseUnit]
    payment_source: Source


class CaptureRequest(Body):
    published = "order_capture_request"


class RefundRequest(Body):
    published = "pay_refund_request"
    amount: Money  # PayPal takes none for "all of it"; the house always says how much
    custom_id: str | None = None
    invoice_id: str | None = None
    note_to_payer: str | None = None


@functools.cache
def validator(published: str) -> jsonschema_rs.Validator:
    """Of one of PayPal's published schemas, formats included."""
    return jsonschema_rs.validator_for({**PUBLISHED, "$ref": f"#/$defs/{published}"}, validate_formats=True)


def read(body: bytes, type_: type[T]) -> T:
    """A body that PayPal would take. PayPalError."""
    try:
        said = json.loads(body)
        wrong = next(validator(type_.published).iter_errors(said), None)
        if wrong is not None:
            raise PayPalError(
                400, "INVALID_REQUEST", "INVALID_PARAMETER_SYNTAX", f"{wrong.instance_path}: {wrong.message}"
            )
        return msgspec.convert(said, type_)
    except (ValueError, msgspec.MsgspecError) as unreadable:
        raise PayPalError(400, "INVALID_REQUEST", "MALFORMED_REQUEST_JSON", str(unreadable)) from unreadable


WHOLE = {"JPY": 0, "HUF": 2, "TWD": 2}
"""Currencies that PayPal counts whole, and the decimals that ISO 4217 gives them."""
STATUS = {"requires_payment_method": "PAYER_ACTION_REQUIRED", "authorized": "APPROVED", "succeeded": "COMPLETED", "processing": "COMPLETED", "canceled": "VOIDED"}  # fmt: skip
REFUND_STATUS = {"succeeded": "COMPLETED", "pending": "PENDING", "failed": "FAILED"}
LINES = {
    "capture": "T0006",
    "refund": "T1107",
    "refund_returned": "T1119",
    "dispute": "T1201",
    "payout": "T0400",
    "payout_returned": "T1101",
}
"""T-codes (PayPal's reference, read 2026-11)."""
EVENTS = {
    "intent.authorized": "CHECKOUT.ORDER.APPROVED",
    "intent.succeeded": "PAYMENT.CAPTURE.COMPLETED",
    "intent.processing": "PAYMENT.CAPTURE.PENDING",
    "intent.canceled": "CHECKOUT.PAYMENT-APPROVAL.REVERSED",
    "refund.created": "PAYMENT.CAPTURE.REFUNDED",
    "refund.updated": "PAYMENT.CAPTURE.REFUNDED",
    "refund.failed": "PAYMENT.REFUND.FAILED",
    "dispute.created": "CUSTOMER.DISPUTE.CREATED",
    "dispute.updated": "CUSTOMER.DISPUTE.UPDATED",
    "dispute.closed": "CUSTOMER.DISPUTE.RESOLVED",
    "capture.reversed": "PAYMENT.CAPTURE.REVERSED",
}
FORGETS = timedelta(hours=3)
"""How long an order waits for its payer. After that PayPal answers as if it had never been; what was captured, or tried to be, is kept."""
REVERSAL = "reversal"
"""The reason of what the play bank keeps as a dispute, and PayPal tells as a capture that it has reversed: there is no case to answer."""


class PayPalError(Exception):
    def __init__(self, status: int, name: str, issue: str, description: str = "") -> None:
        super().__init__(issue)
        details = [{"issue": issue, "description": description or issue.replace("_", " ").capitalize()}]
        self.answer = json_answer(
            status, {"name": name, "message": "Said in `details`.", "debug_id": "d1", "details": details, "links": []}
        )


def unprocessable(issue: str, description: str = "") -> PayPalError:
    return PayPalError(422, "UNPROCESSABLE_ENTITY", issue, description)


class PayPalWork(Work):
    """The play bank's things, said as PayPal says them. Amounts are minor units of ISO 4217 here."""

    intent_prefix = "ORDER"

    def find(self, cls: type[Kind], id_: str) -> Kind | None:
        thing = super().find(cls, id_)
        waits = isinstance(thing, Intent) and thing.status == "requires_payment_method" and thing.last_error is None
        return None if waits and self.now - thing.created_at >= FORGETS else thing  # type: ignore[union-attr]

    def pay(self, intent: Intent, method: str) -> None:
        if intent.status == "processing":  # a pending capture has come through
            intent.due_at = None
            self._take(intent)
        else:
            super().pay(intent, method)

    def reverse(self, intent: Intent) -> None:
        """The payer's bank takes back what is left of a payment, without a word to anybody."""
        left = intent.amount_received - sum(r.amount for r in self.refunds_of(intent.id) if r.status != "failed")
        taken = Dispute(
            id=self.new_id("REV", "dispute"), intent=intent.id, amount=left, currency=intent.currency, status="lost", reason=REVERSAL,
            created_at=self.now, respond_by=self.now, movements=[Movement(id=self.new_id("REV", "dispute"), amount=-left, fee=0, at=self.now)],
        )  # fmt: skip
        self.put(taken)
        self._tell("capture.reversed", taken)

    def reversals_of(self, intent_id: str) -> list[Dispute]:
        return [each for each in self.disputes_of(intent_id) if each.id.startswith("REV")]

    def list_case(self, intent: Intent, *, known: bool = True) -> None:
        """The case behind a reversal is listed at last; or the list does not know of it any more, as lists do that are read elsewhere."""
        for taken in self.reversals_of(intent.id):
            taken.reason, taken.status = ("unauthorised", "needs_response") if known else (REVERSAL, "lost")
            self.put(taken)

    def reversal_of(self, taken: Dispute) -> dict[str, Any]:
        """Told like a refund that nobody asked for, with nothing of ours in it."""
        up = f"{self.bank.public_url}/v2/payments/captures/{capture_id(taken.intent)}"
        return {
            "id": taken.id,
            "status": "COMPLETED",
            "amount": money(taken.amount, taken.currency),
            "create_time": stamp(taken.created_at),
            "links": [{"href": up, "rel": "up", "method": "GET"}],
        }

    def _tell(self, type_: str, thing: Thing) -> None:
        if type_ in EVENTS:
            super()._tell(type_, thing)

    def describe(self, thing: Thing) -> dict[str, Any]:
        match thing:
            case Intent():
                return self.order(thing)
            case Refund():
                return self.refund_of(thing)
        assert isinstance(thing, Dispute)
        if thing.reason == REVERSAL:
            return self.reversal_of(thing)
        ours = self.get(Intent, thing.intent).metadata["custom_id"]
        over = thing.status in ("inquiry_closed", "won", "lost")
        return {
            "dispute_id": thing.id,
            "create_time": stamp(thing.created_at),
            "disputed_transactions": [{"seller_transaction_id": capture_id(thing.intent), "custom": ours}],
            "reason": thing.reason.upper(),
            "status": "RESOLVED"
            if over
            else "UNDER_REVIEW"
            if thing.status == "under_review"
            else "WAITING_FOR_SELLER_RESPONSE",
            "dispute_amount": money(thing.amount, thing.currency),
            "dispute_life_cycle_stage": "INQUIRY" if thing.status.startswith("inquiry") else "CHARGEBACK",
            "seller_response_due_date": stamp(thing.respond_by),
            "fund_movements": [each for movement in thing.movements for each in _moved(movement, thing.currency)],
        } | (
            {"dispute_outcome": {"outcome_code": f"RESOLVED_{'SELLER' if thing.status == 'won' else 'BUYER'}_FAVOUR"}}
            if over
            else {}
        )

    def order(self, intent: Intent) -> dict[str, Any]:
        unit: dict[str, Any] = {
            "reference_id": "default",
            "amount": money(intent.amount, intent.currency),
            "custom_id": intent.metadata["custom_id"],
            "invoice_id": intent.metadata["invoice_id"],
        }
        if intent.status in ("succeeded", "processing") or intent.amount_received:
            refunds = [self.refund_of(refund) for refund in self.refunds_of(intent.id)]
            refunds += [self.reversal_of(taken) for taken in self.reversals_of(intent.id)]
            unit["payments"] = {"captures": [self.capture_of(intent)]}
            if refunds:
                unit["payments"]["refunds"] = refunds
        me = f"{self.bank.public_url}/v2/checkout/orders/{intent.id}"
        links = [{"href": me, "rel": "self", "method": "GET"}]
        if intent.status == "requires_payment_method":
            href = f"{self.bank.public_url}/checkoutnow?token={intent.id}"
            links.append({"href": href, "rel": "payer-action", "method": "GET"})
        return {
            "id": intent.id,
            "intent": "CAPTURE",
            "status": STATUS.get(intent.status, intent.status.upper()),
            "payment_source": {"paypal": {}},
            "purchase_units": [unit],
            "create_time": stamp(intent.created_at),
            "update_time": stamp(intent.changed_at),
            "links": links,
        }

    def capture_of(self, intent: Intent) -> dict[str, Any]:
        back = sum(refund.amount for refund in self.refunds_of(intent.id) if refund.status == "succeeded")
        status = "PENDING" if intent.status == "processing" else "COMPLETED"
        if back:
            status = "REFUNDED" if back == intent.amount else "PARTIALLY_REFUNDED"
        if self.reversals_of(intent.id):
            status = "REVERSED"
        return {
            "id": capture_id(intent.id),
            "status": status,
            "amount": money(intent.amount, intent.currency),
            "custom_id": intent.metadata["custom_id"],
            "invoice_id": intent.metadata["invoice_id"],
            "final_capture": True,
            "create_time": stamp(intent.changed_at),
            "update_time": stamp(intent.changed_at),
            "supplementary_data": {"related_ids": {"order_id": intent.id}},
        }

    def refund_of(self, refund: Refund) -> dict[str, Any]:
        said = {
            "id": refund.id,
            "status": REFUND_STATUS.get(refund.status, refund.status.upper()),
            "amount": money(refund.amount, refund.currency),
            "create_time": stamp(refund.created_at),
            "links": [
                {"href": f"{self.bank.public_url}/v2/payments/captures/{capture_id(refund.intent)}", "rel": "up"}
            ],
        }
        if "custom_id" in refund.metadata:
            said["custom_id"] = refund.metadata["custom_id"]
        if refund.failure_reason:
            said["status_details"] = {"reason": refund.failure_reason.upper()}
        return said

    def envelope(self, event: Event, thing: Thing) -> dict[str, Any]:
        kind = event.type
        event.type = EVENTS[kind]
        if kind == "refund.created" and isinstance(thing, Refund) and thing.status == "pending":
            event.type = "PAYMENT.REFUND.PENDING"
        resource = self.describe(thing)
        if isinstance(thing, Intent) and event.type.startswith("PAYMENT."):
            resource = self.capture_of(thing)
        return {
            "id": event.id.replace("evt_", "WH-"),
            "event_version": "1.0",
            "create_time": stamp(self.now),
            "resource_type": "checkout-order" if event.type.startswith("CHECKOUT") else "capture",
            "resource_version": "2.0",
            "event_type": event.type,
            "summary": "Something happened",
            "resource": resource,
            "links": [],
        }


class Signing(Postman):
    """PayPal's way to sign: RSA over what identifies the delivery and the CRC32 of the body."""

    def __init__(self, peer: PayPalPeer, url: str, client: httpx.AsyncClient | None) -> None:
        super().__init__(peer.bank, url, "", "", client)
        self._peer = peer

    async def _deliver(self, event: Event) -> bool:
        body = event.body.encode()
        headers = self._peer.signed(body) | {"Content-Type": "application/json"}
        if self._client is None:
            self._client = self._own_client = httpx.AsyncClient(timeout=10)
        try:
            return (await self._client.post(self._url, content=body, headers=headers)).is_success
        except Exception:
            return False


class PayPalPeer:
    """The ASGI application. With `dice` it is driven by hand (`deliver_due`), like the play bank."""

    def __init__(
        self,
        *,
        client_id: str = "client_peer",
        secret: str = "secret_peer",
        webhook_id: str = "WEBHOOK_PEER",
        webhook_url: str = "",
        public_url: str = "http://peer",
        clock: Clock | None = None,
        dice: Random | None = None,
        webhook_client: httpx.AsyncClient | None = None,
    ) -> None:
        self.bank = Bank(MemoryStorage(), clock or Clock(), Faults(), dice, public_url)
        self.bank.work_class = PayPalWork
        self.webhook_id = webhook_id
        self.public_url = public_url
        self.requests: list[Request] = []
        self.tokens: dict[str, datetime] = {}
        self.token_seconds = 32_400
        self.pending_captures = 0
        self.shows_disputes = True
        """Whether the app has the feature *Customer disputes*. Without it their list is refused."""
        self.strangers: dict[str, bool] = {}
        """Payments of other shops on this account: whether their capture can be read, which then tells of no order."""
        self.transmissions = 0
        self._basic = "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()
        self._postman = Signing(self, webhook_url, webhook_client)

    @property
    def faults(self) -> Faults:
        return self.bank.faults

    @property
    def certificate_url(self) -> str:
        return f"{self.public_url}/v1/notifications/certs/CERT-peer-1"

    async def deliver_due(self) -> int:
        return await self._postman.deliver_due()

    async def approve(self, ref: str, funding: str = "paypal") -> None:
        """The payer presses Pay Now at PayPal. `funding` "declined": the capture will be refused."""
        async with self.bank.work() as work:
            intent = work.get(Intent, ref)
            if intent.status == "authorized":  # again, with another card
                intent.payment_method = funding
                work.put(intent)
            else:
                work.pay(intent, funding)

    async def void(self, ref: str) -> None:
        """PayPal lets an approval lapse."""
        async with self.bank.work() as work:
            work.cancel(work.get(Intent, ref))

    def signed(
        self,
        body: bytes,
        *,
        webhook_id: str | None = None,
        at: datetime | None = None,
        algorithm: str = "SHA256withRSA",
        transmission: str | None = None,
    ) -> dict[str, str]:
        """The headers of a webhook. Each delivery is a transmission of its own, unless one is named."""
        self.transmissions += 1
        transmission = transmission or f"tx-{self.transmissions}"
        time = stamp(at or self.bank.clock.now())
        message = f"{transmission}|{time}|{self.webhook_id if webhook_id is None else webhook_id}|{zlib.crc32(body)}"
        key, _ = identity()
        return {
            "paypal-transmission-id": transmission,
            "paypal-transmission-time": time,
            "paypal-transmission-sig": base64.b64encode(
                key.sign(message.encode(), padding.PKCS1v15(), hashes.SHA256())
            ).decode(),
            "paypal-cert-url": self.certificate_url,
            "paypal-auth-algo": algorithm,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await lifespan(receive, send, self._start, self._postman.close)
            return
        request = await read_request(scope, receive)
        try:
            answer = await self._answer(request)
        except AnswerLost:
            await send_broken_answer(send)
            raise
        await send_answer(send, answer)

    async def _start(self) -> None:
        if not self.bank.counted_ids:
            self._postman.start()

    async def _answer(self, request: Request) -> Answer:
        self.requests.append(request)
        try:
            if request.path == "/v1/oauth2/token":
                return self._token(request)
            if request.path == "/v1/notifications/certs/CERT-peer-1":
                return Answer(200, identity()[1], "application/x-pem-file")
            if request.path == "/sdk/js":
                return Answer(200, (Path(__file__).parent / "paypal.js").read_bytes(), "text/javascript; charset=utf-8")
            if request.path == "/checkoutnow":
                return await self._checkout(request)
            if request.path == "/favicon.ico":
                return Answer(204, b"")
            if request.path == "/_browser/approve":
                await self.approve(request.query["token"])
                return json_answer(200, {}).with_header("Access-Control-Allow-Origin", "*")
            if request.path == "/_faults":
                return self._knobs(request)
            self._check(request)
            return await misbehave(
                self.bank.faults, request, lambda: self._api(request), error=_fault, sleep=asyncio.sleep
            )
        except PayPalError as error:
            return error.answer

    def _knobs(self, request: Request) -> Answer:
        if request.method == "PUT":
            new = json.loads(request.body)
            for name in Faults.__struct_fields__:
                setattr(self.faults, name, new.get(name, getattr(Faults(), name)))
        return json_answer(200, self.faults)

    def _token(self, request: Request) -> Answer:
        if request.headers.get("authorization") != self._basic:
            return json_answer(401, {"error": "invalid_client", "error_description": "Client Authentication failed"})
        if request.method != "POST" or request.form() != {"grant_type": "client_credentials"}:
            return json_answer(400, {"error": "unsupported_grant_type"})
        token = f"A21.{len(self.tokens) + 1}"
        self.tokens[token] = self.bank.clock.now() + timedelta(seconds=self.token_seconds)
        return json_answer(
            200, {"access_token": token, "token_type": "Bearer", "app_id": "APP", "expires_in": self.token_seconds}
        )

    def _check(self, request: Request) -> None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self.tokens.get(token, datetime.min.replace(tzinfo=UTC)) <= self.bank.clock.now():
            raise PayPalError(401, "AUTHENTICATION_FAILURE", "INVALID_TOKEN")
        if request.method == "POST":
            if request.headers.get("content-type") != "application/json":
                raise PayPalError(415, "UNSUPPORTED_MEDIA_TYPE", "CONTENT_TYPE")
            if not 0 < len(request.headers.get("paypal-request-id", "")) <= 108:
                raise PayPalError(400, "INVALID_REQUEST", "PAYPAL_REQUEST_ID_REQUIRED")

    async def _api(self, request: Request) -> Answer:
        try:
            match (request.method, *request.path.removeprefix("/").split("/")):
                case ("POST", "v2", "checkout", "orders"):
                    return await self._once(request, OrderRequest, self._open)
                case ("POST", "v2", "checkout", "orders", id_, "capture"):
                    return await self._once(request, CaptureRequest, lambda work, _: self._capture(work, id_))
                case ("POST", "v2", "payments", "captures", id_, "refund"):
                    return await self._once(request, RefundRequest, lambda work, new: _refund(work, id_, new))
                case ("GET", "v1", "customer", "disputes", *_) if not self.shows_disputes:
                    raise PayPalError(403, "NOT_AUTHORIZED", "PERMISSION_DENIED")
                case ("GET", *path):
                    async with self.bank.work() as work:
                        assert isinstance(work, PayPalWork)
                        return json_answer(200, _read(work, path, request.query, self.strangers))
        except BankError as refusal:
            return _refusal(refusal).answer
        except PayPalError as error:
            return error.answer
        return PayPalError(404, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID").answer

    async def _once(self, request: Request, type_: type[Any], verb: Callable[[Work, Any], Thing]) -> Answer:
        """PayPal's keys: a repetition is answered with how the thing stands now, whatever the body says; refusals are not kept.
        Those of orders are forgotten after six hours, those of payments after 45 days."""
        key = f"{request.path} {request.headers['paypal-request-id']}"
        async with self.bank.work() as work:
            saved = keys.remembered(
                work, key, timedelta(days=45) if "/payments/" in request.path else timedelta(hours=6)
            )
            if saved is not None:
                thing: Thing = work.get(Refund if saved.body == "refund" else Intent, saved.fingerprint)
                return json_answer(200, work.describe(thing))
            thing = verb(work, read(request.body, type_))
            keys.remember(work, key, thing.id, 200, thing.kind)
            return json_answer(201, work.describe(thing))

    def _open(self, work: Work, new: OrderRequest) -> Intent:
        unit, context = new.purchase_units[0], new.payment_source.paypal.experience_context
        ours = {"custom_id": unit.custom_id, "invoice_id": unit.invoice_id}
        amount = _minor(unit.amount)
        return work.open_intent(
            amount, unit.amount.currency_code, unit.description or "", "", context.return_url, ours, "manual"
        )

    def _capture(self, work: Work, id_: str) -> Intent:
        intent = work.get(Intent, id_)
        if intent.status in ("succeeded", "processing"):
            raise unprocessable("ORDER_ALREADY_CAPTURED")
        if intent.status != "authorized":
            raise unprocessable("ORDER_NOT_APPROVED", "Payer has not yet approved the Order for payment.")
        others = [
            i
            for i in work.all(Intent)
            if i.metadata["invoice_id"] == intent.metadata["invoice_id"] and i.amount_received
        ]
        if others:
            raise unprocessable("DUPLICATE_INVOICE_ID")
        if intent.payment_method == "declined":
            raise unprocessable(
                "INSTRUMENT_DECLINED", "The instrument presented was declined by the processor or bank."
            )
        if self.pending_captures > 0:
            self.pending_captures -= 1
            intent.amount_capturable, intent.due_at = 0, work.now + timedelta(seconds=self.faults.later_seconds)
            work._became(intent, "processing", "intent.processing")
        else:
            work.capture(intent, intent.amount)
        return intent

    async def _checkout(self, request: Request) -> Answer:
        """PayPal's approval page, bare: two buttons."""
        ref = request.query.get("token", "")
        async with self.bank.work() as work:
            intent = work.find(Intent, ref)
        if intent is None:
            return Answer(404, b"no such order", "text/plain")
        if request.method == "POST":
            if request.form().get("press") == "pay":
                await self.approve(ref)
            back = intent.return_url + ("&" if "?" in intent.return_url else "?") + f"token={ref}&PayerID=PAYER1"
            return redirect(back)
        buttons = "".join(
            f'<button name="press" value="{v}">{w}</button>'
            for v, w in (("pay", "Pay Now"), ("back", "Cancel and return"))
        )
        page = f"<!doctype html><title>PayPal</title><h1>Pay {html.escape(intent.description)}</h1><form method=post>{buttons}</form>"
        return Answer(200, page.encode(), "text/html; charset=utf-8")


def _refund(work: Work, id_: str, new: RefundRequest) -> Refund:
    intent = work.get(Intent, id_.replace("CAP", "ORDER", 1))
    if new.amount.currency_code != intent.currency:
        raise unprocessable("REFUND_CAPTURE_CURRENCY_MISMATCH")
    return work.refund(intent, _minor(new.amount), {"custom_id": new.custom_id} if new.custom_id else {})


def _read(work: PayPalWork, path: list[str], query: dict[str, str], strangers: dict[str, bool]) -> dict[str, Any]:
    match path:
        case ["v2", "checkout", "orders", id_]:
            return work.order(work.get(Intent, id_))
        case ["v2", "payments", "captures", id_] if strangers.get(id_):
            return {"id": id_, "status": "COMPLETED", "amount": money(5000, "INR"), "final_capture": True}
        case ["v2", "payments", "captures", id_]:
            intent = work.get(Intent, id_.replace("CAP", "ORDER", 1))
            if not intent.amount_received:
                raise BankError("not_found", "no such capture", 404)
            return work.capture_of(intent)
        case ["v1", "customer", "disputes"]:
            intent = work.get(Intent, query["disputed_transaction_id"].replace("CAP", "ORDER", 1))
            cases = [each for each in work.disputes_of(intent.id) if each.reason != REVERSAL]
            return {"items": [{"dispute_id": each.id} for each in cases], "links": []}
        case ["v1", "customer", "disputes", id_]:
            return work.describe(work.get(Dispute, id_))
        case ["v1", "notifications", "webhooks-events"]:
            return _events(work, query)
        case ["v1", "reporting", "transactions"]:
            return _search(work, query, strangers)
        case ["v1", "reporting", "balances"]:
            return _balances(work, query)
    raise PayPalError(404, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID")


def _moved(movement: Movement, currency: str) -> list[dict[str, Any]]:
    """PayPal tells a fee apart, and of both sides; amounts have no sign."""
    taken = "DEBIT" if movement.amount < 0 else "CREDIT"
    back = "CREDIT" if movement.amount < 0 else "DEBIT"
    amount = money(abs(movement.amount), currency)
    told = [
        {"party": "SELLER", "amount": amount, "type": taken, "reason": "DISPUTE_SETTLEMENT"},
        {"party": "BUYER", "amount": amount, "type": back, "reason": "DISPUTE_SETTLEMENT"},
    ]
    if movement.fee:
        told.append(
            {"party": "SELLER", "amount": money(movement.fee, currency), "type": "DEBIT", "reason": "CHARGEBACK_FEE"}
        )
    return told


def _events(work: PayPalWork, query: dict[str, str]) -> dict[str, Any]:
    if set(query) - {"start_time", "end_time", "page_size", "move_to", "index_id", "event_type"}:
        raise PayPalError(400, "INVALID_REQUEST", "INVALID_PARAMETER_SYNTAX", str(query))
    low, high = (datetime.fromisoformat(query[each]) for each in ("start_time", "end_time"))
    told = [event for event in reversed(work.all(Event)) if low <= event.created_at <= high]
    first, size = int(query.get("index_id", "0")), int(query.get("page_size", "10"))
    page = [json.loads(event.body) for event in told[first : first + size]]
    following = urlencode(query | {"move_to": "next", "index_id": str(first + size)})
    more = len(told) > first + size
    href = f"{work.bank.public_url}/v1/notifications/webhooks-events?{following}"
    return {
        "events": page,
        "count": len(page),
        "links": [{"href": href, "rel": "next", "method": "GET"}] if more else [],
    }


def _search(work: PayPalWork, query: dict[str, str], strangers: dict[str, bool]) -> dict[str, Any]:
    """Parameters as in PayPal's Transaction Search v1 (read 2026-11); `fields` other than transaction_info are not answered here."""
    known = {
        "start_date", "end_date", "fields", "page_size", "page", "transaction_id", "transaction_type", "transaction_status", "transaction_amount",
        "transaction_currency", "payment_instrument_type", "store_id", "terminal_id", "balance_affecting_records_only",
    }  # fmt: skip
    form = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
    start, end = query.get("start_date", ""), query.get("end_date", "")
    if set(query) - known or not re.fullmatch(form, start) or not re.fullmatch(form, end):
        raise PayPalError(400, "INVALID_REQUEST", "INVALID_PARAMETER_SYNTAX", str(query))
    low, high = (datetime.fromisoformat(each) for each in (start, end))
    if high - low > timedelta(days=31, seconds=1):
        raise PayPalError(400, "INVALID_REQUEST", "DATE_RANGE_TOO_LONG")
    size, page = int(query.get("page_size", "100")), int(query.get("page", "1"))
    if not 1 <= size <= 500:
        raise PayPalError(400, "INVALID_REQUEST", "INVALID_PAGE_SIZE")
    found = [
        {"transaction_info": info}
        for line in account.lines(work) if low <= line.at <= high
        for info in _infos(work, line)
    ]  # fmt: skip
    found += [{"transaction_info": _of_another_shop(id_, high)} for id_ in strangers]
    pages = max(1, -(-len(found) // size))
    part = found[(page - 1) * size : page * size]
    return {"transaction_details": part, "page": page, "total_items": len(found), "total_pages": pages}


def _of_another_shop(id_: str, at: datetime) -> dict[str, Any]:
    """A payment that something else took on the same account (an old shop, a button), and marked by ids of its own."""
    when = stamp(at).replace("Z", "+0000")
    return {
        "transaction_id": id_, "transaction_event_code": "T0003", "transaction_status": "S", "transaction_initiation_date": when,
        "transaction_updated_date": when, "transaction_amount": signed_money(5000, "INR"), "custom_field": str(UUID(int=5)),
    }  # fmt: skip


def _infos(work: PayPalWork, line: account.Line) -> list[dict[str, Any]]:
    """PayPal tells the fee of a chargeback as a line of its own, and no payout for a line."""
    info: dict[str, Any] = {
        "transaction_id": capture_id(line.about)
        if line.type == "capture"
        else line.about
        if line.type == "refund"
        else line.id,
        "transaction_event_code": _code(work, line),
        "transaction_status": "S",
        "transaction_initiation_date": stamp(line.at).replace("Z", "+0000"),
        "transaction_updated_date": stamp(line.at).replace("Z", "+0000"),
        "transaction_amount": signed_money(line.gross, line.currency),
    }
    if line.intent:
        intent = work.get(Intent, line.intent)
        info |= {"invoice_id": intent.metadata["invoice_id"]}
        if line.type == "capture":
            info |= {"custom_field": intent.metadata["custom_id"]}
        else:
            info |= {"paypal_reference_id": capture_id(line.intent), "paypal_reference_id_type": "TXN"}
    if line.type == "refund" and "custom_id" in work.get(Refund, line.about).metadata:
        info["custom_field"] = work.get(Refund, line.about).metadata["custom_id"]
    if line.type == "payout":
        info["bank_reference_id"] = work.get(Payout, line.about).bank_ref
    if line.fee and line.type == "dispute":
        fee = info | {
            "transaction_id": f"{line.id}F",
            "transaction_event_code": "T0106",
            "transaction_amount": signed_money(-line.fee, line.currency),
        }
        return [info, fee]
    return [info | ({"fee_amount": signed_money(-line.fee, line.currency)} if line.fee else {})]


def _code(work: PayPalWork, line: account.Line) -> str:
    if line.type != "dispute":
        return LINES[line.type]
    if work.get(Dispute, line.about).reason == REVERSAL:
        return "T1106"
    return LINES["dispute"] if line.gross < 0 else "T1202"


def _balances(work: PayPalWork, query: dict[str, str]) -> dict[str, Any]:
    if set(query) - {"as_of_time", "currency_code", "include_crypto_currencies"}:
        raise PayPalError(400, "INVALID_REQUEST", "INVALID_PARAMETER_SYNTAX", str(query))
    if not re.fullmatch("ALL|[A-Z]{3}", query.get("currency_code", "ALL")):
        raise PayPalError(400, "INVALID_REQUEST", "INVALID_CURRENCY_CODE")
    pages = {c: p["available"] for c, p in work.balance().items() if query.get("currency_code", "ALL") in ("ALL", c)}
    return {
        "balances": [
            {"currency": c, "primary": n == 0, "total_balance": signed_money(a, c), "available_balance": signed_money(a, c), "withheld_balance": money(0, c)}
            for n, (c, a) in enumerate(pages.items())
        ],
        "account_id": "PEER", "as_of_time": stamp(work.now), "last_refresh_time": stamp(work.now),
    }  # fmt: skip


def _refusal(refusal: BankError) -> PayPalError:
    issues = {"disputed": "TRANSACTION_DISPUTED", "refund_exceeds_captured": "REFUND_AMOUNT_EXCEEDED"}
    if refusal.code == "not_found":
        return PayPalError(404, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID", refusal.message)
    return unprocessable(issues.get(refusal.code, refusal.code.upper()), refusal.message)


def _minor(amount: Money) -> int:
    whole, _, fraction = amount.value.partition(".")
    if amount.currency_code in WHOLE:
        if fraction:
            raise unprocessable("DECIMALS_NOT_SUPPORTED")
        minor = int(whole) * 10 ** WHOLE[amount.currency_code]
    else:
        if len(fraction) > 2:
            raise unprocessable("DECIMAL_PRECISION")
        minor = int((whole or "0") + fraction.ljust(2, "0"))
    if minor <= 0:
        raise unprocessable("CANNOT_BE_ZERO_OR_NEGATIVE")
    return minor


def money(minor: int, currency: str) -> dict[str, str]:
    if currency in WHOLE:
        return {"currency_code": currency, "value": str(minor // 10 ** WHOLE[currency])}
    return {"currency_code": currency, "value": f"{minor // 100}.{minor % 100:02}"}


def signed_money(minor: int, currency: str) -> dict[str, str]:
    said = money(abs(minor), currency)
    return said if minor >= 0 else said | {"value": f"-{said['value']}"}


def capture_id(order_id: str) -> str:
    return order_id.replace("ORDER", "CAP", 1)


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _fault(status: int, code: str) -> Answer:
    return json_answer(status, {"name": code.upper(), "message": "Something is wrong at our end.", "details": []})


@functools.cache
def identity() -> tuple[rsa.RSAPrivateKey, bytes]:
    """The key that signs webhooks, and its certificate as served: the leaf, vouched for by `root`."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key, certificate(key.public_key(), "messageverificationcerts.paypal.com")


@functools.cache
def root() -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Play root")])
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    made = (
        _builder(name, name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return key, made.sign(key, hashes.SHA256())


def certificate(
    public: rsa.RSAPublicKey,
    name: str,
    *,
    starts: timedelta = timedelta(days=-1),
    lasts: timedelta = timedelta(days=365),
) -> bytes:
    """A PEM certificate for `name`, vouched for by `root`."""
    key, authority = root()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        _builder(subject, authority.subject, public, starts, lasts)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
    )
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _builder(
    subject: x509.Name, issuer: x509.Name, public: rsa.RSAPublicKey,
    starts: timedelta = timedelta(days=-1), lasts: timedelta = timedelta(days=365),
) -> x509.CertificateBuilder:  # fmt: skip
    begin = datetime.now(UTC) + starts
    return (
        x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public)
        .serial_number(x509.random_serial_number()).not_valid_before(begin).not_valid_after(begin + lasts)
    )  # fmt: skip


async def _main(port: int, webhook_url: str) -> None:
    peer = PayPalPeer(webhook_url=webhook_url, public_url=f"http://127.0.0.1:{port}")
    async with serve(peer, port) as url:
        print(f"PAYPAL_API_BASE={url} PAYPAL_JS_URL={url}/sdk/js")
        print("PAYPAL_CLIENT_ID=client_peer PAYPAL_SECRET=secret_peer PAYPAL_WEBHOOK_ID=WEBHOOK_PEER")
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), sys.argv[2]))
