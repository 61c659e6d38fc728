"""A25: whoever asks us again and again makes us ask the gateway so often and no more. For everybody else nothing changes."""

from __future__ import annotations

import pytest

from tests.journeys.test_json_journey import Shop, shop  # noqa: F401  (a fixture)
from tests.payments.conftest import Street, street  # noqa: F401  (a fixture)
from tests.payments.test_keys_at_money_doors import asked, create
from tests.trade import add_departure

CREATE = "/api/payments/create-payment-intent"


@pytest.mark.parametrize("door", ["create", "look", "cancel", "pay", "return"])
async def test_fifty_in_a_moment_are_not_fifty_at_the_bank(shop: Shop, door: str) -> None:
    departure = await add_departure(shop.street.db)
    made, bens = await shop.book(departure), await shop.book(departure, customer_name="Ben Iyer")
    transaction = (await create(shop, made, None)).json()["transactionId"]
    opened = await shop.http.get(made["manage_url"])
    assert opened.status_code == 303
    body = {"bookingId": made["booking"]["id"]} if door == "create" else None
    method, path = {
        "create": ("POST", CREATE),
        "look": ("GET", f"/api/payments/{transaction}"),
        "cancel": ("POST", f"/api/payments/{transaction}/cancel"),
        "pay": ("GET", f"/bookings/{made['booking']['reference']}/pay"),
        "return": ("GET", f"/bookings/{made['booking']['reference']}/return?transaction={transaction}"),
    }[door]
    guest = {"X-Booking-Token": made["manage_token"]}
    calls = asked(shop.street)
    answers = [await shop.http.request(method, path, json=body, headers=guest) for _ in range(50)]
    told = [answer.status_code for answer in answers]
    assert told[:10] == [200] * 10 and set(told) == {200, 429}
    assert len(calls) <= told.count(200) + 2, "what is refused asks nobody; closing asks twice, the first time"
    refused = answers[told.index(429)]
    assert refused.headers["retry-after"] in ("1", "2")
    assert "/api/" not in path or refused.json()["code"] == "too_many_requests"
    assert (await create(shop, bens, None)).status_code == 200, "Ben's booking is another one"
    await shop.street.later(seconds=2)
    assert (await shop.http.request(method, path, json=body, headers=guest)).status_code == 200
