"""A strict stand-in for Razorpay, for RAZORPAY_API_BASE and RAZORPAY_JS_URL: the play bank's engine behind orders and payments.

Bodies and queries are held against Razorpay's API reference, as much of it as the house may use: unknown parameters, wrong types, long
receipts and notes, other amounts than the authorised one are refused. It misbehaves by the same `faults` as the play bank. The
payer is `pay`, `fail`, `begin`, and her bank is `authorize_late`; in a browser she is served at /v1/checkout.js. `capture` is the account's setting.

    python -m tests.peers.razorpay 12113 http://localhost:3000/api/payments/webhooks/razorpay
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import httpx
import msgspec

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
    send_answer,
    send_broken_answer,
)
from jklg.sandbox.storage import MemoryStorage
from jklg.sandbox.things import BankError, Dispute, Event, Intent, Movement, Payout, Refund, Thing
from tests.peers.loopback import serve

Note = Annotated[str, msgspec.Meta(max_length=256)]
Notes = Annotated[dict[Note, Note], msgspec.Meta(max_length=15)]
Receipt = Annotated[str, msgspec.Meta(max_length=40)]
Amount = Annotated[int, msgspec.Meta(ge=1)]


class OrderRequest(msgspec.Struct, forbid_unknown_fields=True):
    amount: Amount
    currency: str
    receipt: Receipt | None = None
    notes: Notes = {}
    partial_payment: Literal[False] = False


class CaptureRequest(msgspec.Struct, forbid_unknown_fields=True):
    amount: Amount
    currency: str


class RefundRequest(msgspec.Struct, forbid_unknown_fields=True):
    amount: Amount  # Razorpay takes none for "all of it"; the house always says how much
    speed: Literal["normal", "optimum"] = "normal"
    notes: Notes = {}
    receipt: Receipt | None = None


class Try(msgspec.Struct):
    """One payment of an order. `status`: created, authorized, captured, failed; `returned`: Razorpay's own refund of what was never captured."""

    id: str
    status: str
    created_at: int
    method: str = "upi"
    error: str | None = None
    late: bool = False
    returned: str | None = None


TWO_DECIMALS = frozenset("AED AUD CAD CHF EUR GBP HUF INR LKR MGA MYR NPR QAR SAR SGD THB USD ZAR".split())
THREE_DECIMALS = frozenset("BHD JOD KWD OMR TND".split())
REFUND_STATUS = {"succeeded": "processed"}
DISPUTE_STATUS = {"inquiry": "open", "needs_response": "open", "inquiry_closed": "closed"}
DISPUTE_EVENTS = {
    "needs_response": "action_required",
    "under_review": "under_review",
    "inquiry_closed": "closed",
    "won": "won",
    "lost": "lost",
}
ABSENT = "The id provided does not exist"


class RazorpayError(Exception):
    def __init__(
        self, description: str, *, status: int = 400, code: str = "BAD_REQUEST_ERROR", field: str = ""
    ) -> None:
        super().__init__(description)
        error = {"code": code, "description": description, "source": "business", "step": "payment_initiation"}
        self.answer = json_answer(
            status, {"error": error | {"reason": "input_validation_failed", "metadata": {}, "field": field or None}}
        )


