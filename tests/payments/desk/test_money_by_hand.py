"""Cash and transfers: written down once, never beside an open payment, and given back by hand."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from jklg import payments
from jklg.kit.errors import BadInput, Conflict
from jklg.kit.ids import uuid7
from jklg.payments import desk
from jklg.payments.refunds import queries as refund_queries
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
