"""What we owe a customer because a refund did not arrive is paid another way: in cash, by a transfer. Somebody did that already; it is written down."""

from __future__ import annotations

from uuid import UUID

from jklg import bookings, history, ledger
from jklg.bookings import Booking
from jklg.kit.db import Connection, claims
from jklg.kit.errors import BadInput, Conflict
from jklg.payments import concerns
from jklg.payments.desk import actions, queries, rules
from jklg.payments.desk.actions import Asked, House
from jklg.payments.desk.by_hand import METHODS
from jklg.payments.desk.queries import RefundRequest
from jklg.payments.desk.rules import OWED
from jklg.payments.refunds import BY_HAND


async def pay_owed(
    house: House, *, request_id: UUID, booking_id: UUID, amount: int | None, method: str, note: str, actor: str
) -> Asked:
    """Write down that `amount` (minor units of the booking's currency; None: all) of what is owed was paid by `method`. `note`: what helps
    to find it. Asked twice with one id, it is once. Above the limit it waits for a second person, and is to be paid after that.

    Raises, in the order checked: BadInput (method_invalid, reason_missing); NotFound (booking_not_found); Conflict (request_reused); what
    `rules.check_owed` raises.
    """
    if method not in METHODS:
        raise BadInput("method_invalid", "Please say how it was paid.", details={"field": "method"})
    note = " ".join(note.split())[:500]
    if not note:
        raise BadInput("reason_missing", "Please write what helps to find it.", details={"field": "note"})
    async with house.db.transaction(claims("system", actor=actor, reason=method)) as conn:
        booking = await bookings.lock(conn, booking_id)
        made_before = await queries.get(conn, request_id)
        if made_before is None:
            wanted = rules.check_owed(await _owed(conn, booking), amount)
            second = await actions.needs_second(conn, house.settings, booking, wanted)
            request = await actions.write(
                conn, booking, request_id, None, wanted, note, actor, needs_second=second, source=OWED, paid_by=method
            )
            if not request.waiting:
                await pay(conn, booking, request, actor)
        elif made_before.booking_id != booking.id or made_before.paid_by is None:
            raise Conflict("request_reused", "This request was used for something else.")
    return await actions.release(house, request_id)


async def pay(conn: Connection, booking: Booking, request: RefundRequest, actor: str) -> None:
    """Book it: we owe less, and have less among the money taken by hand. The caller holds the booking's lock. Raises what `rules.check_owed` raises."""
    amount = rules.check_owed(await _owed(conn, booking), request.amount)
    await ledger.post(
        conn,
        "owed_paid",
        "refund_request",
        str(request.id),
        booking.id,
        booking.currency,
        [(OWED, amount), (f"gateway_clearing:{BY_HAND}", -amount)],
    )
    detail = {"request_id": str(request.id), "amount": amount, "method": request.paid_by, "note": request.reason}
    await history.record(conn, actor, "refund.paid_another_way", "booking", booking.id, detail)
    await concerns.resolve_when_nothing_lies(conn, booking.id)


async def _owed(conn: Connection, booking: Booking) -> int:
    return -await ledger.balance(conn, OWED, booking.currency, booking.id)