class RazorpayWork(Work):
    """The play bank's things, said as Razorpay says them. An intent is an order; its payments are in `metadata["tries"]`."""

    intent_prefix = "order"
    _payload: dict[str, Any]

    # -- payments of an order --------------------------------------------------------------------------------------

    def tries(self, intent: Intent) -> list[Try]:
        return msgspec.json.decode(intent.metadata.get("tries", "[]"), type=list[Try])

    def keep(self, intent: Intent, tries: Sequence[Try]) -> None:
        intent.metadata = {**intent.metadata, "tries": msgspec.json.encode(tries).decode()}
        self.put(intent)

    def current(self, intent: Intent, tries: list[Try]) -> Try:
        """The payment that is under way; a new one when the last one has ended."""
        if not tries or tries[-1].status != "created":
            id_ = f"{intent.id.replace('order', 'pay', 1)}_{len(tries) + 1}"
            tries.append(Try(id_, "created", int(self.now.timestamp())))
        return tries[-1]

    def payment(self, id_: str) -> tuple[Intent, Try]:
        intent = self.find(Intent, id_.rpartition("_")[0].replace("pay", "order", 1))
        found = [each for each in self.tries(intent) if each.id == id_] if intent else []
        if intent is None or not found:
            raise RazorpayError(ABSENT)
        return intent, found[0]

    def ask_the_bank(self, intent: Intent) -> None:
        self._begin(intent)
        super().ask_the_bank(intent)

    def pay_later(self, intent: Intent) -> None:
        self._begin(intent)
        super().pay_later(intent)

    def _begin(self, intent: Intent) -> None:
        self._still_open(intent)
        tries = self.tries(intent)
        self.current(intent, tries)
        self.keep(intent, tries)

    def decline(self, intent: Intent, why: str) -> None:
        self._still_open(intent)
        tries = self.tries(intent)
        payment = self.current(intent, tries)
        payment.status, payment.error = "failed", why
        self.keep(intent, tries)
        super().decline(intent, why)

    def pay(self, intent: Intent, method: str) -> None:
        if intent.status not in ("succeeded", "authorized"):
            tries = self.tries(intent)
            payment = self.current(intent, tries)
            payment.status, payment.method, payment.error = "authorized", method, None
            self.keep(intent, tries)
        super().pay(intent, method)

    def authorize_late(self, intent: Intent) -> None:
        """A bank says yes to the first payment that failed, after all. Beside one that was made, Razorpay sends it back itself."""
        tries = self.tries(intent)
        payment = next(each for each in tries if each.status == "failed")
        payment.late, payment.error = True, None
        if intent.status in ("succeeded", "authorized"):
            self.keep(intent, tries)
            self.give_back(intent, payment.id)
            return
        payment.status = "authorized"
        self.keep(intent, tries)
        super().pay(intent, payment.method)

    def give_back(self, intent: Intent, payment_id: str) -> None:
        """Razorpay's own refund of a payment that nobody captured."""
        tries = self.tries(intent)
        payment = next(each for each in tries if each.id == payment_id)
        payment.status, payment.returned = "refunded", f"rfnd_{payment.id}"
        self.keep(intent, tries)
        about = {"refund": self.returned_of(intent, payment), "payment": self.payment_of(intent, payment)}
        self._say("refund.processed", intent, about)

    def _take(self, intent: Intent) -> None:
        tries = self.tries(intent)
        next(each for each in tries if each.status == "authorized").status = "captured"
        self.keep(intent, tries)
        super()._take(intent)

    # -- disputes: Razorpay takes the money when one is lost, and no fee ---------------------------------------------

    def _move_back(self, dispute: Dispute, amount: int, fee: int, event: str) -> None:
        pass

    def decide(self, dispute: Dispute, *, won: bool) -> None:
        self._still(dispute, "inquiry", "needs_response", "under_review")
        if dispute.status != "inquiry" and not won:
            dispute.movements = [Movement(id=f"{dispute.id}_1", amount=-dispute.amount, fee=0, at=self.now)]
        super().decide(dispute, won=won)

    # -- in Razorpay's words -----------------------------------------------------------------------------------------

    def describe(self, thing: Thing) -> dict[str, Any]:
        match thing:
            case Intent():
                return self.order_of(thing)
            case Refund():
                return self.refund_of(thing)
        assert isinstance(thing, Dispute)
        return {
            "id": thing.id.replace("dp", "disp", 1),
            "entity": "dispute",
            "payment_id": self.paid(self.get(Intent, thing.intent)).id,
            "amount": thing.amount,
            "currency": thing.currency,
            "amount_deducted": -sum(each.amount for each in thing.movements),
            "reason_code": thing.reason,
            "respond_by": int(thing.respond_by.timestamp()),
            "status": DISPUTE_STATUS.get(thing.status, thing.status),
            "phase": "retrieval" if thing.status.startswith("inquiry") else "chargeback",
            "created_at": int(thing.created_at.timestamp()),
        }

    def paid(self, intent: Intent) -> Try:
        return next(each for each in self.tries(intent) if each.status == "captured")

    def order_of(self, intent: Intent) -> dict[str, Any]:
        known = ("requires_payment_method", "requires_action", "processing", "authorized")
        status = intent.status
        if status in known:
            status = "attempted" if self.tries(intent) else "created"
        noted = {k.removeprefix("note:"): v for k, v in intent.metadata.items() if k.startswith("note:")}
        return {
            "id": intent.id,
            "entity": "order",
            "amount": intent.amount,
            "amount_paid": intent.amount_received,
            "amount_due": intent.amount - intent.amount_received,
            "currency": intent.currency,
            "receipt": intent.metadata.get("receipt"),
            "offer_id": None,
            "status": "paid" if status == "succeeded" else status,
            "attempts": len(self.tries(intent)),
            "notes": noted or [],  # as PHP writes an empty array
            "created_at": int(intent.created_at.timestamp()),
        }

    def payment_of(self, intent: Intent, payment: Try) -> dict[str, Any]:
        refunds = [each for each in self.refunds_of(intent.id) if each.status != "failed"]
        back = sum(each.amount for each in refunds) if payment.status == "captured" else 0
        back = intent.amount if payment.returned else back
        return {
            "id": payment.id,
            "entity": "payment",
            "amount": intent.amount,
            "currency": intent.currency,
            "status": "refunded" if back == intent.amount else payment.status,
            "order_id": intent.id,
            "invoice_id": None,
            "international": False,
            "method": payment.method,
            "amount_refunded": back,
            "refund_status": "full" if back == intent.amount else "partial" if back else None,
            "captured": payment.status == "captured",
            "description": intent.description or None,
            "email": "asha@example.com",
            "contact": "+919000090000",
            "notes": [],
            "fee": 0,
            "tax": 0,
            "error_code": "BAD_REQUEST_ERROR" if payment.error else None,
            "error_description": payment.error,
            "late_authorized": payment.late,
            "created_at": payment.created_at,
        }

    def refund_of(self, refund: Refund) -> dict[str, Any]:
        intent = self.get(Intent, refund.intent)
        return {
            "id": refund.id,
            "entity": "refund",
            "amount": refund.amount,
            "currency": refund.currency,
            "payment_id": self.paid(intent).id,
            "notes": {k: v for k, v in refund.metadata.items() if k != "receipt"} or [],
            "receipt": refund.metadata.get("receipt"),
            "status": REFUND_STATUS.get(refund.status, refund.status),
            "speed_requested": "normal",
            "speed_processed": "normal",
            "created_at": int(refund.created_at.timestamp()),
        }

    def settlement(self, payout: Payout) -> dict[str, Any]:
        return {
            "id": payout.id.replace("po", "setl", 1),
            "entity": "settlement",
            "amount": payout.amount,
            "status": "failed" if payout.status == "failed" else "processed",
            "fees": 0,
            "tax": 0,
            "utr": payout.bank_ref,
            "created_at": int(payout.created_at.timestamp()),
        }

    def settled(self, line: account.Line, payout: Payout) -> dict[str, Any]:
        """A line of the reconciliation. `fee` has the tax in it."""
        intent = self.get(Intent, line.intent or "")
        paid = self.paid(intent)
        kind = {"capture": "payment", "refund": "refund"}.get(line.type, "adjustment")
        dispute = self.describe(self.get(Dispute, line.about)) if line.type == "dispute" else None
        return {
            "entity_id": paid.id if kind == "payment" else line.about if kind == "refund" else f"adj_{line.id}",
            "type": kind,
            "debit": -line.net if line.net < 0 else 0,
            "credit": line.net if line.net > 0 else 0,
            "amount": abs(line.gross),
            "currency": line.currency,
            "fee": line.fee,
            "tax": line.fee * 18 // 118,
            "on_hold": False,
            "settled": True,
            "created_at": int(line.at.timestamp()),
            "settled_at": int(payout.created_at.timestamp()),
            "settlement_id": payout.id.replace("po", "setl", 1),
            "settlement_utr": payout.bank_ref,
            "description": None,
            "notes": [],
            "payment_id": None if kind == "payment" else paid.id,
            "order_id": intent.id if kind == "payment" else None,
            "order_receipt": intent.metadata.get("receipt"),
            "method": paid.method,
            "dispute_id": dispute["id"] if dispute else None,
        }

    def returned_of(self, intent: Intent, payment: Try) -> dict[str, Any]:
        return {
            "id": payment.returned,
            "entity": "refund",
            "amount": intent.amount,
            "currency": intent.currency,
            "payment_id": payment.id,
            "notes": [],
            "receipt": None,
            "status": "processed",
            "created_at": int(self.now.timestamp()),
        }

    # -- events ------------------------------------------------------------------------------------------------------

    def _tell(self, type_: str, thing: Thing) -> None:
        """One thing that happens at the bank may be several events here, or none."""
        if isinstance(thing, Intent):
            tries = self.tries(thing)
            if type_ == "intent.authorized":
                held = next(each for each in tries if each.status == "authorized")
                self._say("payment.authorized", thing, {"payment": self.payment_of(thing, held)})
            elif type_ == "intent.payment_failed":
                self._say("payment.failed", thing, {"payment": self.payment_of(thing, tries[-1])})
            elif type_ == "intent.succeeded":
                payment = self.payment_of(thing, self.paid(thing))
                self._say("payment.captured", thing, {"payment": payment})
                self._say("order.paid", thing, {"payment": payment, "order": self.order_of(thing)})
            return
        intent = self.get(Intent, thing.intent)  # type: ignore[attr-defined]
        payment = self.payment_of(intent, self.paid(intent))
        if isinstance(thing, Refund):
            about = {"refund": self.refund_of(thing), "payment": payment}
            self._say("refund.processed" if type_ == "refund.updated" else type_, thing, about)
            if type_ == "refund.created" and thing.status == "succeeded":
                self._say("refund.processed", thing, about)
        elif isinstance(thing, Dispute):
            name = "created" if type_ == "dispute.created" else DISPUTE_EVENTS[thing.status]
            self._say(f"payment.dispute.{name}", thing, {"payment": payment, "dispute": self.describe(thing)})

    def _say(self, name: str, thing: Thing, payload: dict[str, Any]) -> None:
        self._payload = payload
        super()._tell(name, thing)

    def envelope(self, event: Event, thing: Thing) -> dict[str, Any]:
        return {
            "entity": "event",
            "account_id": "acc_peer",
            "event": event.type,
            "contains": list(self._payload),
            "payload": {kind: {"entity": entity} for kind, entity in self._payload.items()},
            "created_at": int(self.now.timestamp()),
        }


