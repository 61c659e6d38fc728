"""X14: the database cuts the connection in the middle of what must be written before the gateway is called."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from tests.journeys.test_json_journey import Shop, shop  # noqa: F401  (a fixture)
from tests.payments.conftest import Street, street  # noqa: F401  (a fixture)
from tests.payments.test_keys_at_money_doors import asked, create
from tests.trade import add_departure

WAITING = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()"


@pytest.mark.parametrize("key", [None, "asha-pays-once"])
async def test_nothing_is_asked_of_the_gateway_and_the_next_try_works(
    shop: Shop, server_admin: Any, key: str | None
) -> None:
    made = await shop.book(await add_departure(shop.street.db))
    calls = asked(shop.street)
    async with server_admin.transaction():
        await server_admin.execute("SELECT FROM bookings WHERE id = $1 FOR UPDATE", UUID(made["booking"]["id"]))
        paying = asyncio.create_task(create(shop, made, key))
        pid = None
        for _ in range(1000):
            pid = pid or await server_admin.fetchval(WAITING)
            await asyncio.sleep(0 if pid else 0.01)
        assert await server_admin.fetchval("SELECT pg_terminate_backend($1, 5000)", pid)
        answer = await paying
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert calls == []
    for table in ("transactions", "gateway_commands"):
        assert await shop.street.one(f"SELECT count(*) FROM {table}") == 0
    again = await create(shop, made, key)
    assert again.status_code == 200, again.text
    assert len(await shop.street.intents()) == 1
    await shop.street.pays(again.json()["paymentIntentId"])
    await shop.street.deliver()
    await shop.street.work()
    assert (await shop.street.booking(UUID(made["booking"]["id"]))).status == "confirmed"
