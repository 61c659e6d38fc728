"""The line between the house and the bank, and the weather on it."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import httpx

from tests.simulation.turns import Turns

TROUBLE = ("no line", "never arrives", "arrives late", "answer is lost")


class Line(httpx.AsyncBaseTransport):
    """Calls over HTTP to a bank in the same process. `trouble` is how many of a hundred calls go wrong, and in which way the dice say.

    What `arrives late` was given up by the caller and is still on its way: `late_arrivals` brings it to the bank.
    """

    def __init__(self, bank: httpx.AsyncBaseTransport, turns: Turns, dice: Random, tell: Callable[[str], None]) -> None:
        self._bank = bank
        self._turns = turns
        self._dice = dice
        self._tell = tell
        self._late: list[httpx.Request] = []
        self.trouble = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        call = f"{request.method} {'/'.join(request.url.path.split('/')[:3])}"
        await self._turns.point(f"calls the bank: {call}")
        trouble = self._dice.choice(TROUBLE) if self._dice.randrange(100) < self.trouble else ""
        if trouble:
            self._tell(f"line: {call}: {trouble}")
        if trouble == "no line":
            raise httpx.ConnectError(trouble, request=request)
        if trouble == "arrives late":
            self._late.append(request)
        if trouble in ("never arrives", "arrives late"):
            raise httpx.ReadTimeout(trouble, request=request)
        answer = await self._bank.handle_async_request(request)
        await answer.aread()
        await self._turns.point(f"is answered by the bank: {call} {answer.status_code}")
        if trouble == "answer is lost":
            raise httpx.ReadTimeout(trouble, request=request)
        return answer

    async def late_arrivals(self) -> int:
        """What nobody waits for any more arrives, in any order. How much it was."""
        arriving, self._late = self._late, []
        self._dice.shuffle(arriving)
        for request in arriving:
            try:
                answer = await self._bank.handle_async_request(request)
                self._tell(
                    f"line: {request.method} {'/'.join(request.url.path.split('/')[:3])} arrives late: {answer.status_code}"
                )
            except httpx.HTTPError as problem:
                self._tell(f"line: a late call fails: {problem}")
        return len(arriving)
