"""A strict stand-in for Stripe, for STRIPE_API_BASE and STRIPE_JS_URL: the play bank's engine behind Stripe's protocol.

Every request is held against the SDK's own parameter types and answered in Stripe's shapes; what Stripe refuses is
refused. It misbehaves by the same `faults` as the play bank; `remembers_errors` makes a 500 stick to its key, as
Stripe's do. Payers are served at /stripe.js and /_browser/*; from Python, `confirm` and `authenticate`.

    python -m tests.peers.stripe 12111 http://localhost:3000/api/payments/process-webhook
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime, time
from pathlib import Path
from random import Random
from typing import Any

import httpx
import stripe
from stripe import params as published

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
from jklg.sandbox.things import BankError, Dispute, Event, Intent, Payout, Refund, Thing
from tests.peers.loopback import serve
from tests.peers.stripe_cards import Wallet
from tests.peers.stripe_params import BadParam, check, decode

CARDS: dict[str, tuple[str, str]] = {
    "4242424242424242": ("pay", ""),
    "5555555555554444": ("pay", ""),
    "4000000000000259": ("dispute", ""),
    "4000000000000002": ("card_declined", "generic_decline"),
    "4000000000009995": ("card_declined", "insufficient_funds"),
    "4000000000000069": ("expired_card", "expired_card"),
    "4000000000003220": ("3ds", ""),
    "4000002500003155": ("3ds", ""),
    "4000008400001629": ("3ds then declined", ""),
    "4000000000005126": ("refund fails", ""),
    "4000000000007726": ("refund pending", ""),
    "4000000000000341": ("pay", ""),
    "pay_later": ("later", ""),  # not a card: a bank debit
}

_EVENTS = {
    "intent.created": "payment_intent.created",
    "intent.requires_action": "payment_intent.requires_action",
    "intent.processing": "payment_intent.processing",
    "intent.authorized": "payment_intent.amount_capturable_updated",
    "intent.succeeded": "payment_intent.succeeded",
    "intent.payment_failed": "payment_intent.payment_failed",
    "intent.canceled": "payment_intent.canceled",
    **{
        f"dispute.{what}": f"charge.dispute.{what}"
        for what in ("created", "updated", "closed", "funds_withdrawn", "funds_reinstated")
    },
}
LINES = {
    "capture": "charge", "refund": "refund", "refund_returned": "refund_failure", "dispute": "adjustment",
    "payout": "payout", "payout_returned": "payout_failure",
}  # fmt: skip
_DISPUTES = {"inquiry": "warning_needs_response", "inquiry_closed": "warning_closed"}


class StripeWork(Work):
    """The play bank's things, said as Stripe says them. Amounts are Stripe's units here."""

    intent_prefix = "pi"

    def describe(self, thing: Thing) -> dict[str, Any]:
        match thing:
            case Intent():
                return self._intent(thing)
            case Refund():
                return self._refund(thing)
            case Dispute():
                return self._dispute(thing)
        raise AssertionError(f"Stripe knows no {thing.kind}")

    def envelope(self, event: Event, thing: Thing) -> dict[str, Any]:
        event.type = _EVENTS.get(event.type, event.type)
        about = self.describe(thing)
        if isinstance(thing, Intent) and event.type == "charge.refunded":
            about = self.charge(thing)
        elif isinstance(thing, Intent) and event.type == "refund.created":
            about = self.refunds_told(thing.id)[-1]
        return {
            "id": event.id,
            "object": "event",
            "api_version": stripe.api_version,
            "created": int(self.now.timestamp()),
            "livemode": False,
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": None},
            "type": event.type,
            "data": {"object": about},
        }

    def cancel(self, intent: Intent, reason: str | None = None) -> None:
        released = intent.amount_capturable
        super().cancel(intent)
        self._release(intent, released, reason)

    def capture_part(self, intent: Intent, amount: int) -> None:
        """In Stripe's own pages; the rest goes back to the payer's card."""
        intent.amount_received, intent.amount_capturable = amount, 0
        self._became(intent, "succeeded", "intent.succeeded")
        self._release(intent, intent.amount - amount, None)

    def _release(self, intent: Intent, amount: int, reason: str | None) -> None:
        """What was set aside and not taken is told as a refund that succeeded, though no money moves (charge.expired as recorded in
        dj-stripe/dj-stripe#1037; odoo/odoo#259230)."""
        if amount:
            self.bank.released[intent.id] = {  # type: ignore[attr-defined]
                "id": intent.id.replace("pi_", "re_released_", 1), "object": "refund", "amount": amount, "balance_transaction": None,
                "charge": _charge_id(intent.id), "created": int(self.now.timestamp()), "currency": intent.currency.lower(), "metadata": {},
                "payment_intent": intent.id, "reason": reason, "status": "succeeded",
            }  # fmt: skip
            self._tell("charge.refunded", intent)
            self._tell("refund.created", intent)

    def refunds_told(self, intent_id: str) -> list[dict[str, Any]]:
        """Newest first."""
        refunds = [self._refund(refund) for refund in reversed(self.refunds_of(intent_id))]
        intent, released = self.get(Intent, intent_id), self.bank.released.get(intent_id)  # type: ignore[attr-defined]
        over = intent.status in ("canceled", "succeeded") and intent.amount_received < intent.amount
        return [*refunds, released] if released and over else refunds

    def charge(self, intent: Intent) -> dict[str, Any]:
        paid = bool(intent.amount_received)
        return {
            "id": _charge_id(intent.id),
            "object": "charge",
            "amount": intent.amount,
            "amount_captured": intent.amount_received,
            "amount_refunded": sum(r["amount"] for r in self.refunds_told(intent.id) if r["status"] != "failed"),
            "captured": paid,
            "currency": intent.currency.lower(),
            "created": int(intent.changed_at.timestamp()),
            "disputed": bool(self.disputes_of(intent.id)),
            "livemode": False,
            "metadata": intent.metadata,
            "paid": paid,
            "payment_intent": intent.id,
            "payment_method_details": {"type": "card", "card": {"brand": "visa", "last4": "4242"}},
            "receipt_url": f"{self.bank.public_url}/receipts/{intent.id}" if paid else None,
            "status": "succeeded" if paid else "failed",
        }

    def _intent(self, intent: Intent) -> dict[str, Any]:
        error = None
        if intent.last_error:
            code, _, decline = intent.last_error.partition(" ")
            error = {"type": "card_error", "code": code, "decline_code": decline or None, "message": _message(code)}
        return {
            "id": intent.id,
            "object": "payment_intent",
            "amount": intent.amount,
            "amount_capturable": intent.amount_capturable,
            "amount_received": intent.amount_received,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "always"},
            "canceled_at": int(intent.changed_at.timestamp()) if intent.status == "canceled" else None,
            "cancellation_reason": "abandoned" if intent.status == "canceled" else None,
            "capture_method": "manual" if intent.capture == "manual" else "automatic_async",
            "client_secret": intent.client_secret,
            "confirmation_method": "automatic",
            "created": int(intent.created_at.timestamp()),
            "currency": intent.currency.lower(),
            "description": intent.description or None,
            "last_payment_error": error,
            "latest_charge": _charge_id(intent.id)
            if intent.amount_received + intent.amount_capturable or error or intent.id in self.bank.released  # type: ignore[attr-defined]
            else None,
            "livemode": False,
            "metadata": intent.metadata,
            "next_action": {"type": "use_stripe_sdk"} if intent.status == "requires_action" else None,
            "payment_method_types": ["card", "link"],
            "receipt_email": intent.email or None,
            "status": "requires_capture" if intent.status == "authorized" else intent.status,
        } | self.bank.wallet.describe(intent)  # type: ignore[attr-defined]

    def _dispute(self, dispute: Dispute) -> dict[str, Any]:
        return {
            "id": dispute.id,
            "object": "dispute",
            "amount": dispute.amount,
            "balance_transactions": [
                {"id": f"txn_{each.id}", "object": "balance_transaction", "amount": each.amount, "currency": dispute.currency.lower(),
                 "fee": each.fee, "net": each.amount - each.fee, "type": "adjustment"}
                for each in dispute.movements
            ],
            "charge": _charge_id(dispute.intent),
            "created": int(dispute.created_at.timestamp()),
            "currency": dispute.currency.lower(),
            "evidence_details": {"due_by": int(dispute.respond_by.timestamp()), "has_evidence": False, "past_due": False, "submission_count": 0},
            "is_charge_refundable": dispute.status in ("inquiry", "inquiry_closed", "won"),
            "livemode": False,
            "metadata": {},
            "payment_intent": dispute.intent,
            "reason": dispute.reason,
            "status": _DISPUTES.get(dispute.status, dispute.status),
        }  # fmt: skip

    def balance_transaction(self, line: account.Line, *, expand: bool) -> dict[str, Any]:
        source: dict[str, Any] = {"id": line.about}
        match line.type:
            case "capture":
                source = self.charge(self.get(Intent, line.about)) | {"amount_captured": line.gross}
            case "refund" | "refund_returned":
                source = self._refund(self.get(Refund, line.about))
            case "dispute":
                source = self._dispute(self.get(Dispute, line.about))
            case "payout" | "payout_returned":
                source = self._payout(self.get(Payout, line.about))
        return {
            "id": line.id if line.id.startswith("mv_") else f"txn_{line.id}",
            "object": "balance_transaction",
            "amount": line.gross,
            "available_on": int(line.at.timestamp()),
            "created": int(line.at.timestamp()),
            "currency": line.currency.lower(),
            "description": None,
            "exchange_rate": None,
            "fee": line.fee,
            "net": line.net,
            "reporting_category": line.type,
            "source": source if expand else source["id"],
            "status": "available",
            "type": LINES[line.type],
        }

    def _payout(self, payout: Payout) -> dict[str, Any]:
        return {
            "id": payout.id,
            "object": "payout",
            "amount": payout.amount,
            "arrival_date": int(datetime.combine(payout.arrives_on, time(), UTC).timestamp()),
            "automatic": True,
            "created": int(payout.created_at.timestamp()),
            "currency": payout.currency.lower(),
            "livemode": False,
            "statement_descriptor": None,
            "status": payout.status,
            "trace_id": {"status": "supported", "value": payout.bank_ref},
        }

    def _refund(self, refund: Refund) -> dict[str, Any]:
        return {
            "id": refund.id,
            "object": "refund",
            "amount": refund.amount,
            "balance_transaction": None if refund.status == "pending" else f"txn_{refund.id}",
            "charge": _charge_id(refund.intent),
            "created": int(refund.created_at.timestamp()),
            "currency": refund.currency.lower(),
            "failure_reason": refund.failure_reason,
            "metadata": refund.metadata,
            "payment_intent": refund.intent,
            "reason": "requested_by_customer",
            "status": refund.status,
        }


