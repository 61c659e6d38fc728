"""What a traveller is written to in the course of a booking: once each, and only what is true by then."""

from __future__ import annotations

import asyncpg
import pytest

from jklg import app, jobs, payments
from jklg.bookings import Held
from jklg.kit.ids import uuid7
from jklg.payments import balances, cancellations, desk
from jklg.payments.balances import queries as balance_queries
from jklg.payments.queries import Transaction
from tests.payments.cancellations.test_giving_up import HALF
from tests.payments.conftest import Street
from tests.trade import TERMS


async def letters(street: Street) -> dict[str, str]:
    """Everybody acts on the news and looks at the calendar, twice; then every mail by its key: subject and text."""
    for _ in range(2):
        await street.work()
        await jobs.drain(street.house, app.LISTENERS)
    async with street.db.transaction() as conn:
        rows = await conn.fetch(
            "SELECT once_key, subject || E'\\n' || text_body FROM mail_outbox ORDER BY created_at, once_key"
        )
    return {row[0]: row[1] for row in rows}


def kinds(found: dict[str, str]) -> list[str]:
    return [key.partition(":")[0] for key in found]


async def concerns(street: Street) -> int:
    return int(
        await street.one("SELECT count(*) FROM anomalies WHERE kind = 'balance_overdue' AND resolved_at IS NULL")
    )


async def test_a_deposit_is_confirmed_as_one(street: Street) -> None:
    held = await street.asha_holds_under_terms(TERMS)
    await street.asha_pays(held.id)
    told = (await letters(street))[f"booking_confirmed:{held.id}"]
    assert "Total: INR 49,998.00" in told and "Paid: INR 9,999.60" in told and "INR 39,998.40" in told
    assert "Still to pay by" in told and "Total, paid" not in told


async def test_a_balance_is_asked_for_a_week_before_and_once_more_when_the_day_has_passed(street: Street) -> None:
    held = await street.asha_holds_under_terms(TERMS)
    await street.asha_pays(held.id)
    await street.later(days=90 - 30 - 8)
    assert "balance_due" not in kinds(await letters(street))
    await street.later(days=1)
    before = (await letters(street))[f"balance_due:{held.id}:before"]
    assert "Due soon: INR 39,998.40" in before
    await street.later(days=7)
    assert kinds(await letters(street)).count("balance_due") == 1, "today it is not late"
    assert await concerns(street) == 0
    await street.later(days=1)
    after = (await letters(street))[f"balance_due:{held.id}:after"]
    assert "Overdue: INR 39,998.40" in after and "our letters have crossed" in after
    assert await concerns(street) == 1
    await street.later(days=5)
    assert kinds(await letters(street)).count("balance_due") == 2
    await street.asha_pays(held.id)
    await letters(street)
    assert await concerns(street) == 0, "it has settled itself"


async def money_that_is_not_the_bookings(street: Street, held: Held, full: Transaction) -> None:
    """She had begun to pay everything, and her bank did that late: it went back, did not arrive, and was given to her by transfer. All that came
    is more than the price, so the booking says that it is paid."""
    street.faults.refund_fails = 1
    await street.pays(full.ref or "")
    for _ in range(2):
        await street.deliver()
        await street.work()
        await street.later(days=2)
    await desk.pay_owed(
        street.house,
        request_id=uuid7(),
        booking_id=held.id,
        amount=held.total_price,
        method="bank_transfer",
        note="17",
        actor=f"staff:{uuid7()}",
    )
    assert (await street.booking(held.id)).payment_status == "Paid"
    assert (await street.kept(held.id))["customer_deposits"] == -(held.deposit_amount or 0)


async def test_who_is_called_paid_because_of_money_that_was_not_the_bookings_is_asked_for_the_balance(
    street: Street,
) -> None:
    held = await street.asha_holds_under_terms(TERMS)
    full = (await street.start(held.id, held.total_price)).transaction
    await payments.cancel_attempt(street.house, full.id, actor="guest")
    await street.asha_pays(held.id, held.deposit_amount)
    await money_that_is_not_the_bookings(street, held, full)
    await street.later(days=90 - 30 - 7 - 4)
    assert "Due soon: INR 39,998.40" in (await letters(street))[f"balance_due:{held.id}:before"]
    await street.later(days=8)
    assert "Overdue: INR 39,998.40" in (await letters(street))[f"balance_due:{held.id}:after"]
    assert await concerns(street) == 1
    await street.asha_pays(held.id)
    await letters(street)
    assert await concerns(street) == 0


async def test_whose_letter_cannot_be_written_holds_up_nobody_elses(street: Street) -> None:
    hers = [await street.asha_holds_under_terms(TERMS) for _ in range(3)]
    for held in hers:
        await street.asha_pays(held.id)
    spoilt = sorted(hers, key=lambda held: held.id)[0]
    await street.one(
        f"ALTER TABLE mail_outbox ADD CONSTRAINT spoilt CHECK (once_key NOT LIKE '%:{spoilt.id}:%') NOT VALID"
    )
    await street.later(days=90 - 30 - 7)
    with pytest.raises(ExceptionGroup) as told:
        await balances.remind(street.house)
    assert [type(error) for error in told.value.exceptions] == [asyncpg.CheckViolationError], (
        "whoever goes round hears of it"
    )
    reminded = await street.one("SELECT array_agg(once_key) FROM mail_outbox WHERE kind = 'balance_due'")
    assert set(reminded) == {f"balance_due:{held.id}:before" for held in hers if held is not spoilt}


