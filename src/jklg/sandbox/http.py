"""Just enough HTTP on bare ASGI for a small server: a request read whole, an answer sent whole."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import msgspec

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MAX_BODY = 1024 * 1024


class BodyTooLarge(Exception):
    pass


@dataclass(frozen=True)
class Request:
    """A request, read to its end. Header names are lower case; of a repeated query parameter the last one counts."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def form(self) -> dict[str, str]:
        """The body as a posted form. Undecodable bytes become question marks."""
        return dict(parse_qsl(self.body.decode(errors="replace"), keep_blank_values=True))


@dataclass
class Answer:
    status: int
    body: bytes
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)

    def with_header(self, name: str, value: str) -> Answer:
        self.headers[name] = value
        return self


def json_answer(status: int, value: object) -> Answer:
    return Answer(status, msgspec.json.encode(value))


def redirect(location: str) -> Answer:
    return Answer(303, b"", "text/plain", {"Location": location})


async def read_request(scope: Scope, receive: Receive) -> Request:
    """Raises BodyTooLarge as soon as more than MAX_BODY bytes have come."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        body += message.get("body", b"")
        if len(body) > MAX_BODY:
            raise BodyTooLarge
        if not message.get("more_body"):
            break
    return Request(
        method=scope["method"],
        path=scope["path"],
        query=dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)),
        headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]},
        body=bytes(body),
    )


async def send_answer(send: Send, answer: Answer) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": _headers(answer, len(answer.body))})
    await send({"type": "http.response.body", "body": answer.body})


async def send_broken_answer(send: Send) -> None:
    """Promise more bytes than come: the client cannot mistake this for an answer."""
    answer = Answer(200, b"{")
    await send({"type": "http.response.start", "status": 200, "headers": _headers(answer, 4096)})
    await send({"type": "http.response.body", "body": answer.body, "more_body": True})


async def lifespan(
    receive: Receive, send: Send, start: Callable[[], Awaitable[None]], stop: Callable[[], Awaitable[None]]
) -> None:
    """The ASGI lifespan: start before the first request, or say why not; stop after the last."""
    await receive()
    try:
        await start()
    except Exception as problem:
        await send({"type": "lifespan.startup.failed", "message": str(problem)})
        return
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await stop()
    await send({"type": "lifespan.shutdown.complete"})


def _headers(answer: Answer, length: int) -> list[tuple[bytes, bytes]]:
    headers = {"content-type": answer.content_type, "content-length": str(length), "cache-control": "no-store"}
    headers |= {name.lower(): value for name, value in answer.headers.items()}
    return [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]