class StripeError(Exception):
    def __init__(
        self, status: int, code: str, message: str, *, kind: str = "invalid_request_error", param: str = ""
    ) -> None:
        super().__init__(message)
        body = {
            "code": code,
            "message": message,
            "type": kind,
            "doc_url": f"https://stripe.com/docs/error-codes/{code}",
        }
        self.answer = json_answer(status, {"error": body | ({"param": param} if param else {})})


_REFUSED = {
    "not_found": (404, "resource_missing"),
    "unexpected_state": (400, "payment_intent_unexpected_state"),
    "disputed": (400, "charge_disputed"),
    "refund_exceeds_captured": (400, "charge_already_refunded"),
    "authentication_required": (402, "authentication_required"),
    "card_declined": (402, "card_declined"),
}


class StripePeer:
    """The ASGI application. With `dice` it is driven by hand (`deliver_due`), like the play bank."""

    def __init__(
        self,
        *,
        secret_key: str = "sk_test_peer",
        publishable_key: str = "pk_test_peer",
        webhook_secret: str = "whsec_peer",
        webhook_url: str = "",
        public_url: str = "http://stripe.peer",
        clock: Clock | None = None,
        dice: Random | None = None,
        webhook_client: httpx.AsyncClient | None = None,
    ) -> None:
        self.bank = Bank(MemoryStorage(), clock or Clock(), Faults(), dice, public_url)
        self.bank.work_class = StripeWork
        self.wallet = self.bank.wallet = Wallet()  # type: ignore[attr-defined]
        self.alarms: dict[str, dict[str, Any]] = {}
        """Early fraud warnings and reviews, by their ids, as Stripe would tell them."""
        self.bank.alarms = self.alarms  # type: ignore[attr-defined]
        self.bank.released = {}  # type: ignore[attr-defined]
        self.secret_key = secret_key
        self.publishable_key = publishable_key
        self.requests: list[Request] = []
        self.remembers_errors = False
        self._postman = Postman(self.bank, webhook_url, "Stripe-Signature", webhook_secret, webhook_client)

    @property
    def faults(self) -> Faults:
        return self.bank.faults

    async def deliver_due(self) -> int:
        return await self._postman.deliver_due()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await lifespan(receive, send, self._start, self._stop)
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

    async def _stop(self) -> None:
        await self._postman.close()

    async def _answer(self, request: Request) -> Answer:
        self.requests.append(request)
        try:
            if request.path == "/stripe.js":
                return Answer(200, (Path(__file__).parent / "stripe.js").read_bytes(), "text/javascript; charset=utf-8")
            if request.path.startswith("/_browser/"):
                return (
                    (await self._browser(request))
                    .with_header("Access-Control-Allow-Origin", "*")
                    .with_header("Access-Control-Allow-Headers", "content-type")
                )
            if request.path == "/_faults":
                return self._knobs(request)
            self._check_envelope(request)
            answer = await misbehave(
                self.bank.faults, request, lambda: self._api(request), error=_fault, sleep=asyncio.sleep
            )
            await self._remember(request, answer)
        except StripeError as error:
            answer = error.answer
        return answer.with_header("Request-Id", f"req_{len(self.requests)}")

    def _knobs(self, request: Request) -> Answer:
        if request.method == "PUT":
            new = json.loads(request.body)
            for name in Faults.__struct_fields__:
                setattr(self.faults, name, new.get(name, getattr(Faults(), name)))
        return json_answer(200, self.faults)

    def _check_envelope(self, request: Request) -> None:
        headers = request.headers
        if headers.get("authorization") != f"Bearer {self.secret_key}":
            raise StripeError(401, "", "Invalid API Key provided")
        if headers.get("stripe-version") != stripe.api_version:
            raise StripeError(400, "invalid_version", f"Send Stripe-Version: {stripe.api_version}")
        if "telemetry" in " ".join(headers):
            raise StripeError(400, "telemetry", "the house does not send telemetry")
        if request.method == "POST":
            if headers.get("content-type") != "application/x-www-form-urlencoded":
                raise StripeError(400, "content_type", "Send a form")
            if not 0 < len(headers.get("idempotency-key", "")) <= 255:
                raise StripeError(400, "no_idempotency_key", "the house sends a key with every POST")

    async def _api(self, request: Request) -> Answer:
        try:
            match (request.method, *request.path.removeprefix("/v1/").split("/")):
                case ("POST", "payment_intents"):
                    return await self._once(request, lambda work, params: _create(work, self.wallet, params))
                case ("POST", "customers"):
                    return await self._once(request, lambda _, params: _customer(self.wallet, params))
                case ("POST", "payment_methods", id_, "detach"):
                    return await self._once(request, lambda _, params: _detach(self.wallet, id_, params))
                case ("POST", "payment_intents", id_, "cancel"):
                    return await self._once(request, lambda work, params: _cancel(work, id_, params))
                case ("POST", "payment_intents", id_, "capture"):
                    return await self._once(request, lambda work, params: _capture(work, id_, params))
                case ("POST", "refunds"):
                    return await self._once(request, _refund)
                case ("GET", *path):
                    params = decode("&".join(f"{n}={v}" for n, v in request.query.items()))
                    async with self.bank.work() as work:
                        return json_answer(200, _read(work, path, params))
        except BadParam as bad:
            return StripeError(400, bad.code, bad.message, param=bad.param).answer
        except BankError as refusal:
            return _refusal(refusal)
        except StripeError as error:
            return error.answer
        return StripeError(404, "", f"Unrecognized request URL ({request.method}: {request.path})").answer

    async def _once(self, request: Request, verb: Callable[[Work, dict[str, Any]], dict[str, Any]]) -> Answer:
        """Stripe's keys: the first answer is saved for a day, also an error; another request under the key is refused."""
        key = request.headers["idempotency-key"]
        params = decode(request.body.decode("ascii"))
        mark = _fingerprint(request)
        async with self.bank.work() as work:
            saved = keys.remembered(work, key)
            if saved is not None and saved.fingerprint != mark:
                message = (
                    "Keys for idempotent requests can only be used with the same parameters they were first used with."
                )
                raise StripeError(400, "", message, kind="idempotency_error")
            if saved is not None:
                return Answer(saved.status, saved.body.encode()).with_header("Idempotent-Replayed", "true")
            try:
                answer = json_answer(200, verb(work, params))
            except BankError as refusal:
                answer = _refusal(refusal)
            keys.remember(work, key, mark, answer.status, answer.body.decode())
            return answer

    async def _remember(self, request: Request, answer: Answer) -> None:
        key = request.headers.get("idempotency-key", "")
        if self.remembers_errors and answer.status >= 500 and request.method == "POST":
            async with self.bank.work() as work:
                keys.remember(work, key, _fingerprint(request), answer.status, answer.body.decode())

    async def lapse(self, ref: str) -> None:
        """Nobody took what was set aside, for a week."""
        async with self.bank.work() as work:
            assert isinstance(work, StripeWork)
            work.cancel(work.get(Intent, ref), "expired_uncaptured_charge")

    # -- the payer -------------------------------------------------------------------------------------------------

    async def _browser(self, request: Request) -> Answer:
        if request.method == "OPTIONS":
            return Answer(204, b"")
        said = json.loads(request.body)
        if said.get("key") != self.publishable_key:
            return json_answer(401, {"error": {"message": "Invalid API Key provided"}})
        match request.path.rpartition("/")[2]:
            case "confirm":
                return json_answer(200, await self.confirm(said["client_secret"], said["card"]))
            case "authenticate":
                return json_answer(200, await self.authenticate(said["client_secret"], approve=said["approve"]))
        async with self.bank.work() as work:
            return json_answer(200, {"paymentIntent": work.describe(_by_secret(work, said["client_secret"]))})

    async def confirm(self, client_secret: str, card: str = "4242424242424242") -> dict[str, Any]:
        """What `stripe.confirmPayment` does: {paymentIntent} or {error}."""
        kind, decline = CARDS.get(re.sub(r"[ -]", "", card), ("incorrect_number", ""))
        async with self.bank.work() as work:
            intent = _by_secret(work, client_secret)
            if kind == "incorrect_number":
                return {"error": {"type": "validation_error", "code": kind, "message": _message(kind)}}
            if intent.status in ("canceled", "succeeded", "processing", "authorized"):
                return {"error": {"code": "payment_intent_unexpected_state", "message": "This payment has ended."}}
            if kind == "pay":
                work.pay(intent, "card")
                self.wallet.pays(intent, re.sub(r"[ -]", "", card))
            elif kind == "later":
                work.pay_later(intent)
            elif kind in ("3ds", "3ds then declined"):
                intent.payment_method = kind
                work.ask_the_bank(intent)
            elif kind in ("dispute", "refund fails", "refund pending"):
                if kind == "dispute":
                    self.faults.dispute += 1
                work.pay(intent, kind)
            else:
                work.decline(intent, f"{kind} {decline}")
                return {"error": work.describe(intent)["last_payment_error"]}
            return {"paymentIntent": work.describe(intent)}

    async def authenticate(self, client_secret: str, *, approve: bool) -> dict[str, Any]:
        """The payer answers her bank."""
        async with self.bank.work() as work:
            intent = _by_secret(work, client_secret)
            if intent.status != "requires_action":
                return {"error": {"code": "payment_intent_unexpected_state", "message": "No bank asks."}}
            if approve and intent.payment_method == "3ds":
                work.pay(intent, "card")
                self.wallet.pays(intent, "4000002500003155")
                return {"paymentIntent": work.describe(intent)}
            code = "card_declined generic_decline" if approve else "payment_intent_authentication_failure"
            work.decline(intent, code)
            return {"error": work.describe(intent)["last_payment_error"]}