class Signing(Postman):
    """Razorpay's way to sign: the body alone. The event's id is in a header that is not signed."""

    def __init__(self, peer: RazorpayPeer, url: str, client: httpx.AsyncClient | None) -> None:
        super().__init__(peer.bank, url, "", "", client)
        self._peer = peer

    async def _deliver(self, event: Event) -> bool:
        body = event.body.encode()
        headers = self._peer.signed(body, event.id) | {"Content-Type": "application/json"}
        if self._client is None:
            self._client = self._own_client = httpx.AsyncClient(timeout=10)
        try:
            return (await self._client.post(self._url, content=body, headers=headers)).is_success
        except Exception:
            return False


class RazorpayPeer:
    """The ASGI application. With `dice` it is driven by hand (`deliver_due`), like the play bank."""

    def __init__(
        self,
        *,
        key_id: str = "rzp_test_peer",
        key_secret: str = "secret_peer",
        webhook_secret: str = "whsec_peer",
        webhook_url: str = "",
        clock: Clock | None = None,
        dice: Random | None = None,
        webhook_client: httpx.AsyncClient | None = None,
    ) -> None:
        self.bank = Bank(MemoryStorage(), clock or Clock(), Faults(), dice)
        self.bank.work_class = RazorpayWork
        self.key_id, self.key_secret, self.webhook_secret = key_id, key_secret, webhook_secret
        self.requests: list[Request] = []
        self.capture = "automatic"
        self.refunds_under_way = 0
        self._basic = "Basic " + base64.b64encode(f"{key_id}:{key_secret}".encode()).decode()
        self._postman = Signing(self, webhook_url, webhook_client)

    @property
    def faults(self) -> Faults:
        return self.bank.faults

    async def deliver_due(self) -> int:
        return await self._postman.deliver_due()

    # -- what payers and banks do --------------------------------------------------------------------------------------

    async def pay(self, ref: str, method: str = "upi") -> dict[str, str]:
        """She pays. Gives what Razorpay's window hands over."""
        async with self.bank.work() as work:
            work.pay(work.get(Intent, ref), method)
        return await self.handed_over(ref)

    async def fail(self, ref: str, why: str = "Your payment was declined by the bank.") -> None:
        async with self.bank.work() as work:
            work.decline(work.get(Intent, ref), why)

    async def begin(self, ref: str) -> None:
        """She is sent to her bank."""
        async with self.bank.work() as work:
            work.ask_the_bank(work.get(Intent, ref))

    async def authorize_late(self, ref: str) -> None:
        async with self.bank.work() as work:
            assert isinstance(work, RazorpayWork)
            work.authorize_late(work.get(Intent, ref))

    async def lapse(self, ref: str) -> None:
        """Nobody captured for days: Razorpay sends the money back itself."""
        async with self.bank.work() as work:
            assert isinstance(work, RazorpayWork)
            intent = work.get(Intent, ref)
            intent.status, intent.amount_capturable = "requires_payment_method", 0
            held = next(each for each in work.tries(intent) if each.status == "authorized")
            work.give_back(intent, held.id)

    async def handed_over(self, ref: str) -> dict[str, str]:
        async with self.bank.work() as work:
            assert isinstance(work, RazorpayWork)
            payment_id = work.tries(work.get(Intent, ref))[-1].id
        return {
            "razorpay_payment_id": payment_id,
            "razorpay_order_id": ref,
            "razorpay_signature": sign(self.key_secret, f"{ref}|{payment_id}".encode()),
        }

    def signed(self, body: bytes, event_id: str = "evt_1", *, secret: str | None = None) -> dict[str, str]:
        """The headers of a webhook."""
        signature = sign(self.webhook_secret if secret is None else secret, body)
        return {"x-razorpay-signature": signature, "x-razorpay-event-id": event_id}

    # -- HTTP ------------------------------------------------------------------------------------------------------

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
            if request.path == "/v1/checkout.js":
                return Answer(
                    200, (Path(__file__).parent / "razorpay.js").read_bytes(), "text/javascript; charset=utf-8"
                )
            if request.path == "/favicon.ico":
                return Answer(204, b"")
            if request.path.startswith("/_browser/"):
                said = await self._browser(request)
                return json_answer(200, said).with_header("Access-Control-Allow-Origin", "*")
            if request.path == "/_faults":
                return self._knobs(request)
            if request.headers.get("authorization") != self._basic:
                raise RazorpayError("Authentication failed", status=401)
            return await misbehave(
                self.bank.faults, request, lambda: self._api(request), error=_fault, sleep=asyncio.sleep
            )
        except RazorpayError as error:
            return error.answer

    async def _browser(self, request: Request) -> dict[str, Any]:
        """What Razorpay's window asks: with the public key, and for the order as it is."""
        ref = request.query["order_id"]
        async with self.bank.work() as work:
            intent = work.get(Intent, ref)
        shown = (request.query["key"], request.query["amount"], request.query["currency"])
        assert shown == (self.key_id, str(intent.amount), intent.currency), shown
        if request.path == "/_browser/pay":
            return await self.pay(ref)
        await self.fail(ref)
        return {"error": {"code": "BAD_REQUEST_ERROR", "description": "Your payment was declined by the bank."}}

    def _knobs(self, request: Request) -> Answer:
        if request.method == "PUT":
            new = json.loads(request.body)
            for name in Faults.__struct_fields__:
                setattr(self.faults, name, new.get(name, getattr(Faults(), name)))
        return json_answer(200, self.faults)

    async def _api(self, request: Request) -> Answer:
        try:
            async with self.bank.work() as work:
                assert isinstance(work, RazorpayWork)
                return json_answer(200, self._act(work, request))
        except BankError as refusal:
            return _refusal(refusal).answer
        except RazorpayError as error:
            return error.answer

    def _act(self, work: RazorpayWork, request: Request) -> dict[str, Any]:
        match (request.method, *request.path.removeprefix("/v1/").split("/")):
            case ("POST", "orders"):
                return work.describe(self._open(work, _body(request, OrderRequest)))
            case ("POST", "payments", id_, "capture"):
                return _capture(work, id_, _body(request, CaptureRequest))
            case ("POST", "payments", id_, "refund"):
                return self._refund(work, id_, request)
            case ("GET", *path):
                return _read(work, path, request.query)
        raise RazorpayError("The requested URL was not found on the server.", status=404)

    def _open(self, work: Work, new: OrderRequest) -> Intent:
        _check_amount(new.amount, new.currency)
        ours = {f"note:{name}": value for name, value in new.notes.items()}
        if new.receipt is not None:
            ours["receipt"] = new.receipt
        return work.open_intent(new.amount, new.currency, "", "", "", ours, self.capture)

    def _refund(self, work: RazorpayWork, id_: str, request: Request) -> dict[str, Any]:
        """A repetition under a key is answered with how the refund stands now; refusals are not kept."""
        key = request.headers.get("x-refund-idempotency", "")
        if not re.fullmatch(r"[A-Za-z0-9_-]{10,}", key):
            raise RazorpayError("The idempotency key must have 10 or more letters, digits, - or _")
        if self.refunds_under_way > 0:
            self.refunds_under_way -= 1
            raise RazorpayError("Another request with this idempotency key is in progress", status=409)
        new, fingerprint = _body(request, RefundRequest), hashlib.sha256(request.body).hexdigest()
        saved = keys.remembered(work, key)
        if saved is not None:
            if saved.fingerprint != fingerprint:
                raise RazorpayError("A different request body was sent with this idempotency key")
            return work.describe(work.get(Refund, saved.body))
        intent, payment = work.payment(id_)
        if payment.status != "captured":
            raise RazorpayError("The payment status should be captured for action to be taken")
        _check_amount(new.amount, intent.currency)
        noted = new.notes | ({"receipt": new.receipt} if new.receipt else {})
        refund = work.refund(intent, new.amount, noted)
        keys.remember(work, key, fingerprint, 200, refund.id)
        return work.describe(refund)


