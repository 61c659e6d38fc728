"""SQL of the departures room. Deadlines ask house_now(), never this machine's clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from jklg.departures.rules import Days, ExtraOffer, Move, NewDeparture, Offer, Price
from jklg.kit.db import Connection


async def get_offers(conn: Connection, departure_ids: Sequence[UUID]) -> dict[UUID, Offer]:
    """The departures with their prices and extras, without those that are not there or whose package is still a draft."""
    rows = await conn.fetch(
        """
        SELECT d.id, d.package_id, p.name AS package_name, d.starts_on, d.ends_on, d.cutoff_at,
               (house_now() AT TIME ZONE p.time_zone)::date AS today, d.currency,
               greatest(d.allotment - d.seats_taken, 0) AS seats_left, d.price_version,
               d.status = 'open' AND p.status = 'published' AND d.cutoff_at > house_now() AS bookable, p.sales_terms,
               (SELECT jsonb_agg(jsonb_build_array(c.category, c.amount, c.min_age, c.max_age, c.takes_seat)
                                 ORDER BY array_position('{adult,child,infant,single_supplement}'::text[], c.category))
                FROM departure_prices c WHERE c.departure_id = d.id) AS prices,
               (SELECT jsonb_agg(jsonb_build_array(e.id, e.name, o.amount, o.stock - o.taken)
                                 ORDER BY e.position, e.id)
                FROM departure_extras o JOIN extras e ON e.id = o.extra_id WHERE o.departure_id = d.id) AS extras
        FROM departures d JOIN packages p ON p.id = d.package_id
        WHERE d.id = ANY($1) AND p.status <> 'draft'
        """,
        departure_ids,
    )
    return {row["id"]: _offer(row) for row in rows}


def _offer(row: Any) -> Offer:
    prices: list[Any] = row["prices"] or []
    extras: list[Any] = row["extras"] or []
    return Offer(
        id=row["id"],
        package_id=row["package_id"],
        package_name=row["package_name"],
        starts_on=row["starts_on"],
        ends_on=row["ends_on"],
        cutoff_at=row["cutoff_at"],
        today=row["today"],
        currency=row["currency"],
        seats_left=row["seats_left"],
        price_version=row["price_version"],
        bookable=row["bookable"],
        sales_terms=row["sales_terms"],
        prices={
            category: Price(amount=amount, min_age=min_age, max_age=max_age, takes_seat=takes_seat)
            for category, amount, min_age, max_age, takes_seat in prices
        },
        extras={
            UUID(extra_id): ExtraOffer(id=UUID(extra_id), name=name, amount=amount, stock_left=left)
            for extra_id, name, amount, left in extras
        },
    )


async def find_departure(conn: Connection, package_id: UUID, starts_on: date) -> UUID | None:
    """The departure of that day; where there are several, one that can be booked and has the most seats left."""
    value: UUID | None = await conn.fetchval(
        """
        SELECT d.id FROM departures d JOIN packages p ON p.id = d.package_id
        WHERE d.package_id = $1 AND d.starts_on = $2 AND p.status <> 'draft'
        ORDER BY d.status = 'open' AND d.cutoff_at > house_now() DESC, d.allotment - d.seats_taken DESC, d.id
        LIMIT 1
        """,
        package_id,
        starts_on,
    )
    return value


async def lock(conn: Connection, departure_ids: Sequence[UUID]) -> dict[UUID, tuple[int, bool]]:
    """Lock these rows, one after the other by their ids, until the database transaction ends: (seats left, open and before its cut-off)."""
    rows = await conn.fetch(
        """
        SELECT id, greatest(allotment - seats_taken, 0), status = 'open' AND cutoff_at > house_now()
        FROM departures WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE
        """,
        list(departure_ids),
    )
    return {row[0]: (row[1], row[2]) for row in rows}


async def days_of(conn: Connection, departure_id: UUID) -> Days | None:
    """Its days as they are now."""
    row = await conn.fetchrow(
        """
        SELECT d.starts_on, d.ends_on, d.status, (house_now() AT TIME ZONE p.time_zone)::date AS today
        FROM departures d JOIN packages p ON p.id = d.package_id WHERE d.id = $1
        """,
        departure_id,
    )
    return Days(**row) if row else None


async def get_move(conn: Connection, move_id: UUID) -> Move | None:
    """One move. Locks nothing."""
    row = await conn.fetchrow(_MOVE + "WHERE id = $1", move_id)
    return Move(**row) if row else None


async def list_moves(conn: Connection, departure_id: UUID) -> list[Move]:
    """All of a departure, the newest first."""
    rows = await conn.fetch(_MOVE + "WHERE departure_id = $1 ORDER BY moved_at DESC, id DESC", departure_id)
    return [Move(**row) for row in rows]


_MOVE = """
SELECT id, departure_id, old_starts_on, old_ends_on, starts_on, ends_on, words, actor, moved_at FROM departure_moves
"""


async def insert_move(
    conn: Connection, move_id: UUID, departure_id: UUID, starts_on: date, ends_on: date, words: str, actor: str
) -> None:
    """From the days it has now."""
    await conn.execute(
        """
        INSERT INTO departure_moves (id, departure_id, old_starts_on, old_ends_on, starts_on, ends_on, words, actor)
        SELECT $1, id, starts_on, ends_on, $3, $4, $5, $6 FROM departures WHERE id = $2
        """,
        move_id, departure_id, starts_on, ends_on, words, actor,
    )  # fmt: skip


async def set_days(conn: Connection, departure_id: UUID, starts_on: date, ends_on: date) -> None:
    """Its cut-off moves along, by as many days, at the same time of day there. Customers are told by the database (migration 0057)."""
    await conn.execute(
        """
        UPDATE departures d SET starts_on = $2, ends_on = $3,
               cutoff_at = ((d.cutoff_at AT TIME ZONE p.time_zone) + make_interval(days => $2 - d.starts_on)) AT TIME ZONE p.time_zone
        FROM packages p WHERE p.id = d.package_id AND d.id = $1
        """,
        departure_id, starts_on, ends_on,
    )  # fmt: skip


async def dates_of_package(conn: Connection, package_id: UUID) -> set[date]:
    """Every day on which the package departs or has departed, whatever the status."""
    rows = await conn.fetch("SELECT DISTINCT starts_on FROM departures WHERE package_id = $1", package_id)
    return {row[0] for row in rows}


async def insert_departures(conn: Connection, departures: Sequence[tuple[UUID, NewDeparture]]) -> None:
    """Three statements, however many departures. Call inside a database transaction."""
    await conn.execute(
        """
        INSERT INTO departures (id, package_id, starts_on, ends_on, cutoff_at, currency, allotment, guaranteed)
        SELECT n.id, n.package_id, n.starts_on, n.ends_on, n.cutoff_at, n.currency, n.allotment, n.guaranteed
        FROM jsonb_to_recordset($1) AS n(id uuid, package_id uuid, starts_on date, ends_on date, cutoff_at timestamptz,
                                         currency text, allotment integer, guaranteed boolean)
        """,
        [
            {
                "id": str(id_),
                "package_id": str(new.package_id),
                "starts_on": new.starts_on.isoformat(),
                "ends_on": new.ends_on.isoformat(),
                "cutoff_at": new.cutoff_at.isoformat(),
                "currency": new.currency,
                "allotment": new.allotment,
                "guaranteed": new.guaranteed,
            }
            for id_, new in departures
        ],
    )
    await conn.execute(
        """
        INSERT INTO departure_prices (departure_id, category, amount, min_age, max_age, takes_seat)
        SELECT n.departure_id, n.category, n.amount, n.min_age, n.max_age, n.takes_seat
        FROM jsonb_to_recordset($1) AS n(departure_id uuid, category text, amount bigint, min_age integer,
                                         max_age integer, takes_seat boolean)
        """,
        [
            {
                "departure_id": str(id_),
                "category": category,
                "amount": price.amount,
                "min_age": price.min_age,
                "max_age": price.max_age,
                "takes_seat": price.takes_seat and category != "single_supplement",
            }
            for id_, new in departures
            for category, price in new.prices.items()
        ],
    )
    await conn.execute(
        """
        INSERT INTO departure_extras (departure_id, extra_id, amount, stock)
        SELECT n.departure_id, n.extra_id, n.amount, n.stock
        FROM jsonb_to_recordset($1) AS n(departure_id uuid, extra_id uuid, amount bigint, stock integer)
        """,
        [
            {"departure_id": str(id_), "extra_id": str(extra_id), "amount": amount, "stock": stock}
            for id_, new in departures
            for extra_id, (amount, stock) in new.extras.items()
        ],
    )