def _customer(wallet: Wallet, params: dict[str, Any]) -> dict[str, Any]:
    new = check(params, published.CustomerCreateParams)
    if set(new) != {"metadata"}:
        raise StripeError(400, "peer_does_not_do", "the house tells Stripe nothing of her")
    return wallet.new_customer(_metadata(new))


def _detach(wallet: Wallet, id_: str, params: dict[str, Any]) -> dict[str, Any]:
    check(params, published.PaymentMethodDetachParams)
    return wallet.detach(id_)


def _create(work: Work, wallet: Wallet, params: dict[str, Any]) -> dict[str, Any]:
    if "payment_method_types" in params:
        raise StripeError(
            400,
            "payment_method_types_no_longer_supported",
            "Use automatic payment methods.",
            param="payment_method_types",
        )
    new = check(params, published.PaymentIntentCreateParams)
    known = {
        "amount", "currency", "automatic_payment_methods", "description", "metadata", "receipt_email", "statement_descriptor_suffix", "capture_method",
        "customer", "setup_future_usage", "payment_method", "off_session", "confirm", "return_url",
    }  # fmt: skip
    if set(new) - known:
        raise StripeError(400, "peer_does_not_do", f"this peer knows nothing of {set(new) - known}")
    currency = new["currency"]
    _stripe_amount(new["amount"], currency)
    methods = new.get("automatic_payment_methods", {})
    if not methods.get("enabled"):
        raise StripeError(400, "parameter_missing", "Enable automatic payment methods.")
    _confirmed_as_stripe_wants(wallet, new, redirects=methods.get("allow_redirects", "always") != "never")
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", new.get("receipt_email", "a@b")):
        raise StripeError(400, "email_invalid", "Invalid email address", param="receipt_email")
    suffix = new.get("statement_descriptor_suffix", "A")
    if len(suffix) > 22 or not re.search("[A-Za-z]", suffix) or re.search(r"[<>\\'\"*]", suffix):
        raise StripeError(400, "parameter_invalid", "Invalid suffix", param="statement_descriptor_suffix")
    if len(new.get("description", "")) > 1000:
        raise StripeError(400, "parameter_invalid_string", "description too long", param="description")
    intent = work.open_intent(
        new["amount"],
        currency.upper(),
        new.get("description", ""),
        new.get("receipt_email", ""),
        "",
        _metadata(new),
        "manual" if new.get("capture_method") == "manual" else "automatic",
    )
    if new.get("setup_future_usage"):
        wallet.keeps[intent.id] = new["customer"]
    if new.get("confirm"):
        wallet.charge(work, intent, new["payment_method"])
    return work.describe(intent)


