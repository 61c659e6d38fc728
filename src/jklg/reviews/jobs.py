"""What the worker does for reviews. It may run twice."""

from __future__ import annotations

from typing import Any, Protocol
from uuid import UUID

from jklg.kit.db import Database
from jklg.reviews import actions, asking


class Office(Protocol):
    """What this needs of the house."""

    db: Database


async def forget(house: Office, news: dict[str, Any]) -> None:
    """booking.erased: what its traveller said goes with her."""
    async with house.db.transaction() as conn:
        await actions.forget_booking(conn, UUID(news["booking_id"]))
        await asking.forget(conn, UUID(news["booking_id"]))
