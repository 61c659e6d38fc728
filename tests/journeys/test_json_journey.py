"""Through the front door as a program would: from a list of packages to a seat sold, with the paths of the contract."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.front import front_of
from tests.payments.conftest import Street, street  # noqa: F401  (a fixture)
from tests.trade import ADULT, add_departure, add_extra, add_package, seats_taken

Json = dict[str, Any]


class Shop:
    """The JSON doors, and the bank behind them."""

    def __init__(self, street: Street, http: httpx.AsyncClient) -> None:
        self.street = street
        self.http = http

    async def book(self, departure: object, status: int = 201, **changes: Any) -> Json:
        body = {
            "departure_id": str(departure),
            "party": {"adult": 2},
            "customer_name": "Asha Rao",
            "customer_email": "asha@example.org",
            "customer_phone": "+91 98765 43210",
            **changes,
        }
        answer = await self.http.post("/api/bookings", json={k: v for k, v in body.items() if v is not None})
        assert answer.status_code == status, answer.text
        return dict(answer.json())


@pytest.fixture
async def shop(street: Street) -> AsyncIterator[Shop]:
    application = front_of(street.house)
    transport = httpx.ASGITransport(app=application, raise_app_exceptions=False)
    async with application.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://localhost:3000") as http:
        yield Shop(street, http)


async def test_a_program_buys_two_seats(shop: Shop) -> None:
    package_id = await add_package(shop.street.db)
    pony = await add_extra(shop.street.db, package_id)
    await add_departure(shop.street.db, package_id=package_id, extras={pony: (150_000, 3)})
    packages = (await shop.http.get("/api/packages")).json()
    assert [package["id"] for package in packages] == [str(package_id)]
    found = (await shop.http.get(f"/api/packages/{package_id}/departures")).json()["departures"]
    assert found[0]["seats_left"] == 8
    extras = [{"id": str(pony), "quantity": 1}]
    quote = await shop.http.post(
        "/api/quotes", json={"departure_id": found[0]["id"], "party": {"adult": 2}, "extras": extras}
    )
    assert quote.status_code == 201
    assert quote.json()["total"] == 2 * ADULT + 150_000 == sum(line["amount"] for line in quote.json()["lines"])
    made = await shop.book(found[0]["id"], quote_id=quote.json()["quote_id"], extras=extras)
    booking, token = made["booking"], made["manage_token"]
    assert (booking["status"], booking["payment_status"], booking["amount_due"]) == (
        "held",
        "Pending",
        quote.json()["total"],
    )
    intent = await shop.http.post(
        "/api/payments/create-payment-intent",
        json={"bookingId": booking["id"], "bookingToken": token, "amount": booking["amount_due"], "currency": "inr", "email": "x", "name": "y", "customerId": "z"},
    )  # fmt: skip
    assert intent.status_code == 200, intent.text
    assert intent.json()["status"] == "requires_payment_method"
    assert intent.json()["amount"] == booking["amount_due"]
    assert intent.json()["clientSecret"]
    await shop.street.pays(intent.json()["paymentIntentId"])
    for headers, body in await shop.street.notices():
        answer = await shop.http.post("/api/payments/webhooks/sandbox", content=body, headers=headers)
        assert (answer.status_code, answer.json()) == (200, {"received": True})
    await shop.street.work()
    guest = {"X-Booking-Token": token}
    state = (await shop.http.get(f"/api/payments/booking/{booking['id']}", headers=guest)).json()
    assert (state["paymentStatus"], state["amountDue"], state["amountPaid"]) == ("Paid", 0, booking["amount_due"])
    assert state["transaction"]["status"] == "completed"
    seen = (await shop.http.get(f"/api/bookings/{booking['id']}", headers=guest)).json()["booking"]
    assert (seen["status"], seen["reference"]) == ("confirmed", booking["reference"])
    again = await shop.http.post(
        "/api/payments/create-payment-intent", json={"bookingId": booking["id"], "bookingToken": token}
    )
    assert (again.status_code, again.json()["code"]) == (409, "already_paid")


async def test_an_older_client_books_by_package_and_date(shop: Shop) -> None:
    package_id = await add_package(shop.street.db)
    departure_id = await add_departure(shop.street.db, package_id=package_id)
    found = (await shop.http.get(f"/api/packages/{package_id}/departures")).json()["departures"][0]
    made = await shop.book(
        None, departure_id=None, package_id=str(package_id), travel_date=found["starts_on"], party=None, number_of_guests=3, customer_id=str(departure_id),
    )  # fmt: skip
    assert made["success"] is True
    assert made["booking"]["seats"] == 3
    assert await seats_taken(shop.street.db, departure_id) == 3


async def test_one_key_makes_one_booking_however_often_it_is_sent(shop: Shop) -> None:
    departure_id = await add_departure(shop.street.db)
    body = {
        "departure_id": str(departure_id),
        "party": {"adult": 1},
        "customer_name": "Asha",
        "customer_email": "a@example.org",
        "customer_phone": "+91 98765 43210",
    }
    key = {"Idempotency-Key": "a-key-of-her-own"}
    answers = await asyncio.gather(*(shop.http.post("/api/bookings", json=body, headers=key) for _ in range(8)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    later = await shop.http.post("/api/bookings", json=body, headers=key)
    first = next(answer for answer in answers if answer.status_code == 201)
    assert later.content == first.content
    assert later.headers["Idempotent-Replayed"] == "true"
    assert await seats_taken(shop.street.db, departure_id) == 1
    other = await shop.http.post("/api/bookings", json={**body, "party": {"adult": 2}}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    short = await shop.http.post("/api/bookings", json=body, headers={"Idempotency-Key": "short"})
    assert (short.status_code, short.json()["code"]) == (400, "idempotency_key_invalid")


async def test_a_refused_request_may_be_corrected_under_the_same_key(shop: Shop) -> None:
    departure_id = await add_departure(shop.street.db)
    body = {
        "departure_id": str(departure_id),
        "party": {"adult": 1},
        "customer_name": "Asha",
        "customer_email": "nonsense",
        "customer_phone": "+91 98765 43210",
    }
    key = {"Idempotency-Key": "a-key-of-her-own"}
    assert (await shop.http.post("/api/bookings", json=body, headers=key)).status_code == 422
    right = await shop.http.post("/api/bookings", json={**body, "customer_email": "a@example.org"}, headers=key)
    assert right.status_code == 201


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"amount": 50}, 422, "unknown_field"),
        ({"party": {"adult": "2"}}, 422, "wrong_type"),
        ({"party": {"adult": 2.0}}, 422, "wrong_type"),
        ({"party": {"adult": True}}, 422, "wrong_type"),
        ({"party": {"adult": 10**30}}, 422, "wrong_type"),
        ({"party": {"adult": -1}}, 422, "wrong_type"),
        ({"party": {}}, 422, "party_invalid"),
        ({"departure_id": "1"}, 422, "wrong_type"),
        ({"departure_id": "00000000-0000-7000-8000-000000000000"}, 404, "departure_not_found"),
        ({"departure_id": None}, 422, "departure_missing"),
        ({"customer_email": "notanemail"}, 422, "email_invalid"),
        ({"customer_email": "a" * 5000}, 422, "wrong_type"),
        ({"customer_name": "nul\x00"}, 422, "invalid_character"),
        ({"travel_date": "garbage"}, 422, "wrong_type"),
        ({"quote_id": "00000000-0000-7000-8000-000000000000"}, 409, "quote_expired"),
        ({"extras": [{"id": "00000000-0000-7000-8000-000000000000", "quantity": 1}]}, 422, "extra_not_offered"),
        ({"party": {"adult": 9}}, 409, "sold_out"),
    ],
)
async def test_nonsense_gets_a_clear_no_and_takes_no_seat(shop: Shop, changes: Json, status: int, code: str) -> None:
    departure_id = await add_departure(shop.street.db)
    answer = await shop.book(departure_id, status, **changes)
    assert answer["code"] == code
    assert isinstance(answer["error"], str) and answer["error"]
    assert await seats_taken(shop.street.db, departure_id) == 0


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"1e999", b"{" * 100_000, b'{"a":' * 5000]
)
async def test_a_body_that_is_no_booking_is_a_4xx(shop: Shop, body: bytes) -> None:
    for path in ("/api/bookings", "/api/quotes", "/api/payments/create-payment-intent"):
        answer = await shop.http.post(path, content=body, headers={"Content-Type": "application/json"})
        assert 400 <= answer.status_code < 500, (path, answer.text)
        assert set(answer.json()) >= {"error", "code"}


async def test_another_persons_booking_answers_like_one_that_does_not_exist(shop: Shop) -> None:
    departure_id = await add_departure(shop.street.db)
    ashas, mallorys = await shop.book(departure_id), await shop.book(departure_id, customer_name="Mallory")
    nobodys = "00000000-0000-7000-8000-000000000000"
    token = {"X-Booking-Token": mallorys["manage_token"]}
    started = await shop.http.post(
        "/api/payments/create-payment-intent",
        json={"bookingId": ashas["booking"]["id"], "bookingToken": ashas["manage_token"]},
    )
    transaction = started.json()["transactionId"]
    for method, path in (
        ("GET", "/api/bookings/{}"),
        ("GET", "/api/bookings/{}/cancellation"),
        ("POST", "/api/bookings/{}/cancel"),
        ("GET", "/api/payments/booking/{}"),
        ("GET", "/api/payments/methods?bookingId={}"),
    ):
        theirs = await shop.http.request(method, path.format(ashas["booking"]["id"]), headers=token)
        none = await shop.http.request(method, path.format(nobodys), headers=token)
        garbage = await shop.http.request(method, path.format("1"))
        assert (theirs.status_code, theirs.json()) == (none.status_code, none.json()) == (404, garbage.json())
    for method, path in (("GET", "/api/payments/{}"), ("POST", "/api/payments/{}/cancel")):
        theirs = await shop.http.request(method, path.format(transaction), headers=token)
        none = await shop.http.request(method, path.format(nobodys), headers=token)
        assert (theirs.status_code, theirs.json()) == (none.status_code, none.json())
        assert theirs.json()["code"] == "transaction_not_found"
    stolen = await shop.http.post(
        "/api/payments/create-payment-intent",
        json={"bookingId": ashas["booking"]["id"], "bookingToken": mallorys["manage_token"]},
    )
    assert (stolen.status_code, stolen.json()["code"]) == (404, "booking_not_found")


async def test_the_query_string_of_the_return_page_is_not_believed(shop: Shop) -> None:
    made = await shop.book(await add_departure(shop.street.db))
    started = (
        await shop.http.post(
            "/api/payments/create-payment-intent",
            json={"bookingId": made["booking"]["id"], "bookingToken": made["manage_token"]},
        )
    ).json()
    looked = await shop.http.get(
        f"/api/payments/{started['transactionId']}?redirect_status=succeeded&status=completed",
        headers={"X-Booking-Token": made["manage_token"]},
    )
    assert looked.json()["bookingStatus"] == "held"
    assert looked.json()["transaction"]["status"] == "pending"


async def test_a_payment_whose_answer_is_lost_is_202_and_then_found(shop: Shop) -> None:
    made = await shop.book(await add_departure(shop.street.db))
    shop.street.faults.drop_after = 1
    wanted = {"bookingId": made["booking"]["id"], "bookingToken": made["manage_token"]}
    first = await shop.http.post("/api/payments/create-payment-intent", json=wanted)
    assert (first.status_code, first.json()["status"]) == (202, "submitting")
    second = await shop.http.post("/api/payments/create-payment-intent", json=wanted)
    assert second.status_code == 200
    assert second.json()["transactionId"] == first.json()["transactionId"]


async def test_the_client_cannot_name_the_amount(shop: Shop) -> None:
    made = await shop.book(await add_departure(shop.street.db))
    wanted = {"bookingId": made["booking"]["id"], "bookingToken": made["manage_token"]}
    for amount, currency in ((50, "inr"), (made["booking"]["amount_due"], "usd")):
        answer = await shop.http.post(
            "/api/payments/create-payment-intent", json={**wanted, "amount": amount, "currency": currency}
        )
        assert (answer.status_code, answer.json()["code"]) == (422, "amount_mismatch")
        assert answer.json()["details"]["payable"][0]["amount"] == made["booking"]["amount_due"]
    assert await shop.street.intents() == []


async def test_a_held_booking_is_given_up_through_the_api(shop: Shop) -> None:
    departure_id = await add_departure(shop.street.db)
    made = await shop.book(departure_id)
    guest = {"X-Booking-Token": made["manage_token"]}
    preview = await shop.http.get(f"/api/bookings/{made['booking']['id']}/cancellation", headers=guest)
    assert preview.json()["possible"] is True
    given_up = await shop.http.post(f"/api/bookings/{made['booking']['id']}/cancel", headers=guest)
    assert given_up.json()["booking"]["status"] == "cancelled"
    assert await seats_taken(shop.street.db, departure_id) == 0
    twice = await shop.http.post(f"/api/bookings/{made['booking']['id']}/cancel", headers=guest)
    assert (twice.status_code, twice.json()["code"]) == (409, "booking_ended")


async def test_the_webhook_door_takes_raw_bytes_and_nothing_else(shop: Shop) -> None:
    door = "/api/payments/webhooks/sandbox"
    assert (await shop.http.get(door)).status_code == 405
    huge = await shop.http.post(door, content=b"x" * (1024 * 1024 + 1))
    assert (huge.status_code, huge.json()["code"]) == (413, "too_large")
    forged = await shop.http.post(door, content=b"{}", headers={"Cookie": "a=b", "Origin": "https://evil.example"})
    assert (forged.status_code, forged.json()["code"]) == (400, "bad_signature")
    unset = await shop.http.post("/api/payments/process-webhook", content=b"{}")
    assert (unset.status_code, unset.json()["code"]) == (503, "webhooks_not_configured")
    unknown = await shop.http.post("/api/payments/webhooks/nobody", content=b"{}")
    assert unknown.status_code == 503


async def test_a_webhook_is_judged_on_its_bytes_whatever_its_content_type(shop: Shop) -> None:
    made = await shop.book(await add_departure(shop.street.db))
    await shop.http.post(
        "/api/payments/create-payment-intent",
        json={"bookingId": made["booking"]["id"], "bookingToken": made["manage_token"]},
    )
    for headers, body in await shop.street.notices():
        plain = await shop.http.post(
            "/api/payments/webhooks/sandbox", content=body, headers={**headers, "Content-Type": "text/plain"}
        )
        assert plain.status_code == 200


async def test_the_api_describes_itself(shop: Shop) -> None:
    schema = (await shop.http.get("/schema/openapi.json")).json()
    for path in (
        "/api/packages",
        "/api/quotes",
        "/api/bookings",
        "/api/bookings/{booking_id}",
        "/api/payments/create-payment-intent",
        "/api/payments/process-webhook",
    ):
        assert path in schema["paths"], path
    assert (await shop.http.get("/schema")).status_code == 200