async def test_who_has_paid_is_not_asked(street: Street) -> None:
    held = await street.asha_holds_under_terms(TERMS)
    await street.asha_pays(held.id, held.total_price)
    await street.later(days=62)
    assert kinds(await letters(street)) == ["booking_confirmed", "payment_receipt"]
    assert await concerns(street) == 0


async def test_who_booked_an_hour_ago_is_not_reminded_yet(street: Street) -> None:
    held = await street.asha_holds_under_terms(TERMS, in_days=35)
    await street.asha_pays(held.id)
    assert "balance_due" not in kinds(await letters(street))
    await street.later(days=2)
    assert "balance_due" in kinds(await letters(street))


async def test_a_week_before_it_begins_she_is_told_what_is_missing(street: Street) -> None:
    held = await street.asha_holds_under_terms(TERMS)
    await street.asha_pays(held.id)
    await street.later(days=82)
    assert "departure_near" not in kinds(await letters(street))
    await street.later(days=1)
    told = (await letters(street))[f"departure_near:{held.id}"]
    assert "In 7 days it begins" in told and "Asha Rao" in told and "Still to pay: INR 39,998.40" in told
    await street.later(days=3)
    assert kinds(await letters(street)).count("departure_near") == 1


async def test_who_gave_up_does_not_hear_of_the_departure(street: Street) -> None:
    held = await street.asha_holds_under_terms(HALF)
    await street.asha_pays(held.id)
    await cancellations.cancel(street.house, held.id, actor="guest")
    await street.later(days=84)
    assert "departure_near" not in kinds(await letters(street))


async def test_giving_up_is_put_in_writing_and_the_refund_when_it_is_made(street: Street) -> None:
    held = await street.asha_holds_under_terms(HALF)
    await street.asha_pays(held.id)
    await cancellations.cancel(street.house, held.id, actor="guest")
    found = await letters(street)
    told = next(text for key, text in found.items() if key.startswith("booking_given_up:"))
    assert told.startswith("Cancelled: Kashmir Bliss")
    assert "Cancellation fee: INR 24,999.00" in told and "Comes back to you: INR 24,999.00" in told
    refund = next(text for key, text in found.items() if key.startswith("refund_sent:"))
    assert refund.startswith("Refund: INR 24,999.00")
    assert kinds(found).count("refund_sent") == 1


async def test_a_refund_is_announced_when_it_was_made_not_when_it_was_asked_for(street: Street) -> None:
    held = await street.asha_holds_under_terms(HALF)
    await street.asha_pays(held.id)
    street.faults.refund_pending = 1
    await cancellations.cancel(street.house, held.id, actor="guest")
    assert "refund_sent" not in kinds(await letters(street))
    await street.later(days=1)
    await street.deliver()
    assert "refund_sent" in kinds(await letters(street))


async def test_of_two_one_is_cancelled_and_the_letter_names_who_still_goes(street: Street) -> None:
    held = await street.asha_holds_under_terms(TERMS, party={"adult": 2})
    await street.asha_pays(held.id, held.total_price)
    await cancellations.cancel(street.house, held.id, leaving={"adult": 1}, actor="guest")
    told = next(text for key, text in (await letters(street)).items() if key.startswith("booking_given_up:"))
    assert told.startswith("Changed: Kashmir Bliss") and "one traveller is" in told


async def test_seats_that_were_only_held_are_let_go_without_a_word(street: Street) -> None:
    held = await street.asha_holds()
    await cancellations.cancel(street.house, held.id, actor="guest")
    assert await letters(street) == {}


async def test_nobody_who_was_forgotten_is_written_to(street: Street) -> None:
    held = await street.asha_holds_under_terms(TERMS)
    await street.asha_pays(held.id)
    await street.one("UPDATE bookings SET email = '', name = 'Erased' WHERE id = $1", held.id)
    await street.later(days=62)
    assert await balances.remind(street.house) == 0
    assert await balances.watch(street.house) == 1, "the money is owed all the same"
    async with street.db.transaction() as conn:
        assert await balance_queries.list_overdue(conn) == [held.id]


@pytest.mark.parametrize("days", [0, 61])
async def test_what_was_written_is_erased_with_the_booking(street: Street, days: int) -> None:
    from jklg.bookings import letters as written

    held = await street.asha_holds_under_terms(TERMS)
    await street.asha_pays(held.id)
    await street.later(days=days)
    await letters(street)
    async with street.db.transaction() as conn:
        await written.forget(conn, held.id)
        await balances.forget(conn, held.id)
    left = await street.one("SELECT count(*) FROM mail_outbox WHERE state <> 'erased' AND kind <> 'payment_receipt'")
    assert left == 0
