"""An Idempotency-Key at the doors where money moves: one effect, and the first answer again (payments.md 1.5; A06, A07, A09, A10)."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.backoffice.test_today import Office, office, sell  # noqa: F401  (a fixture)
from tests.bookings.test_bookings_of_a_customer import Town, town  # noqa: F401  (a fixture)
from tests.journeys.test_json_journey import Shop, shop  # noqa: F401  (a fixture)
from tests.payments.conftest import Street, street  # noqa: F401  (a fixture)
from tests.trade import add_departure

CREATE = "/api/payments/create-payment-intent"
REFUND = "/api/payments/refund"
KEY = "asha-pays-once"


def asked(street: Street) -> list[str]:
    """What the bank is asked from here on."""
    calls: list[str] = []

    async def note(request: httpx.Request) -> None:
        calls.append(f"{request.method} {request.url.path}")

    street.house.gateways["sandbox"]._client.event_hooks["request"].append(note)  # type: ignore[attr-defined]
    return calls


async def post(shop: Shop, path: str, made: Any, key: str | None = KEY, **body: Any) -> httpx.Response:
    """As the guest who holds the booking's token."""
    headers = {"X-Booking-Token": made["manage_token"]} | ({"Idempotency-Key": key} if key is not None else {})
    return await shop.http.post(path, json=body or None, headers=headers)


async def create(shop: Shop, made: Any, key: str | None = KEY, **more: Any) -> httpx.Response:
    return await post(shop, CREATE, made, key, bookingId=made["booking"]["id"], **more)


def refused(answer: httpx.Response) -> tuple[int, str]:
    assert "idempotent-replayed" not in answer.headers
    return answer.status_code, answer.json()["code"]


def replayed(answer: httpx.Response, first: httpx.Response) -> bool:
    """The same again, and said to be so."""
    assert "idempotent-replayed" not in first.headers
    return (answer.status_code, answer.content, answer.headers.get("idempotent-replayed")) == (
        first.status_code,
        first.content,
        "true",
    )


async def test_the_first_answer_comes_again_byte_for_byte_and_the_bank_is_not_asked(shop: Shop) -> None:
    made = await shop.book(await add_departure(shop.street.db))
    first = await create(shop, made)
    assert first.status_code == 200
    calls = asked(shop.street)
    assert replayed(await create(shop, made), first)
    assert calls == []
    assert (await create(shop, made, None)).json() == first.json() and calls  # without a key she is asked about anew


async def test_a_key_is_for_one_request(shop: Shop) -> None:
    made = await shop.book(await add_departure(shop.street.db))
    first = await create(shop, made)
    assert refused(await create(shop, made, email="other@example.org")) == (422, "idempotency_key_reused")
    elsewhere = await post(shop, f"/api/payments/{first.json()['transactionId']}/cancel", made)
    assert refused(elsewhere) == (422, "idempotency_key_reused")
    assert [intent.status for intent in await shop.street.intents()] == ["requires_payment_method"]


@pytest.mark.parametrize(
    "key", ["", "short", "x" * 256, "x" * 300, "a key with spaces", "a-key-\x01-and-more", "a-key-é-and-more"]
)
async def test_a_key_that_is_none_is_refused_and_nothing_is_done(shop: Shop, key: str) -> None:
    made = await shop.book(await add_departure(shop.street.db))
    headers = {b"X-Booking-Token": made["manage_token"].encode(), b"Idempotency-Key": key.encode("latin-1")}
    answer = await shop.http.post(CREATE, json={"bookingId": made["booking"]["id"]}, headers=headers)  # type: ignore[arg-type]
    assert refused(answer) == (400, "idempotency_key_invalid")
    assert await shop.street.intents() == []


async def test_what_was_refused_may_be_corrected_under_the_same_key(shop: Shop) -> None:
    made = await shop.book(await add_departure(shop.street.db))
    assert refused(await create(shop, made, amount="100")) == (422, "wrong_type")
    assert refused(await create(shop, made, amount=1)) == (422, "amount_mismatch")
    assert (await create(shop, made)).status_code == 200


