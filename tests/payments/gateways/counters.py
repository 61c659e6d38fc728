"""The same counter in front of every gateway: what a payer, a bank and the wire can do to it, in the same words."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec

from jklg.kit.clock import Clock
from jklg.payments.gateways.contract import Gateway, Notice, Order, Snapshot
from jklg.payments.gateways.paypal import PayPalGateway
from jklg.payments.gateways.razorpay import RazorpayGateway
from jklg.payments.gateways.sandbox import SandboxGateway
from jklg.payments.gateways.stripe import StripeGateway
from jklg.sandbox import Faults, SandboxApp, create_app
from jklg.sandbox.bank import Bank
from jklg.sandbox.things import Intent
from tests.peers.paypal import PayPalPeer, identity
from tests.peers.razorpay import RazorpayPeer
from tests.peers.stripe import StripePeer

SECRET, OLD_SECRET = "whsec_new", "whsec_old"


class MovedClock(Clock):
    """The wall clock, moved forward by as much as the test wants."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class Counter:
    """One gateway and the peer behind it, in one process. Notices arrive in `notices` when `deliver` is called."""

    peer: SandboxApp | StripePeer | PayPalPeer | RazorpayPeer
    gateway: Gateway
    client: httpx.AsyncClient
    """The wire between the two."""
    signature_header: str
    notice_type: str
    error: dict[str, Any] = {"error": {"type": "invalid_request_error", "code": "no", "message": "No."}}
    """How this gateway says no."""
    opens_as = "requires_payment_method"
    takes_not: frozenset[str] = frozenset()
    """Currencies of the suite that this gateway refuses."""
    lacks: frozenset[str] = frozenset()
    """Tests of the suite about what this gateway has not. Each has one of its own in test_<name>.py that says what it has instead."""

    def __init__(self) -> None:
        self.clock = MovedClock()
        self.notices: list[tuple[dict[str, str], bytes]] = []

    @property
    def faults(self) -> Faults:
        return self.peer.faults

    @property
    def bank(self) -> Bank:
        return self.peer.bank

    def gateway_over(self, client: httpx.AsyncClient, base_url: str = "http://peer") -> Gateway:
        """The same gateway over another wire."""
        raise NotImplementedError

    def gateway_told(self, answer: Callable[[httpx.Request], httpx.Response]) -> Gateway:
        """The gateway at the end of a wire on which `answer` speaks."""
        return self.gateway_over(httpx.AsyncClient(transport=httpx.MockTransport(answer)))

    def gateway_that_waits(self) -> Gateway:
        """The gateway, set up so that what a payer has approved waits for our capture."""
        raise NotImplementedError

    async def act(self, snapshot: Snapshot, what: str) -> None:
        """The payer does something: pay, decline, bank_check, approve, refuse, later."""
        raise NotImplementedError

    async def deliver(self, after: timedelta = timedelta()) -> list[Notice]:
        """Let `after` pass, deliver what is due, and read all of it."""
        self.clock.ahead += after
        self.notices.clear()
        for _ in range(10):
            if not await self.peer.deliver_due():
                break
        return [self.gateway.read_notice(headers, body, self.clock.unix()) for headers, body in self.notices]

    async def attempts(self) -> list[Intent]:
        async with self.bank.work() as work:
            return work.all(Intent)

    def signed(self, body: bytes, *, secret: str = SECRET, at: int | None = None) -> dict[str, str]:
        at = self.clock.unix() if at is None else at
        mac = hmac.new(secret.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()
        return {self.signature_header: f"t={at},v1={mac}"}

    def notice_body(self, **changes: Any) -> bytes:
        """A notice as this gateway would send it."""
        thing = {"id": "x_1", "object": "intent", "metadata": {"transaction_id": str(UUID(int=7))}}
        envelope: dict[str, Any] = {
            "id": "evt_1",
            "object": "event",
            "type": self.notice_type,
            "created": self.clock.unix(),
            "livemode": False,
            "data": {"object": thing},
        }
        return msgspec.json.encode(envelope | changes)

    async def shop(self, scope: Any, receive: Any, send: Any) -> None:
        """Where the peer delivers its webhooks."""
        body = (await receive())["body"]
        self.notices.append(({n.decode().lower(): v.decode() for n, v in scope["headers"]}, body))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    @property
    def to_shop(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(app=self.shop))


class SandboxCounter(Counter):
    signature_header = "sandbox-signature"
    notice_type = "intent.succeeded"

    def __init__(self) -> None:
        super().__init__()
        self.peer: SandboxApp = create_app(
            key="sandbox_key_peer",
            webhook_secret=SECRET,
            webhook_url="http://shop/webhook",
            faults_enabled=True,
            public_url="http://peer",
            clock=self.clock,
            dice=Random(7),
            webhook_client=self.to_shop,
        )
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app=self.peer))
        self.gateway = self.gateway_over(self.client)

    def gateway_over(self, client: httpx.AsyncClient, base_url: str = "http://peer") -> Gateway:
        return SandboxGateway(base_url, "sandbox_key_peer", [SECRET, OLD_SECRET], client=client)

    def gateway_that_waits(self) -> Gateway:
        return SandboxGateway("http://peer", "sandbox_key_peer", [SECRET], manual_capture=True, client=self.client)

    async def act(self, snapshot: Snapshot, what: str) -> None:
        url = self.gateway.widget(
            ref=snapshot.ref, client_secret=snapshot.client_secret or "", amount=1, currency="INR", return_url=""
        ).data["url"]
        answer = await self.client.post(url, data={"action": what})
        assert answer.status_code in (200, 303)


