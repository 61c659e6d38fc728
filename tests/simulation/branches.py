"""The gateways of a world: behind each its strict peer, before it a line of its own, and what a payer can do there."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from datetime import timedelta
from random import Random
from typing import Any, ClassVar

import httpx

from jklg.kit.clock import Clock
from jklg.payments.gateways.contract import Gateway
from jklg.payments.gateways.paypal import PayPalGateway
from jklg.payments.gateways.razorpay import RazorpayGateway
from jklg.payments.gateways.sandbox import SandboxGateway
from jklg.payments.gateways.stripe import StripeGateway
from jklg.sandbox import Faults, create_app
from jklg.sandbox.bank import Bank
from jklg.sandbox.deliveries import sign
from jklg.sandbox.things import Event, Intent
from tests.peers import paypal
from tests.peers.paypal import PayPalPeer
from tests.peers.razorpay import RazorpayPeer, RazorpayWork
from tests.peers.stripe import StripePeer
from tests.simulation.line import Line
from tests.simulation.turns import Queue, Turns

SECRET = "a secret between bank and house"
REFUSED_LATER = ("4000002500003155", "4000000000000341")
STILL_OPEN = ("requires_payment_method", "requires_action", "processing")
Mailbox = Callable[[dict[str, str], bytes], Awaitable[int]]
"""Where a gateway's notices arrive: headers and body in, the HTTP status out."""


class Branch:
    """One gateway. `capture`: automatic, or manual, so that what is paid waits for our word."""

    name: ClassVar[str]
    peer: Any
    gateway: Gateway
    refund_path: ClassVar[str]
    """How the path of a call to refund begins."""
    payer_does: ClassVar[tuple[str, ...]] = ("pays", "is declined", "is asked by her bank", "pays later", "leaves")
    closes = True
    """Whether an attempt can be closed at this gateway, so that nobody can pay it any more."""
    attempt_key: ClassVar[str] = "transaction_id"
    refund_key: ClassVar[str] = "refund_id"
    """Where its things bear our ids."""

    def __init__(
        self, capture: str, clock: Clock, turns: Turns, dice: Random, tell: Callable[[str], None], mailbox: Mailbox
    ) -> None:
        self.capture = capture
        self.clock = clock
        self.turns = turns
        self.dice = dice
        self.strangers: set[str] = set()

        async def receive(request: httpx.Request) -> httpx.Response:
            headers = {name.lower(): value for name, value in request.headers.items()}
            return httpx.Response(await mailbox(headers, request.content))

        self.house_door = httpx.AsyncClient(transport=httpx.MockTransport(receive))
        self.open()
        self.line = Line(self.name, httpx.ASGITransport(app=self.peer), turns, Random(dice.random()), tell)
        self.client = httpx.AsyncClient(transport=self.line, timeout=10)
        self.gateway = self.connect()

    def open(self) -> None:
        """Build the peer."""
        raise NotImplementedError

    def connect(self) -> Gateway:
        raise NotImplementedError

    @property
    def bank(self) -> Bank:
        return self.peer.bank  # type: ignore[no-any-return]

    @property
    def faults(self) -> Faults:
        return self.bank.faults

    def act(self, work: Any, intent: Intent, does: str) -> None:
        """The payer, on the bank's own page; the intent is open there."""
        match does:
            case "pays":
                work.pay(intent, "card")
            case "is declined":
                work.decline(intent, "card_declined")
            case "is asked by her bank":
                work.ask_the_bank(intent)
            case "pays later":
                work.pay_later(intent)

    def signed(self, event: Event, *, body: str | None = None, truly: bool = True) -> tuple[dict[str, str], bytes]:
        """An event as it is delivered; not `truly`: by somebody who does not know the secret."""
        raise NotImplementedError

    def stranger(self, work: Any, number: int) -> Intent:
        """Somebody uses the agency's account for something else."""
        intent: Intent = work.open_intent(5_000 + number, "INR", "not ours", "x@example.org", "http://shop.test/", {})
        work.pay(intent, "card")
        return intent

    async def close(self) -> None:
        await self.gateway.close()
        await self.bank.close()
        await self.house_door.aclose()


class SandboxBranch(Branch):
    name = "sandbox"
    refund_path = "POST /v1/refunds"

    def open(self) -> None:
        self.peer = create_app(
            key="sandbox_key", webhook_secret=SECRET, webhook_url="http://house.test/webhooks/sandbox", faults_enabled=True,
            public_url="http://bank.test", clock=self.clock, dice=Random(self.dice.random()), webhook_client=self.house_door,
        )  # fmt: skip

    def connect(self) -> Gateway:
        return SandboxGateway(
            "http://bank.test", "sandbox_key", SECRET, manual_capture=self.capture == "manual", client=self.client
        )

    def signed(self, event: Event, *, body: str | None = None, truly: bool = True) -> tuple[dict[str, str], bytes]:
        content = (body or event.body).encode()
        return {"sandbox-signature": sign(_secret(truly).encode(), content, self.clock.unix())}, content


