"""Reading from a gateway over kept connections: whole answers or none, and nobody gets the answer to somebody else's question."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from jklg.payments.gateways import wire
from jklg.payments.gateways.contract import GatewayUnknown, GatewayUnreachable
from jklg.payments.gateways.wire import Answered, Wire, proxied

Say = Callable[[int, bytes], Awaitable[bytes]]
"""From the number of the connection and the head of a request to what is written on it; it is closed after words that end in HANG_UP."""
HANG_UP = b"(hangs up)"


@asynccontextmanager
async def peer(say: Say) -> AsyncIterator[tuple[Wire, list[bytes]]]:
    """A server, a wire to it, and the heads of the requests that it has heard."""
    heard: list[bytes] = []
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        number = len(writers)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            said = b""
            while not said.endswith(HANG_UP):
                heard.append(await reader.readuntil(b"\r\n\r\n"))
                said = await say(number, heard[-1])
                writer.write(said.removesuffix(HANG_UP))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    asked = Wire(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/base")
    try:
        yield asked, heard
    finally:
        asked.close()
        server.close()
        for writer in writers:
            writer.close()


def whole(body: bytes, more: str = "") -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body


async def test_one_connection_serves_one_question_after_the_other() -> None:
    async def say(number: int, head: bytes) -> bytes:
        return whole(head.split()[1] + b" on %d" % number, "Request-Id: req_1\r\n")

    async with peer(say) as (asked, heard):
        first = await asked.get("/v1/a", {"Authorization": "Bearer x"})
        assert first == Answered(200, {"content-length": "15", "request-id": "req_1"}, b"/base/v1/a on 1")
        assert (await asked.get("/v1/b", {})).body == b"/base/v1/b on 1"
        assert b"Authorization: Bearer x\r\n" in heard[0] and b"Host: 127.0.0.1:" in heard[0]


async def test_who_asks_beside_others_is_answered_on_a_connection_of_their_own() -> None:
    both, two = asyncio.Event(), []

    async def say(number: int, head: bytes) -> bytes:
        two.append(number)
        if len(two) == 2:
            both.set()
        await both.wait()
        return whole(head.split()[1])

    async with peer(say) as (asked, _):
        answers = await asyncio.gather(asked.get("/a", {}), asked.get("/b", {}))
    assert [answer.body for answer in answers] == [b"/base/a", b"/base/b"]
    assert sorted(two) == [1, 2]


async def test_hints_before_the_answer_and_chunks_are_one_answer() -> None:
    async def say(_: int, __: bytes) -> bytes:
        return (
            b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n"
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nAsha\r\n3\r\n Ra\r\n1\r\no\r\n0\r\n\r\n"
        )

    async with peer(say) as (asked, _):
        answer = await asked.get("/a", {})
    assert (answer.status, answer.body, "link" in answer.headers) == (200, b"Asha Rao", False)


async def test_a_kept_connection_that_turns_out_to_be_closed_is_replaced_unseen() -> None:
    async def say(number: int, head: bytes) -> bytes:
        return HANG_UP if number == 1 and b"/b " in head else whole(b"from %d" % number)

    async with peer(say) as (asked, heard):
        assert (await asked.get("/a", {})).body == b"from 1"
        assert (await asked.get("/b", {})).body == b"from 2"
    assert len(heard) == 3


async def test_a_server_that_ends_the_connection_is_taken_at_its_word() -> None:
    async def say(number: int, _: bytes) -> bytes:
        return whole(b"from %d" % number, "Connection: close\r\n")

    async with peer(say) as (asked, _):
        assert [(await asked.get("/a", {})).body for _ in range(2)] == [b"from 1", b"from 2"]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (HANG_UP, "no_answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf" + HANG_UP, "no_answer"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n" + HANG_UP, "no_answer"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "unreadable_answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n" + 101 * b"x", "unreadable_answer"),
    ],
    ids=["nothing", "half", "half of the chunks", "no HTTP", "too much"],
)
async def test_half_an_answer_is_none(said: bytes, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "LARGEST", 100)

    async def say(_: int, __: bytes) -> bytes:
        return said

    async with peer(say) as (asked, heard):
        with pytest.raises(GatewayUnknown, match=code):
            await asked.get("/a", {})
    assert len(heard) == 1, "on a new connection nobody asks twice"


async def test_an_answer_that_came_too_late_is_nobodys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "ANSWER_SECONDS", 0.1)
    late = asyncio.Event()

    async def say(number: int, _: bytes) -> bytes:
        if number == 1:
            await late.wait()
        return whole(b"from %d" % number)

    async with peer(say) as (asked, _):
        with pytest.raises(GatewayUnknown, match="no_answer"):
            await asked.get("/a", {})
        late.set()
        assert (await asked.get("/b", {})).body == b"from 2"


async def test_a_second_answer_to_one_question_is_nobodys() -> None:
    async def say(number: int, _: bytes) -> bytes:
        return whole(b"from %d" % number) + (whole(b"Mallory's") if number == 1 else b"")

    async with peer(say) as (asked, _):
        first = await asked.get("/a", {})
        assert (first.body, (await asked.get("/b", {})).body) == (b"from 1", b"from 2")


async def test_where_nobody_listens_nothing_was_sent() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(GatewayUnreachable, match="unreachable"):
        await Wire(f"http://127.0.0.1:{port}").get("/", {})


def test_a_house_behind_a_proxy_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert not proxied("https://api.stripe.com")
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    assert proxied("https://api.stripe.com")
    monkeypatch.setenv("no_proxy", "stripe.com")
    assert not proxied("https://api.stripe.com")
    monkeypatch.setenv("all_proxy", "http://proxy:3128")
    monkeypatch.delenv("https_proxy")
    monkeypatch.delenv("no_proxy")
    assert proxied("https://api.stripe.com")