def _confirmed_as_stripe_wants(wallet: Wallet, new: dict[str, Any], *, redirects: bool) -> None:
    """What is refused before anything is made, and leaves no PaymentIntent behind (Stripe's API reference; its words on `return_url` as
    told in opencollective/opencollective-frontend#12346)."""
    if "customer" in new and new["customer"] not in wallet.customers:
        raise StripeError(400, "resource_missing", "No such customer", param="customer")
    if not new.get("confirm"):
        for only_then in ("off_session", "return_url", "payment_method"):
            if only_then in new:
                raise StripeError(400, "peer_does_not_do", f"{only_then} goes with confirm=true", param=only_then)
        return
    if redirects and "return_url" not in new:
        raise StripeError(
            400,
            "",
            "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of these payment methods "
            "might redirect your customer off of your page, you must provide a `return_url`.",
        )
    if not re.match(r"[a-z][a-z0-9+.-]*://[^\s/]+", new.get("return_url", "https://shop.example")):
        raise StripeError(400, "url_invalid", "Not a valid URL", param="return_url")
    if not new.get("off_session"):
        raise StripeError(400, "peer_does_not_do", "the payer confirms in her browser")
    if "payment_method" not in new:
        raise StripeError(400, "payment_intent_unexpected_state", "It's missing a payment method.")
    owner, _ = wallet.methods.get(new["payment_method"], (None, ""))
    if owner is None:
        raise StripeError(400, "resource_missing", "No such PaymentMethod", param="payment_method")
    if owner != new.get("customer"):
        raise StripeError(
            400, "", "The PaymentMethod belongs to another Customer, or none was given.", param="customer"
        )


