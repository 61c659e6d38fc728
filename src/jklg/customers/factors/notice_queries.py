"""SQL of notices: the moment they speak of."""

from __future__ import annotations

from datetime import datetime

from jklg.kit.db import Connection


async def now(conn: Connection) -> datetime:
    """The house clock."""
    value: datetime = await conn.fetchval("SELECT house_now()")
    return value
