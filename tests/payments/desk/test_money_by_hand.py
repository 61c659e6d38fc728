"""Cash and transfers: written down once, never beside an open payment, and given back by hand."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from jklg import payments
from jklg.kit.errors import BadInput, Conflict
from jklg.kit.ids import uuid7
from jklg.payments import desk
from jklg.payments.gateways.contract import GatewayRefused
from jklg.payments.refunds import queries as refund_queries
from jklg.sandbox.bank import Intent
from tests.payments.conftest import Street
from tests.trade import TERMS

CHITRA = f"staff:{UUID(int=1)}"


async def takes_cash(
    street: Street, booking_id: UUID, amount: int, payment_id: UUID | None = None
) -> payments.Transaction:
    return await desk.record_payment(
        street.house,
        payment_id=payment_id or uuid7(),
        booking_id=booking_id,
        amount=amount,
        method="cash",
        note="at the counter",
        actor=CHITRA,
    )


async def test_cash_confirms_and_is_in_the_books_with_who_took_it(street: Street) -> None:
    held = await street.asha_holds()
    taken = await takes_cash(street, held.id, held.total_price)
    assert (taken.gateway, taken.payment_method, taken.status) == ("manual", "cash", "completed")
    booking = await street.booking(held.id)
    assert (booking.status, booking.payment_status) == ("confirmed", "Paid")
    assert await street.kept(held.id) == {
        "customer_deposits": -held.total_price,
        "gateway_clearing:manual": held.total_price,
    }
    assert await street.one("SELECT bool_and(changed_by = $1) FROM transaction_audit_logs", CHITRA)


async def test_cash_beside_an_open_payment_closes_it_first(street: Street) -> None:
    held = await street.asha_holds()
    started = await street.start(held.id)
    await takes_cash(street, held.id, held.total_price)
    assert [intent.status for intent in await street.intents()] == ["canceled"]
    async with street.db.transaction() as conn:
        closed = await payments.get(conn, started.transaction.id)
    assert closed is not None and closed.state == "canceled"


async def test_when_the_open_payment_has_succeeded_meanwhile_no_cash_is_taken(street: Street) -> None:
    held = await street.asha_holds()
    started = await street.start(held.id)
    await street.pays(started.transaction.ref or "")
    with pytest.raises(Conflict, match="already_paid"):
        await takes_cash(street, held.id, held.total_price)
    assert await street.one("SELECT count(*) FROM transactions WHERE gateway = 'manual'") == 0


async def test_when_it_cannot_be_closed_no_cash_is_taken(street: Street) -> None:
    held = await street.asha_holds()
    await street.start(held.id)
    street.faults.error_before = 50
    with pytest.raises(Conflict, match="payment_open"):
        await takes_cash(street, held.id, held.total_price)


async def test_recorded_ten_times_at_once_it_is_one_payment(street: Street) -> None:
    held = await street.asha_holds()
    once = uuid7()
    await asyncio.gather(*(takes_cash(street, held.id, held.total_price, once) for _ in range(10)))
    assert await street.one("SELECT count(*) FROM transactions") == 1
    assert await street.balance("gateway_clearing:manual") == held.total_price


async def test_less_than_what_confirms_or_more_than_what_is_due_is_refused(street: Street) -> None:
    held = await street.asha_holds_under_terms(TERMS)
    assert held.deposit_amount
    for amount in (held.deposit_amount - 1, held.total_price + 1, 0, -5):
        with pytest.raises(BadInput, match="amount_mismatch"):
            await takes_cash(street, held.id, amount)
    await takes_cash(street, held.id, held.deposit_amount)
    rest = held.total_price - held.deposit_amount
    for amount in (99, rest - 99, rest + 1):
        with pytest.raises(BadInput, match="amount_mismatch"):
            await takes_cash(street, held.id, amount)
    await takes_cash(street, held.id, 100)  # towards the balance, nearly anything helps
    await takes_cash(street, held.id, rest - 200)
    assert (await street.booking(held.id)).payment_status == "Partial"
    await takes_cash(street, held.id, 100)
    assert (await street.booking(held.id)).payment_status == "Paid"


async def test_cash_goes_back_by_hand_and_somebody_has_to_say_so(street: Street) -> None:
    held = await street.asha_holds()
    await takes_cash(street, held.id, held.total_price)
    asked = await desk.ask_refund(
        street.house, request_id=uuid7(), booking_id=held.id, amount=9_000, reason="goodwill", actor=CHITRA
    )
    assert asked.status == "pending"
    concern = await street.one("SELECT id FROM anomalies WHERE kind = 'refund_by_hand' AND resolved_at IS NULL")
    with pytest.raises(Conflict, match="money_still_lies"):
        await payments.settle_concern(street.db, concern, note="Given to her in cash", actor=CHITRA)
    await street.work()
    for _ in range(2):
        await desk.paid_out(street.house, asked.refund_ids[0], actor=CHITRA)
    async with street.db.transaction() as conn:
        refund = await refund_queries.get(conn, asked.refund_ids[0])
    assert refund is not None and refund.state == "succeeded"
    assert await street.balance("gateway_clearing:manual") == held.total_price - 9_000
    assert await street.one("SELECT count(*) FROM anomalies WHERE resolved_at IS NULL") == 0


WAYS = ["the gateway was taken out of the settings", "keys of the other mode", "the gateway refuses to show it"]


def cannot_be_asked(street: Street, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = street.house.gateways["sandbox"]

    async def refuse(ref: str, key: str = "") -> None:
        raise GatewayRefused("not_found", "No such payment")

    if why.startswith("the gateway was"):
        street.house.gateways = {}
    elif why.startswith("keys"):
        monkeypatch.setattr(gateway, "livemode", True)
    else:
        monkeypatch.setattr(gateway, "fetch", refuse)
        monkeypatch.setattr(gateway, "cancel", refuse)


async def closes(street: Street, attempt: UUID, note: str = "Nothing on their pages.") -> payments.Transaction:
    return await desk.close_attempt(street.house, attempt, note=note, actor=CHITRA)


@pytest.mark.parametrize("why", WAYS)
async def test_an_attempt_that_its_gateway_cannot_be_asked_about_is_told_of_and_closed_by_hand(
    street: Street, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    held = await street.asha_holds()
    started = await street.start(held.id)
    with monkeypatch.context() as meanwhile:
        cannot_be_asked(street, why, meanwhile)
        await street.later(hours=2)
        await street.work()
        assert (await street.booking(held.id)).payment_open, "seats are kept until somebody says that nothing was taken"
        assert await street.one("SELECT kind FROM anomalies WHERE resolved_at IS NULL") == "gateway_refused_lookup"
        with pytest.raises(BadInput):
            await closes(street, started.transaction.id, " ")
        for _ in range(2):
            assert (await closes(street, started.transaction.id)).state == "canceled"
        await street.work()
        assert (await street.booking(held.id)).status == "expired"
        assert await street.one("SELECT count(*) FROM gateway_commands WHERE state IN ('pending', 'unknown')") == 0
        story = await street.one("SELECT detail->>'note' FROM history WHERE action = 'payment.closed_by_hand'")
        assert story == "Nothing on their pages."


async def test_what_was_closed_by_hand_and_paid_all_the_same_is_late_money(street: Street) -> None:
    held = await street.asha_holds(seats=2)
    started = await street.start(held.id)
    gateways = street.house.gateways
    street.house.gateways = {}
    await closes(street, started.transaction.id)
    await street.later(hours=2)
    await street.work()
    street.house.gateways = gateways  # somebody puts the keys back
    await street.pays(started.transaction.ref or "")
    await street.deliver()
    await street.work()
    assert (await street.booking(held.id)).status == "confirmed", "her seats were still free"
    assert await street.balance("gateway_clearing:sandbox") == held.total_price


async def test_an_attempt_that_was_never_opened_at_a_gateway_that_is_gone_is_closed_by_hand(street: Street) -> None:
    held = await street.asha_holds()
    street.faults.error_before = 1
    started = await street.start(held.id)
    assert started.transaction.ref is None
    street.house.gateways = {}
    assert (await closes(street, started.transaction.id)).state == "failed"
    assert not (await street.booking(held.id)).payment_open


async def test_what_the_gateway_can_be_asked_about_is_not_closed_by_hand(street: Street) -> None:
    held = await street.asha_holds()
    started = await street.start(held.id)
    await street.pays_later(started.transaction.ref or "")
    street.faults.error_before = 9
    with pytest.raises(Conflict) as no:
        await closes(street, started.transaction.id)
    assert no.value.code == "gateway_can_be_asked"
    street.faults.error_before = 0
    async with street.bank.bank.work() as work:
        work.pay(work.get(Intent, started.transaction.ref or ""), "card")
    assert (await closes(street, started.transaction.id)).state == "succeeded", "it was asked first"
    assert (await street.booking(held.id)).status == "confirmed"
