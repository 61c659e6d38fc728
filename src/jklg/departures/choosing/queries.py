"""SQL of choosing a departure. Deadlines ask house_now(), never this machine's clock."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from jklg.departures.rules import CategoryAmount, Departure, OnDay
from jklg.kit.db import Connection

_LISTED = """
        FROM departures d JOIN packages p ON p.id = d.package_id
        WHERE d.package_id = $1 AND p.status = 'published' AND d.status = 'open' AND d.cutoff_at > house_now()"""
"""Departures of a published package that can still be booked or are sold out."""


async def list_departures(
    conn: Connection, package_id: UUID, from_: date | None = None, to: date | None = None, limit: int = 400
) -> list[Departure]:
    """Soonest first, both dates included. Sold-out departures are listed with no seats left. A day is listed whole, even where that is more
    than `limit`: what follows begins with another day."""
    rows = await conn.fetch(
        f"""
        SELECT d.id, d.starts_on, d.ends_on, greatest(d.allotment - d.seats_taken, 0) AS seats_left, d.currency,
               (SELECT jsonb_agg(jsonb_build_array(c.category, c.amount, c.min_age, c.max_age)
                                 ORDER BY array_position('{{adult,child,infant,single_supplement}}'::text[], c.category))
                FROM departure_prices c WHERE c.departure_id = d.id) AS prices,
               d.cutoff_at, d.guaranteed
        FROM (
            SELECT d.id, d.starts_on, d.ends_on, d.allotment, d.seats_taken, d.currency, d.cutoff_at, d.guaranteed {_LISTED}
              AND d.starts_on >= coalesce($2, date '-infinity') AND d.starts_on <= coalesce($3, date 'infinity')
            ORDER BY d.starts_on FETCH FIRST $4 ROWS WITH TIES
        ) AS d
        ORDER BY d.starts_on, d.id
        """,  # noqa: S608  (put together from what stands here)
        package_id,
        from_,
        to,
        limit,
    )
    return [
        Departure(
            id=row["id"],
            starts_on=row["starts_on"],
            ends_on=row["ends_on"],
            seats_left=row["seats_left"],
            currency=row["currency"],
            prices=[
                CategoryAmount(category=category, amount=amount, min_age=min_age, max_age=max_age)
                for category, amount, min_age, max_age in row["prices"] or []
            ],
            cutoff_at=row["cutoff_at"],
            guaranteed=row["guaranteed"],
        )
        for row in rows
    ]


async def list_months(conn: Connection, package_id: UUID, months: int = 18) -> list[tuple[date, bool]]:
    """The months in which a visitor may depart: (first day, whether there are seats). Looks `months` ahead and no further.

    Looks into the index month by month and stops at the first departure: counting thousands of them took longer than the rest of the page.
    """
    rows = await conn.fetch(
        """
        SELECT m.month::date AS month, EXISTS (
            SELECT FROM departures d
            WHERE d.package_id = $1 AND d.status = 'open' AND d.cutoff_at > house_now() AND d.seats_taken < d.allotment
              AND d.starts_on >= m.month AND d.starts_on < m.month + interval '1 month') AS with_seats
        FROM generate_series(date_trunc('month', house_now()), house_now() + make_interval(months => $2), interval '1 month') AS m(month)
        WHERE EXISTS (
            SELECT FROM departures d JOIN packages p ON p.id = d.package_id
            WHERE d.package_id = $1 AND p.status = 'published' AND d.status = 'open' AND d.cutoff_at > house_now()
              AND d.starts_on >= m.month AND d.starts_on < m.month + interval '1 month')
        ORDER BY m.month
        """,
        package_id,
        months,
    )
    return [(row["month"], row["with_seats"]) for row in rows]


async def days_beside(
    conn: Connection, package_id: UUID, first: date | None, last: date, count: int
) -> tuple[list[date], date | None]:
    """What lies before and after a list: (the days of `count` departures before `first`, from the latest back; the next day after `last`).

    Nothing lies before a `first` of None. Reads no further than that in the index.
    """
    row = await conn.fetchrow(
        f"""
        SELECT ARRAY(SELECT d.starts_on {_LISTED} AND d.starts_on < $2 ORDER BY d.starts_on DESC LIMIT $4),
               (SELECT d.starts_on {_LISTED} AND d.starts_on > $3 ORDER BY d.starts_on LIMIT 1)
        """,
        package_id,
        first,
        last,
        count,
    )
    assert row is not None
    return row[0], row[1]


async def list_days(conn: Connection, package_id: UUID, from_: date, before: date) -> list[OnDay]:
    """Each day that something leaves on, from `from_` on and before `before`. Of several departures the one with the most seats left."""
    rows = await conn.fetch(
        f"""
        SELECT DISTINCT ON (d.starts_on) d.id, d.starts_on, greatest(d.allotment - d.seats_taken, 0) AS seats_left {_LISTED}
          AND d.starts_on >= $2 AND d.starts_on < $3
        ORDER BY d.starts_on, seats_left DESC, d.id
        """,
        package_id,
        from_,
        before,
    )
    return [OnDay(**row) for row in rows]


async def next_with_seats(conn: Connection, package_id: UUID, after: date | None) -> OnDay | None:
    """The first departure with seats that leaves after this day, or that leaves at all."""
    row = await conn.fetchrow(
        f"""
        SELECT d.id, d.starts_on, d.allotment - d.seats_taken AS seats_left {_LISTED}
          AND d.seats_taken < d.allotment AND d.starts_on > coalesce($2, date '-infinity')
        ORDER BY d.starts_on, d.id LIMIT 1
        """,
        package_id,
        after,
    )
    return OnDay(**row) if row else None
