"""A departure is moved to other days: once, from the days that were seen, and its cut-off with it."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from jklg import bookings, departures, pricing
from jklg.departures import queries
from jklg.departures.rules import Days, check_move
from jklg.kit.db import Database, violated
from jklg.kit.errors import BadInput, Conflict, NotFound
from jklg.kit.ids import uuid7
from tests.trade import add_departure, hold, seats_taken

CHITRA = "staff:019aa000-0000-7000-8000-000000000001"
FIRST = date(2027, 5, 12)
WAITS = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid)))"


async def move(
    db: Database, departure_id: UUID, days: int = 7, *, move_id: UUID | None = None, seen: date = FIRST
) -> None:
    await departures.move(
        db, departure_id, move_id=move_id or uuid7(), before=(seen, seen + timedelta(days=5)), starts_on=FIRST + timedelta(days=days),
        ends_on=FIRST + timedelta(days=days + 5), words="", actor=CHITRA,
    )  # fmt: skip


async def may_departure(db: Database, zone: str = "Asia/Kolkata") -> UUID:
    cutoff = datetime(2027, 3, 27, 18, tzinfo=ZoneInfo(zone))
    departure_id = await add_departure(db, starts_on=FIRST, cutoff_at=cutoff)
    async with db.connection() as conn:
        await conn.execute("UPDATE packages SET time_zone = $1", zone)
    return departure_id


async def test_its_days_and_its_cut_off_move_together(db: Database) -> None:
    """At the same time of day there: Berlin changes its clocks in the night of 28 March 2027."""
    departure_id = await may_departure(db, "Europe/Berlin")
    await move(db, departure_id)
    async with db.transaction() as conn:
        offer = await departures.get_offer(conn, departure_id)
        (told,) = await departures.list_moves(conn, departure_id)
        story = await conn.fetchval(
            "SELECT detail FROM history WHERE action = 'departure.moved' AND actor = $1", CHITRA
        )
    assert offer is not None
    assert (offer.starts_on, offer.ends_on) == (date(2027, 5, 19), date(2027, 5, 24))
    assert offer.cutoff_at == datetime(2027, 4, 3, 18, tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)
    assert (told.old_starts_on, told.old_ends_on, told.starts_on) == (FIRST, date(2027, 5, 17), date(2027, 5, 19))
    assert story == {"move_id": str(told.id), "from": "2027-05-12", "to": "2027-05-19"}


async def test_pressed_three_times_it_is_moved_once(db: Database) -> None:
    departure_id, once = await may_departure(db), uuid7()
    await asyncio.gather(*(move(db, departure_id, move_id=once) for _ in range(3)))
    async with db.transaction() as conn:
        assert len(await departures.list_moves(conn, departure_id)) == 1
        assert await conn.fetchval("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'departure.moved'") == 1


async def test_two_of_the_staff_move_it_and_the_second_is_told(db: Database) -> None:
    departure_id = await may_departure(db)
    answers = await asyncio.gather(move(db, departure_id, 7), move(db, departure_id, 14), return_exceptions=True)
    refused = [each.code for each in answers if isinstance(each, Conflict)]
    assert refused == ["departure_moved_meanwhile"] and answers.count(None) == 1


async def test_what_is_not_there_cannot_be_moved(db: Database) -> None:
    with pytest.raises(NotFound, match="departure_not_found"):
        await move(db, uuid7())


@pytest.mark.parametrize(
    ("changes", "to", "code"),
    [
        ({"status": "cancelled"}, (9, 14), "departure_off"),
        ({"starts_on": date(2027, 4, 30)}, (9, 14), "departure_has_left"),
        ({}, (-11, 3), "departure_invalid"),  # today
        ({}, (1200, 1205), "departure_invalid"),
        ({}, (9, 8), "departure_invalid"),
        ({}, (9, 400), "departure_invalid"),
        ({}, (0, 5), "departure_invalid"),  # where it is
    ],
)
def test_what_makes_no_sense_is_refused(changes: dict[str, object], to: tuple[int, int], code: str) -> None:
    now = Days(
        **{"starts_on": FIRST, "ends_on": date(2027, 5, 17), "status": "open", "today": date(2027, 5, 1), **changes}
    )  # type: ignore[arg-type]
    with pytest.raises((BadInput, Conflict), match=code):
        check_move(now, *(FIRST + timedelta(days=each) for each in to))


def test_on_the_day_it_leaves_it_may_still_be_put_off() -> None:
    check_move(
        Days(starts_on=FIRST, ends_on=FIRST, status="closed", today=FIRST),
        FIRST + timedelta(days=1),
        FIRST + timedelta(days=2),
    )


@pytest.mark.parametrize(
    ("promise", "days"),
    [
        ("departure_moves_move_something", ("2027-05-12", "2027-05-17", "2027-05-12", "2027-05-17")),
        ("departure_moves_end_after_they_start", ("2027-05-12", "2027-05-17", "2027-05-19", "2027-05-18")),
    ],
)
async def test_the_database_keeps_moves_sensible(db: Database, promise: str, days: tuple[str, ...]) -> None:
    departure_id = await may_departure(db)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refused:
        async with db.transaction() as conn:
            await conn.execute(
                """
                INSERT INTO departure_moves (id, departure_id, old_starts_on, old_ends_on, starts_on, ends_on, actor)
                VALUES ($1, $2, $3, $4, $5, $6, 'system')
                """,
                uuid7(), departure_id, *map(date.fromisoformat, days),
            )  # fmt: skip
    assert violated(refused.value) == promise


async def test_who_was_shown_the_days_of_before_is_not_booked_on_others(db: Database) -> None:
    departure_id = await may_departure(db)
    quote = await pricing.make_quote(db, departure_id, {"adult": 2})
    await move(db, departure_id)
    with pytest.raises(Conflict) as refused:
        await hold(db, departure_id, quote_id=quote.quote_id)
    assert refused.value.code == "departure_moved"
    assert await seats_taken(db, departure_id) == 0
    await hold(db, departure_id)


async def test_who_books_while_it_is_moved_waits_and_is_asked_to_look_again(db: Database) -> None:
    """The booking was made with the days from before: with a letter to nobody, and a balance due on the wrong day."""
    departure_id = await may_departure(db)
    async with db.transaction() as conn:
        await departures.lock(conn, departure_id)
        booking = asyncio.create_task(hold(db, departure_id))
        while not await conn.fetchval(WAITS):
            await conn.execute("SELECT pg_sleep(0.02)")
        await queries.set_days(conn, departure_id, FIRST + timedelta(days=7), FIRST + timedelta(days=12))
    with pytest.raises(Conflict) as refused:
        await booking
    assert refused.value.code == "departure_moved"
    assert await seats_taken(db, departure_id) == 0


async def test_a_row_that_only_refers_to_a_departure_or_a_booking_waits_for_nobody_who_locks_it(db: Database) -> None:
    """With FOR UPDATE such rows lock the versions of one departure in the other direction, and a customer is thrown out of a deadlock."""
    departure_id = await may_departure(db)
    held = await hold(db, departure_id)
    async with db.transaction() as conn:
        await bookings.lock(conn, held.id)
        await asyncio.wait_for(pricing.make_quote(db, departure_id, {"adult": 2}), 10)
        async with db.transaction() as other:
            await other.execute("SET LOCAL lock_timeout = '10s'")
            await other.execute(
                "INSERT INTO travellers (id, booking_id, position, name, category) VALUES ($1, $2, 1, 'Ben', 'adult')",
                uuid7(),
                held.id,
            )


async def test_whoever_locks_its_bookings_and_whoever_moves_it_wait_for_each_other_and_go_on(db: Database) -> None:
    """The move takes its bookings along. It locked them as they lay in the table, all others by their ids, and one of the two was thrown out."""
    departure_id = await may_departure(db)
    first, second = sorted([(await hold(db, departure_id)).id, (await hold(db, departure_id)).id])
    async with db.transaction() as conn:
        await conn.execute(
            "UPDATE bookings SET email = 'elsewhere@example.org' WHERE id = $1", first
        )  # it lies behind the second now
    async with db.transaction() as conn:
        await bookings.lock_without_seats(conn, [first])
        moving = asyncio.create_task(move(db, departure_id))
        while not await conn.fetchval(WAITS):
            await conn.execute("SELECT pg_sleep(0.02)")
        await bookings.lock_without_seats(conn, [second])
    await moving
    async with db.transaction() as conn:
        days = await conn.fetch("SELECT DISTINCT travels_on FROM bookings")
    assert [row[0] for row in days] == [FIRST + timedelta(days=7)]