def _capture(work: RazorpayWork, id_: str, new: CaptureRequest) -> dict[str, Any]:
    intent, payment = work.payment(id_)
    if payment.status == "captured":
        raise RazorpayError("This payment has already been captured")
    if payment.status != "authorized":
        raise RazorpayError("Only payments which have been authorized and not yet captured can be captured")
    if (new.amount, new.currency) != (intent.amount, intent.currency):
        raise RazorpayError("Capture amount must be equal to the amount authorized", field="amount")
    work.capture(intent, intent.amount)
    return work.payment_of(intent, work.paid(intent))


def _read(work: RazorpayWork, path: list[str], query: dict[str, str]) -> dict[str, Any]:
    match path:
        case ["orders"]:
            return _page(work, [work.order_of(each) for each in work.all(Intent)], query, {"receipt", "authorized"})
        case ["disputes"]:
            return _page(work, [work.describe(each) for each in work.all(Dispute)], query, set())
        case ["refunds"]:
            return _page(work, [work.refund_of(each) for each in work.all(Refund)], query, set())
        case ["settlements"]:
            return _page(work, [work.settlement(each) for each in work.all(Payout)], query, set())
        case ["settlements", "recon", "combined"]:
            return _recon(work, query)
        case ["payments", id_, "refunds"]:
            intent, payment = work.payment(id_)
            made = [work.refund_of(each) for each in work.refunds_of(intent.id)] if payment.status == "captured" else []
            return _page(work, [work.returned_of(intent, payment)] if payment.returned else made, query, set())
    if query:
        raise RazorpayError(f"{', '.join(query)} is/are not required and should not be sent")
    match path:
        case ["orders", id_]:
            return work.order_of(work.get(Intent, id_))
        case ["orders", id_, "payments"]:
            intent = work.get(Intent, id_)
            made = [work.payment_of(intent, each) for each in reversed(work.tries(intent))]
            return {"entity": "collection", "count": len(made), "items": made}
        case ["payments", id_]:
            return work.payment_of(*work.payment(id_))
    raise RazorpayError("The requested URL was not found on the server.", status=404)


