"""Announce news inside the caller's database transaction: it is told if, and only if, the fact is committed."""

from __future__ import annotations

import json
from typing import Any

from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries

from jklg.kit.db import Connection


async def announce(conn: Connection, news: str, payload: dict[str, Any]) -> None:
    """Put `news` ('booking.confirmed') into the queue. One round trip. `payload` holds ids, as text.

    Who acts on it is decided by `app.LISTENERS`, never here.
    """
    await Queries(AsyncpgDriver(conn)).enqueue(news, json.dumps(payload).encode())  # type: ignore[arg-type]
