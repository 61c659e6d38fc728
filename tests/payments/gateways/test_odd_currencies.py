"""R16, R18, A17: half of an odd sum comes back in yen and dinars, through every gateway that takes them, and the parts are the whole."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from jklg import bookings
from jklg.bookings import cancelling
from jklg.kit.errors import BadInput
from jklg.kit.ids import uuid7
from jklg.payments import cancellations, desk
from jklg.sandbox.things import Intent, Refund
from tests.payments.conftest import Street
from tests.payments.gateways.counters import COUNTERS
from tests.payments.gateways.stall import Stall, open_stall
from tests.payments.gateways.test_nothing_secret import pays
from tests.trade import add_departure, add_package, hold

HALF = {"tiers": [{"days_before": 0, "percent": 50}]}
CASES = {
    "JPY": (111, 167, 166),  # 333 yen: what cannot be halved is rounded for the customer
    "KWD": (110, 170, 160),  # 0.330 dinar: gateways take tens of fils
}
"""Currency -> the price of one of three, what comes back of the whole, what is kept. Minor units."""


@pytest.fixture(
    params=[(name, currency) for name in COUNTERS for currency in CASES if currency not in COUNTERS[name].takes_not]
)
async def stall(request: pytest.FixtureRequest, street: Street) -> AsyncIterator[Stall]:
    name, currency = request.param
    async with open_stall(street, name) as opened:
        opened.currency = currency
        yield opened


async def three_paid(stall: Stall, price: int | None = None) -> tuple[bookings.Held, str]:
    """Asha has paid for three, each at `price`. Her booking, and its currency."""
    street, currency = stall.street, stall.currency
    departure = await add_departure(
        street.db,
        package_id=await add_package(street.db, currency=currency, terms=HALF),
        currency=currency,
        prices={"adult": price or CASES[currency][0]},
        starts_on=street.clock.now().astimezone(ZoneInfo("Asia/Kolkata")).date() + timedelta(days=30),
        cutoff_at=street.clock.now() + timedelta(days=29),
    )
    held = await hold(street.db, departure, party={"adult": 3})
    assert price is not None or held.total_price == 3 * CASES[currency][0]
    started = await stall.starts(held)
    assert (started["amount"], started["currency"]) == (held.total_price, currency.lower())
    await pays(stall, started["paymentIntentId"])
    await stall.hears()
    assert (await street.booking(held.id)).status == "confirmed"
    return held, currency


async def at_the_gateway(stall: Stall) -> tuple[int, list[int]]:
    """What it took, and what it sent back."""
    async with stall.counter.bank.work() as work:
        (intent,) = [each for each in work.all(Intent) if each.amount_received]
        return intent.amount_received, [refund.amount for refund in work.all(Refund)]


async def test_half_of_an_odd_sum_comes_back_and_both_halves_are_the_whole(stall: Stall) -> None:
    street = stall.street
    held, currency = await three_paid(stall)
    _, back, kept = CASES[currency]
    async with street.db.transaction() as conn:
        booking = await bookings.get(conn, held.id)
        assert booking is not None
        foreseen = await cancelling.work_out(conn, booking, None)
    assert (foreseen.refund, foreseen.kept) == (back, kept)
    assert back + kept == held.total_price
    await cancellations.cancel(street.house, held.id, actor="guest", expected_refund=back)
    await stall.hears()
    assert await at_the_gateway(stall) == (held.total_price, [back])
    assert await street.kept(held.id) == {"travel_revenue": -kept, f"gateway_clearing:{stall.name}": kept}


async def test_one_after_the_other_leaves_and_nothing_is_lost_in_the_rounding(stall: Stall) -> None:
    street = stall.street
    held, currency = await three_paid(stall)
    step = 10 if currency == "KWD" else 1
    sent = []
    for leaving in ({"adult": 1}, {"adult": 1}, None):
        outcome = await cancellations.cancel(street.house, held.id, actor="guest", leaving=leaving)
        assert outcome.given is not None
        sent.append(outcome.given.refund)
        assert outcome.given.refund % step == 0
    await stall.hears()
    took, back = await at_the_gateway(stall)
    assert sorted(back) == sorted(sent)
    lying = await street.kept(held.id)
    assert lying == {"travel_revenue": -(took - sum(sent)), f"gateway_clearing:{stall.name}": took - sum(sent)}
    assert took == held.total_price and took // 2 - 3 * step < took - sum(sent) <= took // 2, (
        "to within a step for each"
    )


@pytest.mark.parametrize("stall", [("stripe", "KWD")], indirect=True)
async def test_nobody_is_promised_thousandths_that_no_gateway_moves(stall: Stall) -> None:
    """Each was sold for 0.111, all three for 0.330."""
    street = stall.street
    held, _ = await three_paid(stall, 111)
    assert held.total_price == 330
    with pytest.raises(BadInput, match="fee_invalid"):
        await cancellations.cancel(street.house, held.id, leaving={"adult": 1}, kept=55, actor="staff:1", by_staff=True)
    with pytest.raises(BadInput, match="amount_invalid"):
        await desk.ask_refund(
            street.house, request_id=uuid7(), booking_id=held.id, amount=55, reason="rain", actor="staff:1"
        )
    one = await cancellations.cancel(
        street.house, held.id, leaving={"adult": 1}, kept=0, actor="staff:1", by_staff=True
    )
    assert one.given is not None and (one.given.worth, one.given.refund) == (120, 120)
    await stall.hears()
    assert await at_the_gateway(stall) == (330, [120])
