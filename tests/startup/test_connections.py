"""A stranger's connection costs little, whatever it sends and however slowly."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psutil
import uvicorn

from jklg.startup.connections import CarefulConnection

HELLO = b"GET / HTTP/1.1\r\nHost: localhost\r\n"


class Hasty(CarefulConnection):
    patience = 0.6


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the length of what was sent."""
    body = b""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message["body"]
        more = message["more_body"]
    answer = str(len(body)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(answer))]})
    await send({"type": "http.response.body", "body": answer})


@asynccontextmanager
async def serving(kind: type[CarefulConnection], app: Any = None) -> AsyncIterator[int]:
    server = uvicorn.Server(
        uvicorn.Config(
            app or echo, port=0, http=kind, ws="none", lifespan="off", log_level="error", timeout_graceful_shutdown=1
        )
    )
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  (uvicorn has no event for it)
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await running


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    yield reader, writer
    writer.close()


async def test_a_request_is_answered_in_one_piece_in_many_and_one_after_the_other() -> None:
    async with serving(CarefulConnection) as port, connected(port) as (reader, writer):
        writer.write((HELLO + b"\r\n") * 3)
        for _ in range(3):
            assert (await reader.readuntil(b"\r\n\r\n0")).startswith(b"HTTP/1.1 200 OK")
        for piece in (
            b"POST / HT",
            b"TP/1.1\r\nHost: localhost\r\nContent-Le",
            b"ngth: 300000\r\n\r\n",
            b"x" * 300_000,
        ):
            writer.write(piece)
            await asyncio.sleep(0.02)
        assert (await reader.readuntil(b"300000")).startswith(b"HTTP/1.1 200 OK")


async def test_headers_without_end_are_cut_off_and_fill_no_memory() -> None:
    before = psutil.Process(os.getpid()).memory_info().rss
    async with serving(CarefulConnection) as port:
        for endless in (HELLO + b"X: ", b"GET /", HELLO):
            async with connected(port) as (_, writer):
                writer.write(endless)
                more = b"X: y\r\n" * 10_000 if endless is HELLO else b"a" * 60_000
                try:
                    for _ in range(2000):
                        writer.write(more)
                        await writer.drain()
                except ConnectionError:
                    pass
                else:
                    raise AssertionError("120 MB of headers were taken")
    assert psutil.Process(os.getpid()).memory_info().rss - before < 40_000_000


async def test_a_head_that_is_too_long_is_told_so() -> None:
    async with serving(CarefulConnection) as port, connected(port) as (reader, writer):
        writer.write(HELLO)
        for _ in range(7):
            writer.write(b"X: " + b"a" * 9_990 + b"\r\n")
            await asyncio.sleep(0.01)
        assert (await reader.read(100)).startswith(b"HTTP/1.1 431 ")
        assert await reader.read(100) in (b"", b"\r\n") or reader.at_eof()


async def test_whoever_says_nothing_or_too_little_has_to_go() -> None:
    async with serving(Hasty) as port:

        async def is_sent_away(*said: bytes) -> bytes:
            async with connected(port) as (reader, writer):
                for each in said:
                    writer.write(each)
                    await asyncio.sleep(0.1)
                return await asyncio.wait_for(reader.read(), 3)

        post = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n"
        drip = (HELLO, *(b"X: y\r\n" for _ in range(4)))
        answers = await asyncio.gather(
            is_sent_away(), is_sent_away(b"GET"), is_sent_away(post, b"12"), is_sent_away(*drip)
        )
        assert answers == [b"", b"", b"", b""]


async def test_a_connection_that_has_its_answer_may_stay_and_ask_again() -> None:
    async with serving(Hasty) as port, connected(port) as (reader, writer):
        for _ in range(3):
            writer.write(HELLO + b"\r\n")
            assert (await reader.readuntil(b"\r\n\r\n0")).startswith(b"HTTP/1.1 200 OK")
            await asyncio.sleep(0.5)


async def test_a_stream_of_events_does_not_keep_a_server_from_ending() -> None:
    left: list[str] = []

    async def events(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        await receive()
        left.append((await receive())["type"])

    async with serving(CarefulConnection, events) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HELLO + b"\r\n")
        await reader.readuntil(b"one")
    assert left == ["http.disconnect"], "it was told, and not cancelled in the end"
    writer.close()
