"""Seats are taken once, released once, and never oversold."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest

from jklg import bookings, departures, pricing
from jklg.bookings.holds import TravellerRequest
from jklg.kit.db import Database, claims, open_database
from jklg.kit.errors import BadInput, Conflict, NotFound
from tests.trade import (
    ADULT,
    CHILD,
    SUPPLEMENT,
    add_departure,
    add_extra,
    add_package,
    ashas_request,
    hold,
    let_hold_run_out,
    seats_taken,
    status_of,
)


async def test_asha_holds_two_seats_and_the_price_is_the_houses(db: Database) -> None:
    departure_id = await add_departure(db, seats=8)
    held = await hold(db, departure_id)
    assert held.total_price == 2 * ADULT
    assert bookings.rules.REFERENCE.fullmatch(held.reference)
    assert await seats_taken(db, departure_id) == 2
    left = held.hold_expires_at - datetime.now(UTC)
    assert timedelta(minutes=14) < left <= timedelta(minutes=15)


async def test_thirty_people_race_for_the_last_seat_and_one_gets_it(db_url: str) -> None:
    db = await open_database(db_url, max_size=20)
    departure_id = await add_departure(db, seats=1)
    tries = [hold(db, departure_id, party={"adult": 1}) for _ in range(30)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    refused = [r for r in results if isinstance(r, Conflict)]
    assert [r.code for r in refused] == ["sold_out"] * 29
    assert await seats_taken(db, departure_id) == 1
    await db.close()


async def test_a_group_of_three_is_refused_as_a_whole_when_two_seats_are_left(db: Database) -> None:
    departure_id = await add_departure(db, seats=2)
    with pytest.raises(Conflict) as refusal:
        await hold(db, departure_id, party={"adult": 3})
    assert refusal.value.code == "sold_out"
    assert await seats_taken(db, departure_id) == 0


async def test_the_database_refuses_an_oversold_departure_even_by_hand(db: Database, db_url: str) -> None:
    departure_id = await add_departure(db, seats=3)
    conn = await asyncpg.connect(db_url)
    with pytest.raises(asyncpg.CheckViolationError) as refusal:
        await conn.execute("UPDATE departures SET seats_taken = 4 WHERE id = $1", departure_id)
    assert refusal.value.constraint_name == "departures_never_oversold"
    with pytest.raises(asyncpg.CheckViolationError) as refusal:
        await conn.execute("UPDATE departures SET seats_taken = -1 WHERE id = $1", departure_id)
    assert refusal.value.constraint_name == "departures_seats_never_negative"
    await conn.close()


async def test_a_hold_runs_out_and_its_seats_come_back_once(db: Database) -> None:
    departure_id = await add_departure(db, seats=4)
    held = await hold(db, departure_id)
    async with db.transaction() as conn:
        await let_hold_run_out(conn, held.id)
    expired = await asyncio.gather(*(bookings.expire_due(db) for _ in range(4)))
    assert sum(expired) == 1
    assert await status_of(db, held.id) == "expired"
    assert await seats_taken(db, departure_id) == 0


async def test_a_hold_in_time_is_left_alone(db: Database) -> None:
    departure_id = await add_departure(db)
    held = await hold(db, departure_id)
    assert await bookings.expire_due(db) == 0
    assert await status_of(db, held.id) == "held"


async def test_a_hold_with_an_open_payment_is_not_released_even_by_hand(db: Database, db_url: str) -> None:
    departure_id = await add_departure(db)
    held = await hold(db, departure_id)
    async with db.transaction() as conn:
        await conn.execute("UPDATE bookings SET payment_open = true WHERE id = $1", held.id)
        await let_hold_run_out(conn, held.id)
    assert await bookings.expire_due(db) == 0
    conn2 = await asyncpg.connect(db_url)
    await conn2.execute('SET request.jwt.claims = \'{"role":"system"}\'')
    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refusal:
        await conn2.execute("UPDATE bookings SET status = 'expired' WHERE id = $1", held.id)
    assert refusal.value.constraint_name == "bookings_not_released_while_paying"
    await conn2.close()


async def test_what_was_sold_cannot_be_edited_and_an_ended_booking_cannot_come_back(db: Database) -> None:
    departure_id = await add_departure(db)
    held = await hold(db, departure_id)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refusal:
        async with db.transaction() as conn:
            await conn.execute("UPDATE bookings SET total_price = 1 WHERE id = $1", held.id)
    assert refusal.value.constraint_name == "bookings_terms_frozen"
    async with db.transaction() as conn:
        await bookings.cancel(conn, held.id, actor="guest")
    assert await seats_taken(db, departure_id) == 0
    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refusal:
        async with db.transaction() as conn:
            await conn.execute("UPDATE bookings SET status = 'confirmed' WHERE id = $1", held.id)
    assert refusal.value.constraint_name == "bookings_move_legally"


async def test_a_held_booking_is_cancelled_once(db: Database) -> None:
    departure_id = await add_departure(db)
    held = await hold(db, departure_id)
    async with db.transaction() as conn:
        await bookings.cancel(conn, held.id, actor="guest")
    with pytest.raises(Conflict) as refusal:
        async with db.transaction() as conn:
            await bookings.cancel(conn, held.id, actor="guest")
    assert refusal.value.code == "booking_ended"
    assert await seats_taken(db, departure_id) == 0


async def test_an_extra_with_a_stock_of_three_is_not_sold_four_times(db: Database, db_url: str) -> None:
    package_id = await add_package(db)
    pony = await add_extra(db, package_id)
    departure_id = await add_departure(db, package_id=package_id, seats=20, extras={pony: (150_000, 3)})
    await hold(db, departure_id, extras=[(pony, 2)])
    with pytest.raises(Conflict) as refusal:
        await hold(db, departure_id, extras=[(pony, 2)])
    assert refusal.value.code == "extra_sold_out"
    races = await asyncio.gather(
        *(hold(db, departure_id, extras=[(pony, 1)]) for _ in range(5)), return_exceptions=True
    )
    assert sum(isinstance(r, bookings.Held) for r in races) == 1
    conn = await asyncpg.connect(db_url)
    assert await conn.fetchval("SELECT taken FROM departure_extras WHERE extra_id = $1", pony) == 3
    for number, constraint in ((4, "extras_never_oversold"), (-1, "extras_never_negative")):
        with pytest.raises(asyncpg.CheckViolationError) as refused:
            await conn.execute("UPDATE departure_extras SET taken = $2 WHERE extra_id = $1", pony, number)
        assert refused.value.constraint_name == constraint
    await conn.close()


async def test_extras_come_back_with_the_seats(db: Database) -> None:
    package_id = await add_package(db)
    pony = await add_extra(db, package_id)
    departure_id = await add_departure(db, package_id=package_id, extras={pony: (150_000, 3)})
    held = await hold(db, departure_id, extras=[(pony, 3)])
    async with db.transaction() as conn:
        await bookings.cancel(conn, held.id, actor="guest")
    again = await hold(db, departure_id, extras=[(pony, 3)])
    assert again.total_price == 2 * ADULT + 3 * 150_000


async def test_an_extra_of_another_departure_is_refused_by_name(db: Database) -> None:
    package_id = await add_package(db)
    pony = await add_extra(db, package_id)
    departure_id = await add_departure(db, package_id=package_id)
    with pytest.raises(BadInput) as refusal:
        await hold(db, departure_id, extras=[(pony, 1)])
    assert refusal.value.code == "extra_not_offered"
    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refused:
        async with db.transaction() as conn:
            await conn.execute("SELECT departures_move_extras($1, $2, 1)", departure_id, pony)
    assert refused.value.constraint_name == "extras_offered_on_departure"


async def test_closed_and_past_departures_are_not_sold(db: Database) -> None:
    late = await add_departure(db, cutoff_at=datetime.now(UTC) - timedelta(seconds=1))
    closed = await add_departure(db)
    async with db.connection() as conn:
        await conn.execute("UPDATE departures SET status = 'closed' WHERE id = $1", closed)
    for departure_id in (late, closed):
        with pytest.raises(Conflict) as refusal:
            await hold(db, departure_id)
        assert refusal.value.code == "departure_closed"
    with pytest.raises(NotFound):
        await hold(db, uuid4())


async def test_a_price_that_changed_between_the_look_and_the_hold_is_not_charged(db: Database) -> None:
    departure_id = await add_departure(db)
    async with db.connection() as conn:
        before = await departures.get_offer(conn, departure_id)
        assert before is not None
        await conn.execute(
            "UPDATE departure_prices SET amount = amount + 1 WHERE departure_id = $1 AND category = 'adult'",
            departure_id,
        )
        refusal = await conn.fetchval(
            "SELECT refusal FROM hold_booking($1)",
            {"id": str(uuid4()), "departure_id": str(departure_id), "price_version": before.price_version, "seats": 1},
        )
    assert refusal == "price_changed"
    assert await seats_taken(db, departure_id) == 0


async def test_a_quote_keeps_its_price_when_the_price_list_changes(db: Database) -> None:
    departure_id = await add_departure(db)
    quote = await pricing.make_quote(db, departure_id, {"adult": 2}, [])
    async with db.connection() as conn:
        await conn.execute(
            "UPDATE departure_prices SET amount = amount * 2 WHERE departure_id = $1 AND category = 'adult'",
            departure_id,
        )
    held = await hold(db, departure_id, quote_id=quote.quote_id)
    assert held.total_price == 2 * ADULT


async def test_a_quote_is_not_for_another_party_nor_for_ever(db: Database) -> None:
    departure_id = await add_departure(db)
    quote = await pricing.make_quote(db, departure_id, {"adult": 1}, [])
    with pytest.raises(Conflict) as refusal:
        await hold(db, departure_id, party={"adult": 2}, quote_id=quote.quote_id)
    assert refusal.value.code == "quote_differs"
    async with db.connection() as conn:
        await conn.execute("SELECT set_config('jklg.clock', (house_now() + interval '31 minutes')::text, false)")
        expired = await conn.fetchval(
            "SELECT refusal FROM hold_booking($1)",
            {
                "id": str(uuid4()),
                "departure_id": str(departure_id),
                "quote_id": str(quote.quote_id),
                "total_price": quote.total,
                "seats": 1,
            },
        )
        await conn.execute("SELECT set_config('jklg.clock', '', false)")
    assert expired == "quote_expired"


async def test_travellers_are_kept_and_ages_are_judged_on_the_day_of_departure(db: Database) -> None:
    departure_id = await add_departure(db, starts_on=date(2030, 5, 14), cutoff_at=datetime(2030, 5, 1, tzinfo=UTC))
    people = [
        TravellerRequest(name="Asha Rao", category="adult", date_of_birth=date(1990, 1, 1)),
        TravellerRequest(name="Ben Rao", category="child", date_of_birth=date(2018, 5, 15)),
    ]
    held = await hold(db, departure_id, party={"adult": 1, "child": 1}, travellers=people)
    assert held.total_price == ADULT + CHILD
    async with db.transaction() as conn:
        kept = await bookings.list_travellers(conn, held.id)
    assert [(t.name, t.is_lead) for t in kept] == [("Asha Rao", True), ("Ben Rao", False)]
    too_old = TravellerRequest(name="Ben Rao", category="child", date_of_birth=date(2018, 5, 14))
    with pytest.raises(BadInput):
        await hold(db, departure_id, party={"adult": 1, "child": 1}, travellers=[people[0], too_old])


async def test_one_adult_alone_pays_for_the_room(db: Database) -> None:
    departure_id = await add_departure(db)
    held = await hold(db, departure_id, party={"adult": 1})
    assert held.total_price == ADULT + SUPPLEMENT


async def test_an_infant_takes_no_seat(db: Database) -> None:
    departure_id = await add_departure(db, seats=2)
    held = await hold(db, departure_id, party={"adult": 2, "infant": 1})
    assert held.seats == 2
    assert await seats_taken(db, departure_id) == 2


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": " "}, "name_invalid"),
        ({"name": "A\x00B"}, "name_invalid"),
        ({"email": "notanemail"}, "email_invalid"),
        ({"email": "a@b\r\nBcc: all@example.org"}, "email_invalid"),
        ({"phone": "garbage"}, "phone_invalid"),
        ({"special_requests": "x" * 2001}, "requests_invalid"),
        ({"party": {"adult": 0}}, "party_invalid"),
        ({"party": {"adult": -3}}, "party_invalid"),
        ({"party": {"dog": 1}}, "party_invalid"),
    ],
)
async def test_bad_input_is_refused_with_its_code_and_takes_nothing(
    db: Database, changes: dict[str, object], code: str
) -> None:
    departure_id = await add_departure(db)
    with pytest.raises(BadInput) as refusal:
        await bookings.hold(db, ashas_request(departure_id, **changes), hold_minutes=15)
    assert refusal.value.code == code
    assert await seats_taken(db, departure_id) == 0


async def test_without_a_where_clause_a_guest_sees_one_booking_and_a_stranger_none(db: Database) -> None:
    departure_id = await add_departure(db)
    ashas = await hold(db, departure_id)
    await hold(db, departure_id, name="Ben Rao")
    async with db.transaction(claims("guest", booking_id=str(ashas.id))) as conn:
        assert [row[0] for row in await conn.fetch("SELECT id FROM bookings")] == [ashas.id]
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await conn.execute("DELETE FROM bookings")
    async with db.connection() as conn:
        assert await conn.fetch("SELECT id FROM bookings") == []
        assert await conn.fetch("SELECT id FROM travellers") == []


async def test_mallory_cannot_make_or_guess_a_manage_token(db: Database) -> None:
    departure_id = await add_departure(db)
    held = await hold(db, departure_id)
    secret = "a secret that only the house has, 42 letters"
    good = bookings.manage_token(secret, held.id)
    async with db.transaction() as conn:
        assert await bookings.guest_claims(conn, [secret], held.id, good)
        assert await bookings.guest_claims(conn, ["a newer secret, while keys are rotated 123", secret], held.id, good)
        for bad in (
            None,
            "",
            "é",
            good[:-1],
            bookings.manage_token("another secret, not the house's at all 1", held.id),
        ):
            with pytest.raises(NotFound) as refusal:
                await bookings.guest_claims(conn, [secret], held.id, bad)
            assert refusal.value.code == "booking_not_found"


async def test_seats_of_travelled_bookings_stay_counted_and_their_money_becomes_revenue(
    db: Database, db_url: str
) -> None:
    departure_id = await add_departure(db)
    held = await hold(db, departure_id)
    async with db.transaction() as conn:
        booking = await bookings.lock(conn, held.id)
        received = await bookings.receive_money(
            conn, booking, fact=("transaction", "t1"), amount=held.total_price, currency="INR", from_account="gateway_clearing:sandbox"
        )  # fmt: skip
    assert received.confirmed
    assert await bookings.complete_due(db) == 0
    travelled = await open_database(db_url, clock=lambda: datetime.now(UTC) + timedelta(days=120))
    assert await bookings.complete_due(travelled) == 1
    assert await bookings.complete_due(travelled) == 0
    await travelled.close()
    assert await status_of(db, held.id) == "completed"
    assert await seats_taken(db, departure_id) == 2
    async with db.connection() as conn:
        revenue = await conn.fetchval("SELECT sum(amount) FROM ledger_entries WHERE account = 'travel_revenue'")
    assert revenue == -held.total_price
