"""Reading from a gateway, many times a second: GET over kept connections, and nothing else.

A look at a gateway is most of what a notice costs us, and httpx spends 15 times more on it than parsing and the socket do (docs/decisions/45).
Only reading goes this way, since it may be done again: when a kept connection turns out to be closed, a new one is asked.
"""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import Mapping
from urllib.parse import urlsplit

import httptools
import httpx
import msgspec

from jklg.payments.gateways.contract import GatewayUnknown, GatewayUnreachable

CONNECT_SECONDS, ANSWER_SECONDS = 3, 10
LARGEST = 8 * 1024 * 1024
"""Bytes of an answer. More than that is none."""


class Answered(msgspec.Struct, frozen=True):
    """What came back. Header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Wire:
    """To one origin ('https://api.stripe.com'). Connections are opened as they are needed, and kept."""

    def __init__(self, origin: str) -> None:
        at = urlsplit(origin)
        self._host, self._path = at.hostname or "", at.path.rstrip("/")
        self._tls = httpx.create_ssl_context() if at.scheme == "https" else None
        if self._tls:
            self._tls.set_alpn_protocols(["http/1.1"])
        self._port = at.port or (443 if self._tls else 80)
        self._authority = at.netloc.rpartition("@")[2]
        self._idle: list[_Line] = []

    async def get(self, path: str, headers: Mapping[str, str]) -> Answered:
        """Raises GatewayUnreachable when nothing was sent, else GatewayUnknown when no answer, or half of one, came in ten seconds."""
        lines = [
            f"GET {self._path}{path} HTTP/1.1",
            f"Host: {self._authority}",
            *(f"{k}: {v}" for k, v in headers.items()),
        ]
        request = "\r\n".join([*lines, "\r\n"]).encode("ascii")
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                while self._idle:
                    line = self._idle.pop()
                    if not line.closed:
                        answer = await self._ask(line, request)
                        if answer is not None:
                            return answer
                answer = await self._ask(await self._connect(), request)
        except TimeoutError as problem:
            raise GatewayUnknown("no_answer", "timed out") from problem
        if answer is None:
            raise GatewayUnknown("no_answer", "the connection was closed")
        return answer

    async def _connect(self) -> _Line:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                _, line = await loop.create_connection(_Line, self._host, self._port, ssl=self._tls)
        except (OSError, TimeoutError) as problem:
            raise GatewayUnreachable("unreachable", type(problem).__name__) from problem
        return line

    async def _ask(self, line: _Line, request: bytes) -> Answered | None:
        """None when the connection ended before a word of the answer."""
        try:
            answer = await line.ask(request)
        except BaseException:  # whatever still comes on it is not the answer to anything else
            line.close()
            raise
        if not line.closed:
            self._idle.append(line)
        return answer

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()


class _Line(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self) -> None:
        self.closed = False
        self._answer: asyncio.Future[Answered | None] | None = None

    async def ask(self, request: bytes) -> Answered | None:
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[str, str] = {}
        self._body = bytearray()
        self._begun = False
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        try:
            return await self._answer
        finally:
            self._answer = None

    def close(self) -> None:
        self.closed = True
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        if self._answer is None or self._answer.done():  # said unasked
            self.close()
            return
        self._begun = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._fail("unreadable_answer", "not HTTP")

    def connection_lost(self, _: Exception | None) -> None:
        self.closed = True
        if self._answer is not None and not self._answer.done():
            if self._begun:
                self._fail("no_answer", "the answer broke off")
            else:
                self._answer.set_result(None)

    def on_message_begin(self) -> None:
        if self._answer is None or self._answer.done():  # a second answer to one question
            self.close()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._body += body
        if len(self._body) > LARGEST:
            self._fail("unreadable_answer", "too large")

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() < 200:  # no answer yet: 103 Early Hints
            self._headers.clear()
            return
        if not self._parser.should_keep_alive():
            self.close()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(Answered(self._parser.get_status_code(), self._headers, bytes(self._body)))

    def _fail(self, code: str, detail: str) -> None:
        self.close()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(GatewayUnknown(code, detail))


def proxied(origin: str) -> bool:
    """Whether the way out leads through a proxy (HTTPS_PROXY and friends), which is httpx's to know."""
    at, known = urlsplit(origin), urllib.request.getproxies()
    return (at.scheme in known or "all" in known) and not urllib.request.proxy_bypass(at.hostname or "")
