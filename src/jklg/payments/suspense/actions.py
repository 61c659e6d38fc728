"""Applying, told in order: lock, work it out, post, confirm if its first part is there now, tell her like of a payment.

The preview is `_work_out` and nothing else, so that it cannot differ from the execution. Locks: departure, booking.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

import msgspec

from jklg import bookings, history, jobs, ledger
from jklg.bookings import Booking
from jklg.kit.db import Connection, Database, claims
from jklg.kit.errors import Conflict, Refusal
from jklg.kit.ids import uuid7
from jklg.payments import concerns, concerns_queries, disputes
from jklg.payments.concerns_queries import Lying
from jklg.payments.disputes.rules import OPEN
from jklg.payments.queries import Anomaly, list_of_booking
from jklg.payments.refunds.rules import SUSPENSE
from jklg.payments.suspense import queries, rules
from jklg.payments.suspense.rules import Plan


class House(Protocol):
    """What applying needs of the house."""

    db: Database


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What lies with us about a concern, for whoever decides. `plan` None: nothing may be applied, `why_not` says why, if there is anything at all.
    `met`: so much of it the payer has from her bank already, for good."""

    lying: Sequence[Lying]
    met: int = 0
    stray: int = 0
    plan: Plan | None = None
    why_not: str = ""


async def look(conn: Connection, concern: Anomaly, booking: Booking | None) -> Seen:
    """The money that a concern is about. Locks the departure and the booking, for a moment."""
    if concern.kind == "unmatched_gateway_object":
        gateway, ref, currency = (str(concern.detail.get(name)) for name in ("gateway", "ref", "currency"))
        return Seen(lying=(), stray=await concerns_queries.stray_lying(conn, gateway, ref, currency))
    if booking is None:
        return Seen(lying=())
    lying = await concerns_queries.list_lying(conn, booking.id)
    met = sum(part for _, part in await _that_meet(conn, booking, lying))
    if not any(each.account == SUSPENSE and each.currency == booking.currency for each in lying):
        return Seen(lying=lying, met=met)
    try:
        return Seen(lying=lying, met=met, plan=await preview(conn, booking))
    except Refusal as refusal:
        return Seen(lying=lying, met=met, why_not=refusal.sentence)


async def preview(conn: Connection, booking: Booking) -> Plan:
    """What `apply` would do now. Locks the departure, for a moment. Raises what `apply` raises."""
    return await _work_out(conn, await bookings.lock(conn, booking.id))


async def apply(house: House, booking_id: UUID, *, actor: str) -> Plan:
    """Move what lies in suspense for a booking to it, as far as it is still due, and confirm it if it was not.

    Raises, in the order checked: NotFound (booking_not_found); what `rules.plan` raises; Conflict (booking_ended, sold_out).
    """
    async with house.db.transaction(claims("system", actor=actor, reason="applied")) as conn:
        booking = await bookings.lock(conn, booking_id)
        found = await _work_out(conn, booking)
        entries = [(SUSPENSE, found.amount), ("customer_deposits", -found.amount)]
        fact = ("suspense", str(uuid7()))
        await ledger.post(conn, "apply_suspense", *fact, booking.id, booking.currency, entries)
        await bookings.earn_late(conn, booking, fact, found.amount)
        await bookings.confirm_if_paid(conn, booking)
        detail = {"amount": found.amount, "left": found.left}
        await history.record(conn, actor, "payment.applied", "booking", booking.id, detail)
        for transaction_id in await queries.list_brought(conn, booking.id):
            await jobs.announce(conn, "payment.received", {"transaction_id": str(transaction_id)})
        await concerns.resolve_when_nothing_lies(conn, booking.id, by=actor, note="Applied to the booking.")
        return found


async def meet_loss(house: House, booking_id: UUID, *, actor: str) -> int:
    """What lies with us for a customer who has it from her bank already meets our loss. Somebody decides so: the bank's customer may be another.
    Answers how much, in minor units.

    Raises, in the order checked: NotFound (booking_not_found); Conflict (disputed: the bank is still deciding; nothing_to_meet).
    """
    async with house.db.transaction(claims("system", actor=actor, reason="loss met")) as conn:
        booking = await bookings.lock(conn, booking_id)
        for each in await list_of_booking(conn, booking.id):
            if any(dispute.state in OPEN for dispute in await disputes.list_of_transaction(conn, each.id)):
                raise Conflict("disputed", "The payer's bank is still deciding about this money.")
        parts = await _that_meet(conn, booking, await concerns_queries.list_lying(conn, booking.id))
        if not parts:
            raise Conflict(
                "nothing_to_meet", "Nothing of this lies with us any more, or the bank has given it back to us."
            )
        for account, part in parts:
            await bookings.meet_loss(conn, booking, ("meeting", str(uuid7())), account, part)
        met = sum(part for _, part in parts)
        await history.record(conn, actor, "payment.loss_met", "booking", booking.id, {"amount": met})
        await concerns.resolve_when_nothing_lies(
            conn, booking.id, by=actor, note="The payer's bank has given it to her."
        )
        return met


async def _that_meet(conn: Connection, booking: Booking, lying: Sequence[Lying]) -> list[tuple[str, int]]:
    """What of it the payer's bank has taken from us as well: (account, minor units)."""
    left = max(await bookings.amount_lost(conn, booking.id, booking.currency), 0)
    parts = []
    for each in lying:
        part = min(each.amount, left) if each.currency == booking.currency else 0
        if part > 0:
            parts.append((each.account, part))
            left -= part
    return parts


async def _work_out(conn: Connection, booking: Booking) -> Plan:
    lying = -await ledger.balance(conn, SUSPENSE, booking.currency, booking.id)
    paid = sum((await bookings.amount_kept(conn, booking.id, booking.currency)).values())
    attempts = [each for each in await list_of_booking(conn, booking.id) if each.captured]
    found = rules.plan(
        booking.status,
        lying,
        paid,
        booking.price,
        booking.confirms_at,
        booking.currency,
        disputed=any([await disputes.hold_back(conn, each.id) for each in attempts]),
    )
    reason = await bookings.no_use_for_money(conn, booking, found.amount)
    if reason == "booking_cancelled":
        raise Conflict("booking_ended", "This booking was given up. Send the money back.")
    if reason is not None:
        raise Conflict("sold_out", "The seats of this booking are gone. Send the money back.")
    return found
