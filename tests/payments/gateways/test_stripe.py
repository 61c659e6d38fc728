"""What is Stripe's alone: its form, its saved errors, its units, its events. The peer refuses what Stripe refuses."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs
from uuid import uuid4

import httpx
import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from jklg.kit import money
from jklg.payments.gateways.contract import GatewayRefused, GatewayUnknown, KeptMethod
from jklg.payments.gateways.stripe import StripeGateway
from jklg.payments.gateways.stripe.amounts import from_stripe, to_stripe
from jklg.sandbox.things import Intent
from tests.payments.gateways.counters import SECRET, StripeCounter, order
from tests.peers.stripe import StripeWork
from tests.peers.stripe_params import BadParam, check, decode


@pytest.fixture
def counter() -> StripeCounter:
    return StripeCounter()


async def test_stripe_is_told_the_amount_our_ids_and_to_offer_what_suits_the_payer(counter: StripeCounter) -> None:
    ours = order()
    await counter.gateway.create(ours)
    (request,) = counter.peer.requests
    sent = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
    assert sent == {
        "amount": "4999980",
        "currency": "inr",
        "automatic_payment_methods[enabled]": "true",
        "description": ours.description,
        "metadata[transaction_id]": str(ours.transaction_id),
        "metadata[booking_id]": str(ours.booking_id),
        "metadata[booking_reference]": "K7MQ4Z",
        "receipt_email": "asha+gurez@example.com",
        "statement_descriptor_suffix": "K7MQ4Z",
    }
    assert request.headers["idempotency-key"] == ours.request_key
    assert request.headers["stripe-version"] == stripe.api_version
    assert not [name for name in request.headers if "telemetry" in name]


async def test_a_reference_without_a_letter_is_left_off_the_card_statement(counter: StripeCounter) -> None:
    await counter.gateway.create(order(booking_reference="234567", email=""))
    sent = parse_qs(counter.peer.requests[0].body.decode())
    assert "statement_descriptor_suffix" not in sent and "receipt_email" not in sent


async def a_kept_card(counter: StripeCounter) -> KeptMethod:
    made = await counter.gateway.create(order(keep=uuid4()))
    await counter.act(made, "pay")
    kept = (await counter.gateway.fetch(made.ref)).kept
    assert kept is not None
    return kept


async def test_a_kept_card_is_charged_with_a_page_to_come_back_to(counter: StripeCounter) -> None:
    """Stripe does not confirm what might send the payer elsewhere without one, though nobody is there to be sent. So it was: every balance
    was refused, and the traveller read that her bank had done it."""
    charged = await counter.gateway.create(order(charge=await a_kept_card(counter)))
    assert charged.state == "succeeded" and charged.captured == charged.amount
    sent = parse_qs(counter.peer.requests[-1].body.decode())
    assert sent["return_url"] == ["https://shop.example/bookings/K7MQ4Z/return"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"return_url": None}, "you must provide a `return_url`"),
        ({"return_url": "bookings"}, "Not a valid URL"),
        ({"confirm": None, "off_session": None, "payment_method": None}, "return_url goes with confirm=true"),
        ({"payment_method": None}, "missing a payment method"),
        ({"payment_method": "pm_none"}, "No such PaymentMethod"),
        ({"customer": None}, "belongs to another Customer"),
        ({"return_url": None, "automatic_payment_methods[allow_redirects]": "never"}, None),
    ],
)
async def test_the_peer_refuses_a_charge_as_stripe_does_and_makes_nothing(
    counter: StripeCounter, change: dict[str, str | None], why: str | None
) -> None:
    kept = await a_kept_card(counter)
    form: dict[str, str | None] = {
        "amount": "5000", "currency": "inr", "automatic_payment_methods[enabled]": "true", "customer": kept.customer_ref,
        "payment_method": kept.method_ref, "off_session": "true", "confirm": "true", "return_url": "https://shop.example/",
    }  # fmt: skip
    headers = {
        "Authorization": "Bearer sk_test_peer", "Stripe-Version": stripe.api_version, "Idempotency-Key": "key_1",
    }  # fmt: skip
    sent = {name: value for name, value in (form | change).items() if value is not None}
    answer = await counter.client.post("http://peer/v1/payment_intents", data=sent, headers=headers)
    assert len(await counter.attempts()) == (2 if why is None else 1)
    assert answer.status_code == 200 if why is None else why in answer.json()["error"]["message"]


async def test_an_error_that_stripe_repeats_under_our_key_is_looked_up_instead(counter: StripeCounter) -> None:
    counter.peer.remembers_errors = True
    counter.faults.error_after = 1
    ours = order()
    with pytest.raises(GatewayUnknown):
        await counter.gateway.create(ours)
    found = await counter.gateway.create(ours)  # the same 500 again, this time marked as a replay
    assert found.transaction_id == ours.transaction_id
    assert len(await counter.attempts()) == 1


async def test_a_repeated_error_behind_which_there_is_nothing_stays_unknown(counter: StripeCounter) -> None:
    counter.peer.remembers_errors = True
    counter.faults.error_before = 1
    ours = order()
    for _ in range(2):
        with pytest.raises(GatewayUnknown):
            await counter.gateway.create(ours)
    assert await counter.attempts() == []


async def test_nothing_is_sent_twice_behind_our_back(counter: StripeCounter) -> None:
    counter.faults.error_before = 5
    with pytest.raises(GatewayUnknown):
        await counter.gateway.create(order())
    assert len(counter.peer.requests) == 1


async def test_a_payment_brings_its_charge_its_receipt_and_how_it_was_paid(counter: StripeCounter) -> None:
    created = await counter.gateway.create(order())
    await counter.act(created, "pay")
    snapshot = await counter.gateway.fetch(created.ref)
    assert snapshot.charge_ref == created.ref.replace("pi_", "ch_")
    assert snapshot.payment_method == "card"
    assert snapshot.receipt_url == f"http://stripe.peer/receipts/{created.ref}"


async def test_more_refunds_than_fit_on_a_page_are_all_seen(counter: StripeCounter) -> None:
    created = await counter.gateway.create(order(amount=10_000))
    await counter.act(created, "pay")
    async with counter.bank.work() as work:
        for n in range(120):
            work.refund(work.get(Intent, created.ref), 1, {"n": str(n)})
    assert len((await counter.gateway.fetch(created.ref)).refunds) == 120


@pytest.mark.parametrize("how", ["closed", "lapsed"])
async def test_an_authorisation_that_was_given_back_is_no_refund(counter: StripeCounter, how: str) -> None:
    """Stripe lists one, succeeded, on the charge that was never captured."""
    gateway = counter.gateway_that_waits()
    attempt = await gateway.create(order())
    await counter.act(attempt, "pay")
    if how == "closed":
        await gateway.cancel(attempt.ref, "cancel:1")
    else:
        await counter.peer.lapse(attempt.ref)
    now = await gateway.fetch(attempt.ref)
    assert (now.state, now.captured, list(now.refunds)) == ("canceled", 0, [])


@pytest.mark.parametrize("refunds", [1, 12])
@pytest.mark.parametrize("pending", [False, True])
async def test_what_was_not_taken_of_an_authorisation_is_no_refund_and_what_was_sent_back_is(
    counter: StripeCounter, refunds: int, pending: bool
) -> None:
    gateway = counter.gateway_that_waits()
    attempt = await gateway.create(order())
    await counter.act(attempt, "pay")
    async with counter.peer.bank.work() as work:
        assert isinstance(work, StripeWork)
        work.capture_part(work.get(Intent, attempt.ref), 50_000)
    counter.faults.refund_pending = refunds if pending else 0
    for number in range(refunds):
        await gateway.refund(
            ref=attempt.ref, refund_id=uuid4(), amount=100, currency="INR", request_key=f"refund:{number}"
        )
    now = await gateway.fetch(attempt.ref)
    state = "pending" if pending else "succeeded"
    assert (now.captured, [(each.amount, each.state) for each in now.refunds]) == (50_000, [(100, state)] * refunds)


@pytest.mark.parametrize(
    ("key", "live"), [("sk_test_1", False), ("rk_test_1", False), ("sk_live_1", True), ("rk_live_1", True)]
)
def test_the_key_says_whether_money_is_real(key: str, live: bool) -> None:
    assert StripeGateway(key, "pk", ["whsec"]).livemode is live


def test_stripes_own_signatures_are_accepted(counter: StripeCounter) -> None:
    body, now = counter.notice_body(), counter.clock.unix()
    header = stripe.WebhookSignature.generate_signature_header(body.decode(), SECRET, now)
    assert counter.gateway.read_notice({"stripe-signature": header}, body, now).event_id == "evt_1"


@pytest.mark.parametrize(
    ("type_", "thing", "ref"),
    [
        ("payment_intent.succeeded", {"object": "payment_intent", "id": "pi_1"}, "pi_1"),
        ("charge.refunded", {"object": "charge", "id": "ch_1", "payment_intent": "pi_1"}, "pi_1"),
        ("charge.updated", {"object": "charge", "id": "ch_1", "payment_intent": {"id": "pi_1"}}, "pi_1"),
        ("charge.succeeded", {"object": "charge", "id": "ch_1", "payment_intent": None}, None),
        ("refund.failed", {"object": "refund", "id": "re_1", "payment_intent": "pi_1"}, "pi_1"),
        ("charge.refund.updated", {"object": "refund", "id": "re_1", "payment_intent": "pi_1"}, "pi_1"),
        ("charge.dispute.closed", {"object": "dispute", "id": "dp_1", "payment_intent": "pi_1"}, "pi_1"),
        (
            "radar.early_fraud_warning.created",
            {"object": "radar.early_fraud_warning", "id": "issfr_1", "payment_intent": "pi_1"},
            "pi_1",
        ),
        (
            "review.opened",
            {"object": "review", "id": "prv_1", "charge": {"id": "ch_1"}, "payment_intent": None},
            "ch_1",
        ),
        ("payout.paid", {"object": "payout", "id": "po_1"}, None),
        ("customer.created", {"object": "customer", "id": "cus_1"}, None),
    ],
)
def test_which_payment_an_event_speaks_of(
    counter: StripeCounter, type_: str, thing: dict[str, object], ref: str | None
) -> None:
    body = counter.notice_body(type=type_, data={"object": thing})
    assert counter.gateway.read_notice(counter.signed(body), body, counter.clock.unix()).ref == ref


def test_an_event_of_another_account_is_none_of_our_business(counter: StripeCounter) -> None:
    body = counter.notice_body(account="acct_other")
    notice = counter.gateway.read_notice(counter.signed(body), body, counter.clock.unix())
    assert (notice.ref, notice.transaction_id) == (None, None)


def test_without_a_secret_no_notice_is_accepted(counter: StripeCounter) -> None:
    assert StripeGateway("sk_test_1", "pk", [""]).accepts_notices() is False
    assert counter.gateway.accepts_notices() is True


def test_the_page_may_load_stripe_and_only_stripe() -> None:
    widget = StripeGateway("sk_test_1", "pk_test_1", ["whsec"]).widget(
        ref="pi_1", client_secret="pi_1_secret", amount=1, currency="INR", return_url="https://shop.example/back"
    )
    assert widget.csp == {
        "script-src": ["https://js.stripe.com", "https://*.js.stripe.com"],
        "frame-src": ["https://js.stripe.com", "https://*.js.stripe.com", "https://hooks.stripe.com"],
        "connect-src": ["https://api.stripe.com"],
    }


# -- amounts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("minor", "currency", "units"),
    [
        (2_999, "USD", 2_999),
        (295, "JPY", 295),
        (295_990, "KWD", 295_990),
        (5, "ISK", 500),
        (5, "UGX", 500),
        (500, "MGA", 5),
        (12_345, "HUF", 12_345),
        (12_345, "TWD", 12_345),
        (700, "IDR", 700),
    ],
)
def test_an_amount_in_stripes_units(minor: int, currency: str, units: int) -> None:
    assert to_stripe(minor, currency) == units
    assert from_stripe(units, currency) == minor


@pytest.mark.parametrize(
    ("minor", "currency"), [(295_991, "KWD"), (550, "MGA"), (100, "IQD"), (100, "CLF"), (100, "XXX"), (100, "")]
)
async def test_what_stripe_cannot_take_is_refused_before_it_is_asked(
    counter: StripeCounter, minor: int, currency: str
) -> None:
    with pytest.raises(GatewayRefused) as refusal:
        await counter.gateway.create(order(amount=minor, currency=currency))
    assert refusal.value.code == "amount_not_possible"
    assert counter.peer.requests == []


@given(minor=st.integers(1, money.MAX_MINOR), currency=st.sampled_from(sorted(money.CURRENCIES)))
def test_no_amount_is_ever_rounded(minor: int, currency: str) -> None:
    try:
        units = to_stripe(minor, currency)
    except ValueError:
        return
    assert from_stripe(units, currency) == minor


# -- the peer itself: a stand-in that forgives proves nothing ----------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ("currency=inr", "parameter_missing"),
        ("amount=100", "parameter_missing"),
        ("amount=1.5&currency=inr", "parameter_invalid_integer"),
        ("amount=-1&currency=inr", "parameter_invalid_integer"),
        ("amount=100&currency=inr&colour=red", "parameter_unknown"),
        ("amount=100&currency=inr&automatic_payment_methods[on]=true", "parameter_unknown"),
        ("amount=100&currency=inr&automatic_payment_methods[enabled]=yes", "parameter_invalid"),
        ("amount=100&currency=inr&capture_method=sometimes", "parameter_invalid"),
        ("amount=100&currency=inr&payment_method_types[0]=card", "parameter_unknown"),
        ("amount=100&currency=inr&idempotency_key=x", "parameter_unknown"),
        ("amount=100&amount=200&currency=inr", "parameter_invalid"),
    ],
)
def test_the_peer_refuses_what_the_published_types_refuse(form: str, code: str) -> None:
    with pytest.raises(BadParam) as bad:
        check(decode(form), stripe.params.PaymentIntentCreateParams)
    assert bad.value.code == code


async def test_the_peer_wants_a_key_a_version_and_a_form(counter: StripeCounter) -> None:
    good = {
        "authorization": "Bearer sk_test_peer",
        "stripe-version": stripe.api_version,
        "content-type": "application/x-www-form-urlencoded",
        "idempotency-key": "k",
    }
    body = "amount=100&currency=inr&automatic_payment_methods[enabled]=true"
    for missing, status in (
        ("authorization", 401),
        ("stripe-version", 400),
        ("content-type", 400),
        ("idempotency-key", 400),
    ):
        headers = {name: value for name, value in good.items() if name != missing}
        answer = await counter.client.post("http://peer/v1/payment_intents", content=body, headers=headers)
        assert answer.status_code == status
    assert (await counter.client.post("http://peer/v1/payment_intents", content=body, headers=good)).status_code == 200
    gone = body + "&payment_method_types[0]=card"
    answer = await counter.client.post(
        "http://peer/v1/payment_intents", content=gone, headers=good | {"idempotency-key": "l"}
    )
    assert answer.json()["error"]["code"] == "payment_method_types_no_longer_supported"


async def test_the_payers_cards_do_what_stripe_prints_beside_them(counter: StripeCounter) -> None:
    declined = await counter.gateway.create(order())
    answer = await counter.peer.confirm(declined.client_secret or "", "4000000000009995")
    assert answer["error"]["decline_code"] == "insufficient_funds"
    asked = await counter.gateway.create(order())
    await counter.peer.confirm(asked.client_secret or "", "4000008400001629")
    assert "error" in await counter.peer.authenticate(asked.client_secret or "", approve=True)
    disputed = await counter.gateway.create(order())
    await counter.peer.confirm(disputed.client_secret or "", "4000000000000259")
    assert "charge.dispute.created" in [n.event_type for n in await counter.deliver(timedelta())]
    wrong = await counter.peer.confirm(declined.client_secret or "", "1234")
    assert wrong["error"]["code"] == "incorrect_number"


async def test_a_browser_pays_over_the_peers_own_door(counter: StripeCounter) -> None:
    created = await counter.gateway.create(order())
    body = {"key": "pk_test_peer", "client_secret": created.client_secret, "card": "4242424242424242"}
    answer: httpx.Response = await counter.client.post("http://peer/_browser/confirm", json=body)
    assert answer.json()["paymentIntent"]["status"] == "succeeded"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert (await counter.client.get("http://peer/stripe.js")).text.count("window.Stripe")
