"""A small agency to test with: one package, departures as wanted, and people with names.

Asha books, Ben travels with her, Chitra is staff, Mallory is a stranger.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from jklg import bookings, departures
from jklg.departures.rules import NewDeparture, Price
from jklg.kit.db import Connection, Database
from jklg.kit.ids import uuid7

ADULT, CHILD, INFANT, SUPPLEMENT = 2_499_900, 1_749_900, 250_000, 600_000


TERMS = {
    "deposit": {"kind": "percent", "value": 20},
    "balance_days": 30,
    "tiers": [{"days_before": 60, "percent": 100}, {"days_before": 30, "percent": 50}],
}
"""A fifth confirms, the rest is due 30 days before; all comes back until 60 days before, half until 30."""


async def add_package(
    db: Database, *, currency: str = "INR", name: str = "Kashmir Bliss", terms: dict[str, Any] | None = None
) -> UUID:
    """A published package of six days."""
    package_id = uuid7()
    async with db.connection() as conn:
        await conn.execute(
            """
            INSERT INTO packages (id, slug, name, summary, description, duration_days, price, currency, status, sales_terms)
            VALUES ($1, $2, $3, 'Six days', 'Six days in the valley', 6, $4, $5, 'published', $6)
            """,
            package_id,
            f"p-{package_id.hex[-12:]}",
            name,
            ADULT,
            currency,
            terms or {},
        )
    return package_id


async def add_extra(db: Database, package_id: UUID, name: str = "Pony ride") -> UUID:
    extra_id = uuid7()
    async with db.connection() as conn:
        await conn.execute("INSERT INTO extras (id, package_id, name) VALUES ($1, $2, $3)", extra_id, package_id, name)
    return extra_id


async def add_departure(
    db: Database,
    *,
    seats: int = 8,
    package_id: UUID | None = None,
    currency: str = "INR",
    starts_on: date | None = None,
    cutoff_at: datetime | None = None,
    prices: dict[str, int] | None = None,
    extras: dict[UUID, tuple[int, int | None]] | None = None,
) -> UUID:
    """A departure three months from now, unless told otherwise."""
    starts = starts_on or (datetime.now(UTC) + timedelta(days=90)).date()
    amounts = prices or {"adult": ADULT, "child": CHILD, "infant": INFANT, "single_supplement": SUPPLEMENT}
    ages = {"adult": (12, 150), "child": (2, 11), "infant": (0, 1), "single_supplement": (0, 150)}
    new = NewDeparture(
        package_id=package_id or await add_package(db, currency=currency),
        starts_on=starts,
        ends_on=starts + timedelta(days=5),
        cutoff_at=cutoff_at or datetime.now(UTC) + timedelta(days=80),
        currency=currency,
        allotment=seats,
        prices={
            category: Price(
                amount=amount,
                min_age=ages[category][0],
                max_age=ages[category][1],
                takes_seat=category in ("adult", "child"),
            )
            for category, amount in amounts.items()
        },
        extras=extras or {},
    )
    async with db.transaction() as conn:
        (departure_id,) = await departures.create(conn, [new])
    return departure_id


def ashas_request(departure_id: UUID, **changes: Any) -> bookings.HoldRequest:
    """Asha books for herself and Ben."""
    wanted: dict[str, Any] = {
        "departure_id": departure_id,
        "party": {"adult": 2},
        "name": "Asha Rao",
        "email": "asha@example.org",
        "phone": "+91 98765 43210",
        **changes,
    }
    return bookings.HoldRequest(**wanted)


async def hold(db: Database, departure_id: UUID, *, minutes: int = 15, **changes: Any) -> bookings.Held:
    """Asha takes seats."""
    return await bookings.hold(db, ashas_request(departure_id, **changes), hold_minutes=minutes)


async def seats_taken(db: Database, departure_id: UUID) -> int:
    async with db.connection() as conn:
        return int(await conn.fetchval("SELECT seats_taken FROM departures WHERE id = $1", departure_id))


async def status_of(db: Database, booking_id: UUID) -> str:
    async with db.transaction() as conn:
        return str(await conn.fetchval("SELECT status FROM bookings WHERE id = $1", booking_id))


async def let_hold_run_out(conn: Connection, booking_id: UUID) -> None:
    """As if the customer had gone for lunch."""
    await conn.execute(
        "UPDATE bookings SET hold_expires_at = house_now() - interval '1 second' WHERE id = $1", booking_id
    )


async def rows_read(conn: Connection, table: str) -> int:
    """Of a table, by this database transaction so far, whether it wanted them or not."""
    return int(
        await conn.fetchval(
            "SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables WHERE relname = $1", table
        )
    )
