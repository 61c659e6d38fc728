"""Keeping the text before anybody agrees to it."""

from __future__ import annotations

from jklg.bookings.agreements import queries
from jklg.bookings.agreements.wording import Text
from jklg.kit.db import Database


async def keep(db: Database, text: Text) -> str:
    """Keep this text, once, and answer its mark: what a booking that agrees to it records. Committed before the booking is made, so that no
    booking names a text that is not there."""
    async with db.transaction() as conn:
        await queries.insert(conn, text)
    return text.mark
