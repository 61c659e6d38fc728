"""How often a gateway is asked about one booking because somebody outside asks us. The worker has a pace of its own."""

from __future__ import annotations

from uuid import UUID

from jklg import limits
from jklg.kit.db import Database
from jklg.kit.errors import TooMany
from jklg.limits import Limit

LOOKS = Limit("gateway_looks", 30, 60)
"""Somebody who waits for her bank may look every two seconds for as long as she likes."""


async def may_look(db: Database, booking_id: UUID) -> None:
    """Counts a look at the gateway, in a database transaction of its own. TooMany (too_many_requests): nobody is to be asked now."""
    async with db.transaction() as conn:
        wait = await limits.take(conn, [(LOOKS, str(booking_id))])
    if wait:
        raise TooMany(
            "too_many_requests", "We have just asked the bank. Please look again in a moment.", retry_after=wait
        )
