"""A balance that a traveller lets us take from her card: she is written to three days before, charged, and told if her bank said no.

A charge is a payment like any other: `settle` finds out what became of it, and one that her bank refused stays open for her to finish
on the page of her booking. Three tries on different days; then the consent ends (payments/consents), and the usual letters take over.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

from jklg import bookings, payments
from jklg.kit.errors import Refusal
from jklg.kit.one_by_one import one_by_one
from jklg.payments import consents
from jklg.payments.actions import House
from jklg.payments.balances import queries

log = logging.getLogger(__name__)
ROOM = Path(__file__).parent
NOTICE_DAYS = 3
"""Between the letter and the charge, at least."""
PAUSE_DAYS = 2
"""Between two tries."""


async def announce(house: House, limit: int = 50) -> int:
    """A sweep: tell those whose card is to be charged in three days. Answers how many were written."""
    async with house.db.transaction() as conn:
        coming = await queries.list_to_announce(conn, consents.modes(house.gateways), NOTICE_DAYS, limit)
    return await one_by_one(coming, partial(_announce, house))


async def _announce(house: House, booking_id: UUID) -> bool:
    async with house.db.transaction() as conn:
        booking = await bookings.get(conn, booking_id)
        consent = await consents.find_living(conn, booking_id)
        if booking is None or consent is None or booking.balance_due_on is None:
            return False
        context = {
            "due": booking.price - await bookings.amount_paid(conn, booking.id, booking.currency),
            "label": consent.label,
            "charged_on": max(booking.balance_due_on, booking.today + timedelta(days=NOTICE_DAYS)),
        }
        return await bookings.write_letter(
            conn, house.settings, ROOM, "card_will_be_charged", consent.id, booking, context
        )


async def charge(house: House, limit: int = 50) -> int:
    """A sweep: charge the cards whose day has come. Answers how many charges were begun. What goes wrong with one booking is no other one's
    trouble; its attempt, if there is one, is looked at by the poller."""
    modes = consents.modes(house.gateways)
    async with house.db.transaction() as conn:
        due = await queries.list_to_charge(conn, modes, NOTICE_DAYS, PAUSE_DAYS, consents.TRIES, limit)
    begun = 0
    for booking_id, consent_id, gateway in due:
        try:
            await payments.start(house, booking_id, gateway, actor="system", consent_id=consent_id)
            begun += 1
        except Refusal as refusal:
            log.info("booking %s is not charged: %s", booking_id, refusal.code)
        except Exception:
            log.exception("the charge of booking %s stumbles", booking_id)
    return begun


async def tell_refused(house: House, limit: int = 50) -> int:
    """A sweep: tell those whose bank refused a charge, with the way to pay by themselves. Answers how many were written."""
    async with house.db.transaction() as conn:
        refused = await queries.list_refused(conn, limit)
    return await one_by_one(refused, partial(_tell_refused, house))


async def _tell_refused(house: House, transaction_id: UUID) -> bool:
    async with house.db.transaction() as conn:
        transaction = await payments.get(conn, transaction_id)
        assert transaction is not None and transaction.consent_id is not None, "that is what was looked for"
        booking = await bookings.get(conn, transaction.booking_id)
        consent = await consents.get(conn, transaction.consent_id)
        assert booking is not None and consent is not None, "they keep each other"
        context = {"due": transaction.amount, "label": consent.label}
        return await bookings.write_letter(conn, house.settings, ROOM, "card_refused", transaction.id, booking, context)