def _refusal(refusal: BankError) -> Answer:
    status, code = _REFUSED.get(refusal.code, (400, refusal.code))
    return StripeError(status, code, refusal.message).answer


def _cancel(work: Work, id_: str, params: dict[str, Any]) -> dict[str, Any]:
    check(params, published.PaymentIntentCancelParams)
    intent = work.get(Intent, id_)
    if intent.status == "processing":  # "in rare cases", says Stripe: not here
        raise BankError(
            "unexpected_state", "You cannot cancel this PaymentIntent because it has a status of processing."
        )
    work.cancel(intent)
    return work.describe(intent)


def _capture(work: Work, id_: str, params: dict[str, Any]) -> dict[str, Any]:
    new = check(params, published.PaymentIntentCaptureParams)
    if set(new) != {"amount_to_capture"}:
        raise StripeError(400, "parameter_missing", "the house always says how much")
    intent = work.get(Intent, id_)
    if intent.status == "authorized" and new["amount_to_capture"] < intent.amount:
        raise StripeError(400, "peer_does_not_do", "the house takes all or nothing")
    work.capture(intent, new["amount_to_capture"])
    return work.describe(intent)


def _refund(work: Work, params: dict[str, Any]) -> dict[str, Any]:
    new = check(params, published.RefundCreateParams)
    if "amount" not in new or "payment_intent" not in new:
        raise StripeError(400, "parameter_missing", "the house always says which payment and how much")
    intent = work.get(Intent, new["payment_intent"])
    _stripe_amount(new["amount"], intent.currency.lower(), floor=1)
    for kind, knob in (("refund fails", "refund_fails"), ("refund pending", "refund_pending")):
        if intent.payment_method == kind:
            setattr(work.bank.faults, knob, getattr(work.bank.faults, knob) + 1)
    return work.describe(work.refund(intent, new["amount"], _metadata(new)))


