"""The play bank's postman: signed webhooks, delivered until they are accepted."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import logging

import httpx

from jklg.sandbox.bank import Bank
from jklg.sandbox.things import Event

log = logging.getLogger(__name__)


class Postman:
    """Delivers a bank's events to `url`, by itself once `start`ed, or when told to by `deliver_due`.

    Signature header: `t=<Unix seconds>,v1=<hex HMAC-SHA256 of "t.body">`.
    """

    def __init__(self, bank: Bank, url: str, header: str, secret: str, client: httpx.AsyncClient | None) -> None:
        self._bank = bank
        self._url = url
        self._header = header
        self._secret = secret.encode()
        self._client = client
        self._own_client: httpx.AsyncClient | None = None
        self._round: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._round = asyncio.create_task(self._for_ever())

    async def deliver_due(self) -> int:
        """Do what was put off until now, then deliver each notice that is due once. Returns how much was done."""
        async with self._bank.work() as work:
            done = work.ripen()
        async with self._bank.work() as work:
            due = work.waiting(Event) if self._url else []
        for event in due:
            accepted = await self._deliver(event)
            async with self._bank.work() as work:
                work.delivered(work.get(Event, event.id), accepted)
        return done + len(due)

    async def close(self) -> None:
        if self._round is not None:
            self._round.cancel()
            await asyncio.gather(self._round, return_exceptions=True)
        if self._own_client is not None:
            await self._own_client.aclose()

    async def _deliver(self, event: Event) -> bool:
        """One attempt. Anything but a 2xx, and anything that goes wrong on the way, is a no."""
        body = event.body.encode()
        signature = sign(self._secret, body, self._bank.clock.unix())
        if self._client is None:
            self._client = self._own_client = httpx.AsyncClient(timeout=10)
        try:
            headers = {"Content-Type": "application/json", self._header: signature}
            response = await self._client.post(self._url, content=body, headers=headers)
        except Exception as problem:
            log.info("webhook %s not delivered: %r", event.id, problem)
            return False
        return response.is_success

    async def _for_ever(self) -> None:
        while True:
            self._bank.news.clear()
            pause: float | None = 5.0
            try:
                await self.deliver_due()
                async with self._bank.work() as work:
                    pause = work.seconds_to_next(with_events=bool(self._url))
            except Exception:
                log.exception("the play bank's postman stumbled; it tries again")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._bank.news.wait(), pause)


def sign(secret: bytes, body: bytes, now: int) -> str:
    mac = hmac.new(secret, b"%d." % now + body, hashlib.sha256).hexdigest()
    return f"t={now},v1={mac}"
