"""What the worker does for invoices. Each may run twice."""

from __future__ import annotations

from typing import Any, Protocol
from uuid import UUID

from jklg.invoices import actions
from jklg.invoices.rules import Seller
from jklg.kit.db import Database
from jklg.settings import Settings


class Office(Protocol):
    """What writing papers needs of the house."""

    settings: Settings
    db: Database


async def write_papers(house: Office, news: dict[str, Any]) -> None:
    """booking.confirmed, booking.price_reduced: the invoice, or a credit note. What was written before is not written again."""
    async with house.db.transaction() as conn:
        await actions.write(conn, seller_of(house.settings), UUID(news["booking_id"]))


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
