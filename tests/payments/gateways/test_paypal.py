"""What is PayPal's alone: tokens, orders that cannot be listed or cancelled, its money strings, and its signed webhooks (W27)."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from jklg.payments.gateways.contract import (
    BadNotice,
    GatewayRefused,
    GatewayUnknown,
    GatewayUnreachable,
    Notice,
    Snapshot,
)
from jklg.payments.gateways.paypal import PayPalGateway
from jklg.payments.gateways.paypal.amounts import from_paypal, to_paypal
from jklg.payments.gateways.paypal.calls import Calls
from jklg.payments.gateways.paypal.notices import Certificate, certificate_url
from tests.payments.gateways.counters import OLD_SECRET, SECRET, PayPalCounter, order
from tests.peers import paypal as peer
from tests.peers.paypal import certificate, identity, root

WINDOW = {"start_date": "2026-11-01T00:00:00Z", "end_date": "2026-11-02T00:00:00Z"}
LIVE, SANDBOX = "https://api-m.paypal.com", "https://api-m.sandbox.paypal.com"


@pytest.fixture
def counter() -> PayPalCounter:
    return PayPalCounter()


async def capture(counter: PayPalCounter, created: Snapshot, key: str = "capture:1") -> Snapshot:
    return await counter.gateway.capture(
        ref=created.ref, amount=created.amount, currency=created.currency, request_key=key
    )


# -- tokens ------------------------------------------------------------------------------------------------------------


async def test_twenty_calls_at_once_fetch_one_token(counter: PayPalCounter) -> None:
    await asyncio.gather(*(counter.gateway.create(order()) for _ in range(20)))
    assert len(counter.peer.tokens) == 1


async def test_a_token_is_renewed_before_it_runs_out(counter: PayPalCounter) -> None:
    ticks = [0.0]
    calls = Calls("client_peer", "secret_peer", "http://peer", counter.client, lambda: ticks[0])
    for moment, tokens in ((0, 1), (25_900, 1), (25_930, 2), (50_000, 2)):
        ticks[0] = moment
        await calls.get("/v1/reporting/transactions", dict, WINDOW)
        assert len(counter.peer.tokens) == tokens


async def test_a_token_that_was_withdrawn_is_replaced_once_and_the_call_made(counter: PayPalCounter) -> None:
    await counter.gateway.create(order())
    counter.peer.tokens.clear()
    await counter.gateway.create(order())
    assert len(await counter.attempts()) == 2


async def test_a_wrong_secret_proves_nothing_and_sends_nothing(counter: PayPalCounter) -> None:
    gateway = PayPalGateway("client_peer", "wrong", [SECRET], "http://peer", client=counter.client)
    with pytest.raises(GatewayUnreachable):
        await gateway.create(order())
    assert await counter.attempts() == []


# -- orders ------------------------------------------------------------------------------------------------------------


async def test_a_lost_order_is_got_back_by_the_same_key(counter: PayPalCounter) -> None:
    """X02: PayPal lists no orders; it answers a repetition with the order that it made."""
    ours = order()
    counter.faults.drop_after = 1
    with pytest.raises(GatewayUnknown):
        await counter.gateway.create(ours)
    assert await counter.gateway.find(ours) is None
    assert (await counter.gateway.create(ours)).transaction_id == ours.transaction_id
    assert len(await counter.attempts()) == 1


async def test_only_money_is_listed_and_found(counter: PayPalCounter) -> None:
    await counter.gateway.create(order())
    ours = order()
    paid = await counter.gateway.create(ours)
    await counter.act(paid, "pay")
    now = datetime.now(UTC)
    listed = counter.gateway.list_attempts(now - timedelta(days=80), now + timedelta(hours=1))
    assert [(each.ref, each.captured) async for each in listed] == [(paid.ref, paid.amount)]
    found = await counter.gateway.find(ours)
    assert found is not None and found.ref == paid.ref


async def test_what_another_shop_took_on_the_same_account_is_left_out_and_hides_nothing(counter: PayPalCounter) -> None:
    """One such line, and nothing was compared any more: PayPal shows no capture for it, or one of no order."""
    counter.peer.strangers = {"OLDSHOP1": False, "OLDSHOP2": True}
    ours = order()
    paid = await counter.gateway.create(ours)
    await counter.act(paid, "pay")
    now = datetime.now(UTC)
    listed = counter.gateway.list_attempts(now - timedelta(days=80), now + timedelta(hours=1))
    assert [each.ref async for each in listed] == [paid.ref]
    found = await counter.gateway.find(ours)
    assert found is not None and found.ref == paid.ref
    assert await counter.gateway.find(order()) is None


async def test_closing_an_order_is_our_never_capturing_it(counter: PayPalCounter) -> None:
    created = await counter.gateway.create(order())
    before = len([request for request in counter.peer.requests if request.method == "POST"])
    assert (await counter.gateway.cancel(created.ref, "cancel:1")).state == "canceled"
    assert len([request for request in counter.peer.requests if request.method == "POST"]) == before
    await counter.peer.approve(created.ref)
    late = await counter.gateway.fetch(created.ref)
    assert (late.captured, late.capturable) == (0, created.amount)


async def test_a_voided_order_is_cancelled_and_cannot_be_cancelled_again(counter: PayPalCounter) -> None:
    created = await counter.gateway.create(order())
    await counter.peer.void(created.ref)
    assert (await counter.gateway.fetch(created.ref)).state == "canceled"
    with pytest.raises(GatewayRefused):
        await counter.gateway.cancel(created.ref, "cancel:1")


async def test_a_declined_card_can_be_replaced(counter: PayPalCounter) -> None:
    created = await counter.gateway.create(order())
    await counter.peer.approve(created.ref, "declined")
    with pytest.raises(GatewayRefused) as refusal:
        await capture(counter, created)
    assert refusal.value.code == "INSTRUMENT_DECLINED" and "declined" in refusal.value.detail
    await counter.peer.approve(created.ref)
    assert (await capture(counter, created, "capture:2")).state == "succeeded"


async def test_a_pending_capture_is_under_way_and_arrives_later(counter: PayPalCounter) -> None:
    created = await counter.gateway.create(order())
    await counter.peer.approve(created.ref)
    counter.peer.pending_captures = 1
    assert (await capture(counter, created)).state == "processing"
    with pytest.raises(GatewayRefused):
        await counter.gateway.cancel(created.ref, "cancel:1")
    await counter.deliver(timedelta(seconds=6))
    assert (await counter.gateway.fetch(created.ref)).captured == created.amount


ORDER: dict[str, Any] = {
    "id": "O1",
    "status": "COMPLETED",
    "purchase_units": [{"amount": {"currency_code": "EUR", "value": "10.00"}, "custom_id": str(uuid4())}],
}


def with_captures(status: str, *captures: tuple[str, str, str]) -> dict[str, Any]:
    made = [
        {"id": f"C{n}", "status": word, "amount": {"currency_code": currency, "value": value}}
        for n, (word, value, currency) in enumerate(captures)
    ]
    unit = ORDER["purchase_units"][0] | {"payments": {"captures": made}}
    return ORDER | {"status": status, "purchase_units": [unit]}


@pytest.mark.parametrize(
    ("said", "state", "captured"),
    [
        (with_captures("COMPLETED", ("COMPLETED", "10.00", "EUR")), "succeeded", 1000),
        (with_captures("COMPLETED", ("REFUNDED", "10", "EUR")), "succeeded", 1000),
        (with_captures("COMPLETED", ("DECLINED", "10.00", "EUR")), "failed", 0),
        (with_captures("COMPLETED", ("FAILED", "10.00", "EUR")), "failed", 0),
        (with_captures("COMPLETED", ("PENDING", "10.00", "EUR")), "processing", 0),
        (with_captures("COMPLETED", ("AWAITING_THE_MOON", "10.00", "EUR")), "processing", 0),
        (with_captures("APPROVED", ("DECLINED", "10.00", "EUR")), "requires_action", 0),
        (with_captures("COMPLETED", ("DECLINED", "10.00", "EUR"), ("COMPLETED", "10.000", "EUR")), "succeeded", 1000),
        (ORDER, "processing", 0),
        (ORDER | {"status": "AWAITING_THE_MOON"}, "processing", 0),
    ],
)
async def test_the_captures_word_counts_and_not_only_the_orders(
    counter: PayPalCounter, said: dict[str, Any], state: str, captured: int
) -> None:
    gateway = counter.gateway_told(lambda request: httpx.Response(200, content=msgspec.json.encode(said)))
    seen = await gateway.fetch("O1")
    assert (seen.state, seen.captured) == (state, captured)


@pytest.mark.parametrize("value", ["10.001", "abc", "-1.00", "1e3", "", "."])
async def test_money_that_cannot_be_read_is_not_believed(counter: PayPalCounter, value: str) -> None:
    said = with_captures("COMPLETED", ("COMPLETED", value, "EUR"))
    gateway = counter.gateway_told(lambda request: httpx.Response(200, content=msgspec.json.encode(said)))
    with pytest.raises(GatewayUnknown):
        await gateway.fetch("O1")


async def test_a_capture_in_another_currency_is_not_believed(counter: PayPalCounter) -> None:
    said = with_captures("COMPLETED", ("COMPLETED", "10.00", "USD"))
    gateway = counter.gateway_told(lambda request: httpx.Response(200, content=msgspec.json.encode(said)))
    with pytest.raises(GatewayUnknown):
        await gateway.fetch("O1")


@pytest.mark.parametrize(
    ("minor", "currency", "value"),
    [(1, "EUR", "0.01"), (123_456, "USD", "1234.56"), (295, "JPY", "295"), (120_000, "HUF", "1200"), (500, "TWD", "5")],
)
def test_amounts_are_decimal_strings_exactly(minor: int, currency: str, value: str) -> None:
    assert to_paypal(minor, currency) == value
    assert from_paypal(value, currency) == minor


@pytest.mark.parametrize(("minor", "currency"), [(120_050, "HUF"), (1, "TWD"), (1000, "KWD"), (100, "ISK"), (1, "XXQ")])
def test_amounts_that_paypal_cannot_take_are_refused_and_not_rounded(minor: int, currency: str) -> None:
    with pytest.raises(ValueError):
        to_paypal(minor, currency)


def test_half_written_numbers_of_paypals_are_read() -> None:
    assert (from_paypal(".5", "EUR"), from_paypal("29.990", "EUR"), from_paypal("7", "EUR")) == (50, 2999, 700)


# -- webhooks ----------------------------------------------------------------------------------------------------------


def read(counter: PayPalCounter, headers: dict[str, str], body: bytes) -> Notice:
    return counter.gateway.read_notice(headers, body, counter.clock.unix())


def test_webhooks_of_paypal_are_good_for_every_configured_webhook_id(counter: PayPalCounter) -> None:
    body = counter.notice_body()
    for webhook_id in (SECRET, OLD_SECRET):
        assert read(counter, counter.signed(body, secret=webhook_id), body).ref == "x_1"


def test_webhooks_of_paypal_of_another_app_or_another_algorithm_are_refused(counter: PayPalCounter) -> None:
    """W27."""
    body = counter.notice_body()
    for headers in (
        counter.signed(body, secret="WH_OF_ANOTHER_APP"),
        counter.signed(body, secret="WEBHOOK_ID"),
        counter.signed(body) | {"paypal-auth-algo": "SHA1withRSA"},
        counter.signed(body) | {"paypal-transmission-id": "tx-2"},
        counter.signed(body) | {"paypal-transmission-time": counter.clock.now().isoformat()},
    ):
        with pytest.raises(BadNotice):
            read(counter, headers, body)
    with pytest.raises(BadNotice):
        read(counter, counter.signed(body), body.replace(b"CAP_1", b"CAP_2"))


@pytest.mark.parametrize(
    "missing", ["-transmission-id", "-transmission-time", "-transmission-sig", "-cert-url", "-auth-algo"]
)
@pytest.mark.parametrize("value", [None, "", "ü", "A" * 5000, "garbage"])
def test_webhooks_of_paypal_with_a_garbled_header_are_refused(
    counter: PayPalCounter, missing: str, value: str | None
) -> None:
    body = counter.notice_body()
    headers = counter.signed(body)
    del headers[f"paypal{missing}"]
    if value is not None:
        headers[f"paypal{missing}"] = value
    with pytest.raises(BadNotice):
        read(counter, headers, body)


@pytest.mark.parametrize(("days", "good"), [(-5, False), (-3, True), (0, True), (1, False)])
def test_webhooks_of_paypal_may_be_days_late_and_never_early(counter: PayPalCounter, days: int, good: bool) -> None:
    body = counter.notice_body()
    counter.clock.ahead = timedelta(days=10)  # the certificate is good then, too
    headers = counter.signed(body, at=counter.clock.unix() + days * 86_400)
    if good:
        assert read(counter, headers, body)
        return
    with pytest.raises(BadNotice):
        read(counter, headers, body)


HOSTILE = [
    "http://api-m.paypal.com/v1/notifications/certs/CERT-1",
    "https://api-m.paypal.com.evil.example/v1/notifications/certs/CERT-1",
    "https://evil.example/v1/notifications/certs/CERT-1",
    "https://api-m.paypal.com@evil.example/v1/notifications/certs/CERT-1",
    "https://api-m.paypal.com:8443/v1/notifications/certs/CERT-1",
    "https://api-m.paypal.com/v1/notifications/certs/../../elsewhere",
    "https://api-m.paypal.com/v1/notifications/certs/CERT-1?next=x",
    "https://api-m.paypal.com/v1/notifications/certs/CERT-1#x",
    "https://api-m.paypal.com\\@evil.example/v1/notifications/certs/CERT-1",
    "https://api-m.sandbox.paypal.com/v1/notifications/certs/CERT-1",
    "https://www.paypal.com/v1/notifications/certs/CERT-1",
    "file:///v1/notifications/certs/CERT-1",
    "https://[::1/v1/notifications/certs/CERT-1",
    "https://api-m.paypal.com/v1/notifications/certs/",
]


@pytest.mark.parametrize("url", HOSTILE)
async def test_a_certificate_is_fetched_from_paypal_and_nowhere_else(url: str) -> None:
    def nobody(request: httpx.Request) -> httpx.Response:
        raise AssertionError(f"{request.url} was asked")

    gateway = PayPalGateway("c", "s", ["W"], LIVE, client=httpx.AsyncClient(transport=httpx.MockTransport(nobody)))
    with pytest.raises(BadNotice):
        await gateway.prepare_notice({"paypal-cert-url": url}, 1_800_000_000)


def test_paypals_own_addresses_are_known() -> None:
    for base, host in ((LIVE, "api.paypal.com"), (LIVE, "api-m.paypal.com"), (SANDBOX, "api.sandbox.paypal.com")):
        url = f"https://{host}/v1/notifications/certs/CERT-360caa42-fca2a594"
        assert certificate_url({"paypal-cert-url": url}, base) == url


async def test_a_stranger_cannot_make_us_fetch_certificates_all_day() -> None:
    asked: list[str] = []

    def nothing(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(404)

    gateway = PayPalGateway("c", "s", ["W"], LIVE, client=httpx.AsyncClient(transport=httpx.MockTransport(nothing)))
    for number in range(20):
        with pytest.raises(GatewayUnknown):
            await gateway.prepare_notice(
                {"paypal-cert-url": f"{LIVE}/v1/notifications/certs/C{number}"}, 1_800_000_000 + number // 10
            )
    assert len(asked) == 1


async def test_a_certificate_is_fetched_once_and_kept(counter: PayPalCounter) -> None:
    gateway = counter.gateway_over(counter.client)
    body = counter.notice_body()
    headers = counter.signed(body)
    with pytest.raises(BadNotice):
        gateway.read_notice(headers, body, counter.clock.unix())
    for _ in range(3):
        await gateway.prepare_notice(headers, counter.clock.unix())
    assert gateway.read_notice(headers, body, counter.clock.unix()).ref == "x_1"
    assert len([request for request in counter.peer.requests if "/certs/" in request.path]) == 1


async def test_a_certificate_that_never_ends_is_not_read_to_its_end() -> None:
    endless = httpx.MockTransport(lambda request: httpx.Response(200, content=b"x" * 1_000_000))
    gateway = PayPalGateway("c", "s", ["W"], LIVE, client=httpx.AsyncClient(transport=endless))
    with pytest.raises(GatewayUnknown):
        await gateway.prepare_notice({"paypal-cert-url": f"{LIVE}/v1/notifications/certs/C"}, 1_800_000_000)


def test_somebody_we_trust_must_vouch_for_the_certificate_and_its_name_be_paypals() -> None:
    now, public = datetime.now(UTC), identity()[0].public_key()
    assert Certificate(identity()[1], [root()[1]], now)
    with pytest.raises(BadNotice):  # vouched for, of somebody else
        Certificate(certificate(public, "paypal.com.evil.example"), [root()[1]], now)
    with pytest.raises(BadNotice):  # PayPal's name, and nobody we trust vouches for it
        PayPalGateway("c", "s", ["W"], LIVE).keep_certificate("u", identity()[1], int(now.timestamp()))
    with pytest.raises(BadNotice):  # run out
        Certificate(
            certificate(public, "x.paypal.com", starts=timedelta(days=-9), lasts=timedelta(days=2)), [root()[1]], now
        )
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key()
    for pem in (b"", b"not a certificate", certificate(small, "x.paypal.com")):
        with pytest.raises(BadNotice):
            Certificate(pem, None, now)


def test_a_certificate_that_has_run_out_meanwhile_verifies_nothing(counter: PayPalCounter) -> None:
    counter.clock.ahead = timedelta(days=400)
    body = counter.notice_body()
    with pytest.raises(BadNotice):
        read(counter, counter.signed(body), body)


async def test_every_webhook_of_paypal_leads_to_the_attempt(counter: PayPalCounter) -> None:
    ours = order()
    created = await counter.gateway.create(ours)
    await counter.act(created, "pay")
    refund_id = uuid4()
    await counter.gateway.refund(
        ref=created.ref, refund_id=refund_id, amount=500, currency="INR", request_key=f"refund:{refund_id}"
    )
    told = await counter.deliver()
    kinds = ["CHECKOUT.ORDER.APPROVED", "PAYMENT.CAPTURE.COMPLETED", "PAYMENT.CAPTURE.REFUNDED"]
    assert [notice.event_type for notice in told] == kinds
    assert {notice.ref for notice in told} == {created.ref}
    assert [notice.transaction_id for notice in told] == [ours.transaction_id, ours.transaction_id, None]


async def test_a_dispute_leads_to_our_payment_and_blocks_its_refund(counter: PayPalCounter) -> None:
    counter.faults.dispute = 1
    ours = order()
    created = await counter.gateway.create(ours)
    await counter.act(created, "pay")
    told = await counter.deliver()
    assert [n.transaction_id for n in told if "DISPUTE" in n.event_type] == [ours.transaction_id]
    with pytest.raises(GatewayRefused):
        await counter.gateway.refund(
            ref=created.ref, refund_id=uuid4(), amount=1, currency="INR", request_key="refund:1"
        )


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("intent",), "SALE"), (("purchase_units",), []), (("purchase_units", 0, "amount", "value"), "1,00"), (("purchase_units", 0, "amount", "value"), 100),
        (("purchase_units", 0, "amount", "currency_code"), "RUPEE"), (("purchase_units", 0, "invoice_id"), "x" * 128),
        (("purchase_units", 0, "soft_descriptor"), "x" * 23), (("purchase_units", 0, "description"), ""),
        (("payment_source", "paypal", "experience_context", "user_action"), "PAY"), (("payment_source", "paypal", "experience_context", "return_url"), 1),
        (("payment_source", "paypal", "experience_context", "brand_name"), "x" * 128), (("unheard_of",), 1), (("application_context",), {}),
    ],
)  # fmt: skip
async def test_the_peer_refuses_what_paypals_published_schemas_refuse(
    counter: PayPalCounter, where: tuple[Any, ...], value: Any
) -> None:
    """And takes what the house sends: each of its requests passes the same check in every test here."""
    sent: list[bytes] = []

    async def overhear(request: httpx.Request) -> None:
        if request.url.path == "/v2/checkout/orders":
            sent.append(request.content)

    counter.client.event_hooks["request"].append(overhear)
    await counter.gateway.create(order())
    body = json.loads(sent[0])
    assert peer.read(sent[0], peer.OrderRequest).intent == "CAPTURE"
    place = body
    for step in where[:-1]:
        place = place[step]
    place[where[-1]] = value
    with pytest.raises(peer.PayPalError):
        peer.read(json.dumps(body).encode(), peer.OrderRequest)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"amount": {"currency_code": "INR"}}', b'{"amount": {"currency_code": "INR", "value": "1.0.0"}}',
                                  b'{"amount": {"currency_code": "INR", "value": "1.00"}, "note_to_payer": "%s"}' % (b"x" * 256), b"{}"])  # fmt: skip
def test_the_peer_wants_refunds_as_paypal_wants_them_and_always_with_an_amount(body: bytes) -> None:
    with pytest.raises(peer.PayPalError):
        peer.read(body, peer.RefundRequest)