def _recon(work: RazorpayWork, query: dict[str, str]) -> dict[str, Any]:
    """What was settled in a month or on a day, by the calendar of India: year and month are wanted, and nothing else is known."""
    forms = {"year": r"\d{4}", "month": r"\d\d?", "day": r"\d\d?", "count": r"\d+", "skip": r"\d+"}
    if unknown := set(query) - set(forms):
        raise RazorpayError(f"{', '.join(unknown)} is/are not required and should not be sent")
    for name in ("year", "month"):
        if name not in query:
            raise RazorpayError(f"The {name} field is required.", field=name)
    if wrong := [name for name, value in query.items() if not re.fullmatch(forms[name], value)]:
        raise RazorpayError(f"The {wrong[0]} is invalid.", field=wrong[0])
    settled = {each.id: each for each in work.all(Payout) if each.status != "failed"}
    lines = [line for line in account.lines(work) if line.payout in settled and not line.type.startswith("payout")]
    found = []
    for line in lines:
        payout = settled[line.payout or ""]
        day = payout.created_at.astimezone(ZoneInfo("Asia/Kolkata"))
        if (day.year, day.month) == (int(query["year"]), int(query["month"])) and int(
            query.get("day", day.day)
        ) == day.day:
            found.append(work.settled(line, payout))
    count, skip = int(query.get("count", "10")), int(query.get("skip", "0"))
    if not 1 <= count <= 1000:
        raise RazorpayError("The count must be between 1 and 1000.", field="count")
    part = found[skip : skip + count]
    return {"entity": "collection", "count": len(part), "items": part}


