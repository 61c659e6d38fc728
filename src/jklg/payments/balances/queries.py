"""SQL of balances: whose is coming due, or was, by the calendar of the place. What was written already is what the outbox knows."""

from __future__ import annotations

from uuid import UUID

from jklg.kit.db import Connection

_UNPAID = """
SELECT b.id FROM bookings b JOIN departures d ON d.id = b.departure_id JOIN packages p ON p.id = d.package_id
CROSS JOIN LATERAL (SELECT (house_now() AT TIME ZONE p.time_zone)::date AS today) at_place
WHERE b.status = 'confirmed' AND b.payment_status = 'Partial'
"""


async def list_coming(conn: Connection, days: int, limit: int) -> list[UUID]:
    """Whose balance is due within `days`, and who booked before yesterday. The first due first."""
    return await _ids(
        conn,
        _UNPAID
        + """
          AND b.email <> '' AND b.balance_due_on BETWEEN at_place.today AND at_place.today + $1::integer AND b.confirmed_at < house_now() - interval '1 day'
          AND NOT EXISTS (SELECT FROM mail_outbox m WHERE m.once_key = 'balance_due:' || b.id || ':before')
        ORDER BY b.balance_due_on, b.id LIMIT $2
        """,
        days,
        limit,
    )


async def list_missed(conn: Connection, limit: int) -> list[UUID]:
    """Whose balance was due before today, and whose journey has not begun."""
    return await _ids(
        conn,
        _UNPAID
        + """
          AND b.email <> '' AND b.balance_due_on < at_place.today AND d.starts_on > at_place.today
          AND NOT EXISTS (SELECT FROM mail_outbox m WHERE m.once_key = 'balance_due:' || b.id || ':after')
        ORDER BY b.balance_due_on, b.id LIMIT $1
        """,
        limit,
    )


async def list_overdue(conn: Connection) -> list[UUID]:
    """Every confirmed booking whose balance was due before today, until the day of departure is over."""
    return await _ids(
        conn,
        _UNPAID + "AND b.balance_due_on < at_place.today AND d.starts_on >= at_place.today ORDER BY b.id",
    )


async def _ids(conn: Connection, sql: str, *args: object) -> list[UUID]:
    return [row[0] for row in await conn.fetch(sql, *args)]
