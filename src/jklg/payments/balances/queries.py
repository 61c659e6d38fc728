"""SQL of balances: whose is coming due, or was, by the calendar of the place. What was written already is what the outbox knows."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from jklg.kit.db import Connection

_LACKS = """
(SELECT -coalesce(sum(e.amount), 0) FROM ledger_entries e
 WHERE e.subject_id = b.id AND e.currency = b.currency AND e.account IN ('customer_deposits', 'travel_revenue')) < b.total_price - b.reduced_amount
"""
"""By the ledger: money in suspense, on its way back or owed to her pays for nothing, though `payment_status` may say 'Paid' because of it."""


def _unpaid(days: str = "0") -> str:
    """Confirmed bookings that lack something, due within so many `days` (a number, or a parameter of the statement). No calendar on earth is more
    than a day ahead of UTC; said of that, an index knows whose books have to be looked into (migration 0071)."""
    return f"""
    SELECT b.id FROM bookings b JOIN departures d ON d.id = b.departure_id JOIN packages p ON p.id = d.package_id
    CROSS JOIN LATERAL (SELECT (house_now() AT TIME ZONE p.time_zone)::date AS today) at_place
    WHERE b.status = 'confirmed' AND b.balance_due_on <= (SELECT (house_now() AT TIME ZONE 'UTC')::date + 1) + {days} AND {_LACKS}
    """  # noqa: S608  (a part of the statement, not a value)


_KEPT = """
EXISTS (SELECT FROM payment_consents c WHERE c.booking_id = b.id AND c.ended_at IS NULL AND c.method_ref IS NOT NULL
                                         AND (c.gateway, c.livemode) IN (SELECT * FROM unnest($1::text[], $2::boolean[])))
"""
"""A card that can be charged. One that nobody can charge any more, since its gateway was taken out of the settings, is none."""

Modes = Sequence[tuple[str, bool]]
"""The gateways that keep cards, and whether they take money in earnest: a card that was kept otherwise is not theirs."""


async def list_coming(conn: Connection, modes: Modes, days: int, limit: int) -> list[UUID]:
    """Whose balance is due within `days`, and is not taken from a card; who booked before yesterday. The first due first."""
    return await _ids(
        conn,
        f"""{_unpaid("$3::integer")} AND NOT {_KEPT}
          AND b.email <> '' AND b.balance_due_on BETWEEN at_place.today AND at_place.today + $3::integer AND b.confirmed_at < house_now() - interval '1 day'
          AND NOT EXISTS (SELECT FROM mail_outbox m WHERE m.once_key = 'balance_due:' || b.id || ':before')
        ORDER BY b.balance_due_on, b.id LIMIT $4
        """,
        *_columns(modes),
        days,
        limit,
    )


async def list_missed(conn: Connection, modes: Modes, limit: int) -> list[UUID]:
    """Whose balance was due before today and is not taken from a card, and whose journey has not begun."""
    return await _ids(
        conn,
        f"""{_unpaid()} AND NOT {_KEPT}
          AND b.email <> '' AND b.balance_due_on < at_place.today AND d.starts_on > at_place.today
          AND NOT EXISTS (SELECT FROM mail_outbox m WHERE m.once_key = 'balance_due:' || b.id || ':after')
        ORDER BY b.balance_due_on, b.id LIMIT $3
        """,
        *_columns(modes),
        limit,
    )


async def list_overdue(conn: Connection) -> list[UUID]:
    """Every confirmed booking whose balance was due before today, until the day of departure is over."""
    return await _ids(
        conn,
        _unpaid() + "AND b.balance_due_on < at_place.today AND d.starts_on >= at_place.today ORDER BY b.id",
    )


async def list_to_announce(conn: Connection, modes: Modes, days: int, limit: int) -> list[UUID]:
    """Whose card is to be charged within `days`, and was not told."""
    return await _ids(
        conn,
        f"""{_unpaid("$3::integer")} AND {_KEPT}
          AND b.email <> '' AND b.balance_due_on <= at_place.today + $3::integer
          AND NOT EXISTS (SELECT FROM payment_consents c JOIN mail_outbox m ON m.once_key = 'card_will_be_charged:' || c.id
                          WHERE c.booking_id = b.id AND c.ended_at IS NULL)
        ORDER BY b.balance_due_on, b.id LIMIT $4
        """,
        *_columns(modes),
        days,
        limit,
    )


async def list_to_charge(
    conn: Connection, modes: Modes, notice_days: int, pause_days: int, tries: int, limit: int
) -> list[tuple[UUID, UUID, str]]:
    """Whose card is to be charged now: (booking, consent, gateway). Due, told in time, nothing open, and tries left."""
    rows = await conn.fetch(
        f"""
        SELECT b.id, c.id, c.gateway FROM payment_consents c JOIN bookings b ON b.id = c.booking_id
        JOIN departures d ON d.id = b.departure_id JOIN packages p ON p.id = d.package_id
        JOIN mail_outbox m ON m.once_key = 'card_will_be_charged:' || c.id
        CROSS JOIN LATERAL (SELECT count(*) AS tried, max(x.created_at) AS last FROM transactions x WHERE x.consent_id = c.id) charges
        WHERE c.ended_at IS NULL AND c.method_ref IS NOT NULL
          AND (c.gateway, c.livemode) IN (SELECT * FROM unnest($1::text[], $2::boolean[]))
          AND b.status = 'confirmed' AND NOT b.payment_open AND {_LACKS}
          AND b.balance_due_on <= (house_now() AT TIME ZONE p.time_zone)::date
          AND m.created_at <= house_now() - make_interval(days => $3)
          AND charges.tried < $5 AND (charges.last IS NULL OR charges.last <= house_now() - make_interval(days => $4))
        ORDER BY b.balance_due_on, b.id LIMIT $6
        """,  # noqa: S608  (a part of the statement, not a value)
        *_columns(modes),
        notice_days,
        pause_days,
        tries,
        limit,
    )
    return [(row[0], row[1], row[2]) for row in rows]


async def list_refused(conn: Connection, limit: int) -> list[UUID]:
    """Charges of the last days that the payer's bank did not let through, and that she was not told of.

    What her bank refuses is left open for her to finish (`MethodKeeping`). One that failed, her bank has never heard of: the gateway would not
    make it, or it was never sent."""
    return await _ids(
        conn,
        """
        SELECT t.id FROM transactions t WHERE t.consent_id IS NOT NULL AND t.created_at > house_now() - interval '7 days'
          AND t.state IN ('requires_payment_method', 'requires_action')
          AND NOT EXISTS (SELECT FROM mail_outbox m WHERE m.once_key = 'card_refused:' || t.id)
        ORDER BY t.id LIMIT $1
        """,
        limit,
    )


async def list_consents(conn: Connection, booking_id: UUID) -> list[UUID]:
    """Every consent that a booking has had."""
    return await _ids(conn, "SELECT id FROM payment_consents WHERE booking_id = $1 ORDER BY id", booking_id)


def _columns(modes: Modes) -> tuple[list[str], list[bool]]:
    return [name for name, _ in modes], [livemode for _, livemode in modes]


async def _ids(conn: Connection, sql: str, *args: object) -> list[UUID]:
    return [row[0] for row in await conn.fetch(sql, *args)]