def _page(work: RazorpayWork, things: list[dict[str, Any]], query: dict[str, str], more: set[str]) -> dict[str, Any]:
    """A page of a list, newest first; ten when nobody says how many."""
    unknown = set(query) - {"from", "to", "count", "skip"} - more
    if unknown or not all(value.isdigit() for name, value in query.items() if name != "receipt"):
        raise RazorpayError(f"{', '.join(unknown) or 'a number'} is/are not required and should not be sent")
    count, skip = int(query.get("count", "10")), int(query.get("skip", "0"))
    if not 1 <= count <= 100:
        raise RazorpayError("The count must be between 1 and 100.", field="count")
    low, high = int(query.get("from", "0")), int(query.get("to", "99999999999"))
    found = [each for each in reversed(things) if low <= each["created_at"] <= high]
    if "receipt" in query:
        found = [each for each in found if each["receipt"] == query["receipt"]]
    part = found[skip : skip + count]
    return {"entity": "collection", "count": len(part), "items": part}


def _body(request: Request, type_: type[Any]) -> Any:
    if request.headers.get("content-type") != "application/json":
        raise RazorpayError("Please send JSON", status=415)
    try:
        return msgspec.json.decode(request.body, type=type_)
    except msgspec.MsgspecError as wrong:
        raise RazorpayError(str(wrong)) from wrong


