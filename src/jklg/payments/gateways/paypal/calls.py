"""One call to PayPal: our timeouts, no hidden retries, one token for everybody, and every failure in the contract's words."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

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
_STILL_AT_IT = frozenset(("ORDER_COMPLETION_IN_PROGRESS", "PREVIOUS_REQUEST_IN_PROGRESS"))


class _Token(msgspec.Struct):
    access_token: str
    expires_in: float


class _Detail(msgspec.Struct):
    issue: str = ""
    description: str = ""


class _Failure(msgspec.Struct):
    name: str
    message: str = ""
    details: list[_Detail] = []
    debug_id: str = ""


class Calls:
    """Calls under one account. The token is fetched by one caller while the others wait, and renewed after 80 % of its life."""

    def __init__(
        self,
        client_id: str,
        secret: str,
        base: str,
        client: httpx.AsyncClient | None,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._auth = httpx.BasicAuth(client_id, secret)
        self._base = base.rstrip("/")
        self._client = client or open_client()
        self._ticks = ticks
        self._token = ""
        self._renew_at = 0.0
        self._fetching = asyncio.Lock()

    async def get(self, path: str, type_: type[T], query: Mapping[str, str] | None = None) -> T:
        return await self._call("GET", path, type_, query=query)

    async def post(self, path: str, body: object, request_key: str, type_: type[T]) -> T:
        """`request_key` becomes the PayPal-Request-Id: sent twice, it is done once."""
        return await self._call("POST", path, type_, body=msgspec.json.encode(body), request_key=request_key)

    async def get_bytes(self, url: str, most: int) -> bytes:
        """A small public file of PayPal's, without our token and without following redirects. GatewayUnknown otherwise."""
        try:
            async with self._client.stream("GET", url, timeout=5, follow_redirects=False) as response:
                if response.status_code != 200:
                    raise GatewayUnknown("no_certificate", f"HTTP {response.status_code}")
                content = bytearray()
                async for chunk in response.aiter_bytes():
                    content += chunk
                    if len(content) > most:
                        raise GatewayUnknown("no_certificate", "too long")
                return bytes(content)
        except httpx.HTTPError as problem:
            raise GatewayUnknown("no_certificate", type(problem).__name__) from problem

    async def close(self) -> None:
        await self._client.aclose()

    async def _call(
        self,
        method: str,
        path: str,
        type_: type[T],
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        request_key: str = "",
    ) -> T:
        headers = {"Prefer": "return=representation", "Accept": "application/json"}
        if body is not None:
            headers |= {"Content-Type": "application/json", "PayPal-Request-Id": request_key}
        for last in (False, True):
            token = await self._fresh_token()
            request = self._client.build_request(
                method,
                self._base + path,
                params=query,
                content=body,
                headers=headers | {"Authorization": f"Bearer {token}"},
            )
            response = await send(self._client, request)
            if response.status_code != 401 or last:
                break
            if self._token == token:  # it was withdrawn before its time, and nothing was done under it
                self._token = ""
        if not response.is_success:
            raise failure(response)
        return read(response, type_)

    async def _fresh_token(self) -> str:
        """Without a token nothing of the payment was sent: every failure here is safe to try again."""
        if self._token and self._ticks() < self._renew_at:
            return self._token
        async with self._fetching:
            if self._token and self._ticks() < self._renew_at:
                return self._token
            try:
                response = await self._client.post(
                    f"{self._base}/v1/oauth2/token",
                    data={"grant_type": "client_credentials"},
                    headers={"Accept": "application/json"},
                    auth=self._auth,
                )
            except httpx.HTTPError as problem:
                raise GatewayUnreachable("no_token", type(problem).__name__) from problem
            if response.status_code == 429:
                raise failure(response)
            if not response.is_success:
                raise GatewayUnreachable("no_token", f"HTTP {response.status_code}")
            try:
                answer = read(response, _Token)
            except GatewayUnknown as problem:
                raise GatewayUnreachable("no_token", "unreadable") from problem
            self._token = answer.access_token
            self._renew_at = self._ticks() + 0.8 * answer.expires_in
            return self._token


def failure(response: httpx.Response) -> GatewayError:
    """What a failed call proves, and no more. The `code` is the first issue's, else the name of the error."""
    status = response.status_code
    said = read_refusal(response, _Failure)
    code, detail = f"http_{status}", ""
    if said is not None:
        first = said.details[0] if said.details else _Detail()
        code, detail = first.issue or said.name, first.description or said.message
        detail = f"{detail} (debug id {said.debug_id})" if said.debug_id and status >= 500 else detail
    if status == 429:
        return GatewayBusy(code, detail, retry_after=retry_after(response))
    if status == 401:
        return GatewayUnreachable("unauthorized", detail)
    if status in (400, 402, 403, 404, 422) and said is not None and code not in _STILL_AT_IT:
        return GatewayRefused(code, detail)
    return GatewayUnknown(code, detail)
