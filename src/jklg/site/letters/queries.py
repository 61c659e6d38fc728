"""SQL of the preview of letters: the newest row that each of them can be about."""

from __future__ import annotations

from uuid import UUID

import msgspec

from jklg.kit.db import Connection


class Newest(msgspec.Struct, frozen=True, kw_only=True):
    """Ids; None where there is no such row yet, or whose it was is forgotten."""

    booking: UUID | None
    confirmed: UUID | None
    owing: UUID | None
    home: UUID | None
    payment: UUID | None
    refund: UUID | None
    late_refund: UUID | None
    giving_up: UUID | None
    given_up: UUID | None
    consent: UUID | None
    move: UUID | None
    moved: UUID | None
    circular: UUID | None
    circular_reader: UUID | None
    answered: UUID | None
    question: UUID | None
    customer: str | None
    device: str | None


async def newest(conn: Connection) -> Newest:
    """One row. `moved`, `given_up` and `circular_reader` are the bookings that `move`, `giving_up` and `circular` were about."""
    row = await conn.fetchrow(
        """
        WITH known AS (SELECT id, status, payment_status, departure_id, created_at, confirmed_at, ended_at, balance_due_on FROM bookings WHERE email <> ''),
             gave AS (SELECT c.id, c.booking_id FROM booking_cancellations c JOIN known k ON k.id = c.booking_id ORDER BY c.cancelled_at DESC LIMIT 1),
             move AS (SELECT m.id, k.id AS booking_id FROM departure_moves m JOIN known k ON k.departure_id = m.departure_id
                      AND k.created_at <= m.moved_at ORDER BY m.moved_at DESC, k.created_at DESC LIMIT 1),
             circular AS (SELECT r.circular_id AS id, k.id AS booking_id FROM circular_recipients r JOIN known k ON k.id = r.booking_id
                          JOIN circulars c ON c.id = r.circular_id ORDER BY c.created_at DESC, r.id LIMIT 1)
        SELECT (SELECT id FROM known ORDER BY created_at DESC LIMIT 1) AS booking,
               (SELECT id FROM known WHERE status = 'confirmed' ORDER BY confirmed_at DESC NULLS LAST LIMIT 1) AS confirmed,
               (SELECT id FROM known WHERE status = 'confirmed' AND payment_status = 'Partial' AND balance_due_on IS NOT NULL
                ORDER BY confirmed_at DESC NULLS LAST LIMIT 1) AS owing,
               (SELECT id FROM known WHERE status = 'completed' ORDER BY ended_at DESC NULLS LAST LIMIT 1) AS home,
               (SELECT t.id FROM transactions t JOIN known k ON k.id = t.booking_id WHERE t.captured_amount > 0 ORDER BY t.completed_at DESC NULLS LAST LIMIT 1) AS payment,
               (SELECT r.id FROM refunds r JOIN transactions t ON t.id = r.transaction_id JOIN known k ON k.id = t.booking_id
                WHERE r.state = 'succeeded' AND r.origin <> 'late_money' ORDER BY r.updated_at DESC LIMIT 1) AS refund,
               (SELECT r.id FROM refunds r JOIN transactions t ON t.id = r.transaction_id JOIN known k ON k.id = t.booking_id
                WHERE r.origin = 'late_money' ORDER BY r.updated_at DESC LIMIT 1) AS late_refund,
               (SELECT id FROM gave) AS giving_up, (SELECT booking_id FROM gave) AS given_up,
               (SELECT c.id FROM payment_consents c JOIN known k ON k.id = c.booking_id
                WHERE c.label IS NOT NULL AND k.balance_due_on IS NOT NULL ORDER BY c.given_at DESC LIMIT 1) AS consent,
               (SELECT id FROM move) AS move, (SELECT booking_id FROM move) AS moved,
               (SELECT id FROM circular) AS circular, (SELECT booking_id FROM circular) AS circular_reader,
               (SELECT id FROM support_tickets WHERE status = 'answered' ORDER BY moved_at DESC LIMIT 1) AS answered,
               (SELECT id FROM package_questions WHERE answered_at IS NOT NULL ORDER BY answered_at DESC LIMIT 1) AS question,
               (SELECT name FROM customers WHERE status = 'active' ORDER BY created_at DESC LIMIT 1) AS customer,
               (SELECT device_info FROM customer_sessions WHERE device_info <> '' ORDER BY created_at DESC LIMIT 1) AS device
        """
    )
    assert row is not None
    return Newest(**row)