def _check_amount(amount: int, currency: str) -> None:
    if currency not in TWO_DECIMALS | THREE_DECIMALS | {"JPY"}:
        raise RazorpayError("The currency should be one that is supported", field="currency")
    if currency == "INR" and amount < 100:
        raise RazorpayError("The amount must be atleast INR 1.00", field="amount")
    if currency in THREE_DECIMALS and amount % 10:
        raise RazorpayError("The last digit of the amount must be 0", field="amount")


def _refusal(refusal: BankError) -> RazorpayError:
    words = {
        "not_found": ABSENT,
        "refund_exceeds_captured": "The refund amount provided is greater than amount captured",
    }
    return RazorpayError(words.get(refusal.code, refusal.message))


def _fault(status: int, code: str) -> Answer:
    return RazorpayError("We are facing some trouble", status=status, code="SERVER_ERROR").answer


def sign(secret: str, message: bytes) -> str:
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


async def _main(port: int, webhook_url: str) -> None:
    async with serve(RazorpayPeer(webhook_url=webhook_url), port) as url:
        print(f"RAZORPAY_API_BASE={url}/v1 RAZORPAY_JS_URL={url}/v1/checkout.js")
        print("RAZORPAY_KEY_ID=rzp_test_peer RAZORPAY_KEY_SECRET=secret_peer RAZORPAY_WEBHOOK_SECRET=whsec_peer")
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), sys.argv[2]))
