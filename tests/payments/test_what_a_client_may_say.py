"""A client names a booking and a way to pay, and nothing else that counts: A01, A03, A21, A23 (payments.md 4.3)."""

from __future__ import annotations

from typing import Any

import pytest

from jklg.payments.gateways.stripe import StripeGateway
from tests.journeys.test_json_journey import Shop, shop  # noqa: F401  (a fixture)
from tests.payments.conftest import Street, street  # noqa: F401  (a fixture)
from tests.payments.test_keys_at_money_doors import asked, create
from tests.trade import add_departure


@pytest.mark.parametrize(
    ("field", "value"),
    [("livemode", True), ("status", "completed"), ("state", "succeeded"), ("captured", 1), ("payment_method_types", ["card"]),
     ("capture_method", "automatic"), ("metadata", {}), ("transactionId", "x"), ("amountDue", 1), ("Amount", 1), ("gateway_ref", "pi_1")],
)  # fmt: skip
async def test_what_is_none_of_a_clients_business_is_refused(shop: Shop, field: str, value: Any) -> None:
    """A01."""
    made = await shop.book(await add_departure(shop.street.db))
    calls = asked(shop.street)
    answer = await create(shop, made, None, **{field: value})
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_field")
    assert answer.json()["details"] == {"field": field}
    assert calls == []


@pytest.mark.parametrize("amount", ["0", "-1", "1.5", '"100"', "true", "1e2", "NaN", "1" + "0" * 30, "[]"])
async def test_an_amount_that_is_not_the_one_due_is_refused_and_nobody_is_asked(shop: Shop, amount: str) -> None:
    """A01, A14: the number a client sends is compared, never used."""
    made = await shop.book(await add_departure(shop.street.db))
    calls = asked(shop.street)
    body = f'{{"bookingId": "{made["booking"]["id"]}", "bookingToken": "{made["manage_token"]}", "amount": {amount}}}'
    answer = await shop.http.post(
        "/api/payments/create-payment-intent", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in (400, 422), answer.text
    assert calls == []


async def test_what_the_gateway_is_asked_for_is_what_the_booking_owes(shop: Shop) -> None:
    """A01: also when the client is right about the number."""
    made = await shop.book(await add_departure(shop.street.db))
    tolerated = {"email": "mallory@example.org", "name": "Mallory", "customerId": "cus_1"}
    answer = await create(shop, made, None, amount=made["booking"]["amount_due"], currency="inr", **tolerated)
    (intent,) = await shop.street.intents()
    assert (intent.amount, intent.currency) == (made["booking"]["total_price"], "INR")
    assert answer.json()["email"] == "asha@example.org", "the booking's address, not the one that was sent"


async def test_only_what_is_configured_is_offered_and_taken(shop: Shop) -> None:
    """A23."""
    made = await shop.book(await add_departure(shop.street.db))
    guest = {"X-Booking-Token": made["manage_token"]}
    path = f"/api/payments/methods?bookingId={made['booking']['id']}"
    assert (await shop.http.get(path, headers=guest)).json() == {"methods": ["sandbox"]}
    for name in ("stripe", "paypal", "razorpay", "manual", "", "nobody"):
        calls = asked(shop.street)
        refused = await create(shop, made, None, gateway=name)
        if name:
            assert (refused.status_code, refused.json()["code"]) == (422, "gateway_not_offered"), name
            assert calls == []
    shop.street.house.gateways = {
        "stripe": StripeGateway("sk_test_peer", "pk_test_peer", ["whsec"], "http://stripe.peer"),
        **shop.street.house.gateways,
    }
    assert (await shop.http.get(path, headers=guest)).json() == {"methods": ["stripe", "sandbox"]}
    shop.street.house.gateways = {}
    assert (await shop.http.get(path, headers=guest)).json() == {"methods": []}
    nothing = await create(shop, made, None)
    assert (nothing.status_code, nothing.json()["code"]) == (422, "gateway_not_offered")
