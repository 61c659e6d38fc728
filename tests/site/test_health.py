"""X12: a gateway is away for a while and comes back. Whoever watches the house is told, and so is whoever wants to pay."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import httpx
import pytest

from jklg import bookings
from jklg.app import create_app
from tests.payments.conftest import Street, street  # noqa: F401  (a fixture)


@pytest.fixture
async def browser(street: Street) -> AsyncIterator[httpx.AsyncClient]:
    application = create_app(street.house)
    transport = httpx.ASGITransport(app=application)
    headers = {"Sec-Fetch-Site": "same-origin"}
    async with (
        application.lifespan(),
        httpx.AsyncClient(transport=transport, base_url="http://localhost:3000", headers=headers) as browser,
    ):
        yield browser


async def test_a_gateway_that_is_away_makes_the_house_degraded_until_it_is_back(
    street: Street, browser: httpx.AsyncClient
) -> None:
    async def health() -> dict[str, Any]:
        answer = await browser.get("/api/health")
        assert answer.status_code == 200
        return dict(answer.json())

    assert await health() == {"status": "ok"}
    held = await street.asha_holds()
    began = street.clock.now()
    street.faults.error_before = 10_000
    started = await street.start(held.id)
    assert started.transaction.state == "submitting"
    assert await health() == {"status": "ok"}, "one unanswered call is no outage"
    for _ in range(4):
        await street.later(seconds=40)
        await street.work(rounds=1)
    said = await health()
    assert said["status"] == "degraded"
    ((gateway, since),) = [(each["gateway"], each["silent_since"]) for each in said["gateways"]]
    assert gateway == "sandbox" and abs((datetime.fromisoformat(since) - began).total_seconds()) < 30
    assert set(said) == {"status", "gateways"} and set(said["gateways"][0]) == {"gateway", "silent_since"}
    assert len(await street.intents()) == 0

    street.faults.error_before = 0
    await street.later(minutes=3)
    await street.work()
    assert await health() == {"status": "ok"}
    assert len(await street.intents()) == 1


async def test_who_wants_to_pay_meanwhile_is_told_to_try_later(street: Street, browser: httpx.AsyncClient) -> None:
    held = await street.asha_holds()
    token = bookings.manage_token(street.house.settings.secret, held.id)
    await browser.get(f"/manage/{held.reference}/{token}")
    street.faults.error_before = 10_000
    first = await browser.get(f"/bookings/{held.reference}/pay")
    assert "has not answered yet" in first.text
    await street.later(minutes=3)
    later = await browser.get(f"/bookings/{held.reference}/pay")
    assert later.status_code == 200
    assert "Nothing was taken" in later.text and "try again later" in later.text
    street.house.gateways = {**street.house.gateways, "other": street.house.gateways["sandbox"]}
    bens = await street.asha_holds()
    token = bookings.manage_token(street.house.settings.secret, bens.id)
    await browser.get(f"/manage/{bens.reference}/{token}")
    choice = await browser.get(f"/bookings/{bens.reference}/pay")
    assert choice.text.count("does not answer at the moment") == 1
    assert re.search(r'value="other" checked', choice.text), "what answers is offered first"
    street.faults.error_before = 0
    await street.later(minutes=3)
    await street.work()
    again = await browser.get(f"/bookings/{bens.reference}/pay")
    assert "does not answer" not in again.text


async def test_a_busy_gateway_is_not_away(street: Street, browser: httpx.AsyncClient) -> None:
    """429 is an answer: it says when to come again."""
    held = await street.asha_holds()
    street.faults.busy = 2
    await street.start(held.id)
    await street.later(minutes=3)
    assert (await browser.get("/api/health")).json() == {"status": "ok"}


async def test_a_gateway_that_was_taken_out_of_the_settings_is_missed_by_nobody(
    street: Street, browser: httpx.AsyncClient
) -> None:
    held = await street.asha_holds()
    street.faults.error_before = 10_000
    await street.start(held.id)
    await street.later(minutes=3)
    assert (await browser.get("/api/health")).json()["status"] == "degraded"
    street.house.gateways = {}
    assert (await browser.get("/api/health")).json() == {"status": "ok"}
