"""`POST /api/payments/refund` and its sisters, as a program of the agency's staff sees them: R01, R03, R04, R11, A14, A19."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from jklg import payments
from jklg.kit.errors import Conflict
from jklg.kit.ids import uuid7
from jklg.payments import aside, desk
from jklg.sandbox.things import Intent
from tests.backoffice.test_today import Office, office  # noqa: F401  (a fixture)
from tests.payments.conftest import Street, street  # noqa: F401  (a fixture)
from tests.payments.test_keys_at_money_doors import asked
from tests.trade import add_departure, hold

DOOR = "/api/payments/refund"


async def refund(office: Office, booking_id: object, amount: int | None = None, **more: Any) -> httpx.Response:
    body = {"bookingId": str(booking_id), "reason": "goodwill", **more} | ({"amount": amount} if amount else {})
    return await office.browser.post(DOOR, json=body)


def told(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code") or answer.json()["status"]


async def test_parts_go_back_and_one_more_than_is_left_does_not(office: Office) -> None:
    """R01: 422 while something is left, 404 when nothing is (contract.md 1; docs/decisions/36)."""
    await office.sign_in("Manager")
    held = await office.street.asha_holds()
    await office.street.asha_pays(held.id)
    calls = asked(office.street)
    third = held.total_price // 3
    last = held.total_price - 2 * third
    assert told(await refund(office, held.id, third)) == (200, "completed")
    assert told(await refund(office, held.id, third)) == (200, "completed")
    before = len(calls)
    assert told(await refund(office, held.id, last + 1)) == (422, "refund_exceeds_captured")
    assert len(calls) == before
    assert told(await refund(office, held.id, last)) == (200, "completed")
    before = len(calls)
    assert told(await refund(office, held.id, 1)) == (404, "nothing_paid")
    assert told(await refund(office, held.id)) == (404, "nothing_paid")
    assert len(calls) == before
    assert await office.street.one("SELECT sum(amount) FROM refunds") == held.total_price


async def test_no_more_goes_back_than_was_taken_of_what_was_set_aside(office: Office) -> None:
    """R03: 10 000 set aside, and at the bank itself somebody has taken 6 000 of it."""
    street = office.street
    await office.sign_in("Manager")
    held = await hold(street.db, await add_departure(street.db, prices={"adult": 5_000}))
    assert held.total_price == 10_000
    started = await street.start(held.id)
    async with street.bank.bank.work() as work:
        intent = work.get(Intent, started.transaction.ref or "")
        intent.capture = "manual"
        work.pay(intent, "play_card")
        assert (intent.status, intent.amount_capturable) == ("authorized", 10_000)
        intent.status, intent.amount_received, intent.amount_capturable = "succeeded", 6_000, 0
        work.put(intent)
    looked = await payments.settle(street.house, started.transaction.id, source="return")
    assert (looked.transaction.captured, looked.booking_status) == (6_000, "held"), "not what was asked for: kept apart"
    assert await street.balance("suspense:unapplied") == -6_000
    calls = asked(street)
    for more in (6_001, 10_000, 10_001):
        assert told(await refund(office, held.id, more)) == (422, "refund_exceeds_captured")
    assert calls == []
    assert told(await refund(office, held.id, 6_000)) == (200, "completed")
    assert told(await refund(office, held.id, 1)) == (404, "nothing_paid")
    assert await street.balance("gateway_clearing:sandbox") == 0


async def test_an_unpaid_or_open_payment_has_nothing_to_send_back(office: Office) -> None:
    """R04."""
    await office.sign_in("Manager")
    held = await office.street.asha_holds()
    assert told(await refund(office, held.id, 100)) == (404, "nothing_paid")
    transaction = (await office.street.start(held.id)).transaction.id
    calls = asked(office.street)
    assert told(await refund(office, held.id, 100)) == (404, "nothing_paid")
    assert told(await refund(office, held.id, 100, transactionId=str(transaction))) == (404, "nothing_paid")
    assert calls == []
    assert await office.street.one("SELECT count(*) FROM refunds") == 0


async def test_a_disputed_payment_is_answered_409_and_the_gateway_is_not_asked(office: Office) -> None:
    """R11."""
    await office.sign_in("Manager")
    held = await office.street.asha_holds()
    office.street.faults.dispute = 1
    await office.street.asha_pays(held.id)
    await office.street.deliver()
    await office.street.work()
    calls = asked(office.street)
    assert told(await refund(office, held.id, 100)) == (409, "disputed")
    assert calls == []


NO_AMOUNTS = {
    "0": (422, "amount_invalid"), "-1": (422, "amount_invalid"), "1.5": (422, "wrong_type"), '"100"': (422, "wrong_type"), "true": (422, "wrong_type"),
    "1e2": (422, "wrong_type"), "1e400": (422, "wrong_type"), "1" + "0" * 30: (422, "refund_exceeds_captured"), "[1]": (422, "wrong_type"),
    "{}": (422, "wrong_type"), "NaN": (400, "malformed_json"), "Infinity": (400, "malformed_json"), "": (400, "malformed_json"), "0x10": (400, "malformed_json"),
}  # fmt: skip
"""What is no amount, as written in the body. NaN is no JSON either: it cannot even be read."""


@pytest.mark.parametrize("amount", NO_AMOUNTS)
async def test_what_is_no_amount_is_refused_and_nobody_is_asked(office: Office, amount: str) -> None:
    """A14."""
    await office.sign_in("Manager")
    held = await office.street.asha_holds()
    await office.street.asha_pays(held.id)
    calls = asked(office.street)
    body = f'{{"bookingId": "{held.id}", "reason": "goodwill", "amount": {amount}}}'
    answer = await office.browser.post(DOOR, content=body, headers={"Content-Type": "application/json"})
    assert told(answer) == NO_AMOUNTS[amount]
    assert calls == []
    assert await office.street.one("SELECT count(*) FROM refunds") == 0


async def test_no_amount_at_all_means_everything_that_is_left(office: Office) -> None:
    """contract.md 1, against A14: `amount` absent = all that is refundable."""
    await office.sign_in("Manager")
    held = await office.street.asha_holds()
    await office.street.asha_pays(held.id)
    await refund(office, held.id, 100)
    answer = await refund(office, held.id)
    assert (told(answer), answer.json()["amount"]) == ((200, "completed"), held.total_price - 100)


@pytest.mark.parametrize("verb", ["approve", "refuse"])
async def test_who_decides_decides_about_what_was_asked_and_nothing_else(office: Office, verb: str) -> None:
    """A14 and A19 at the doors of the second person: no body changes the amount, no stranger, guide or asker decides."""
    office.street.house.settings = replace(office.street.house.settings, refund_alone=(("INR", 1),))
    held = await office.street.asha_holds()
    await office.street.asha_pays(held.id)
    await office.sign_in("Manager")
    request_id = (await refund(office, held.id, 700)).json()["requestId"]
    door = f"{DOOR}/{request_id}/{verb}"
    calls = asked(office.street)
    if verb == "approve":
        assert told(await office.browser.post(door)) == (403, "four_eyes")
    for role in ("Guide", "Support"):
        await office.sign_in(role)
        assert told(await office.browser.post(door)) == (403, "not_permitted")
    office.browser.cookies.clear()
    assert told(await office.browser.post(door)) == (401, "not_signed_in")
    assert calls == []
    await office.sign_in("Admin")
    for unknown in ("1", str(uuid4()), "x" * 300):
        assert told(await office.browser.post(f"{DOOR}/{unknown}/{verb}")) == (404, "request_not_found")
    done = await office.browser.post(door, json={"amount": held.total_price})
    assert (told(done), done.json()["amount"]) == ((200, {"approve": "completed", "refuse": "refused"}[verb]), 700)
    assert await office.street.one("SELECT coalesce(sum(amount), 0) FROM refunds") == (700 if verb == "approve" else 0)
    assert told(await office.browser.post(door)) == (409, "request_decided")
    assert calls.count("POST /v1/refunds") == (verb == "approve")


@pytest.mark.parametrize("where", ["same-site", "cross-site"])
async def test_a_refund_is_neither_asked_for_nor_agreed_to_by_a_page_of_somebody_else(
    office: Office, where: str
) -> None:
    """Mallory has a page on a sibling host. Browsers send Strict cookies along from there, and her form wants no answer."""
    office.street.house.settings = replace(office.street.house.settings, refund_alone=(("INR", 1),))
    held = await office.street.asha_holds()
    await office.street.asha_pays(held.id)
    await office.sign_in("Manager")
    waiting = (await refund(office, held.id, 700)).json()["requestId"]
    await office.sign_in("Admin")
    calls = asked(office.street)
    older = {"Origin": "https://blog.agency.example"}
    for lie in ({"Sec-Fetch-Site": where}, {"Sec-Fetch-Site": where, **older}, older):
        for door in (DOOR, f"{DOOR}/{waiting}/approve", f"{DOOR}/{waiting}/refuse"):
            body = {"bookingId": str(held.id), "reason": "mine", "amount": 1}
            assert told(await office.browser.post(door, json=body, headers=lie)) == (403, "cross_site"), (door, lie)
    assert calls == [] and await office.street.one("SELECT count(*) FROM refunds") == 0
    assert await office.street.one("SELECT array_agg(reason) FROM refund_requests") == ["goodwill"]
    ours = {"Sec-Fetch-Site": "same-origin"}
    assert told(await office.browser.post(f"{DOOR}/{waiting}/approve", headers=ours)) == (200, "completed")


async def test_everything_staff_do_about_money_leaves_a_row_with_who_and_what(office: Office) -> None:
    """A19."""
    office.street.house.settings = replace(office.street.house.settings, refund_alone=(("INR", 1),))
    held = await office.street.asha_holds()
    await office.street.asha_pays(held.id)
    await office.sign_in("Manager")
    chitra = await office.street.one("SELECT id FROM staff WHERE role = 'Manager'")
    first, second = [(await refund(office, held.id, 700)).json()["requestId"] for _ in range(2)]
    await office.sign_in("Admin")
    devi = await office.street.one("SELECT id FROM staff WHERE role = 'Admin'")
    assert (await office.browser.post(f"{DOOR}/{first}/approve")).status_code == 200
    assert (await office.browser.post(f"{DOOR}/{second}/refuse")).status_code == 200
    assert await rows(office, "refund.%") == [
        ("refund.asked", f"staff:{chitra}", {"request_id": first, "amount": 700, "needs_second": True, "reason": "goodwill"}),
        ("refund.asked", f"staff:{chitra}", {"request_id": second, "amount": 700, "needs_second": True, "reason": "goodwill"}),
        ("refund.approved", f"staff:{devi}", {"request_id": first, "amount": 700}),
        ("refund.refused", f"staff:{devi}", {"request_id": second, "amount": 700}),
    ]  # fmt: skip


async def test_what_staff_do_about_cash_webhooks_and_concerns_leaves_a_row_too(office: Office) -> None:
    """A19."""
    street, actor = office.street, f"staff:{UUID(int=1)}"
    held = await street.asha_holds()
    taken = await desk.record_payment(
        street.house, payment_id=uuid7(), booking_id=held.id, amount=held.total_price, method="cash", note="", actor=actor
    )  # fmt: skip
    sent = await desk.ask_refund(
        street.house, request_id=uuid7(), booking_id=held.id, amount=700, reason="goodwill", actor=actor
    )
    await desk.paid_out(street.house, sent.refund_ids[0], actor=actor)
    assert [row for row in await rows(office, "%") if row[0] in ("payment.recorded", "refund.paid_out")] == [
        ("payment.recorded", actor, {"transaction_id": str(taken.id), "amount": held.total_price, "method": "cash"}),
        ("refund.paid_out", actor, {"refund_id": str(sent.refund_ids[0]), "amount": 700}),
    ]
    other = await street.asha_holds()
    started = await street.start(other.id)
    await payments.report_difference(street.house, started.transaction.id, "capture_unknown", {})
    concern = await street.one("SELECT id FROM anomalies WHERE kind = 'capture_unknown'")
    await payments.take_on(street.db, concern, actor=actor)
    await payments.settle_concern(street.db, concern, actor=actor, note="asked by telephone")
    assert await rows(office, "concern.%") == [("concern.taken_on", actor, {}), ("concern.settled", actor, {})]
    await street.deliver()
    notice = await street.one("UPDATE webhook_inbox SET state = 'dead' RETURNING id")
    await aside.watch(street.house)
    dead = await street.one("SELECT id FROM anomalies WHERE kind = 'webhook_dead'")
    await aside.again(street.house, dead, actor=actor)
    with pytest.raises(Conflict):
        await aside.again(street.house, dead, actor=actor)
    assert [row[:2] for row in await rows(office, "concern.%")][2:] == [
        ("concern.tried_again", actor),
        ("concern.settled", actor),
    ], "the second time there is nothing to do"
    assert await street.one("SELECT state FROM webhook_inbox WHERE id = $1", notice) == "pending"


async def rows(office: Office, like: str) -> list[tuple[str, str, Any]]:
    """What staff did, by the history."""
    async with office.street.db.transaction() as conn:
        found = await conn.fetch(
            "SELECT action, actor, detail FROM history WHERE action LIKE $1 AND actor LIKE 'staff:%'"
            " AND action <> 'refund.reserved' ORDER BY id",
            like,
        )
    return [(row["action"], row["actor"], row["detail"]) for row in found]
