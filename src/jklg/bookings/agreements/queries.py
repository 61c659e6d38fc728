"""SQL of agreements."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from jklg.bookings.agreements.wording import Text
from jklg.kit.db import Connection


class Agreed(msgspec.Struct, frozen=True, kw_only=True):
    """What was agreed to with a booking, and when. `body` is '' where only the version was recorded, before texts were kept."""

    mark: str
    version: str
    locale: str
    body: str
    agreed_at: datetime


async def insert(conn: Connection, text: Text) -> None:
    """Boring the second time."""
    await conn.execute(
        """
        INSERT INTO agreement_texts (mark, version, locale, body, digest) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (mark) DO NOTHING
        """,
        text.mark,
        text.version,
        text.locale,
        text.body,
        text.digest,
    )


async def of_booking(conn: Connection, booking_id: UUID) -> Agreed | None:
    """With the rights of the caller's claims. None: it was booked where nobody is asked to agree, through the API say."""
    row = await conn.fetchrow(
        """
        SELECT b.terms_version AS mark, coalesce(t.version, b.terms_version) AS version, coalesce(t.locale, 'en') AS locale,
               coalesce(t.body, '') AS body, b.created_at AS agreed_at
        FROM bookings b LEFT JOIN agreement_texts t ON t.mark = b.terms_version
        WHERE b.id = $1 AND b.terms_version IS NOT NULL
        """,
        booking_id,
    )
    return Agreed(**row) if row else None