async def test_mallory_learns_nothing_from_ashas_key(shop: Shop) -> None:
    departure = await add_departure(shop.street.db)
    ashas, mallorys = await shop.book(departure), await shop.book(departure, customer_name="Mallory")
    first = await create(shop, ashas)
    theirs = await create(shop, mallorys)
    assert theirs.status_code == 200 and theirs.json()["paymentIntentId"] != first.json()["paymentIntentId"]
    stolen = await post(shop, CREATE, mallorys, bookingId=ashas["booking"]["id"])
    assert refused(stolen) == (404, "booking_not_found")
    nobodys = await post(shop, f"/api/payments/{first.json()['transactionId']}/cancel", mallorys)
    assert refused(nobodys) == (404, "transaction_not_found")


async def test_while_the_first_is_at_work_the_second_is_told_when_to_ask_again(shop: Shop) -> None:
    made = await shop.book(await add_departure(shop.street.db))
    asked_now, may_answer = asyncio.Event(), asyncio.Event()

    async def wait(_: httpx.Request) -> None:
        asked_now.set()
        await may_answer.wait()

    shop.street.house.gateways["sandbox"]._client.event_hooks["request"].append(wait)  # type: ignore[attr-defined]
    first = asyncio.create_task(create(shop, made))
    await asked_now.wait()
    second = await create(shop, made)
    assert refused(second) == (409, "idempotency_in_progress")
    assert second.headers["retry-after"] == "1"
    may_answer.set()
    assert (await first).status_code == 200
    assert replayed(await create(shop, made), await first)


async def test_what_nobody_knows_yet_is_not_kept(shop: Shop) -> None:
    made = await shop.book(await add_departure(shop.street.db))
    shop.street.faults.drop_after = 1
    first = await create(shop, made)
    assert (first.status_code, first.json()["status"]) == (202, "submitting")
    second = await create(shop, made)
    assert second.status_code == 200 and second.json()["transactionId"] == first.json()["transactionId"]
    assert replayed(await create(shop, made), second)


async def test_that_the_bank_said_no_is_the_outcome_and_opens_no_second_attempt(shop: Shop) -> None:
    made = await shop.book(await add_departure(shop.street.db))
    bank = httpx.MockTransport(
        lambda _: httpx.Response(422, json={"error": {"code": "amount_too_small", "message": "No."}})
    )
    shop.street.house.gateways["sandbox"]._client = httpx.AsyncClient(transport=bank)  # type: ignore[attr-defined]
    first = await create(shop, made)
    assert refused(first) == (422, "gateway_refused")
    assert replayed(await create(shop, made), first)
    assert await shop.street.one("SELECT count(*) FROM transactions") == 1


async def test_the_secret_of_the_payment_window_is_not_kept_with_the_answer(shop: Shop) -> None:
    made = await shop.book(await add_departure(shop.street.db))
    first = await create(shop, made)
    kept = await shop.street.one("SELECT string_agg(convert_from(body, 'UTF8'), '') FROM idempotency_keys")
    assert first.json()["transactionId"] in kept and first.json()["clientSecret"] not in kept
    await shop.street.pays(first.json()["paymentIntentId"])
    await shop.street.deliver()
    await shop.street.work()
    later = await create(shop, made)  # the payment has ended, and its secret is forgotten
    assert later.headers["idempotent-replayed"] == "true"
    assert later.json() == {**first.json(), "clientSecret": None}


async def test_a_payment_is_closed_once_for_a_key(shop: Shop) -> None:
    made = await shop.book(await add_departure(shop.street.db))
    path = f"/api/payments/{(await create(shop, made)).json()['transactionId']}/cancel"
    shop.street.faults.error_before = 1
    unknown = await post(shop, path, made, "asha-closes-it")
    assert unknown.json()["stillChecking"] is True
    closed = await post(shop, path, made, "asha-closes-it")
    assert closed.json()["transaction"]["state"] == "canceled"
    calls = asked(shop.street)
    assert replayed(await post(shop, path, made, "asha-closes-it"), closed) and calls == []


async def test_a_booking_is_given_up_once_for_a_key(shop: Shop) -> None:
    made = await shop.book(await add_departure(shop.street.db))
    path = f"/api/bookings/{made['booking']['id']}/cancel"
    gone = await post(shop, path, made, "asha-stays-home")
    assert gone.json()["booking"]["status"] == "cancelled"
    assert replayed(await post(shop, path, made, "asha-stays-home"), gone)
    assert refused(await post(shop, path, made, "another-key")) == (409, "booking_ended")


