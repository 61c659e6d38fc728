"""One call to Razorpay: our timeouts, no hidden retries, lists to their end, and every failure in the contract's words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Generic, TypeVar

import httpx
import msgspec

from jklg.payments.gateways.calls import open_client, read, read_refusal, retry_after, send
from jklg.payments.gateways.contract import (
    GatewayBusy,
    GatewayError,
    GatewayRefused,
    GatewayUnknown,
    GatewayUnreachable,
)

T = TypeVar("T")
_PAGE = 100
"""As many as Razorpay gives at once; without being asked it gives ten."""


class Page(msgspec.Struct, Generic[T]):
    """Some of the things of a list."""

    items: list[T]


class _Error(msgspec.Struct):
    code: str
    description: str | None = None
    reason: str | None = None


class _Failure(msgspec.Struct):
    error: _Error


class Calls:
    """Calls under one key."""

    def __init__(self, key_id: str, key_secret: str, base: str, client: httpx.AsyncClient | None) -> None:
        self._auth = httpx.BasicAuth(key_id, key_secret)
        self._base = base.rstrip("/")
        self._client = client or open_client()

    async def get(self, path: str, type_: type[T], query: Mapping[str, str] | None = None) -> T:
        return await self._call(self._client.build_request("GET", self._base + path, params=query), type_)

    async def post(self, path: str, body: object, type_: type[T], headers: Mapping[str, str] | None = None) -> T:
        request = self._client.build_request(
            "POST",
            self._base + path,
            content=msgspec.json.encode(body),
            headers={"Content-Type": "application/json", **(headers or {})},
        )
        return await self._call(request, type_)

    async def list_all(self, path: str, page: type[Page[T]], query: Mapping[str, str]) -> AsyncIterator[T]:
        """Everything of a list, newest first. What is made meanwhile pushes the rest further back, so that some come twice and none is missed."""
        skip = 0
        while True:
            found = await self.get(path, page, {**query, "count": str(_PAGE), "skip": str(skip)})
            for each in found.items:
                yield each
            if len(found.items) < _PAGE:
                return
            skip += _PAGE

    async def close(self) -> None:
        await self._client.aclose()

    async def _call(self, request: httpx.Request, type_: type[T]) -> T:
        next(self._auth.auth_flow(request))
        response = await send(self._client, request)
        if not response.is_success:
            raise failure(response)
        return read(response, type_)


def failure(response: httpx.Response) -> GatewayError:
    """What a failed call proves, and no more.

    Only BAD_REQUEST_ERROR is Razorpay's no. GATEWAY_ERROR and SERVER_ERROR come under any status, and say that it does not know either.
    """
    status = response.status_code
    said = read_refusal(response, _Failure)
    code, detail = (said.error.code, said.error.description or "") if said else (f"http_{status}", "")
    if status == 429:
        return GatewayBusy(code, detail, retry_after=retry_after(response))
    if status == 401:
        return GatewayUnreachable("unauthorized", detail)
    if status in (400, 402, 403, 404, 422) and code == "BAD_REQUEST_ERROR":
        absent = "does not exist" in detail or "is not a valid id" in detail
        return GatewayRefused("not_found" if absent else code, detail)
    return GatewayUnknown(code, detail)
