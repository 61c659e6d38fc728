"""What a broken wire proves: that nothing can have been sent, or that nobody knows."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from jklg.payments.gateways import calls
from jklg.payments.gateways.contract import GatewayUnknown, GatewayUnreachable
from jklg.payments.gateways.wire import Wire

YES = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Bank:
    """Reads requests and does with each what it was told, the next time the next thing; the last one for ever."""

    def __init__(self, *acts: bytes) -> None:
        self.acts = list(acts)
        self.requests: list[bytes] = []
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Says what it was told to, be it nothing, and stays on the line; with `...` at the end it closes after that."""
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                body = await reader.readexactly(1) if b"content-length: 1\r\n" in head.lower() else b""
                self.requests.append(head + body)
                act = self.acts.pop(0) if len(self.acts) > 1 else self.acts[0]
                writer.write(act.removesuffix(b"..."))
                if act.endswith(b"..."):
                    break
        except asyncio.IncompleteReadError:
            pass
        writer.close()


@asynccontextmanager
async def bank(*acts: bytes) -> AsyncIterator[tuple[Bank, str, httpx.AsyncClient]]:
    opened = Bank(*acts)
    server = await asyncio.start_server(opened.serve, "127.0.0.1", 0)
    async with httpx.AsyncClient(transport=Wire(), timeout=httpx.Timeout(0.5, connect=0.5)) as client:
        yield opened, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/pay", client
    server.close()


async def pay(client: httpx.AsyncClient, url: str) -> httpx.Response:
    return await calls.send(client, client.build_request("POST", url, content=b"1", headers={"Idempotency-Key": "k"}))


@pytest.mark.parametrize(
    "act", [b"", b"...", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}...", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", b"nonsense\r\n\r\n..."],
    ids=["is silent", "closes without a word", "breaks off", "falls silent in the middle", "speaks something else"],
)  # fmt: skip
async def test_what_was_sent_and_not_answered_may_have_been_done_and_is_not_sent_again(act: bytes) -> None:
    async with bank(act) as (opened, url, client):
        with pytest.raises(GatewayUnknown):
            await pay(client, url)
        assert len(opened.requests) == 1


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/v1", "http://nobody.invalid/v1", "ftp://127.0.0.1/v1"])
async def test_where_nobody_can_be_reached_nothing_was_sent(url: str) -> None:
    async with httpx.AsyncClient(transport=Wire(), timeout=httpx.Timeout(5, connect=5)) as client:
        with pytest.raises(GatewayUnreachable):
            await pay(client, url)


async def test_who_speaks_no_tls_was_sent_nothing() -> None:
    async with bank(YES) as (opened, url, client):
        with pytest.raises(GatewayUnreachable):
            await pay(client, url.replace("http:", "https:"))
        assert opened.requests == []


async def test_a_connection_is_used_again_and_one_that_was_closed_meanwhile_is_not() -> None:
    async with bank(YES, YES + b"...", YES) as (opened, url, client):
        assert [(await pay(client, url)).content for _ in range(2)] == [b"{}", b"{}"]
        assert opened.connections == 1
        await asyncio.sleep(0.05)
        assert (await pay(client, url)).content == b"{}"
    assert (len(opened.requests), opened.connections) == (3, 2)


async def test_a_request_goes_out_as_it_was_written_and_an_answer_comes_in_as_it_was_meant() -> None:
    small = gzip.compress(b'{"paid": true}')
    answer = (
        b"HTTP/1.1 402 No\r\nContent-Encoding: gzip\r\nSet-Cookie: a=1\r\nX-Said: 1\r\nContent-Length: %d\r\n\r\n"
        % len(small)
    )
    async with bank(answer + small) as (opened, url, client):
        said = await pay(client, url + "?expand%5B0%5D=a%2Fb&q=%C3%BC")
        again = await calls.send(
            client,
            httpx.Request(
                "GET", url, headers={"Host": "elsewhere"}, extensions={"timeout": httpx.Timeout(1).as_dict()}
            ),
        )
    assert (said.status_code, said.json(), said.headers["x-said"]) == (402, {"paid": True}, "1")
    assert again.json() == {"paid": True}
    first, second = (each.decode().split("\r\n") for each in opened.requests)
    assert first[0] == "POST /v1/pay?expand%5B0%5D=a%2Fb&q=%C3%BC HTTP/1.1"
    assert first[-1] == "1"
    lower = [line.lower() for line in first]
    assert "idempotency-key: k" in lower
    assert sum(line.startswith("content-length:") for line in lower) == 1
    assert sum(line.startswith("host:") for line in lower) == 1
    assert not any(line.startswith(("cookie:", "content-type:")) for line in lower)
    assert [line for line in second[1:] if line] == ["Host: elsewhere"]
