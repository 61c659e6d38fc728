"""What our own httpx clients have in common: how long they wait, and what a broken wire or an unreadable answer proves.

How a gateway says no is its own, in its folder.
"""

from __future__ import annotations

from typing import TypeVar
from urllib.parse import quote

import httpx
import msgspec

from jklg.payments.gateways.contract import GatewayUnknown, GatewayUnreachable
from jklg.payments.gateways.wire import Wire

T = TypeVar("T")
NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
"""What proves that a gateway has heard nothing of a call (see wire.py)."""


def open_client() -> httpx.AsyncClient:
    """Ten seconds for an answer, three to connect. Nothing is sent again behind our back."""
    return httpx.AsyncClient(transport=Wire(), timeout=httpx.Timeout(10, connect=3))


async def send(client: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
    """One call, one answer, whatever it says. Raises GatewayUnreachable when nothing was sent, else GatewayUnknown."""
    try:
        return await client.send(request)
    except NOTHING_SENT as problem:
        raise GatewayUnreachable("unreachable", type(problem).__name__) from problem
    except httpx.HTTPError as problem:
        raise GatewayUnknown("no_answer", type(problem).__name__) from problem


def read(response: httpx.Response, type_: type[T]) -> T:
    """The answer as `type_`. GatewayUnknown when it cannot be read; what it holds is never in the words of that."""
    try:
        return msgspec.json.decode(response.content, type=type_)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise GatewayUnknown("unreadable_answer", type(problem).__name__) from problem


def read_refusal(response: httpx.Response, type_: type[T]) -> T | None:
    """What the gateway said instead of an answer; None when somebody else spoke (a proxy)."""
    try:
        return msgspec.json.decode(response.content, type=type_)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def retry_after(response: httpx.Response) -> float | None:
    """The seconds that a busy gateway asks us to wait, if it says so in seconds."""
    wait = response.headers.get("retry-after", "")
    return float(wait) if wait.isascii() and wait.isdecimal() else None


def segment(value: str) -> str:
    """An id as one segment of a path, whatever it holds."""
    return quote(value, safe="")
