"""SQL of reminders: who is to be written to today, by the calendar of the place. What was written already is what the outbox knows."""

from __future__ import annotations

from uuid import UUID

from jklg.kit.db import Connection


async def list_departing(conn: Connection, days: int, limit: int) -> list[tuple[UUID, str]]:
    """Who travels within `days`, not today, and booked before yesterday, and what the letter is about: once for the booking, and once more
    when its departure has been moved since. The first to go first."""
    rows = await conn.fetch(
        """
        SELECT b.id, about.once FROM departures d JOIN packages p ON p.id = d.package_id JOIN bookings b ON b.departure_id = d.id
        CROSS JOIN LATERAL (SELECT (house_now() AT TIME ZONE p.time_zone)::date AS today) at_place
        CROSS JOIN LATERAL (SELECT concat_ws(':', b.id, (SELECT m.id FROM departure_moves m WHERE m.departure_id = d.id AND m.moved_at > b.created_at
                                                         ORDER BY m.moved_at DESC, m.id DESC LIMIT 1)) AS once) about
        WHERE d.starts_on BETWEEN house_now()::date - 1 AND house_now()::date + 1 + $1::integer
          AND d.starts_on > at_place.today AND d.starts_on <= at_place.today + $1::integer
          AND b.status = 'confirmed' AND b.email <> '' AND b.confirmed_at < house_now() - interval '1 day'
          AND NOT EXISTS (SELECT FROM mail_outbox m WHERE m.once_key = 'departure_near:' || about.once)
        ORDER BY d.starts_on, b.id LIMIT $2
        """,
        days,
        limit,
    )
    return [(row[0], row[1]) for row in rows]
