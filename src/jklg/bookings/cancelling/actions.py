"""Give up, told in order: work it out under the booking's lock, take it off the price, free the seats, keep the fee.

The preview is `work_out` and nothing else, so that it cannot differ from the execution. Sending back what was paid beyond the price
that remains is payments' part: it is told how much by `Cancellation.refund`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from jklg import history, jobs, ledger
from jklg.bookings import actions as booking_actions
from jklg.bookings import queries as booking_queries
from jklg.bookings.cancelling import queries, rules
from jklg.bookings.cancelling.queries import list_of_booking, list_of_bookings
from jklg.bookings.cancelling.rules import Cancellation
from jklg.bookings.queries import Booking
from jklg.kit.db import Connection
from jklg.kit.ids import uuid7

__all__ = ["Cancellation", "carry_out", "list_of_booking", "list_of_bookings", "work_out"]


async def work_out(
    conn: Connection, booking: Booking, leaving: Mapping[str, int] | None = None, kept: int | None = None
) -> Cancellation:
    """What giving up would mean now. Locks nothing; whoever carries it out holds the booking's lock. Raises what `rules.work_out` raises."""
    paid = await booking_actions.amount_paid(conn, booking.id, booking.currency)
    fees_before = sum(each.kept for each in await list_of_booking(conn, booking.id))
    lost = await booking_actions.amount_lost(conn, booking.id, booking.currency)
    return rules.work_out(booking, leaving, paid, kept, fees_before=fees_before, lost=lost)


async def carry_out(
    conn: Connection, booking: Booking, given: Cancellation, *, travellers: Sequence[UUID], actor: str, reason: str
) -> None:
    """Do what was worked out, in the caller's database transaction, which holds the locks of departure and booking.

    BadInput: travellers_unknown, travellers_missing. Of a booking given up altogether the fees are earned at once.
    """
    present = await booking_queries.list_travellers(conn, booking.id)
    leaving = rules.named(present, given.party, booking.going, travellers)
    await booking_actions.take_off(conn, booking, given.worth - given.kept, actor=actor, why="cancelled")
    cancellation_id = uuid7()
    await booking_actions.meet_loss(
        conn, booking, ("cancellation", str(cancellation_id)), "customer_deposits", given.met
    )
    if given.whole:
        await booking_queries.cancel(conn, booking.id)
        await _earn_fees(conn, booking, given.price_after)
    else:
        gone = {
            category: booking.cancelled_party.get(category, 0) + given.party.get(category, 0)
            for category in {*booking.cancelled_party, *given.party}
        }
        await booking_queries.take_out(conn, booking.id, gone, given.seats)
        await booking_queries.take_out_travellers(conn, [each.id for each in leaving])
    await queries.insert(
        conn,
        cancellation_id=cancellation_id,
        booking_id=booking.id,
        party=given.party,
        seats=given.seats,
        worth=given.worth,
        kept=given.kept,
        refund=given.refund,
        currency=given.currency,
        days_before=given.days_before,
        percent=given.percent,
        whole=given.whole,
        reason=reason,
        cancelled_by=actor,
    )
    what = "booking.cancelled" if given.whole else "booking.people_cancelled"
    detail = {"worth": given.worth, "kept": given.kept, "refund": given.refund} | (
        {"met": given.met} if given.met else {}
    )
    await history.record(conn, actor, what, "booking", booking.id, detail)
    news = {"booking_id": str(booking.id), "cancellation_id": str(cancellation_id)}
    await jobs.announce(conn, what, news)


async def _earn_fees(conn: Connection, booking: Booking, price: int) -> None:
    """The price that remains when nobody travels any more is the fees, for those who left before as well."""
    earned = min(await booking_actions.amount_paid(conn, booking.id, booking.currency), price)
    if earned > 0:
        entries = [("customer_deposits", earned), ("travel_revenue", -earned)]
        await ledger.post(conn, "cancellation_fee", "booking", str(booking.id), booking.id, booking.currency, entries)
