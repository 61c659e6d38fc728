"""SQL of silences. The table has a row for each gateway that is away: none, nearly always."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from jklg.kit.db import Connection

A_WHILE_SECONDS = 60
"""A call that breaks now and then is no outage."""


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """A gateway that has not answered for a while. UTC."""

    gateway: str
    silent_since: datetime


async def begin(conn: Connection, gateway: str) -> None:
    """It has not answered. Twice is once: a silence is as old as its first call."""
    await conn.execute("INSERT INTO gateway_silences (gateway) VALUES ($1) ON CONFLICT DO NOTHING", gateway)


async def end(conn: Connection, gateway: str) -> None:
    """It has answered."""
    await conn.execute("DELETE FROM gateway_silences WHERE gateway = $1", gateway)


async def list_long(conn: Connection, gateways: Iterable[str]) -> list[Silence]:
    """Which of these have not answered for a while. Locks nothing."""
    rows = await conn.fetch(
        """
        SELECT gateway, since_at AS silent_since FROM gateway_silences
        WHERE gateway = ANY($1) AND since_at <= house_now() - make_interval(secs => $2) ORDER BY gateway
        """,
        list(gateways),
        A_WHILE_SECONDS,
    )
    return [Silence(**row) for row in rows]