async def test_a_key_is_one_for_all_bookings_of_an_account(town: Town) -> None:
    asha = await town.people.join()
    departure = await add_departure(town.db)
    first, second = [(await town.book(departure, asha["token"]))["booking"]["id"] for _ in range(2)]
    ben = await town.people.join("ben@example.org")
    bens = (await town.book(departure, ben["token"]))["booking"]["id"]

    async def pay(booking: str, who: Any) -> httpx.Response:
        return await town.http("POST", CREATE, {"bookingId": booking}, who["token"], {"Idempotency-Key": KEY})

    opened = await pay(first, asha)
    assert opened.status_code == 200
    assert refused(await pay(second, asha)) == (422, "idempotency_key_reused")
    assert replayed(await pay(first, asha), opened)
    assert (await pay(bens, ben)).json()["paymentIntentId"] != opened.json()["paymentIntentId"]
    assert (await town.people.post("/logout", token=asha["token"])).status_code == 200
    assert refused(await pay(first, asha)) == (401, "not_signed_in")


async def test_money_is_sent_back_once_for_a_key(office: Office) -> None:
    reference = await sell(office)
    booking_id = await office.street.one("SELECT id::text FROM bookings WHERE reference = $1", reference)
    await office.sign_in("Manager")

    async def refund(amount: int, key: str = "chitra-refunds") -> httpx.Response:
        body = {"bookingId": booking_id, "amount": amount, "reason": "goodwill"}
        return await office.browser.post(REFUND, json=body, headers={"Idempotency-Key": key})

    first = await refund(700)
    assert first.json()["status"] == "completed"
    assert replayed(await refund(700), first)
    assert refused(await refund(701)) == (422, "idempotency_key_reused")
    assert refused(await refund(700, "x" * 300)) == (400, "idempotency_key_invalid")
    office.street.faults.only = "POST /v1/refunds"
    office.street.faults.drop_after = 1
    unknown = await refund(500, "chitra-refunds-more")
    assert unknown.json()["status"] == "pending"
    again = await refund(500, "chitra-refunds-more")
    assert "idempotent-replayed" not in again.headers and again.json()["refunds"] == unknown.json()["refunds"]
    await office.street.later(minutes=10)
    await office.street.work()
    told = await refund(500, "chitra-refunds-more")
    assert told.json() == {**unknown.json(), "status": "completed"}
    assert replayed(await refund(500, "chitra-refunds-more"), told)
    await office.sign_in("Admin")
    assert (await refund(700)).json()["refunds"] != first.json()["refunds"], "another person's key is another key"
    assert await office.street.one("SELECT sum(amount) FROM refunds") == 700 + 500 + 700


async def test_a_second_person_agrees_once_for_a_key(office: Office) -> None:
    from dataclasses import replace

    office.street.house.settings = replace(office.street.house.settings, refund_alone=(("INR", 1),))
    reference = await sell(office)
    booking_id = await office.street.one("SELECT id::text FROM bookings WHERE reference = $1", reference)
    await office.sign_in("Manager")
    asked_for = [
        (await office.browser.post(REFUND, json={"bookingId": booking_id, "amount": 700, "reason": "goodwill"})).json()
        for _ in range(2)
    ]
    assert [each["status"] for each in asked_for] == ["waiting", "waiting"]
    await office.sign_in("Admin")
    for request, status in zip(asked_for, ("completed", "pending"), strict=True):
        if status == "pending":
            office.street.faults.drop_after = 1
        path, headers = f"{REFUND}/{request['requestId']}/approve", {"Idempotency-Key": f"devi-agrees-{status}"}
        agreed = await office.browser.post(path, headers=headers)
        assert agreed.json()["status"] == status
        assert replayed(await office.browser.post(path, headers=headers), agreed), "what was decided is decided"
        assert refused(await office.browser.post(path)) == (409, "request_decided")


async def test_kept_answers_are_forgotten_with_the_person_they_name(shop: Shop) -> None:
    made = await shop.book(await add_departure(shop.street.db))
    assert (await create(shop, made)).json()["email"] == "asha@example.org"
    from jklg.web import idempotency

    async with shop.street.db.transaction() as conn:
        await idempotency.forget(conn, made["booking"]["id"])
    assert await shop.street.one("SELECT count(*) FROM idempotency_keys") == 0