class StripeBranch(Branch):
    name = "stripe"
    refused_later = 33
    """Of a hundred cards that are kept, so many pay once and never again without their owner."""
    refund_path = "POST /v1/refunds"

    def open(self) -> None:
        self.peer = StripePeer(
            webhook_secret=SECRET, webhook_url="http://house.test/webhooks/stripe", clock=self.clock, dice=Random(self.dice.random()),
            webhook_client=self.house_door,
        )  # fmt: skip

    def connect(self) -> Gateway:
        return StripeGateway(
            "sk_test_peer", "pk_test_peer", [SECRET], "http://stripe.peer", manual_capture=self.capture == "manual", client=self.client
        )  # fmt: skip

    def act(self, work: Any, intent: Intent, does: str) -> None:
        super().act(work, intent, does)
        if does == "pays":
            refused = self.dice.randrange(100) < self.refused_later
            self.peer.wallet.pays(intent, self.dice.choice(REFUSED_LATER) if refused else "4242424242424242")

    def signed(self, event: Event, *, body: str | None = None, truly: bool = True) -> tuple[dict[str, str], bytes]:
        content = (body or event.body).encode()
        return {"stripe-signature": sign(_secret(truly).encode(), content, self.clock.unix())}, content


class PayPalBranch(Branch):
    """The payer approves there; nothing moves until our capture. An order cannot be closed: it is left alone."""

    name = "paypal"
    refund_path = "POST /v2/payments"
    payer_does = ("pays", "brings a bad card", "leaves")
    closes = False
    attempt_key, refund_key = "custom_id", "custom_id"

    def open(self) -> None:
        self.peer = PayPalPeer(
            webhook_id=SECRET, webhook_url="http://house.test/webhooks/paypal", clock=self.clock, dice=Random(self.dice.random()),
            webhook_client=self.house_door,
        )  # fmt: skip

    def connect(self) -> Gateway:
        gateway = PayPalGateway("client_peer", "secret_peer", [SECRET], "http://peer", client=self.client)
        gateway.keep_certificate(self.peer.certificate_url, _certificate(), self.clock.unix())
        gateway._calls._fetching = Queue(self.turns, "a token")  # type: ignore[assignment]
        return gateway

    def act(self, work: Any, intent: Intent, does: str) -> None:
        if does in ("pays", "brings a bad card"):
            intent.payment_method = "paypal" if does == "pays" else "declined"
            if intent.status == "authorized":
                work.put(intent)
            else:
                work.pay(intent, intent.payment_method)

    def signed(self, event: Event, *, body: str | None = None, truly: bool = True) -> tuple[dict[str, str], bytes]:
        content = (body or event.body).encode()
        return self.peer.signed(content, webhook_id=_secret(truly)), content

    def stranger(self, work: Any, number: int) -> Intent:
        ours = {"custom_id": f"elsewhere {number}", "invoice_id": f"elsewhere {number}"}
        intent: Intent = work.open_intent(5_000 + number, "INR", "not ours", "", "http://shop.test/", ours, "manual")
        work.pay(intent, "paypal")
        work.capture(intent, intent.amount)
        return intent


class RazorpayBranch(Branch):
    """The payer may try several payments on an order, and her bank may say yes after all to one that failed. An order cannot be closed."""

    name = "razorpay"
    refund_path = "POST /v1/payments"
    payer_does = ("pays", "is declined", "is asked by her bank", "leaves")
    closes = False
    attempt_key = "note:transaction_id"

    def open(self) -> None:
        self.peer = RazorpayPeer(
            webhook_secret=SECRET, webhook_url="http://house.test/webhooks/razorpay", clock=self.clock, dice=Random(self.dice.random()),
            webhook_client=self.house_door,
        )  # fmt: skip
        self.peer.capture = self.capture

    def connect(self) -> Gateway:
        return RazorpayGateway("rzp_test_peer", "secret_peer", [SECRET], "http://peer/v1", client=self.client)

    def signed(self, event: Event, *, body: str | None = None, truly: bool = True) -> tuple[dict[str, str], bytes]:
        content = (body or event.body).encode()
        return self.peer.signed(content, event.id if truly else f"forged_{event.id}", secret=_secret(truly)), content

    def stranger(self, work: Any, number: int) -> Intent:
        intent: Intent = work.open_intent(
            5_000 + number, "INR", "", "", "", {"receipt": f"elsewhere {number}"}, "automatic"
        )
        work.pay(intent, "upi")
        return intent

    @staticmethod
    def failed(work: RazorpayWork, intent: Intent) -> bool:
        """Whether a payment of this order has failed, so that it may be authorised late."""
        return any(each.status == "failed" for each in work.tries(intent))


BRANCHES: dict[str, type[Branch]] = {
    each.name: each for each in (SandboxBranch, StripeBranch, PayPalBranch, RazorpayBranch)
}


def _secret(truly: bool) -> str:
    return SECRET if truly else "not the secret"


@functools.cache
def _certificate() -> bytes:
    """PayPal's, good at any time that a world may see."""
    key, _ = paypal.identity()
    ages = timedelta(days=3650)
    return paypal.certificate(key.public_key(), "messageverificationcerts.paypal.com", starts=-ages, lasts=2 * ages)
