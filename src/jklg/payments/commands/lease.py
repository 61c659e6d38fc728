"""How long a call may take: less than it is its caller's alone, so that never two of them are under way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from jklg.payments.commands.queries import LEASE_SECONDS
from jklg.payments.gateways.contract import GatewayUnknown


@asynccontextmanager
async def in_time() -> AsyncIterator[None]:
    """Around the calls that a claimed command is about. GatewayUnknown when they take too long, however many they are."""
    try:
        async with asyncio.timeout(LEASE_SECONDS - 20):
            yield
    except TimeoutError as late:
        raise GatewayUnknown("too_slow") from late
