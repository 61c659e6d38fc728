"""SQL of the demo agency. What it adds is written by the rooms that own the tables."""

from __future__ import annotations

from datetime import date

from jklg.kit.db import Connection


async def take_turns(conn: Connection) -> None:
    """Processes that start together load one after the other; held until the database transaction ends."""
    await conn.execute("SELECT pg_advisory_xact_lock(hashtext('jklg.demo'))")


async def today_in_india(conn: Connection) -> date:
    value: date = await conn.fetchval("SELECT (house_now() AT TIME ZONE 'Asia/Kolkata')::date")
    return value