def _read(work: Work, path: list[str], params: dict[str, Any]) -> dict[str, Any]:
    assert isinstance(work, StripeWork)
    match path:
        case ["payment_intents", id_]:
            wanted = check(params, published.PaymentIntentRetrieveParams)
            intent = work.get(Intent, id_)
            found = work.describe(intent)
            for expand in wanted.get("expand", []):
                if expand != "latest_charge.refunds":
                    raise StripeError(400, "", f"This property cannot be expanded ({expand}).")
                if found["latest_charge"]:
                    told = work.refunds_told(id_)
                    refunds = _list(work, told, {}, f"/v1/charges/{_charge_id(id_)}/refunds", plain=True)
                    found["latest_charge"] = work.charge(intent) | {"refunds": refunds}
            return found
        case ["payment_intents"]:
            wanted = check(params, published.PaymentIntentListParams)
            span = wanted.get("created", {})
            low, high = span.get("gte", 0), span.get("lte", 10**11)
            found_ = [i for i in reversed(work.all(Intent)) if low <= int(i.created_at.timestamp()) <= high]
            return _list(work, found_, wanted, "/v1/payment_intents")
        case ["radar", "early_fraud_warnings", id_] | ["reviews", id_]:
            told: dict[str, Any] | None = work.bank.alarms.get(id_)  # type: ignore[attr-defined]
            if told is None:
                raise StripeError(404, "resource_missing", f"No such object: '{id_}'")
            return told
        case ["refunds"]:
            wanted = check(params, published.RefundListParams)
            return _list(work, work.refunds_told(wanted["payment_intent"]), wanted, "/v1/refunds", plain=True)
        case ["disputes"]:
            wanted = check(params, published.DisputeListParams)
            return _list(work, list(reversed(work.disputes_of(wanted["payment_intent"]))), wanted, "/v1/disputes")
        case ["balance_transactions"]:
            wanted = check(params, published.BalanceTransactionListParams)
            span, payout = wanted.get("created", {}), wanted.get("payout")
            low, high = span.get("gte", 0), span.get("lte", 10**11)
            lines = [line for line in reversed(account.lines(work)) if low <= int(line.at.timestamp()) <= high]
            if payout is not None:
                if work.find(Payout, payout) is None:
                    raise StripeError(404, "resource_missing", f"No such payout: {payout!r}", param="payout")
                lines = [line for line in lines if line.payout == payout]
            if wanted.get("expand", []) not in ([], ["data.source"]):
                raise StripeError(400, "", f"This property cannot be expanded ({wanted['expand']}).")
            page = _list(work, lines, wanted, "/v1/balance_transactions", plain=True)
            page["data"] = [work.balance_transaction(line, expand="expand" in wanted) for line in page["data"]]
            return page
        case ["balance"]:
            check(params, published.BalanceRetrieveParams)
            held = [
                {"amount": p["available"], "currency": c.lower(), "source_types": {"card": p["available"]}}
                for c, p in work.balance().items()
            ]
            return {"object": "balance", "available": held[:1], "pending": held[1:], "livemode": False}
        case ["events"]:
            wanted = check(params, published.EventListParams)
            span = wanted.get("created", {})
            low, high = span.get("gte", 0), span.get("lte", 10**11)
            told = [e for e in reversed(work.all(Event)) if low <= int(e.created_at.timestamp()) <= high]
            page = _list(work, told, wanted, "/v1/events", plain=True)
            page["data"] = [json.loads(event.body) for event in page["data"]]
            return page
    raise StripeError(404, "", f"Unrecognized request URL (GET: /v1/{'/'.join(path)})")


