"""What the worker does for bookings. Each may run twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from jklg import mail
from jklg.bookings import keys, queries
from jklg.kit.db import Database
from jklg.settings import Settings

ROOM = Path(__file__).parent


class Office(Protocol):
    """What writing a mail needs of the house."""

    settings: Settings
    db: Database


async def mail_confirmation(house: Office, news: dict[str, Any]) -> None:
    """booking.confirmed: the mail with the reference and the manage-my-booking link. Once for each booking."""
    settings = house.settings
    async with house.db.transaction() as conn:
        booking = await queries.get(conn, UUID(news["booking_id"]))
        assert booking is not None, "news is announced with its row"
        if booking.email == "":
            return  # its customer has left meanwhile
        subject, text, html = mail.render(
            ROOM,
            "booking_confirmed",
            {
                "agency_name": settings.agency_name,
                "booking": booking,
                "travellers": await queries.list_travellers(conn, booking.id),
                "manage_url": keys.manage_link(
                    settings.public_url, booking.reference, keys.manage_token(settings.secret, booking.id)
                ),
            },
        )
        await mail.write(
            conn,
            kind="booking_confirmed",
            once_key=f"booking_confirmed:{booking.id}",
            to_address=booking.email,
            to_name=booking.name,
            subject=subject,
            text=text,
            html=html,
        )