class StripeCounter(Counter):
    signature_header = "stripe-signature"
    notice_type = "payment_intent.succeeded"

    def __init__(self) -> None:
        super().__init__()
        self.peer: StripePeer = StripePeer(
            webhook_secret=SECRET,
            webhook_url="http://shop/webhook",
            clock=self.clock,
            dice=Random(7),
            webhook_client=self.to_shop,
        )
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app=self.peer))
        self.gateway = self.gateway_over(self.client)

    def gateway_over(self, client: httpx.AsyncClient, base_url: str = "http://peer") -> Gateway:
        return StripeGateway("sk_test_peer", "pk_test_peer", [SECRET, OLD_SECRET], base_url, client=client)

    def gateway_that_waits(self) -> Gateway:
        return StripeGateway(
            "sk_test_peer", "pk_test_peer", [SECRET], "http://peer", manual_capture=True, client=self.client
        )

    async def act(self, snapshot: Snapshot, what: str) -> None:
        secret = snapshot.client_secret or ""
        if what in ("approve", "refuse"):
            await self.peer.authenticate(secret, approve=what == "approve")
            return
        cards = {"pay": "4242 4242 4242 4242", "decline": "4000000000000002", "bank_check": "4000000000003220"}
        await self.peer.confirm(secret, cards.get(what, "pay_later"))