def _list(work: Work, found: list[Any], wanted: dict[str, Any], url: str, *, plain: bool = False) -> dict[str, Any]:
    limit = wanted.get("limit", 10)
    if not 1 <= limit <= 100:
        raise StripeError(400, "parameter_invalid_integer", "limit is 1 to 100", param="limit")
    start = 0
    if "starting_after" in wanted:
        ids = [thing["id"] if isinstance(thing, dict) else thing.id for thing in found]
        if wanted["starting_after"] not in ids:
            raise StripeError(400, "resource_missing", "No such object", param="starting_after")
        start = ids.index(wanted["starting_after"]) + 1
    page = found[start : start + limit]
    data = page if plain else [work.describe(thing) for thing in page]
    return {"object": "list", "url": url, "has_more": len(found) > start + limit, "data": data}


def _stripe_amount(amount: int, currency: str, floor: int | None = None) -> None:
    """What Stripe says about amounts (its currencies page): at most eight digits, special cases by currency."""
    if not re.fullmatch("[a-z]{3}", currency):
        raise StripeError(400, "", f"Invalid currency: {currency}", param="currency")
    if amount > 99_999_999:
        raise StripeError(400, "amount_too_large", "Amount must be no more than 8 digits", param="amount")
    if amount < (floor or (50 if currency in ("usd", "eur", "chf") else 1)):
        raise StripeError(400, "amount_too_small", "Amount is below the minimum charge amount", param="amount")
    step = {"isk": 100, "ugx": 100} | dict.fromkeys("bhd jod kwd omr tnd".split(), 10)
    if amount % step.get(currency, 1):
        raise StripeError(400, "invalid_amount", f"Invalid amount for {currency}", param="amount")


