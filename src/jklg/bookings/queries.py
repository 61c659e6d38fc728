"""SQL of the bookings room."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from jklg.bookings import rules
from jklg.kit.db import Connection


class Booking(msgspec.Struct, frozen=True, kw_only=True):
    """A booking with what it is for. Money in minor units of `currency`; `lines` and `sold_terms` are frozen at purchase. `today` and
    `balance_due_on` are dates at the place of the package."""

    id: UUID
    reference: str
    status: str
    payment_status: str
    payment_open: bool
    departure_id: UUID
    package_id: UUID
    package_name: str
    package_slug: str
    starts_on: date
    ends_on: date
    time_zone: str
    party: dict[str, int]
    seats: int
    currency: str
    total_price: int
    lines: list[dict[str, Any]]
    sold_terms: dict[str, Any]
    deposit_amount: int | None
    balance_due_on: date | None
    reduced_amount: int
    cancelled_party: dict[str, int]
    cancelled_seats: int
    today: date
    name: str
    email: str
    phone: str
    special_requests: str
    locale: str = "en"
    key_turn: int = 0
    customer_id: UUID | None
    hold_expires_at: datetime
    hold_seconds_left: int
    created_at: datetime
    confirmed_at: datetime | None
    ended_at: datetime | None

    @property
    def price(self) -> int:
        """What it costs today: what it was sold for, less what was taken off afterwards."""
        return self.total_price - self.reduced_amount

    @property
    def going(self) -> dict[str, int]:
        """Who still goes, by category: those it was booked for, less those who were given up one by one."""
        return rules.remaining(self.party, self.cancelled_party)

    @property
    def confirms_at(self) -> int:
        """How much has to be paid for it to be confirmed: the deposit it was sold under, or all. Once it is, nothing."""
        if self.status == "confirmed":
            return 0
        return min(self.deposit_amount or self.total_price, self.price)


class Traveller(msgspec.Struct, frozen=True, kw_only=True):
    """One who goes, or went before being taken out (`cancelled_at`)."""

    id: UUID
    position: int
    name: str
    category: str
    date_of_birth: date | None
    is_lead: bool
    cancelled_at: datetime | None = None


_BOOKING = """
SELECT b.id, b.reference, b.status, b.payment_status, b.payment_open, b.departure_id, d.package_id,
       p.name AS package_name, p.slug AS package_slug, d.starts_on, d.ends_on, p.time_zone, b.party, b.seats,
       b.currency, b.total_price, b.lines, b.sold_terms, b.deposit_amount, b.balance_due_on, b.reduced_amount, b.cancelled_party,
       b.cancelled_seats, (house_now() AT TIME ZONE p.time_zone)::date AS today, b.name, b.email, b.phone, b.special_requests, b.locale, b.key_turn,
       b.customer_id, b.hold_expires_at, greatest(0, extract(epoch FROM b.hold_expires_at - house_now()))::integer AS hold_seconds_left,
       b.created_at, b.confirmed_at, b.ended_at
FROM bookings b
JOIN departures d ON d.id = b.departure_id
JOIN packages p ON p.id = d.package_id
"""


async def get(conn: Connection, booking_id: UUID) -> Booking | None:
    """One booking, with the rights of the caller's claims. Locks nothing."""
    row = await conn.fetchrow(_BOOKING + "WHERE b.id = $1", booking_id)
    return Booking(**row) if row else None


async def get_by_reference(conn: Connection, reference: str) -> Booking | None:
    """The booking of a reference as it is kept: upper case. With the rights of the caller's claims."""
    row = await conn.fetchrow(_BOOKING + "WHERE b.reference = $1", reference)
    return Booking(**row) if row else None


async def key_turn(conn: Connection, booking_id: UUID) -> int | None:
    """How often the key of a booking was turned; None when there is no such booking for the caller."""
    found: int | None = await conn.fetchval("SELECT key_turn FROM bookings WHERE id = $1", booking_id)
    return found


async def latest(conn: Connection) -> UUID | None:
    """The newest booking of somebody who has not been forgotten."""
    found: UUID | None = await conn.fetchval(
        "SELECT id FROM bookings WHERE email <> '' ORDER BY created_at DESC LIMIT 1"
    )
    return found


async def get_all(conn: Connection, booking_ids: Sequence[UUID]) -> dict[UUID, Booking]:
    """These bookings, as far as there are. Locks nothing."""
    rows = await conn.fetch(_BOOKING + "WHERE b.id = ANY($1)", list(booking_ids))
    return {row["id"]: Booking(**row) for row in rows}


