"""Every gateway lists the lines of our account with it in the same words, whatever it calls them. The peers refuse what the real ones refuse."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest

from jklg.payments.gateways.contract import GatewayRefused, Snapshot
from jklg.payments.gateways.movements import MoneyListing, Movement
from jklg.payments.gateways.paypal import movements as paypal
from jklg.payments.gateways.razorpay import movements as razorpay
from jklg.payments.gateways.stripe import movements as stripe
from jklg.sandbox import account
from jklg.sandbox.bank import DISPUTE_FEE
from jklg.sandbox.things import Dispute, Intent, Payout
from tests.payments.gateways.counters import COUNTERS, Counter, PayPalCounter, RazorpayCounter, StripeCounter, order

AMOUNT = 4_999_980


@pytest.fixture(params=COUNTERS)
def counter(request: pytest.FixtureRequest) -> Counter:
    found = COUNTERS[request.param]()
    found.bank.fee_per_mille = 20
    return found


async def pay(counter: Counter) -> Snapshot:
    created = await counter.gateway.create(order())
    await counter.act(created, "pay")
    return await counter.gateway.fetch(created.ref)


async def pay_out(counter: Counter) -> Payout:
    async with counter.bank.work() as work:
        return account.pay_out(work, "INR")


async def listed(counter: Counter, hours: int = 48) -> dict[str, Movement]:
    """By id; a line that is listed again with its payout counts once."""
    gateway = counter.gateway
    assert isinstance(gateway, MoneyListing)
    now = counter.clock.now()
    found: dict[str, Movement] = {}
    async for each in gateway.list_movements(now - timedelta(hours=hours), now + timedelta(hours=1)):
        before = found.get(each.ref)
        assert before is None or (before.gross, before.fee, before.kind) == (each.gross, each.fee, each.kind)
        found[each.ref] = each if before is None or each.payout_ref else before
    return found


def of(found: dict[str, Movement], kind: str) -> list[Movement]:
    return [each for each in found.values() if each.kind == kind]


async def test_a_payment_is_listed_with_its_fee_and_leads_to_the_attempt(counter: Counter) -> None:
    snapshot = await pay(counter)
    await pay_out(counter)  # Razorpay lists what is settled
    (capture,) = of(await listed(counter), "capture")
    assert (capture.gross, capture.fee, capture.net) == (AMOUNT, 99_999, 4_899_981)
    assert (capture.currency, capture.asked) == ("INR", None)
    assert snapshot.ref == capture.attempt_ref or snapshot.transaction_id == capture.transaction_id
    assert capture.happened_at.tzinfo is not None


async def test_what_a_payout_pays_adds_up_to_it_and_it_names_what_our_bank_will_write(counter: Counter) -> None:
    await pay(counter)
    paid = await pay(counter)
    await counter.gateway.refund(
        ref=paid.ref, refund_id=uuid4(), amount=1_000, currency="INR", request_key=f"refund:{uuid4()}"
    )
    made = await pay_out(counter)
    found = await listed(counter)
    (payout,) = of(found, "payout")
    assert (payout.gross, payout.fee, payout.currency) == (-made.amount, 0, "INR")
    assert payout.bank_ref == made.bank_ref
    parts = [each for each in found.values() if each is not payout]
    assert sum(each.net for each in parts) == made.amount
    if not isinstance(counter, PayPalCounter):  # which does not say what is in one
        assert {each.payout_ref for each in found.values()} == {payout.payout_ref}
        assert payout.arrives_on is not None
    (refund,) = of(found, "refund")
    assert (refund.gross, refund.fee) == (-1_000, 0)


async def test_all_lines_together_are_the_balance(counter: Counter) -> None:
    gateway = counter.gateway
    assert isinstance(gateway, MoneyListing)
    for number in range(3):
        paid = await pay(counter)
        if number == 1:
            async with counter.bank.work() as work:
                work.dispute(work.get(Intent, paid.ref))
                work.decide(work.all(Dispute)[0], won=False)
    await pay_out(counter)
    found = await listed(counter)
    async with counter.bank.work() as work:
        held = work.balance()["INR"]["available"]
    assert sum(each.net for each in found.values()) == held == 0
    told = await gateway.balances()
    assert told == (None if isinstance(counter, RazorpayCounter) else {"INR": held})
    fee = 0 if isinstance(counter, RazorpayCounter) else DISPUTE_FEE
    assert sum(each.net for each in of(found, "dispute")) == -AMOUNT - fee


async def test_a_payout_that_came_back_is_a_line_of_its_own(counter: Counter) -> None:
    await pay(counter)
    made = await pay_out(counter)
    async with counter.bank.work() as work:
        account.send_back(work, work.get(Payout, made.id))
    found = await listed(counter)
    if isinstance(counter, RazorpayCounter):  # a settlement that failed has moved nothing
        assert of(found, "payout") == []
        return
    (returned,) = of(found, "payout_returned")
    assert returned.net == made.amount


async def test_of_hundreds_of_lines_none_is_missed(counter: Counter) -> None:
    async with counter.bank.work() as work:
        for _ in range(250):
            intent = work.open_intent(1_000, "INR", "", "", "", {"custom_id": str(uuid4()), "invoice_id": str(uuid4())})
            work.pay(intent, "card")
    async with counter.bank.work() as work:
        account.pay_out(work, "INR")
    assert len(of(await listed(counter), "capture")) == 250


async def test_a_word_that_is_new_to_us_is_something_for_a_person() -> None:
    at = int(datetime.now(UTC).timestamp())
    line = {
        "id": "txn_1",
        "type": "climate_order_purchase",
        "amount": -500,
        "fee": 0,
        "currency": "inr",
        "created": at,
        "source": None,
    }
    counter = StripeCounter()
    gateway = counter.gateway_told(
        lambda _: httpx.Response(200, json={"object": "list", "data": [line], "has_more": False, "url": "/"})
    )
    assert isinstance(gateway, MoneyListing)
    found = [each async for each in gateway.list_movements(datetime.now(UTC) - timedelta(days=1), datetime.now(UTC))]
    assert [(each.kind, each.net, each.about) for each in found] == [("other", -500, None)]


async def test_stripe_tells_what_the_payer_was_asked_where_it_exchanged() -> None:
    at = int(datetime.now(UTC).timestamp())
    charge = {
        "id": "ch_1",
        "object": "charge",
        "amount": 100_000,
        "amount_captured": 100_000,
        "currency": "inr",
        "payment_intent": "pi_1",
    }
    fee = {
        "id": "txn_2",
        "type": "stripe_fee",
        "amount": -30,
        "fee": 0,
        "currency": "usd",
        "created": at,
        "source": None,
    }
    line = {
        "id": "txn_1",
        "type": "charge",
        "amount": 1_180,
        "fee": 40,
        "currency": "usd",
        "created": at,
        "source": charge,
    }
    gateway = StripeCounter().gateway_told(
        lambda _: httpx.Response(200, json={"object": "list", "data": [line, fee], "has_more": False, "url": "/"})
    )
    assert isinstance(gateway, MoneyListing)
    captured, charged = [
        each async for each in gateway.list_movements(datetime.now(UTC) - timedelta(days=1), datetime.now(UTC))
    ]
    assert (captured.net, captured.currency, captured.asked, captured.asked_currency) == (1_140, "USD", 100_000, "INR")
    assert (captured.attempt_ref, captured.about) == ("pi_1", "ch_1")
    assert (charged.kind, charged.gross, charged.fee) == ("fee", 0, 30)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("stripe", "/v1/balance_transactions?from=1"),
        ("stripe", "/v1/balance_transactions?expand[0]=data.source.customer"),
        ("stripe", "/v1/balance_transactions?limit=101"),
        ("stripe", "/v1/balance?currency=inr"),
        ("paypal", "/v1/reporting/transactions?start_date=2026-11-01T00:00:00Z&end_date=2026-12-31T00:00:00Z"),
        ("paypal", "/v1/reporting/transactions?start_date=2026-11-01T00:00:00Z&end_date=2026-11-02T00:00:00Z&limit=5"),
        ("paypal", "/v1/reporting/balances?currency=INR"),
        ("razorpay", "/v1/settlements/recon/combined?day=1"),
        ("razorpay", "/v1/settlements/recon/combined?year=2026&month=11&from=1"),
        ("razorpay", "/v1/settlements?year=2026"),
        ("sandbox", "/v1/movements?created_from=1"),
    ],
)
async def test_a_peer_refuses_parameters_that_the_real_one_does_not_take(name: str, path: str) -> None:
    counter = COUNTERS[name]()
    await counter.gateway.create(order())
    sent = [request.headers for request in getattr(counter.peer, "requests", [])]
    headers = {"authorization": sent[-1]["authorization"] if sent else "Bearer sandbox_key_peer"}
    if name == "stripe":
        headers["stripe-version"] = sent[-1]["stripe-version"]
    client: httpx.AsyncClient = counter.client  # type: ignore[attr-defined]
    answer = await client.get(f"http://peer{path}", headers=headers)
    assert answer.status_code == 400, answer.text


async def test_the_months_and_days_that_razorpay_is_asked_for_are_those_of_india() -> None:
    night = datetime(2026, 11, 30, 20, tzinfo=UTC)  # the first of December in India
    assert razorpay._days(night, night) == [{"year": "2026", "month": "12", "day": "01"}]
    assert razorpay._days(night - timedelta(days=40), night) == [
        {"year": "2026", "month": "10"}, {"year": "2026", "month": "11"}, {"year": "2026", "month": "12"},
    ]  # fmt: skip


@pytest.mark.parametrize("code", ["T1503", "T1105", "T1110", "T2101"])
async def test_what_paypal_holds_back_has_not_moved(code: str) -> None:
    info = {"transaction_id": "X1", "transaction_event_code": code, "transaction_status": "S",
            "transaction_initiation_date": "2026-11-23T10:00:00+0000", "transaction_amount": {"currency_code": "USD", "value": "-1.00"}}  # fmt: skip
    answer = {"transaction_details": [{"transaction_info": info}], "total_pages": 1}
    gateway = PayPalCounter().gateway_told(lambda _: httpx.Response(200, json=answer))
    assert isinstance(gateway, MoneyListing)
    assert [
        each async for each in gateway.list_movements(datetime.now(UTC) - timedelta(days=1), datetime.now(UTC))
    ] == []


async def test_a_payment_that_we_made_at_paypal_is_no_capture() -> None:
    """T00.. is a payment either way: Mallory with the password could send our money away."""
    info = paypal.Info(transaction_id="X1", transaction_event_code="T0000", transaction_initiation_date="2026-11-23T10:00:00+0000",
                       transaction_amount=paypal.Amount("USD", "-100.00"), fee_amount=paypal.Amount("USD", "-2.90"))  # fmt: skip
    assert (paypal._movement(info).kind, paypal._movement(info).net) == ("other", -10_290)


async def test_a_listing_for_a_payout_by_hand_is_refused_by_stripe_and_does_no_harm() -> None:
    at = int(datetime.now(UTC).timestamp())
    payout = {"id": "po_1", "object": "payout", "amount": 500, "currency": "inr", "arrival_date": at}
    line = {
        "id": "txn_1",
        "type": "payout",
        "amount": -500,
        "fee": 0,
        "currency": "inr",
        "created": at,
        "source": payout,
    }

    def answer(request: httpx.Request) -> httpx.Response:
        if "payout" in request.url.params:
            return httpx.Response(400, json=StripeCounter.error)
        return httpx.Response(200, json={"object": "list", "data": [line], "has_more": False, "url": "/"})

    gateway = StripeCounter().gateway_told(answer)
    assert isinstance(gateway, MoneyListing)
    found = [each async for each in gateway.list_movements(datetime.now(UTC) - timedelta(days=1), datetime.now(UTC))]
    assert [(each.kind, each.net, each.payout_ref) for each in found] == [("payout", -500, "po_1")]
    with pytest.raises(GatewayRefused):
        [each async for each in stripe._list(gateway._stripe, {"payout": "po_1"})]  # type: ignore[attr-defined]