class PayPalCounter(Counter):
    signature_header = "paypal-transmission-sig"
    notice_type = "PAYMENT.CAPTURE.COMPLETED"
    error = {"name": "INVALID_REQUEST", "message": "No.", "details": [{"issue": "NO", "description": "No."}]}
    opens_as = "requires_action"
    takes_not = frozenset(("KWD", "ISK", "UGX"))
    lacks = frozenset(
        (
            # no cancelling: test_closing_an_order_is_our_never_capturing_it
            "test_an_open_attempt_can_be_cancelled_twice_and_is_cancelled_once",
            "test_what_has_ended_cannot_be_cancelled[cancel]",
            "test_a_cancelled_attempt_may_succeed_late_and_says_so",
            # no listing of orders: test_a_lost_order_is_got_back_by_the_same_key, test_only_money_is_listed
            "test_an_attempt_whose_answer_was_lost_is_found_and_never_doubled",
            "test_an_attempt_is_found_when_the_gateways_clock_runs_differently",
            "test_an_answer_that_comes_too_late_is_unknown_though_it_was_done",
            "test_a_word_for_a_state_that_is_new_to_us_is_an_open_attempt",
            "test_every_attempt_is_listed_once_even_when_others_are_made_meanwhile",
            # the payer settles with her bank at PayPal, before she approves: test_a_declined_card_can_be_replaced
            "test_a_declined_card_leaves_the_attempt_open_for_another_one",
            "test_the_bank_may_ask_the_payer_first",
            "test_a_transfer_is_under_way_and_arrives_later",
            "test_every_notice_of_a_payment_names_the_attempt",
            "test_doubled_reordered_held_and_lost_notices_happen_when_asked_for",
            # a dispute names the capture and our id, no order: test_a_dispute_leads_to_our_payment
            "test_a_disputed_payment_cannot_be_sent_back_as_well",
            # signed otherwise, and delivered for days: test_webhooks_of_paypal_…
            "test_a_notice_of_the_other_mode_says_so",
            "test_while_secrets_rotate_both_are_good",
            "test_a_notice_signed_at_another_time_is_refused",
            "test_a_garbled_signature_is_refused",
        )
    )

    def __init__(self) -> None:
        super().__init__()
        self.peer: PayPalPeer = PayPalPeer(
            webhook_id=SECRET,
            webhook_url="http://shop/webhook",
            clock=self.clock,
            dice=Random(7),
            webhook_client=self.to_shop,
        )
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app=self.peer))
        self.gateway: PayPalGateway = self.gateway_over(self.client)
        self.gateway.keep_certificate(self.peer.certificate_url, identity()[1], self.clock.unix())

    def gateway_over(self, client: httpx.AsyncClient, base_url: str = "http://peer") -> PayPalGateway:
        return PayPalGateway("client_peer", "secret_peer", [SECRET, OLD_SECRET], base_url, client=client)

    def gateway_told(self, answer: Callable[[httpx.Request], httpx.Response]) -> Gateway:
        def token_first(request: httpx.Request) -> httpx.Response:
            if request.url.path == "/v1/oauth2/token":
                return httpx.Response(200, json={"access_token": "t", "expires_in": 3600})
            return answer(request)

        return super().gateway_told(token_first)

    def gateway_that_waits(self) -> Gateway:
        return self.gateway

    async def act(self, snapshot: Snapshot, what: str) -> None:
        await self.peer.approve(snapshot.ref)
        if what == "pay":
            await self.gateway.capture(
                ref=snapshot.ref, amount=snapshot.amount, currency=snapshot.currency, request_key="capture:paid"
            )

    def signed(self, body: bytes, *, secret: str = SECRET, at: int | None = None) -> dict[str, str]:
        moment = datetime.fromtimestamp(self.clock.unix() if at is None else at, UTC)
        return self.peer.signed(body, webhook_id=secret, at=moment)

    def notice_body(self, **changes: Any) -> bytes:
        ids = {"custom_id": str(UUID(int=7)), "supplementary_data": {"related_ids": {"order_id": "x_1"}}}
        resource = changes.get("data", {"object": {"id": "CAP_1", **ids}})["object"]
        envelope = {"id": "evt_1", "event_type": changes.get("type", self.notice_type), "resource": resource}
        return msgspec.json.encode(envelope | {"create_time": self.clock.now().isoformat()})


