"""A consent, told in order: given with a payment, fulfilled when that succeeds, ended, and forgotten at the gateway.

Given by the traveller herself, for the rest of one booking's price; it ends when nothing is due any more, when she stops it, or when
her bank has refused it often enough. Charging by it is payments/balances' part.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import date
from typing import Protocol
from uuid import UUID

from jklg import history
from jklg.bookings import Booking
from jklg.kit.db import Connection, Database, claims
from jklg.kit.ids import uuid7
from jklg.kit.languages import gettext as _
from jklg.kit.languages.figures import full_day
from jklg.kit.money import plain
from jklg.payments.consents import queries
from jklg.payments.gateways.contract import Gateway, GatewayError, GatewayRefused, KeptMethod, MethodKeeping
from jklg.payments.gateways.keys import gateway_of

log = logging.getLogger(__name__)

TRIES = 3
"""Charges that may fail before a consent ends."""


class House(Protocol):
    """What forgetting a card needs of the house."""

    db: Database
    gateways: Mapping[str, Gateway]


def modes(gateways: Mapping[str, Gateway]) -> list[tuple[str, bool]]:
    """Who can charge a card that was kept: the gateway's name, and whether it takes money in earnest."""
    return [(gateway.name, gateway.livemode) for gateway in gateways.values() if isinstance(gateway, MethodKeeping)]


def wording(amount: int, currency: str, due_on: date) -> str:
    """What she agrees to. `amount` in minor units: the rest of the price as it is now."""
    return _(
        "Take the balance of {amount} from this card on {day}. We write to you three days before. You can stop it at any time on the "
        "page of your booking."
    ).format(amount=plain(amount, currency), day=full_day(due_on))


async def give(
    conn: Connection, booking: Booking, transaction_id: UUID, gateway: Gateway, words: str, actor: str
) -> None:
    """Write the consent with the payment that it is given with, in that database transaction. One before it has ended with this."""
    await queries.end(conn, booking.id, "replaced")
    consent_id = uuid7()
    await queries.insert(
        conn, consent_id=consent_id, booking_id=booking.id, transaction_id=transaction_id, gateway=gateway.name,
        livemode=gateway.livemode, wording=words, given_by=actor,
    )  # fmt: skip
    await history.record(conn, actor, "consent.given", "booking", booking.id, {"consent_id": str(consent_id)})


async def keep(conn: Connection, transaction_id: UUID, kept: KeptMethod) -> None:
    """The payment has succeeded, and the gateway keeps its card: write down which. Heard twice, it is once."""
    if await queries.keep(conn, transaction_id, kept):
        log.info("payment %s leaves a card to charge: %s", transaction_id, kept.label)


async def stop(db: Database, booking_id: UUID, *, actor: str) -> bool:
    """The traveller, or staff for her, ends it. A charge that its gateway may have heard of goes on, and none is sent any more. False when there was none."""
    async with db.transaction(claims("system", actor=actor)) as conn:
        return await _end(conn, booking_id, "stopped", actor)


async def _end(conn: Connection, booking_id: UUID, why: str, actor: str) -> bool:
    consent_id = await queries.end(conn, booking_id, why)
    if consent_id is not None:
        detail = {"consent_id": str(consent_id), "why": why}
        await history.record(conn, actor, "consent.ended", "booking", booking_id, detail)
    return consent_id is not None


async def end_due(house: House, limit: int = 50) -> int:
    """A sweep: consents that have done their work, or never will."""
    async with house.db.transaction() as conn:
        over = await queries.list_over(conn, TRIES, limit)
        for booking_id, why in over:
            await _end(conn, booking_id, why, "system")
    return len(over)


async def forget_due(house: House, limit: int = 10) -> int:
    """A sweep: have gateways forget cards that nothing is charged to any more. A silent one is asked again in ten minutes, or when it
    wants to be; one that is not there, or only with keys of the other mode, when it is back."""
    async with house.db.transaction() as conn:
        due = await queries.claim_to_forget(conn, limit)
    for consent in due:
        if consent.method is None or await _forgets(house, consent, consent.method):
            async with house.db.transaction() as conn:
                await queries.forgotten(conn, consent.id)
    return len(due)


async def _forgets(house: House, consent: queries.Consent, method: KeptMethod) -> bool:
    gateway = gateway_of(house.gateways, consent.gateway, consent.livemode)
    if gateway is None or not isinstance(gateway, MethodKeeping):
        return False
    try:
        await gateway.forget_method(method, f"forget:{consent.id}")
    except GatewayRefused as refusal:
        log.info("%s has no card to forget for %s: %s", consent.gateway, consent.id, refusal)
    except GatewayError as silence:
        log.warning("%s did not say whether it forgot a card: %s", consent.gateway, silence)
        async with house.db.transaction() as conn:
            await queries.forget_later(conn, consent.id, max(600, silence.retry_after))
        return False
    return True


async def forget_person(conn: Connection, booking_id: UUID) -> None:
    """The traveller is to be forgotten: end what lives, and say no more whose card it was."""
    await _end(conn, booking_id, "given_up", "system")
    await queries.forget_labels(conn, booking_id)
