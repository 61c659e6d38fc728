"""SQL of asking for reviews: who is to be asked today, by the calendar of the place. Who was asked already is what the outbox knows."""

from __future__ import annotations

from uuid import UUID

from jklg.kit.db import Connection


async def list_to_ask(conn: Connection, after: int, until: int, limit: int) -> list[UUID]:
    """Who came home at least `after` and less than `until` days ago, has not written, and may be asked: mail arrives there, and is wanted."""
    rows = await conn.fetch(
        """
        SELECT b.id FROM departures d JOIN packages p ON p.id = d.package_id JOIN bookings b ON b.departure_id = d.id
        CROSS JOIN LATERAL (SELECT (house_now() AT TIME ZONE p.time_zone)::date AS today) at_place
        WHERE d.ends_on BETWEEN house_now()::date - 1 - $2::integer AND house_now()::date + 1 - $1::integer
          AND d.ends_on <= at_place.today - $1::integer AND d.ends_on > at_place.today - $2::integer
          AND b.status = 'completed' AND b.payment_status <> 'Refunded' AND b.email <> ''
          AND NOT EXISTS (SELECT FROM testimonials t WHERE t.booking_id = b.id)
          AND NOT EXISTS (SELECT FROM mail_outbox m WHERE m.once_key = 'review_wanted:' || b.id)
          AND NOT EXISTS (SELECT FROM mail_stops s WHERE s.mailbox = lower(b.email)) AND NOT mail_bounced(b.email)
        ORDER BY d.ends_on, b.id LIMIT $3
        """,
        after,
        until,
        limit,
    )
    return [row[0] for row in rows]
