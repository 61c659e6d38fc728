"""A small HTTP/1.1 server for an ASGI application, inside the test's own event loop, on a free port of 127.0.0.1."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote


@asynccontextmanager
async def serve(app: Callable[..., Any], port: int = 0) -> AsyncIterator[str]:
    """Serve `app` (lifespan included); gives its address. An exception in the application breaks the connection."""
    stop, started = asyncio.Event(), asyncio.Event()
    failed: list[str] = []
    inbox = [{"type": "lifespan.startup"}]

    async def receive() -> dict[str, Any]:
        if inbox:
            return inbox.pop()
        await stop.wait()
        return {"type": "lifespan.shutdown"}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "lifespan.startup.failed":
            failed.append(message["message"])
        started.set()

    life = asyncio.create_task(app({"type": "lifespan", "asgi": {"version": "3.0"}}, receive, send))
    await started.wait()
    if failed:
        raise RuntimeError(failed[0])
    server = await asyncio.start_server(lambda r, w: _connection(app, r, w), "127.0.0.1", port)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        stop.set()
        await life


async def _connection(app: Callable[..., Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One request, one answer, close: plain, and no keep-alive state that a test could trip over."""
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ", 2)
        headers = [
            (n.strip().lower().encode(), v.strip().encode("latin-1"))
            for n, _, v in (h.partition(":") for h in head[1:] if h)
        ]
        length = int(dict(headers).get(b"content-length", b"0"))
        body = await reader.readexactly(length)
        path, _, query = target.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": headers,
            "client": ("127.0.0.1", 0),
            "server": ("127.0.0.1", 0),
        }
        inbox = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> dict[str, Any]:
            if inbox:
                return inbox.pop()
            await reader.read()  # until the client leaves
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                status = message["status"]
                lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", "connection: close"]
                lines += [f"{n.decode('latin-1')}: {v.decode('latin-1')}" for n, v in message["headers"]]
                writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
            else:
                writer.write(message.get("body", b""))
            await writer.drain()

        with suppress(Exception):
            await app(scope, receive, send)
    with suppress(ConnectionError):
        writer.close()
        await writer.wait_closed()
