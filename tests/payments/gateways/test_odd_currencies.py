"""R16, R18, A17: half of an odd sum comes back in yen and dinars, through every gateway that takes them, and the parts are the whole. So it does in
forints and ariary where a gateway takes whole ones only."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from jklg import bookings
from jklg.bookings import cancelling
from jklg.kit import money
from jklg.kit.errors import BadInput
from jklg.kit.ids import uuid7
from jklg.payments import cancellations, desk
from jklg.payments.gateways.paypal.amounts import to_paypal
from jklg.payments.gateways.razorpay.amounts import to_razorpay
from jklg.payments.gateways.stripe.amounts import to_stripe
from jklg.sandbox.things import Intent, Refund
from tests.payments.conftest import Street
from tests.payments.gateways.counters import COUNTERS
from tests.payments.gateways.stall import Stall, open_stall
from tests.payments.gateways.test_nothing_secret import pays
from tests.trade import TERMS, add_departure, add_package, hold

HALF = {"tiers": [{"days_before": 0, "percent": 50}]}
CASES = {
    "JPY": (111, 167, 166),  # 333 yen: what cannot be halved is rounded for the customer
    "KWD": (110, 170, 160),  # 0.330 dinar: gateways take tens of fils
    "HUF": (11_100, 16_700, 16_600),  # 333 forints: PayPal takes whole ones
    "MGA": (11_100, 16_700, 16_600),  # 333 ariary: Stripe takes whole ones
}
"""Currency -> the price of one of three, what comes back of the whole, what is kept. Minor units."""


@pytest.mark.parametrize("to_gateway", [to_paypal, to_razorpay, to_stripe])
def test_whoever_takes_a_currency_takes_every_step_of_it(to_gateway: Callable[[int, str], object]) -> None:
    taken = 0
    for currency in money.CURRENCIES:
        try:
            to_gateway(10**6, currency)
        except ValueError:
            continue  # not this currency
        assert to_gateway(7 * money.step(currency), currency)
        taken += 1
    assert taken > 20


@pytest.fixture(
    params=[
        *(
            (name, currency)
            for name in COUNTERS
            for currency in ("JPY", "KWD")
            if currency not in COUNTERS[name].takes_not
        ),
        ("paypal", "HUF"),
        ("stripe", "MGA"),
    ]
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
        unit = 100 if (stall.name, stall.currency) == ("stripe", "MGA") else 1  # Stripe counts ariary whole
        return intent.amount_received * unit, [refund.amount * unit for refund in work.all(Refund)]


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
    step = {"JPY": 1, "KWD": 10}.get(currency, 100)
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


@pytest.mark.parametrize(
    ("stall", "price", "total", "odd", "worth"),
    [
        (("stripe", "KWD"), 111, 330, 55, 120),
        (("paypal", "HUF"), 11_150, 33_400, 5_550, 11_200),
    ],
    indirect=["stall"],
)
async def test_nobody_is_promised_a_rest_that_no_gateway_moves(
    stall: Stall, price: int, total: int, odd: int, worth: int
) -> None:
    """Each was sold for 0.111, all three for 0.330; or for 111.50, and all three for 334."""
    street = stall.street
    held, _ = await three_paid(stall, price)
    assert held.total_price == total
    with pytest.raises(BadInput, match="fee_invalid"):
        await cancellations.cancel(
            street.house, held.id, leaving={"adult": 1}, kept=odd, actor="staff:1", by_staff=True
        )
    with pytest.raises(BadInput, match="amount_invalid") as refusal:
        await desk.ask_refund(
            street.house, request_id=uuid7(), booking_id=held.id, amount=odd, reason="rain", actor="staff:1"
        )
    assert {"KWD": "in steps of KWD 0.010", "HUF": "in steps of HUF 1.00"}[stall.currency] in refusal.value.sentence
    one = await cancellations.cancel(
        street.house, held.id, leaving={"adult": 1}, kept=0, actor="staff:1", by_staff=True
    )
    assert one.given is not None and (one.given.worth, one.given.refund) == (worth, worth)
    await stall.hears()
    assert await at_the_gateway(stall) == (total, [worth])


@pytest.mark.parametrize("stall", [("paypal", "HUF")], indirect=True)
async def test_a_deposit_in_forints_can_be_paid_at_paypal(stall: Stall) -> None:
    """A fifth of 333 forints is 66.60: so it was asked for, and PayPal never took it."""
    street = stall.street
    package = await add_package(street.db, currency="HUF", terms=TERMS)
    departure = await add_departure(street.db, package_id=package, currency="HUF", prices={"adult": 33_300})
    held = await hold(street.db, departure)
    started = await stall.starts(held)
    assert started["amount"] == held.deposit_amount and started["amount"] % 100 == 0
    await pays(stall, started["paymentIntentId"])
    await stall.hears()
    assert (await street.booking(held.id)).status == "confirmed"