class RazorpayCounter(Counter):
    signature_header = "x-razorpay-signature"
    notice_type = "payment.captured"
    error = {"error": {"code": "BAD_REQUEST_ERROR", "description": "No.", "reason": "input_validation_failed"}}
    takes_not = frozenset(("ISK", "UGX"))
    lacks = frozenset(
        (
            # no cancelling: test_closing_an_order_is_our_never_capturing_it
            "test_an_open_attempt_can_be_cancelled_twice_and_is_cancelled_once",
            "test_what_has_ended_cannot_be_cancelled[cancel]",
            "test_a_cancelled_attempt_may_succeed_late_and_says_so",
            # a payment is with the bank, whatever it does there: test_a_payment_that_is_with_the_bank_is_open
            "test_a_transfer_is_under_way_and_arrives_later",
            # nothing is told of an order as such, and no events are listed: test_every_webhook_of_razorpay_…, test_refunds_and_disputes_are_told_…
            "test_every_notice_of_a_payment_names_the_attempt",
            "test_doubled_reordered_held_and_lost_notices_happen_when_asked_for",
            "test_every_event_is_listed_once_whether_it_was_delivered_or_not",
            # money is taken when a dispute is lost, and not before: test_a_dispute_takes_money_when_it_is_lost
            "test_a_dispute_is_told_with_what_it_moved_from_the_first_word_to_the_last",
            # signed without a time and without a mode: test_while_webhook_secrets_rotate_both_are_good
            "test_a_notice_of_the_other_mode_says_so",
            "test_while_secrets_rotate_both_are_good",
            "test_a_notice_signed_at_another_time_is_refused",
        )
    )

    def __init__(self) -> None:
        super().__init__()
        self.peer: RazorpayPeer = RazorpayPeer(
            webhook_secret=SECRET,
            webhook_url="http://shop/webhook",
            clock=self.clock,
            dice=Random(7),
            webhook_client=self.to_shop,
        )
        # What goes wrong is the sending: before it, this gateway looks (test_the_look_before_the_order_may_be_lost_as_well).
        self.faults.only = "POST"
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app=self.peer))
        self.gateway: RazorpayGateway = self.gateway_over(self.client)

    def gateway_over(self, client: httpx.AsyncClient, base_url: str = "http://peer") -> RazorpayGateway:
        return RazorpayGateway(
            "rzp_test_peer", "secret_peer", [SECRET, OLD_SECRET], f"{base_url}/v1", brand="JKLG Travel", client=client
        )

    def gateway_that_waits(self) -> Gateway:
        self.peer.capture = "manual"
        return self.gateway

    async def act(self, snapshot: Snapshot, what: str) -> None:
        if what == "bank_check":
            await self.peer.begin(snapshot.ref)
        elif what in ("decline", "refuse"):
            await self.peer.fail(snapshot.ref)
        else:
            await self.peer.pay(snapshot.ref)

    def signed(self, body: bytes, *, secret: str = SECRET, at: int | None = None) -> dict[str, str]:
        return self.peer.signed(body, secret=secret)

    def notice_body(self, **changes: Any) -> bytes:
        order_ = {"id": "x_1", "entity": "order", "notes": {"transaction_id": str(UUID(int=7))}}
        payload = {"order": {"entity": order_}, "payment": {"entity": {"id": "pay_1", "order_id": "x_1"}}}
        if "data" in changes:
            payload = {"customer": {"entity": changes["data"]["object"]}}
        name = changes.get("type", self.notice_type)
        return msgspec.json.encode(
            {"entity": "event", "event": name, "payload": payload, "created_at": self.clock.unix()}
        )


COUNTERS: dict[str, type[Counter]] = {
    "sandbox": SandboxCounter,
    "stripe": StripeCounter,
    "paypal": PayPalCounter,
    "razorpay": RazorpayCounter,
}


def order(**changes: Any) -> Order:
    transaction_id = uuid4()
    known: dict[str, Any] = {
        "transaction_id": transaction_id,
        "booking_id": uuid4(),
        "booking_reference": "K7MQ4Z",
        "amount": 4_999_980,
        "currency": "INR",
        "request_key": f"create:{transaction_id}",
        "description": "Gurez & the Kishanganga, 2027-05-12, K7MQ4Z",
        "email": "asha+gurez@example.com",
        "return_url": "https://shop.example/bookings/K7MQ4Z/return",
        "created_at": datetime.now(UTC),
    }
    return Order(**known | changes)
