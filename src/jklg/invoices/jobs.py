"""What the worker does for invoices. Each may run twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol
from uuid import UUID

from jklg.bookings.jobs import Asked, about
from jklg.invoices import actions
from jklg.invoices.rules import Seller
from jklg.kit.db import SYSTEM, Connection, Database
from jklg.settings import Settings


class Office(Protocol):
    """What writing papers needs of the house."""

    settings: Settings
    db: Database


async def write_papers(house: Office, news: dict[str, Any]) -> None:
    """booking.confirmed, booking.price_reduced: the invoice, or a credit note. What was written before is not written again."""
    wanted = Asked(house.settings, UUID(news["booking_id"]))
    await house.db.together(_write_papers, key=about, who=SYSTEM)(wanted)


async def _write_papers(conn: Connection, wanted: Sequence[Asked]) -> dict[UUID, None]:
    await actions.write(conn, seller_of(wanted[0].settings), [each.id for each in wanted])
    return {}


async def forget_person(house: Office, news: dict[str, Any]) -> None:
    """booking.erased: who the papers were written to."""
    async with house.db.transaction() as conn:
        await actions.forget(conn, UUID(news["booking_id"]))


def seller_of(settings: Settings) -> Seller:
    """Who sells today."""
    return Seller(
        name=settings.seller_name or settings.agency_name,
        address=settings.seller_address,
        tax_id=settings.seller_tax_id,
        note=settings.seller_note,
        time_zone=settings.seller_time_zone,
    )