async def lock(conn: Connection, booking_ids: Sequence[UUID]) -> dict[UUID, Booking]:
    """The same, locked one after the other by their ids until the database transaction ends."""
    rows = await conn.fetch(_BOOKING + "WHERE b.id = ANY($1) ORDER BY b.id FOR NO KEY UPDATE OF b", list(booking_ids))
    return {row["id"]: Booking(**row) for row in rows}


async def departures_of(conn: Connection, booking_ids: Sequence[UUID]) -> set[UUID]:
    rows = await conn.fetch("SELECT DISTINCT departure_id FROM bookings WHERE id = ANY($1)", list(booking_ids))
    return {row[0] for row in rows}


async def list_travellers(conn: Connection, booking_id: UUID) -> list[Traveller]:
    """Who goes, the lead traveller first."""
    return (await travellers_of(conn, [booking_id])).get(booking_id, [])


async def travellers_of(conn: Connection, booking_ids: Sequence[UUID]) -> dict[UUID, list[Traveller]]:
    """The same of many bookings."""
    rows = await conn.fetch(
        """
        SELECT booking_id, id, position, name, category, date_of_birth, is_lead, cancelled_at
        FROM travellers WHERE booking_id = ANY($1) ORDER BY booking_id, position
        """,
        list(booking_ids),
    )
    found: dict[UUID, list[Traveller]] = {}
    for booking_id, *row in rows:
        found.setdefault(booking_id, []).append(Traveller(**dict(zip(Traveller.__struct_fields__, row, strict=True))))
    return found


async def hold(conn: Connection, booking: dict[str, Any]) -> tuple[str | None, datetime, datetime]:
    """Take the seats in one round trip (migration 0006). Returns (refusal, hold_expires_at, created_at)."""
    row = await conn.fetchrow("SELECT refusal, hold_expires_at, created_at FROM hold_booking($1)", booking)
    assert row is not None
    return row[0], row[1], row[2]


async def extend_hold(conn: Connection, booking_id: UUID, minutes: int) -> bool:
    """Once only, and never shorter than it was."""
    done = await conn.fetchval(
        """
        UPDATE bookings
        SET hold_expires_at = greatest(hold_expires_at, house_now() + make_interval(mins => $2)), hold_extended = true
        WHERE id = $1 AND status = 'held' AND NOT hold_extended
        RETURNING true
        """,
        booking_id,
        minutes,
    )
    return bool(done)


async def list_holds_due(conn: Connection, limit: int) -> list[tuple[UUID, UUID]]:
    """Holds past their time with no open payment, oldest first: (booking, departure)."""
    rows = await conn.fetch(
        """
        SELECT id, departure_id FROM bookings
        WHERE status = 'held' AND hold_expires_at <= house_now() AND NOT payment_open
        ORDER BY hold_expires_at, id LIMIT $1
        """,
        limit,
    )
    return [(row[0], row[1]) for row in rows]


async def expire(conn: Connection, booking_id: UUID) -> bool:
    done = await conn.fetchval(
        """
        UPDATE bookings SET status = 'expired', ended_at = house_now()
        WHERE id = $1 AND status = 'held' AND hold_expires_at <= house_now() AND NOT payment_open
        RETURNING true
        """,
        booking_id,
    )
    return bool(done)


async def confirm(conn: Connection, booking_ids: Sequence[UUID]) -> set[UUID]:
    """Which of these are confirmed now that were not before. Locked by the caller."""
    rows = await conn.fetch(
        """
        UPDATE bookings SET status = 'confirmed', confirmed_at = house_now(), ended_at = NULL
        WHERE id = ANY($1) AND status IN ('held', 'expired')
        RETURNING id
        """,
        list(booking_ids),
    )
    return {row[0] for row in rows}


async def take_off(conn: Connection, booking_id: UUID, amount: int) -> None:
    """The price is less by so much from now on."""
    await conn.execute("UPDATE bookings SET reduced_amount = reduced_amount + $2 WHERE id = $1", booking_id, amount)


async def take_out(conn: Connection, booking_id: UUID, cancelled_party: dict[str, int], seats: int) -> None:
    """These people do not go any more; their seats are free for others."""
    await conn.execute(
        "UPDATE bookings SET cancelled_party = $2, cancelled_seats = cancelled_seats + $3 WHERE id = $1",
        booking_id,
        cancelled_party,
        seats,
    )


async def take_out_travellers(conn: Connection, traveller_ids: Sequence[UUID]) -> None:
    await conn.execute("UPDATE travellers SET cancelled_at = house_now() WHERE id = ANY($1)", list(traveller_ids))


