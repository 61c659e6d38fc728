"""Stripe's early fraud warnings and reviews: a person is told on the booking what she can do, and no money moves by them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from jklg import bookings, payments
from jklg.kit.ids import uuid7
from jklg.payments import desk
from tests.payments.conftest import Street
from tests.payments.gateways.counters import StripeCounter
from tests.payments.gateways.stall import Stall, open_stall
from tests.payments.gateways.test_nothing_secret import pays

OPEN = "SELECT array_agg(kind ORDER BY kind) FROM anomalies WHERE resolved_at IS NULL"
OF_BOOKING = "SELECT booking_id FROM anomalies"


@pytest.fixture
async def stall(street: Street) -> AsyncIterator[Stall]:
    async with open_stall(street, "stripe") as opened:
        yield opened


async def asha_pays(stall: Stall) -> tuple[bookings.Held, str]:
    held = await stall.street.asha_holds()
    started = await stall.starts(held)
    await pays(stall, started["paymentIntentId"])
    await stall.hears()
    assert (await stall.street.booking(held.id)).status == "confirmed"
    return held, started["paymentIntentId"]


async def says(stall: Stall, event: str, type_: str, intent: str | None, **thing: object) -> None:
    """Stripe has such a thing, and tells of it; `thing` may differ from what is told."""
    counter = stall.counter
    assert isinstance(counter, StripeCounter)
    id_ = str(thing.get("id", "prv_1" if type_.startswith("review") else "issfr_1"))
    named: dict[str, object] = {"id": id_, "charge": (intent or "").replace("pi", "ch"), "payment_intent": intent}
    counter.peer.alarms[id_] = named | thing
    body = counter.notice_body(id=event, type=type_, data={"object": named})
    assert (await stall.rings(body, counter.signed(body))).status_code == 200
    await stall.street.work(rounds=1)


async def test_a_review_that_comes_before_we_know_of_the_payment_is_of_ours(stall: Stall) -> None:
    """Stripe's answer was lost, and what it tells first bears no id of ours: the money was parked as a stranger's, and its booking stayed unpaid."""
    held, counter = await stall.street.asha_holds(), stall.counter
    assert isinstance(counter, StripeCounter)
    counter.faults.only, counter.faults.drop_after = "POST /v1/payment_intents", 1
    started = await payments.start(stall.street.house, held.id, "stripe")
    assert started.transaction.ref is None
    (intent,) = await counter.attempts()
    await counter.peer.confirm(intent.client_secret)
    await says(stall, "evt_opened", "review.opened", intent.id, open=True, reason="rule")
    assert (await stall.street.booking(held.id)).status == "confirmed"
    assert await stall.street.one(OPEN) == ["payment_review"]
    assert await stall.street.one(OF_BOOKING) == held.id
    assert await stall.street.balance("suspense:unapplied") == 0
    assert await stall.street.balance("gateway_clearing:stripe") == held.total_price
    assert await stall.street.one("SELECT row(state, reason)::text FROM webhook_inbox") == "(done,)"
    await stall.hears()
    assert await stall.street.balance("gateway_clearing:stripe") == held.total_price


async def test_an_early_warning_stands_on_the_booking_until_the_money_is_back(stall: Stall) -> None:
    held, intent = await asha_pays(stall)
    books = await stall.street.one("SELECT count(*) FROM ledger_entries")
    created, updated = "radar.early_fraud_warning.created", "radar.early_fraud_warning.updated"
    for number in range(2):
        await says(stall, f"evt_{number}", created, intent, actionable=True, fraud_type="made_with_stolen_card")
    assert await stall.street.one(OPEN) == ["early_fraud_warning"]
    assert await stall.street.one(OF_BOOKING) == held.id
    assert await stall.street.one("SELECT count(*) FROM ledger_entries") == books
    asked = await desk.ask_refund(
        stall.street.house, request_id=uuid7(), booking_id=held.id, amount=held.total_price, reason="fraud", actor="staff:x"
    )  # fmt: skip
    assert asked.status == "completed"
    await says(stall, "evt_3", updated, intent, actionable=False, fraud_type="made_with_stolen_card")
    assert await stall.street.one(OPEN) is None


async def test_what_is_told_last_does_not_count_but_how_it_stands(stall: Stall) -> None:
    _, intent = await asha_pays(stall)
    await says(stall, "evt_closed", "review.closed", intent, open=False, reason="rule", closed_reason="approved")
    await says(stall, "evt_opened", "review.opened", intent, open=False, reason="rule", closed_reason="approved")
    assert await stall.street.one("SELECT count(*) FROM anomalies") == 0


async def test_a_review_stands_on_the_booking_until_it_is_decided(stall: Stall) -> None:
    held, intent = await asha_pays(stall)
    await says(stall, "evt_opened", "review.opened", intent, open=True, reason="rule")
    assert await stall.street.one(OPEN) == ["payment_review"]
    assert await stall.street.one(OF_BOOKING) == held.id
    await says(stall, "evt_closed", "review.closed", intent, open=False, reason="approved")
    assert await stall.street.one(OPEN) is None


async def test_one_review_that_is_decided_leaves_the_others_before_somebody(stall: Stall) -> None:
    _, intent = await asha_pays(stall)
    await says(stall, "evt_1", "review.opened", intent, open=True, reason="rule")
    await says(stall, "evt_2", "review.opened", intent, id="prv_2", open=True, reason="manual")
    await says(stall, "evt_3", "review.closed", intent, open=False, reason="approved")
    assert await stall.street.one("SELECT array_agg(detail ->> 'ref') FROM anomalies WHERE resolved_at IS NULL") == [
        "prv_2"
    ]


async def test_what_names_only_the_charge_finds_its_payment(stall: Stall) -> None:
    held, intent = await asha_pays(stall)
    charge = (await stall.counter.gateway.fetch(intent)).charge_ref
    await says(stall, "evt_1", "review.opened", None, open=True, reason="manual", charge=charge)
    assert await stall.street.one("SELECT count(*) FROM anomalies") == 0, "the event itself must name it"
    counter = stall.counter
    thing = {"id": "prv_1", "charge": charge, "payment_intent": None}
    body = counter.notice_body(id="evt_2", type="review.opened", data={"object": thing})
    assert (await stall.rings(body, counter.signed(body))).status_code == 200
    await stall.street.work(rounds=1)
    assert await stall.street.one(OF_BOOKING) == held.id


async def test_a_warning_that_stripe_does_not_know_any_more_tells_nobody(stall: Stall) -> None:
    held, intent = await asha_pays(stall)
    counter = stall.counter
    body = counter.notice_body(
        id="evt_1", type="review.opened", data={"object": {"id": "prv_gone", "payment_intent": intent}}
    )
    assert (await stall.rings(body, counter.signed(body))).status_code == 200
    await stall.street.work(rounds=1)
    assert await stall.street.one("SELECT state FROM webhook_inbox WHERE event_id = 'evt_1'") == "done"
    assert await stall.street.one("SELECT count(*) FROM anomalies") == 0
    async with stall.street.db.transaction() as conn:
        assert len(await payments.list_of_booking(conn, held.id)) == 1
