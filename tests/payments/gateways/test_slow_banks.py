"""H10: a debit that takes days. While the bank may still pay, her seats stay hers, long past the time they were held for; nobody else gets them.

Told at the gateways that know such payments, each of which refuses to call one back. At Razorpay what is with the bank cannot be told from
what nobody has begun: seats are released, and money that comes late goes the way of late money (test_razorpay_through_the_house).
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from jklg import bookings, payments
from jklg.kit.errors import Conflict
from jklg.sandbox.things import Intent
from tests.payments.conftest import Street
from tests.payments.gateways.stall import Stall, open_stall
from tests.trade import hold, seats_taken, status_of

DAYS = 4


@pytest.fixture(params=["stripe", "paypal"])
async def stall(request: pytest.FixtureRequest, street: Street) -> AsyncIterator[Stall]:
    async with open_stall(street, request.param) as opened:
        opened.counter.faults.later_seconds = DAYS * 86_400
        yield opened


async def begun(stall: Stall) -> tuple[bookings.Held, str]:
    """Asha has told her bank to pay for the last two seats; the bank takes its time. Her booking, and the gateway's id."""
    held = await stall.street.asha_holds(seats=2)
    ref = str((await stall.starts(held))["paymentIntentId"])
    if stall.name == "paypal":
        stall.counter.peer.pending_captures = 1  # type: ignore[union-attr]
        await stall.counter.peer.approve(ref)  # type: ignore[union-attr]
    else:
        await stall.counter.peer.confirm((await stall.snapshot(held)).client_secret, "pay_later")  # type: ignore[union-attr]
    await stall.hears()
    assert (await stall.snapshot(held)).state == "processing"
    return held, ref


async def ben_wants(stall: Stall, held: bookings.Held) -> str:
    try:
        await hold(stall.street.db, held.departure_id, name="Ben Iyer", email="ben@example.org")
    except Conflict as refusal:
        return refusal.code
    return "held"


async def test_a_debit_that_takes_days_keeps_her_seats_and_confirms_when_it_arrives(stall: Stall) -> None:
    street = stall.street
    held, _ = await begun(stall)
    for hours in (1, 23, 48):
        await stall.later(hours=hours)
        await stall.hears()
        booking = await street.booking(held.id)
        assert (booking.status, booking.payment_open) == ("held", True)
        assert booking.hold_expires_at < street.clock.now(), "long past its time"
        assert await seats_taken(street.db, held.departure_id) == 2
        assert await ben_wants(stall, held) == "sold_out"
    await stall.later(days=2)
    await stall.hears()
    assert (await street.booking(held.id)).status == "confirmed"
    assert await street.balance("customer_deposits") == -held.total_price
    assert await ben_wants(stall, held) == "sold_out"
    assert await street.one("SELECT count(*) FROM refunds") == 0


async def test_a_debit_that_fails_after_days_gives_the_seats_back_once(stall: Stall) -> None:
    street = stall.street
    held, ref = await begun(stall)
    await stall.later(days=1)
    await stall.hears()
    async with stall.counter.bank.work() as work:
        work.decline(work.get(Intent, ref), "debit_not_authorized")
    for _ in range(3):
        await stall.later(minutes=11)
        await stall.hears()
    assert await status_of(street.db, held.id) == "expired"
    assert await seats_taken(street.db, held.departure_id) == 0
    assert await ben_wants(stall, held) == "held"
    assert await street.balance("customer_deposits") == 0


async def test_she_gives_up_while_the_bank_is_at_it_and_never_pays_for_nothing(stall: Stall) -> None:
    """H13: what cannot be called back goes back."""
    street = stall.street
    held, _ = await begun(stall)
    await payments.give_up(street.house, held.id, actor="guest")
    assert await status_of(street.db, held.id) == "cancelled"
    assert await seats_taken(street.db, held.departure_id) == 0
    await stall.later(days=DAYS, minutes=1)
    await stall.hears()
    await stall.later(minutes=1)
    await stall.hears()
    assert await status_of(street.db, held.id) == "cancelled"
    assert await street.one("SELECT sum(amount) FROM refunds") == held.total_price
    assert await street.balance(f"gateway_clearing:{stall.name}") == 0