async def cancel(conn: Connection, booking_id: UUID) -> bool:
    done = await conn.fetchval(
        """
        UPDATE bookings SET status = 'cancelled', ended_at = house_now()
        WHERE id = $1 AND status IN ('held', 'confirmed')
        RETURNING true
        """,
        booking_id,
    )
    return bool(done)


async def list_travelled(conn: Connection, limit: int) -> list[UUID]:
    """Confirmed bookings whose departure has ended, by the calendar of the place. None ends before its first day, so that those of later days
    need not be looked at; the moment is read once, since an index cannot wait for each row's own."""
    rows = await conn.fetch(
        """
        SELECT b.id FROM bookings b
        JOIN departures d ON d.id = b.departure_id JOIN packages p ON p.id = d.package_id
        WHERE b.status = 'confirmed' AND b.travels_on <= ((SELECT house_now()) AT TIME ZONE 'UTC')::date + 1
          AND d.ends_on < (house_now() AT TIME ZONE p.time_zone)::date
        ORDER BY d.ends_on, b.id LIMIT $1
        """,
        limit,
    )
    return [row[0] for row in rows]


async def complete(conn: Connection, booking_id: UUID) -> bool:
    done = await conn.fetchval(
        "UPDATE bookings SET status = 'completed', ended_at = house_now() WHERE id = $1 AND status = 'confirmed' RETURNING true",
        booking_id,
    )
    return bool(done)


async def extras_still_free(conn: Connection, booking_id: UUID) -> bool:
    """Whether every extra of the booking could be taken again. Call with the departure locked."""
    value = await conn.fetchval(
        """
        SELECT coalesce(bool_and(de.stock IS NULL OR de.taken + be.quantity <= de.stock), true)
        FROM booking_extras be JOIN departure_extras de USING (departure_id, extra_id)
        WHERE be.booking_id = $1
        """,
        booking_id,
    )
    return bool(value)


async def customers_of(conn: Connection, booking_ids: Sequence[UUID]) -> list[UUID]:
    """The accounts that these bookings belong to, in the order of their ids; none for a guest's."""
    rows = await conn.fetch(
        "SELECT DISTINCT customer_id FROM bookings WHERE id = ANY($1) AND customer_id IS NOT NULL ORDER BY customer_id",
        list(booking_ids),
    )
    return [row[0] for row in rows]


async def join_customer(conn: Connection, customer_id: UUID, email: str, until: datetime | None) -> list[UUID]:
    """Guest bookings made with an address, up to a moment, become a customer's. Answers which."""
    rows = await conn.fetch(
        """
        UPDATE bookings SET customer_id = $1
        WHERE mailbox = lower($2) AND customer_id IS NULL AND ($3::timestamptz IS NULL OR created_at <= $3)
        RETURNING id
        """,
        customer_id,
        email,
        until,
    )
    return [row[0] for row in rows]


async def set_contact(conn: Connection, booking_id: UUID, email: str, phone: str) -> None:
    """Another address turns the key (migration 0067)."""
    await conn.execute("UPDATE bookings SET email = $2, phone = $3 WHERE id = $1", booking_id, email, phone)


async def erase_when_over(conn: Connection, customer_id: UUID) -> None:
    await conn.execute(
        "UPDATE bookings SET erase_when_over = true WHERE customer_id = $1 AND NOT erase_when_over", customer_id
    )


async def list_to_erase(conn: Connection, limit: int) -> list[UUID]:
    """Bookings of people who have left, once they are over and no money is on its way."""
    rows = await conn.fetch(
        """
        SELECT id FROM bookings
        WHERE erase_when_over AND status IN ('cancelled', 'expired', 'completed') AND NOT payment_open AND email <> ''
        ORDER BY id LIMIT $1
        """,
        limit,
    )
    return [row[0] for row in rows]


async def erase(conn: Connection, booking_id: UUID) -> bool:
    """Forget who it was. What was sold, and for how much, stays. False when it is not over, or was erased before."""
    done = await conn.fetchval(
        """
        UPDATE bookings SET name = '', email = '', phone = '', special_requests = ''
        WHERE id = $1 AND erase_when_over AND status IN ('cancelled', 'expired', 'completed') AND NOT payment_open AND email <> ''
        RETURNING true
        """,
        booking_id,
    )
    if done:
        await conn.execute("UPDATE travellers SET name = '', date_of_birth = NULL WHERE booking_id = $1", booking_id)
    return bool(done)
