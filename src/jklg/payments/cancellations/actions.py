"""Told in order: close the open payment, lock, work it out again, carry it out with the return of what was overpaid, send."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from jklg import bookings
from jklg.bookings import Booking, cancelling
from jklg.bookings.cancelling import Cancellation
from jklg.bookings.moving.queries import list_moves_of
from jklg.kit.db import Connection, claims
from jklg.kit.errors import Conflict
from jklg.payments import actions, desk, queries
from jklg.payments.actions import House


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """A booking after giving up. `given`: what it meant, None for held seats that were let go. `asked`: what became of the refund, if there is one."""

    booking: Booking
    given: Cancellation | None
    asked: desk.Asked | None


async def cancel(
    house: House,
    booking_id: UUID,
    *,
    leaving: Mapping[str, int] | None = None,
    travellers: Sequence[UUID] = (),
    expected_refund: int | None = None,
    before: int | None = None,
    kept: int | None = None,
    reason: str = "",
    actor: str,
    by_staff: bool = False,
) -> Outcome:
    """Give up a booking, or the people in `leaving`. `expected_refund`: what the preview said; `before`: how often something of the booking had
    been given up when it was shown. When either is another by now, nothing changes and that is told: so one press takes out one person.

    `kept` (staff only): what we keep of its worth, in place of the terms. Raises, in the order checked: NotFound (booking_not_found);
    Conflict (booking_ended, booking_not_confirmed, booking_paid: only staff may; preview_outdated: by `before`); what
    `cancelling.work_out` raises; Conflict (payment_open: it could not be closed; preview_outdated); BadInput (travellers_unknown,
    travellers_missing).
    """
    async with house.db.transaction() as conn:
        open_attempt = await queries.find_open(conn, booking_id)
    if open_attempt is not None:
        await actions.cancel_attempt(house, open_attempt.id, actor=actor)
    async with house.db.transaction(claims("system", actor=actor, reason="cancelled")) as conn:
        booking = await bookings.lock(conn, booking_id)
        if booking.status == "held":
            if leaving is not None:
                raise Conflict("booking_not_confirmed", "These seats are only held. Please let them go and take fewer.")
            booking = await bookings.cancel(conn, booking_id, actor=actor)
            return Outcome(booking=booking, given=None, asked=None)
        given, request_id = await _give_up(
            conn, house, booking, leaving, travellers, expected_refund, before, kept, reason, actor, by_staff
        )
        booking_after = await bookings.get(conn, booking_id)
        assert booking_after is not None, "just locked"
    asked = await desk.release(house, request_id) if request_id else None
    return Outcome(booking=booking_after, given=given, asked=asked)


async def _give_up(
    conn: Connection,
    house: House,
    booking: Booking,
    leaving: Mapping[str, int] | None,
    travellers: Sequence[UUID],
    expected_refund: int | None,
    before: int | None,
    kept: int | None,
    reason: str,
    actor: str,
    by_staff: bool,
) -> tuple[Cancellation, UUID | None]:
    if booking.status == "confirmed" and not by_staff and not cancelling.by_herself(booking):
        raise Conflict("booking_paid", "This booking is paid. Please write to us and we cancel it together.")
    if before is not None and before != len(await cancelling.list_of_booking(conn, booking.id)):
        raise Conflict("preview_outdated", "Something of this booking has changed since you looked. Please look again.")
    given = await cancelling.work_out(conn, booking, leaving, kept)
    if await queries.find_open(conn, booking.id) is not None:
        raise Conflict(
            "payment_open", "A payment is still open, and could not be closed. Please look again in a minute."
        )
    if expected_refund is not None and expected_refund != given.refund:
        raise Conflict(
            "preview_outdated",
            "What would come back has changed since you looked. Please look again.",
            details={"refund": given.refund, "kept": given.kept},
        )
    await cancelling.carry_out(conn, booking, given, travellers=travellers, actor=actor, reason=reason)
    if not given.refund:
        return given, None
    after = await bookings.get(conn, booking.id)
    assert after is not None, "just locked"
    # Staff who move the departure first would make their own promise.
    promised = given.percent is not None and not (by_staff and await list_moves_of(conn, booking.id))
    request_id = await desk.return_of_overpaid(
        conn, house.settings, after, given.refund, reason=reason or "cancelled", actor=actor, promised=promised
    )
    return given, request_id
