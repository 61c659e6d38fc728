"""The line between the house and a gateway, and the weather on it."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

import httpx

from tests.simulation.turns import Turns

_ID = re.compile(r"_\d")
TROUBLE = ("no line", "never arrives", "arrives late", "answer is lost")


class Line(httpx.AsyncBaseTransport):
    """Calls over HTTP to a gateway in the same process. `trouble` is how many of a hundred calls go wrong, and in which way the dice say.

    What `arrives late` was given up by the caller and is still on its way: `late_arrivals` brings it to the gateway.
    """

    def __init__(
        self, name: str, bank: httpx.AsyncBaseTransport, turns: Turns, dice: Random, tell: Callable[[str], None]
    ) -> None:
        self._name = name
        self._bank = bank
        self._turns = turns
        self._dice = dice
        self._tell = tell
        self._late: list[httpx.Request] = []
        self.trouble = 0
        self.cut = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        call = self._call(request)
        await self._turns.point(f"calls {call}")
        trouble = self._dice.choice(TROUBLE) if self._dice.randrange(100) < self.trouble else ""
        if self.cut:
            trouble = "no line"
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
        await self._turns.point(f"is answered by {call} {answer.status_code}")
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
                self._tell(f"line: {self._call(request)} arrives late: {answer.status_code}")
            except httpx.HTTPError as problem:
                self._tell(f"line: a late call fails: {problem}")
        return len(arriving)

    def _call(self, request: httpx.Request) -> str:
        """Without ids, which are not the same twice."""
        path = "/".join(each for each in request.url.path.split("/") if not _ID.search(each))
        return f"{self._name}: {request.method} {path}"
