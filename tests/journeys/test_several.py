"""Several webs and workers against one database, and a bank whose webhooks come twice, late and in any order."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest

from tests.conftest import Server
from tests.journeys.town import Busy, Customer, Json, Town, build_town
from tests.trade import add_departure, seats_taken

pytestmark = pytest.mark.slow
CUSTOMERS = 40


async def test_forty_pay_at_once_and_each_is_confirmed_once(server: Server, template: str, tmp_path: Path) -> None:
    async with build_town(Town, server, template, tmp_path) as town:
        webs = [town.web("web one"), town.web("web two")]
        workers = [town.worker("worker one"), town.worker("worker two")]
        await asyncio.gather(*(each.start() for each in (*webs, town.bank(webs[0]), *workers)))
        await town.at_bank(
            "PUT", "/_faults", duplicate_webhooks=60, reorder_webhooks=60, lose_webhooks=10, drop_after=5, error_after=5,
            later_seconds=2, only="POST /v1/intents",
        )  # fmt: skip
        departures = [await add_departure(town.db, seats=CUSTOMERS) for _ in range(2)]
        customers = [Customer(town, departures[n % 2]) for n in range(CUSTOMERS)]

        async def buys(number: int, customer: Customer) -> None:
            here, there = webs[number // 2 % 2], webs[(number // 2 + 1) % 2]
            await customer.books(here)
            first, second = await asyncio.gather(customer.starts_to_pay(here), customer.starts_to_pay(there))
            assert first["paymentIntentId"] == second["paymentIntentId"]
            await town.pays_on_the_banks_page(first, "later" if number % 4 == 3 else "pay")
            if number % 3 == 0:
                await asyncio.gather(customer.comes_back(here, first), customer.comes_back(there, first))

        await asyncio.gather(*(buys(number, customer) for number, customer in enumerate(customers)))
        await town.comes_to_rest(90)
        for customer in customers:
            await customer.has_paid_once()
        assert [await seats_taken(town.db, departure) for departure in departures] == [CUSTOMERS, CUSTOMERS]
        assert await town.ask("SELECT sum(duplicates) FROM webhook_inbox") > 0
        await town.saw_no_deadlock()
        for each in (*webs, *workers):
            await each.stop()
            said = each.log.read_text()
            assert "Traceback" not in said, said[-3000:]
            assert "unavailable" not in said, said[-3000:]


async def test_while_everybody_is_killed_now_and_then_nothing_is_lost_or_doubled(
    server: Server, template: str, tmp_path: Path
) -> None:
    async with build_town(Town, server, template, tmp_path) as town:
        webs = [town.web("web one"), town.web("web two")]
        workers = [town.worker("worker one"), town.worker("worker two")]
        await asyncio.gather(*(each.start() for each in (*webs, town.bank(webs[0]), *workers)))
        await town.at_bank("PUT", "/_faults", duplicate_webhooks=30, reorder_webhooks=30, later_seconds=2)
        departure = await add_departure(town.db, seats=2 * CUSTOMERS)
        customers = [Customer(town, departure) for _ in range(CUSTOMERS)]

        async def kills() -> None:
            for victim in (workers[0], webs[1], workers[1], webs[0]) * 2:
                await asyncio.sleep(0.4)
                await victim.is_killed()
                await victim.start()

        async def insists(number: int, customer: Customer) -> None:
            """Does the same again, here or there, until it is answered."""
            await asyncio.sleep(number / 12)
            intent: Json = {}
            for attempt in range(60):
                web = webs[(number + attempt) % 2]
                try:
                    if not customer.booking:
                        await customer.books(web)
                    intent = intent or await customer.starts_to_pay(web)
                    break
                except httpx.TransportError:
                    await asyncio.sleep(0.2)
                except Busy:  # a try that was killed keeps its lease for a minute
                    await town.later(minutes=0.2)
            await town.pays_on_the_banks_page(intent, "later" if number % 4 == 3 else "pay")

        await asyncio.gather(kills(), *(insists(number, customer) for number, customer in enumerate(customers)))
        for _ in range(3):
            await asyncio.sleep(1)
            await town.later(minutes=6)
        await town.comes_to_rest(90)
        for customer in customers:
            await customer.has_paid_once(letters_at_most=2)
        assert await seats_taken(town.db, departure) == 2 * CUSTOMERS
        await town.saw_no_deadlock()
