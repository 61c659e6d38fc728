"""A real Chromium in front of the whole house: web, worker, play bank and a stand-in for Stripe, each over HTTP on a free port."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright

from jklg import app, demo, jobs
from jklg.app import House, build_house
from jklg.kit.db import Database
from jklg.sandbox import SandboxApp
from jklg.sandbox import create_app as create_bank
from jklg.settings import Settings
from tests.chromium import launch
from tests.front import front_of
from tests.peers.loopback import serve
from tests.peers.stripe import StripePeer

PATIENCE_MS = 8000
NOT_OURS = ("the server responded with a status of", "net::ERR_INTERNET_DISCONNECTED", "net::ERR_FAILED")
"""What a browser says of an answer that is a refusal, and of a connection that a test has cut."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await launch(playwright)
        yield browser
        await browser.close()


class Shop:
    """The house open for business, and who visits it."""

    def __init__(self, url: str, house: House, bank: SandboxApp, stripe: StripePeer, chromium: Browser) -> None:
        self.url = url
        self.house = house
        self.bank = bank
        self.stripe = stripe
        self._chromium = chromium

    @asynccontextmanager
    async def visitor(
        self, *, javascript: bool = True, width: int = 1280, height: int = 860, dark: bool = False
    ) -> AsyncIterator[Page]:
        """A person with a browser of their own. Whatever their pages ask of strangers, or trip over, fails the test."""
        context = await self._chromium.new_context(
            base_url=self.url,
            java_script_enabled=javascript,
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
        )
        context.set_default_timeout(PATIENCE_MS)
        trouble: list[str] = []
        _listen(context, trouble)
        try:
            yield await context.new_page()
        finally:
            await context.close()
        assert not trouble, "\n".join(trouble)

    async def one(self, statement: str, *values: Any) -> Any:
        """One value, seen with the rights of the house."""
        async with self.house.db.transaction() as conn:
            return await conn.fetchval(statement, *values)


def _listen(context: BrowserContext, trouble: list[str]) -> None:
    def heard(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not any(words in message.text for words in NOT_OURS):
            trouble.append(f"console: {message.text}")

    context.on("console", heard)
    context.on("weberror", lambda error: trouble.append(f"script: {error.error}"))
    context.on(
        "request",
        lambda request: (
            None
            if urlsplit(request.url).hostname in ("localhost", "127.0.0.1") or request.url.startswith("data:")
            else trouble.append(f"asked a stranger: {request.url}")
        ),
    )


@pytest.fixture
def gateways() -> tuple[str, ...]:
    """Which gateways the shop offers. A test module may say otherwise."""
    return ("sandbox",)


@pytest.fixture
async def shop(settings: Settings, db: Database, chromium: Browser, gateways: tuple[str, ...]) -> AsyncIterator[Shop]:
    async with open_shop(settings, db, chromium, gateways) as opened:
        yield opened


@asynccontextmanager
async def open_shop(
    settings: Settings, db: Database, chromium: Browser, gateways: tuple[str, ...] = ("sandbox",)
) -> AsyncIterator[Shop]:
    """The demo agency, open, with a worker at work."""
    await demo.load(db)
    port, bank_port, stripe_port = _free_port(), _free_port(), _free_port()
    url = f"http://localhost:{port}"
    bank = create_bank(
        key=settings.sandbox_key,
        webhook_secret=settings.sandbox_webhook_secret,
        webhook_url=f"http://127.0.0.1:{port}/api/payments/webhooks/sandbox",
        faults_enabled=True,
        public_url=f"http://127.0.0.1:{bank_port}",
    )
    stripe = StripePeer(
        webhook_url=f"http://127.0.0.1:{port}/api/payments/process-webhook",
        public_url=f"http://127.0.0.1:{stripe_port}",
    )
    ours = dataclasses.replace(settings, port=port, public_url=url, worker_poll_seconds=0.2)
    if "sandbox" in gateways:
        ours = dataclasses.replace(ours, sandbox_url=f"http://127.0.0.1:{bank_port}")
    if "stripe" in gateways:
        ours = dataclasses.replace(
            ours,
            stripe_secret_key=stripe.secret_key,
            stripe_publishable_key=stripe.publishable_key,
            stripe_webhook_secrets=("whsec_peer",),
            stripe_api_base=f"http://127.0.0.1:{stripe_port}",
            stripe_js_url=f"http://127.0.0.1:{stripe_port}/stripe.js",
        )
    house = await build_house(ours, db)
    stop = asyncio.Event()
    async with AsyncExitStack() as open_doors:
        await open_doors.enter_async_context(serve(bank, bank_port))
        await open_doors.enter_async_context(serve(stripe, stripe_port))
        await open_doors.enter_async_context(serve(front_of(house), port))
        worker = asyncio.create_task(jobs.run(house, app.LISTENERS, app.SWEEPS, stop))
        try:
            yield Shop(url, house, bank, stripe, chromium)
        finally:
            stop.set()
            await worker
    for gateway in house.gateways.values():
        await gateway.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
