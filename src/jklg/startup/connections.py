"""What a connection may cost us before it has asked for anything: uvicorn itself sets no limit to a request's head, nor to its slowness.

Three hundred megabytes of headers on one connection fill a process's memory within a second; a thousand connections that
say nothing keep a thousand places. In production a proxy stands in front, but nobody has to have one for this.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class CarefulConnection(HttpToolsProtocol):
    """uvicorn's connection with an end to both. One timer a connection, none a request."""

    longest_head = 64 * 1024
    """Bytes of request line and headers. A head that arrives in one piece may be as long as the piece: 256 KiB."""
    patience = 30.0
    """Seconds in which a request must have arrived, its body included, from its first byte or from connecting."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._arriving_since: float | None = self.loop.time()
        self._head = 0
        self._timer = self.loop.call_later(self.patience, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Answers in hand are finished first, but not those without a length: a stream of events has no end that could be waited for."""
        in_hand: Any = self.cycle
        if in_hand is not None and in_hand.response_started and in_hand.chunked_encoding:
            self.transport.close()
        super().shutdown()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._arriving_since = self.loop.time()
        self._head = 0

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._arriving_since = None

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        request: Any = self.scope  # None before the first
        if self._arriving_since is not None and (request is None or "method" not in request):
            self._head += len(data)
            if self._head > self.longest_head:
                self._refuse()

    def _refuse(self) -> None:
        in_hand: Any = self.cycle
        if in_hand is None or in_hand.response_complete:
            self.transport.write(_TOO_LARGE)
        self.transport.close()

    def _look(self) -> None:
        """End the connection when the request that it began is still not here; else look again when that may be so."""
        waited = 0.0 if self._arriving_since is None else self.loop.time() - self._arriving_since
        if waited >= self.patience:
            self.transport.close()
        else:
            self._timer = self.loop.call_later(self.patience - waited, self._look)
