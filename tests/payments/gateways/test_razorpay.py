"""What is Razorpay's alone: orders without keys, failed payments that are not over, its own refunds, and its two signatures (W29, O09, R18)."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest

from jklg.payments.gateways.contract import (
    BadNotice,
    GatewayBusy,
    GatewayError,
    GatewayRefused,
    GatewayUnknown,
    GatewayUnreachable,
    Notice,
    RefundSnapshot,
    Snapshot,
)
from jklg.payments.gateways.razorpay import RazorpayGateway, orders
from jklg.payments.gateways.razorpay.amounts import minor, to_razorpay
from jklg.payments.gateways.razorpay.gateway import JS
from jklg.payments.gateways.signatures import uuid
from jklg.sandbox.things import Dispute, Intent, Refund
from tests.payments.gateways.counters import OLD_SECRET, SECRET, RazorpayCounter, order
from tests.peers.razorpay import RazorpayWork, sign

HOUR = timedelta(hours=1)


@pytest.fixture
def counter() -> RazorpayCounter:
    return RazorpayCounter()


async def capture(counter: RazorpayCounter, created: Snapshot) -> Snapshot:
    return await counter.gateway.capture(
        ref=created.ref, amount=created.amount, currency=created.currency, request_key="capture:1"
    )


async def refund(counter: RazorpayCounter, ref: str, amount: int, refund_id: UUID | None = None) -> RefundSnapshot:
    refund_id = refund_id or uuid4()
    return await counter.gateway.refund(
        ref=ref, refund_id=refund_id, amount=amount, currency="INR", request_key=f"refund:{refund_id}"
    )


def posted(counter: RazorpayCounter, ending: str) -> list[dict[str, Any]]:
    requests = [each for each in counter.peer.requests if each.method == "POST" and each.path.endswith(ending)]
    return [msgspec.json.decode(each.body) for each in requests]


# -- orders ------------------------------------------------------------------------------------------------------------


async def test_an_order_bears_our_id_and_the_whole_amount_or_nothing(counter: RazorpayCounter) -> None:
    ours = order()
    await counter.gateway.create(ours)
    (sent,) = posted(counter, "/orders")
    assert sent == {
        "amount": ours.amount,
        "currency": "INR",
        "receipt": ours.transaction_id.hex,
        "notes": {"transaction_id": str(ours.transaction_id), "booking_reference": "K7MQ4Z"},
        "partial_payment": False,
    }


async def test_the_look_before_the_order_may_be_lost_as_well(counter: RazorpayCounter) -> None:
    """Nothing is proven by it, and nothing was made."""
    counter.faults.only, counter.faults.drop_after = "GET", 1
    ours = order()
    with pytest.raises(GatewayUnknown):
        await counter.gateway.create(ours)
    assert await counter.attempts() == []
    assert (await counter.gateway.create(ours)).transaction_id == ours.transaction_id


async def test_of_two_orders_made_at_the_same_moment_the_paid_one_is_ours_else_the_first(
    counter: RazorpayCounter,
) -> None:
    """The first request was still on its way when the second one looked."""
    ours = order()
    first = await counter.gateway.create(ours)
    async with counter.bank.work() as work:
        intent = work.get(Intent, first.ref)
        second = work.open_intent(intent.amount, "INR", "", "", "", dict(intent.metadata))
    found = await counter.gateway.find(ours)
    assert found is not None and found.ref == first.ref
    await counter.peer.pay(second.id)
    found = await counter.gateway.find(ours)
    assert found is not None and (found.ref, found.captured) == (second.id, ours.amount)


async def test_an_order_without_notes_is_known_by_its_receipt(counter: RazorpayCounter) -> None:
    """Empty notes come as an empty list, in which nothing can be looked up."""
    async with counter.bank.work() as work:
        intent = work.open_intent(100, "INR", "", "", "", {"receipt": UUID(int=7).hex})
    assert (await counter.gateway.fetch(intent.id)).transaction_id == UUID(int=7)


async def test_closing_an_order_is_our_never_capturing_it(counter: RazorpayCounter) -> None:
    counter.peer.capture = "manual"
    created = await counter.gateway.create(order())
    assert (await counter.gateway.cancel(created.ref, "cancel:1")).state == "canceled"
    await counter.peer.pay(created.ref)
    late = await counter.gateway.fetch(created.ref)
    assert (late.state, late.captured, late.capturable) == ("authorized", 0, created.amount)
    left = await counter.gateway.cancel(created.ref, "cancel:2")
    assert (left.state, left.capturable) == ("canceled", 0)
    assert [each.path for each in counter.peer.requests if each.method == "POST"] == ["/v1/orders"]


async def test_orders_are_listed_with_what_was_paid(counter: RazorpayCounter) -> None:
    paid, unpaid = await counter.gateway.create(order()), await counter.gateway.create(order())
    await counter.peer.pay(paid.ref)
    now = datetime.now(UTC)
    listed = [each async for each in counter.gateway.list_attempts(now - HOUR, now + HOUR)]
    assert [(each.ref, each.state, each.captured) for each in listed] == [
        (unpaid.ref, "requires_payment_method", 0),
        (paid.ref, "succeeded", paid.amount),
    ]


async def test_refunds_and_disputes_are_told_though_no_events_are_listed(counter: RazorpayCounter) -> None:
    """Once for each state: a refund that fails days later is news. To which order a payment belongs is asked once."""
    created = await counter.gateway.create(order())
    await counter.peer.pay(created.ref)
    async with counter.bank.work() as work:
        sent_back = work.refund(work.get(Intent, created.ref), 500, {}).id
        work.dispute(work.get(Intent, created.ref))

    async def told(start: datetime, end: datetime) -> list[tuple[str, str, str | None]]:
        listed = [each async for each in counter.gateway.list_notices(start, end)]
        assert all(notice.event_id.partition(":")[0] in body.decode() for notice, body in listed)
        return [(notice.event_id, notice.event_type, notice.ref) for notice, _ in listed]

    now = datetime.now(UTC)
    refunded = (f"{sent_back}:processed", "refund.processed", created.ref)
    disputed = ("disp_000001:open", "dispute.open", created.ref)
    assert await told(now - HOUR, now + HOUR) == [refunded, disputed]
    assert await told(now - 3 * HOUR, now - 2 * HOUR) == []
    async with counter.bank.work() as work:
        work.put(msgspec.structs.replace(work.get(Refund, sent_back), status="failed"))
    later = now + timedelta(days=6)
    assert await told(later, later + HOUR) == [(f"{sent_back}:failed", "refund.failed", created.ref)]
    asked = [each for each in counter.peer.requests if each.path.startswith("/v1/payments/")]
    assert len(asked) == 1


async def test_a_refund_of_a_payment_without_an_order_is_none_of_our_business(counter: RazorpayCounter) -> None:
    """Made by a payment link of the same account."""
    said = {
        "id": "rfnd_1",
        "entity": "refund",
        "payment_id": "pay_1",
        "status": "processed",
        "created_at": 1_790_000_000,
    }

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/payments/pay_1":
            return httpx.Response(200, json={"id": "pay_1", "order_id": None})
        return httpx.Response(200, json={"items": [said] if request.url.path == "/v1/refunds" else []})

    listed = counter.gateway_told(answer).list_notices(datetime.now(UTC) - HOUR, datetime.now(UTC))
    assert [(notice.ref, notice.transaction_id) async for notice, _ in listed] == [(None, None)]


@pytest.mark.parametrize(
    ("status", "code", "meaning"),
    [
        (400, "BAD_REQUEST_ERROR", GatewayRefused),
        (400, "GATEWAY_ERROR", GatewayUnknown),
        (400, "SERVER_ERROR", GatewayUnknown),
        (400, "A_NEW_WORD", GatewayUnknown),
        (502, "BAD_REQUEST_ERROR", GatewayUnknown),
        (409, "BAD_REQUEST_ERROR", GatewayUnknown),
        (401, "BAD_REQUEST_ERROR", GatewayUnreachable),
        (429, "BAD_REQUEST_ERROR", GatewayBusy),
    ],
)
async def test_only_razorpays_own_no_is_a_no(
    counter: RazorpayCounter, status: int, code: str, meaning: type[GatewayError]
) -> None:
    error = {"error": {"code": code, "description": "Something went wrong"}}
    gateway = counter.gateway_told(lambda request: httpx.Response(status, json=error))
    with pytest.raises(meaning):
        await gateway.fetch("order_1")


# -- payments ----------------------------------------------------------------------------------------------------------


async def test_a_failed_payment_ends_nothing_and_may_be_authorised_late(counter: RazorpayCounter) -> None:
    """O09, as the gateway tells it."""
    created = await counter.gateway.create(order())
    await counter.peer.fail(created.ref)
    failed = await counter.gateway.fetch(created.ref)
    assert (failed.state, failed.error) == ("requires_payment_method", "Your payment was declined by the bank.")
    await counter.peer.authorize_late(created.ref)
    late = await counter.gateway.fetch(created.ref)
    assert (late.state, late.captured, late.error) == ("succeeded", created.amount, None)


async def test_a_payment_that_is_with_the_bank_is_open(counter: RazorpayCounter) -> None:
    created = await counter.gateway.create(order())
    await counter.peer.fail(created.ref)
    await counter.peer.begin(created.ref)
    under_way = await counter.gateway.fetch(created.ref)
    assert (under_way.state, under_way.error) == ("requires_action", None)


async def test_what_is_authorised_beside_a_captured_payment_is_neither_captured_nor_counted(
    counter: RazorpayCounter,
) -> None:
    """Razorpay sends it back itself; its refund is not one of captured money."""
    created = await counter.gateway.create(order())
    await counter.peer.fail(created.ref)
    await counter.peer.pay(created.ref)
    await counter.peer.authorize_late(created.ref)
    seen = await counter.gateway.fetch(created.ref)
    assert (seen.captured, seen.capturable, seen.refunds) == (created.amount, 0, [])
    assert (await capture(counter, created)).captured == created.amount
    assert posted(counter, "/capture") == []


async def test_razorpays_own_refund_of_what_nobody_captured_is_not_a_refund(counter: RazorpayCounter) -> None:
    counter.peer.capture = "manual"
    created = await counter.gateway.create(order())
    await counter.peer.pay(created.ref)
    await counter.peer.lapse(created.ref)
    seen = await counter.gateway.fetch(created.ref)
    assert (seen.state, seen.captured, seen.capturable, seen.refunds) == ("requires_payment_method", 0, 0, [])
    with pytest.raises(GatewayRefused):
        await refund(counter, created.ref, 500)


async def test_two_authorised_payments_are_captured_once(counter: RazorpayCounter) -> None:
    """Her first try and her second one are both authorised before we look."""
    counter.peer.capture = "manual"
    created = await counter.gateway.create(order())
    await counter.peer.pay(created.ref)
    async with counter.bank.work() as work:
        assert isinstance(work, RazorpayWork)
        intent = work.get(Intent, created.ref)
        tries = work.tries(intent)
        second = msgspec.structs.replace(
            tries[0], id=tries[0].id.replace("_1", "_2"), created_at=tries[0].created_at + 9
        )
        work.keep(intent, [*tries, second])
    waiting = await counter.gateway.fetch(created.ref)
    assert (waiting.capturable, waiting.charge_ref) == (created.amount, tries[0].id)
    assert (await capture(counter, created)).captured == created.amount
    assert (await capture(counter, created)).captured == created.amount
    assert posted(counter, "/capture") == [{"amount": created.amount, "currency": "INR"}]


async def test_a_capture_that_the_accounts_own_setting_was_quicker_with_is_no_refusal(counter: RazorpayCounter) -> None:
    counter.peer.capture = "manual"
    created = await counter.gateway.create(order())
    await counter.peer.pay(created.ref)
    passing = counter.client

    async def slower(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            async with counter.bank.work() as work:
                work.capture(work.get(Intent, created.ref), created.amount)
        return await passing.send(
            httpx.Request(request.method, request.url, headers=request.headers, content=request.content)
        )

    gateway = counter.gateway_over(httpx.AsyncClient(transport=httpx.MockTransport(slower)))
    taken = await gateway.capture(ref=created.ref, amount=created.amount, currency="INR", request_key="capture:1")
    assert taken.captured == created.amount


@pytest.mark.parametrize("fault", ["drop_after", "error_after"])
async def test_a_capture_for_another_amount_is_refused(counter: RazorpayCounter, fault: str) -> None:
    counter.peer.capture = "manual"
    created = await counter.gateway.create(order())
    await counter.peer.pay(created.ref)
    with pytest.raises(GatewayRefused):
        await counter.gateway.capture(ref=created.ref, amount=created.amount - 1, currency="INR", request_key="c:1")
    setattr(counter.faults, fault, 1)
    with pytest.raises(GatewayUnknown):
        await capture(counter, created)
    assert (await capture(counter, created)).captured == created.amount


ORDER = {"id": "order_1", "amount": 1000, "currency": "INR", "status": "attempted", "created_at": 1_790_000_000}


def with_payments(*payments: tuple[str, bool, str]) -> Any:
    """A wire on which an order has these payments: (status, captured, currency), oldest first."""
    made = [
        {"id": f"pay_{n}", "amount": 1000, "currency": currency, "status": status, "captured": captured, "created_at": 1_790_000_000 + n}
        for n, (status, captured, currency) in enumerate(payments)
    ]  # fmt: skip

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/payments"):
            return httpx.Response(200, json={"entity": "collection", "items": made[::-1]})
        return httpx.Response(200, json=ORDER if "/orders/" in request.url.path else {"items": []})

    return answer


@pytest.mark.parametrize(
    ("payments", "state", "captured"),
    [
        ([], "requires_payment_method", 0),
        ([("failed", False, "INR")], "requires_payment_method", 0),
        ([("refunded", False, "INR")], "requires_payment_method", 0),
        ([("refunded", True, "INR")], "succeeded", 1000),
        ([("awaiting_the_moon", False, "INR")], "requires_payment_method", 0),
        ([("failed", False, "INR"), ("created", False, "INR")], "requires_action", 0),
        ([("authorized", False, "INR"), ("failed", False, "INR")], "authorized", 0),
        ([("captured", True, "INR"), ("authorized", False, "INR")], "succeeded", 1000),
        (
            [("captured", True, "INR"), ("captured", True, "INR")],
            "succeeded",
            2000,
        ),  # extra money is never kept silently
    ],
)
async def test_only_what_is_captured_is_ours(
    counter: RazorpayCounter, payments: list[tuple[str, bool, str]], state: str, captured: int
) -> None:
    seen = await counter.gateway_told(with_payments(*payments)).fetch("order_1")
    assert (seen.state, seen.captured) == (state, captured)


@pytest.mark.parametrize("status", ["captured", "authorized"])
async def test_a_payment_in_another_currency_is_not_believed(counter: RazorpayCounter, status: str) -> None:
    with pytest.raises(GatewayUnknown):
        await counter.gateway_told(with_payments((status, status == "captured", "USD"))).fetch("order_1")


# -- refunds and disputes ----------------------------------------------------------------------------------------------


async def test_a_refund_goes_to_the_payment_that_was_captured(counter: RazorpayCounter) -> None:
    created = await counter.gateway.create(order())
    await counter.peer.fail(created.ref)
    said = await counter.peer.pay(created.ref)
    refund_id = uuid4()
    await refund(counter, created.ref, 500, refund_id)
    paths = [each.path for each in counter.peer.requests if each.path.endswith("/refund")]
    assert paths == [f"/v1/payments/{said['razorpay_payment_id']}/refund"]
    (sent,) = posted(counter, "/refund")
    assert sent == {"amount": 500, "speed": "normal", "notes": {"refund_id": str(refund_id)}, "receipt": refund_id.hex}


class TwiceCaptured:
    """An order of which two payments of 1000 were captured, as an account does that captures by itself; and the refunds of each."""

    def __init__(self) -> None:
        self.refunds: dict[str, list[dict[str, object]]] = {"pay_0": [], "pay_1": []}
        self.loses = 0
        self._order = with_payments(("captured", True, "INR"), ("captured", True, "INR"))

    def __call__(self, request: httpx.Request) -> httpx.Response:
        _, about, id_, *_rest = request.url.path.removeprefix("/v1").split("/")
        if about != "payments":
            return self._order(request)
        made = self.refunds[id_]
        if request.method == "GET":
            return httpx.Response(200, json={"items": made})
        new = json.loads(request.content)
        if sum(int(str(each["amount"])) for each in made if each["status"] != "failed") + new["amount"] > 1000:
            description = "The total refund amount is greater than the refund payment amount"
            return httpx.Response(400, json={"error": {"code": "BAD_REQUEST_ERROR", "description": description}})
        made.append({"id": f"rfnd_{id_}_{len(made)}", "currency": "INR", "status": "processed", **new})
        if self.loses:
            self.loses -= 1
            raise httpx.ReadError("lost", request=request)
        return httpx.Response(200, json=made[-1])


async def test_what_was_captured_twice_of_an_order_can_go_back_twice(counter: RazorpayCounter) -> None:
    """The second could never: every refund was asked of the payment that had gone back already."""
    wire = TwiceCaptured()
    gateway = counter.gateway_told(wire)

    async def back(amount: int, refund_id: UUID) -> None:
        made = await gateway.refund(
            ref="order_1", refund_id=refund_id, amount=amount, currency="INR", request_key=f"refund:{refund_id}"
        )
        assert (made.refund_id, made.amount, made.state) == (refund_id, amount, "succeeded")

    def moved() -> dict[str, list[object]]:
        return {payment: [each["amount"] for each in made] for payment, made in wire.refunds.items()}

    await back(400, uuid4())
    await back(700, uuid4())
    await back(600, uuid4())
    assert moved() == {"pay_0": [400, 600], "pay_1": [700]}
    lost = uuid4()
    wire.loses = 1
    with pytest.raises(GatewayUnknown):
        await back(300, lost)
    wire.refunds["pay_0"][0]["status"] = "failed"  # there is room again where it was not asked for
    await back(300, lost)
    assert moved() == {"pay_0": [400, 600], "pay_1": [700, 300]}
    with pytest.raises(GatewayRefused):
        await back(500, uuid4())
    await back(400, uuid4())
    assert moved() == {"pay_0": [400, 600, 400], "pay_1": [700, 300]}, "what failed may be sent again"


@pytest.mark.parametrize("taken", [1, 2])
def test_a_refund_moves_on_but_never_back(taken: int) -> None:
    payments = [orders.Payment(f"pay_{n}", 1000, "INR", "captured", n, captured=True) for n in range(taken)]
    none: list[list[orders.Refund]] = [[] for _ in payments]
    assert orders.to_refund(payments, none, 1000) is payments[0]
    for status in ("pending", "processed", "failed"):
        spent = [[orders.Refund("rfnd_1", 400, "INR", status)], *none[1:]]
        assert orders.to_refund(payments, spent, 1000) is payments[-1]
        assert orders.to_refund(payments, spent, 2000) is payments[0], "Razorpay says no"


async def test_a_refund_that_is_under_way_is_unknown_and_made_once(counter: RazorpayCounter) -> None:
    created = await counter.gateway.create(order())
    await counter.peer.pay(created.ref)
    counter.peer.refunds_under_way, refund_id = 1, uuid4()
    with pytest.raises(GatewayUnknown):
        await refund(counter, created.ref, 500, refund_id)
    assert (await refund(counter, created.ref, 500, refund_id)).state == "succeeded"
    assert len((await counter.gateway.fetch(created.ref)).refunds) == 1


async def test_a_refund_whose_first_answer_is_lost_while_its_words_change_is_one_refund(
    counter: RazorpayCounter,
) -> None:
    """The first request was still on its way when the second one looked: "this key was used with another body" means that it was done."""
    created = await counter.gateway.create(order())
    await counter.peer.pay(created.ref)
    refund_id, looks = uuid4(), [0]

    async def overtaken(request: httpx.Request) -> httpx.Response:
        looks[0] += request.url.path.endswith("/refunds")
        if request.url.path.endswith("/refunds") and looks[0] == 1:
            await refund(counter, created.ref, 500, refund_id)
            return httpx.Response(200, json={"items": []})
        copy = httpx.Request(request.method, request.url, headers=request.headers, content=request.content)
        return await counter.client.send(copy)

    gateway = counter.gateway_over(httpx.AsyncClient(transport=httpx.MockTransport(overtaken)))
    made = await gateway.refund(
        ref=created.ref, refund_id=refund_id, amount=900, currency="INR", request_key=f"refund:{refund_id}"
    )
    assert (made.amount, made.refund_id) == (500, refund_id)


async def test_more_refunds_than_razorpay_lists_at_once_are_all_seen(counter: RazorpayCounter) -> None:
    created = await counter.gateway.create(order())
    await counter.peer.pay(created.ref)
    async with counter.bank.work() as work:
        for _ in range(120):
            work.refund(work.get(Intent, created.ref), 100, {})
    assert len((await counter.gateway.fetch(created.ref)).refunds) == 120


async def test_a_dispute_takes_money_when_it_is_lost_and_not_before(counter: RazorpayCounter) -> None:
    other = await counter.gateway.create(order())
    created = await counter.gateway.create(order())
    for ref in (other.ref, created.ref):
        await counter.peer.pay(ref)
    async with counter.bank.work() as work:
        work.dispute(work.get(Intent, other.ref))
        asked = work.dispute(work.get(Intent, created.ref), inquiry=True).id

    async def now() -> tuple[str, list[int]]:
        [dispute] = (await counter.gateway.fetch(created.ref)).disputes
        assert (dispute.amount, dispute.currency, dispute.reason) == (created.amount, "INR", "fraudulent")
        assert dispute.evidence_due_at is not None and dispute.evidence_due_at > counter.clock.now()
        return dispute.state, [each.amount for each in dispute.movements]

    assert await now() == ("inquiry", [])
    for step, state in (("escalate", "needs_response"), ("respond", "under_review")):
        async with counter.bank.work() as work:
            getattr(work, step)(work.get(Dispute, asked))
        assert await now() == (state, [])
    async with counter.bank.work() as work:
        work.decide(work.get(Dispute, asked), won=False)
    assert await now() == ("lost", [created.amount])


@pytest.mark.parametrize(
    ("status", "phase", "state"),
    [
        ("open", "chargeback", "needs_response"),
        ("open", "pre_arbitration", "needs_response"),
        ("under_review", "arbitration", "under_review"),
        ("won", "chargeback", "won"),
        ("closed", "chargeback", "won"),
        ("open", "retrieval", "inquiry"),
        ("under_review", "fraud", "inquiry"),
        ("closed", "fraud", "inquiry_closed"),
        ("lost", "retrieval", "lost"),
        ("awaiting_the_moon", "chargeback", "under_review"),
    ],
)
async def test_how_a_dispute_stands(counter: RazorpayCounter, status: str, phase: str, state: str) -> None:
    told = {"id": "disp_1", "payment_id": "pay_0", "amount": 1000, "currency": "INR", "status": status, "phase": phase}
    of_another = told | {"id": "disp_2", "payment_id": "pay_9"}
    wire = with_payments(("captured", True, "INR"))

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/disputes"):
            return httpx.Response(200, json={"items": [told, of_another]})
        answered: httpx.Response = wire(request)
        return answered

    [dispute] = (await counter.gateway_told(answer).fetch("order_1")).disputes
    assert (dispute.ref, dispute.state) == ("disp_1", state)


# -- money -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "currency", "units"),
    [(1, "INR", 1), (295, "JPY", 295), (295_990, "KWD", 295_990), (70_000, "MGA", 70_000)],
)
def test_amounts_are_subunits_exactly(ours: int, currency: str, units: int) -> None:
    """R18."""
    assert to_razorpay(ours, currency) == units
    assert minor(units, currency) == ours


@pytest.mark.parametrize(("ours", "currency"), [(295_991, "KWD"), (500, "ISK"), (500, "KRW"), (1, "CLF"), (1, "XXQ")])
def test_amounts_that_razorpay_cannot_take_are_refused_and_not_rounded(ours: int, currency: str) -> None:
    with pytest.raises(ValueError):
        to_razorpay(ours, currency)


async def test_an_amount_that_cannot_be_asked_for_asks_nothing(counter: RazorpayCounter) -> None:
    with pytest.raises(GatewayRefused):
        await counter.gateway.create(order(amount=295_991, currency="KWD"))
    assert counter.peer.requests == []


# -- webhooks ----------------------------------------------------------------------------------------------------------


def read(counter: RazorpayCounter, headers: dict[str, str], body: bytes) -> Notice:
    return counter.gateway.read_notice(headers, body, counter.clock.unix())


def test_while_webhook_secrets_rotate_both_are_good(counter: RazorpayCounter) -> None:
    body = counter.notice_body()
    for secret in (SECRET, OLD_SECRET):
        assert read(counter, counter.signed(body, secret=secret), body).ref == "x_1"


def test_a_webhook_signed_with_the_keys_secret_is_refused(counter: RazorpayCounter) -> None:
    """W29: whoever has the key's secret has not the webhook's."""
    body = counter.notice_body()
    with pytest.raises(BadNotice):
        read(counter, counter.signed(body, secret="secret_peer"), body)


def test_without_a_webhook_secret_no_webhook_is_good(counter: RazorpayCounter) -> None:
    gateway = RazorpayGateway("rzp_test_peer", "secret_peer", ["", ""])
    body = counter.notice_body()
    assert not gateway.accepts_notices()
    with pytest.raises(BadNotice):
        gateway.read_notice(counter.signed(body, secret=""), body, 0)


@pytest.mark.parametrize("id_", [None, "", "evt 1", "evt/1", "ü", "e" * 65, "sha256:" + "0" * 64])
def test_an_event_id_that_is_none_is_made_of_the_body(counter: RazorpayCounter, id_: str | None) -> None:
    body = counter.notice_body()
    headers = counter.signed(body)
    headers = (
        headers | {"x-razorpay-event-id": id_} if id_ is not None else {"x-razorpay-signature": sign(SECRET, body)}
    )
    assert read(counter, headers, body).event_id == f"sha256:{hashlib.sha256(body).hexdigest()}"


def test_what_a_payer_writes_into_the_notes_of_her_payment_names_nothing(counter: RazorpayCounter) -> None:
    """Her browser opens Razorpay's window, and could name somebody else's payment there."""
    noted = {"id": "pay_1", "notes": {"transaction_id": str(UUID(int=7))}, "receipt": UUID(int=7).hex}
    event = {"entity": "event", "event": "payment.captured", "payload": {"payment": {"entity": noted}}}
    body = msgspec.json.encode(event)
    notice = read(counter, counter.signed(body), body)
    assert (notice.ref, notice.transaction_id) == (None, None)


async def test_every_webhook_of_razorpay_leads_to_the_order(counter: RazorpayCounter) -> None:
    ours = order()
    created = await counter.gateway.create(ours)
    await counter.peer.fail(created.ref)
    await counter.peer.pay(created.ref)
    await refund(counter, created.ref, 500)
    async with counter.bank.work() as work:
        work.decide(work.dispute(work.get(Intent, created.ref)), won=True)
    told = await counter.deliver()
    assert [notice.event_type for notice in told] == [
        "payment.failed", "payment.captured", "order.paid", "refund.created", "refund.processed",
        "payment.dispute.created", "payment.dispute.won",
    ]  # fmt: skip
    assert {notice.ref for notice in told} == {created.ref}
    assert [notice.transaction_id for notice in told if notice.transaction_id] == [ours.transaction_id]
    assert len({notice.event_id for notice in told}) == len(told)
    assert all(notice.gateway_at is not None and not notice.livemode for notice in told)


async def test_webhooks_of_razorpay_come_twice_or_never_when_asked_for(counter: RazorpayCounter) -> None:
    created = await counter.gateway.create(order())
    counter.faults.duplicate_webhooks = 1
    await counter.peer.fail(created.ref)
    assert len({notice.event_id for notice in await counter.deliver()}) == 1 and len(counter.notices) == 2
    counter.faults.lose_webhooks = 1
    await counter.peer.pay(created.ref)
    assert [notice.event_type for notice in await counter.deliver()] == ["order.paid"]


# -- the browser -------------------------------------------------------------------------------------------------------


async def test_what_the_window_hands_over_is_proven_for_our_order_and_no_other(counter: RazorpayCounter) -> None:
    small, big = await counter.gateway.create(order(amount=100)), await counter.gateway.create(order())
    said = await counter.peer.pay(small.ref)
    payment_id, signature = said["razorpay_payment_id"], said["razorpay_signature"]
    assert counter.gateway.proves_payment(small.ref, payment_id, signature)
    assert not counter.gateway.proves_payment(big.ref, payment_id, signature)
    by_webhook = sign(SECRET, f"{small.ref}|{payment_id}".encode())
    for bad in ("", "ü", "\ud800", signature[:-1], signature.upper(), by_webhook):
        assert not counter.gateway.proves_payment(small.ref, payment_id, bad)
    assert not counter.gateway.proves_payment(small.ref, "\ud800", signature)


def test_the_page_may_reach_razorpay_and_nobody_else_and_gets_no_secret(counter: RazorpayCounter) -> None:
    live = RazorpayGateway("rzp_live_a", "secret", ["w"], brand="JKLG Travel")
    widget = live.widget(ref="order_1", client_secret="order_1", amount=295_990, currency="KWD", return_url="/return")
    assert live.livemode and not counter.gateway.livemode
    assert widget.csp == {
        "script-src": ["https://checkout.razorpay.com"],
        "frame-src": ["https://api.razorpay.com", "https://checkout.razorpay.com"],
        "connect-src": ["https://api.razorpay.com", "https://lumberjack.razorpay.com"],
        "img-src": ["https://cdn.razorpay.com", "data:"],
    }
    assert (widget.data["js_url"], widget.data["units"], widget.data["order_id"]) == (JS, "295990", "order_1")
    assert "secret" not in widget.data.values() and "w" not in widget.data.values()


def test_our_id_is_read_from_text_only() -> None:
    assert uuid(UUID(int=7).hex) == UUID(int=7)
    assert [uuid(value) for value in (None, 7, "", "x", [UUID(int=7).hex])] == [None] * 5