def _metadata(new: dict[str, Any]) -> dict[str, str]:
    metadata = new.get("metadata", {})
    if len(metadata) > 50 or any(len(k) > 40 or len(v) > 500 for k, v in metadata.items()):
        raise StripeError(400, "metadata_too_large", "Too much metadata", param="metadata")
    return dict(metadata)


def _by_secret(work: Work, client_secret: str) -> Intent:
    intent = work.get(Intent, client_secret.partition("_secret_")[0])
    assert hmac.compare_digest(intent.client_secret, client_secret), "another payment's secret"
    return intent


def _charge_id(intent_id: str) -> str:
    return intent_id.replace("pi_", "ch_", 1)


def _message(code: str) -> str:
    return {
        "card_declined": "Your card was declined.",
        "expired_card": "Your card has expired.",
        "incorrect_number": "Your card number is incorrect.",
    }.get(code, "We are unable to authenticate your payment method.")


def _fingerprint(request: Request) -> str:
    return hashlib.sha256(f"{request.method} {request.path}\n".encode() + request.body).hexdigest()


def _fault(status: int, code: str) -> Answer:
    return json_answer(
        status, {"error": {"type": "api_error", "code": code, "message": "Something is wrong at our end."}}
    )


async def _main(port: int, webhook_url: str) -> None:
    async with serve(StripePeer(webhook_url=webhook_url), port) as url:
        print(f"STRIPE_API_BASE={url} STRIPE_JS_URL={url}/stripe.js")
        print("STRIPE_SECRET_KEY=sk_test_peer STRIPE_PUBLISHABLE_KEY=pk_test_peer STRIPE_WEBHOOK_SECRET=whsec_peer")
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), sys.argv[2]))
