"""One call to Stripe through its SDK: our timeouts, no hidden retries, and every failure in the contract's words.

What the SDK does (16.1.0, read and run 2026-11): 409, 5xx and anything unreadable come as plain APIError, told apart by
`http_status` only; a 429 without JSON is an APIError too; odd but valid JSON can raise errors that are not Stripe's.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Mapping
from typing import Any, TypeVar

import httpx
import msgspec
import stripe

from jklg.payments.gateways.calls import NOTHING_SENT, open_client
from jklg.payments.gateways.contract import (
    GatewayBusy,
    GatewayError,
    GatewayRefused,
    GatewayUnknown,
    GatewayUnreachable,
)

T = TypeVar("T")

stripe.enable_telemetry = False  # it would send what machine this is, and how fast the last call was
logging.getLogger("stripe").setLevel(logging.WARNING)  # below, it writes whole answers with the payer's secret in them


class Http(stripe.HTTPClient):
    """The SDK's transport over our own httpx client: 10 s for an answer, 3 s to connect."""

    name = "httpx"

    def __init__(self, client: httpx.AsyncClient | None) -> None:
        super().__init__()
        self._client = client or open_client()

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        body = post_data.encode() if isinstance(post_data, str) else post_data
        try:
            response = await self._client.request(method, url, headers=headers, content=body)
        except httpx.HTTPError as problem:
            raise stripe.APIConnectionError(repr(problem)) from problem  # type: ignore[no-untyped-call]
        return response.content, response.status_code, response.headers

    def sleep_async(self, secs: float) -> Awaitable[None]:
        return asyncio.sleep(secs)

    async def close_async(self) -> None:
        await self._client.aclose()


async def call(doing: Awaitable[stripe.StripeObject | stripe.StripeResponse], type_: type[T]) -> T:
    """Wait for the SDK and read its object, or the text of its answer, as `type_`. Raises any GatewayError, and nothing else."""
    try:
        answer = await doing
        if isinstance(answer, stripe.StripeResponse):
            return msgspec.json.decode(answer.body, type=type_)
        return msgspec.convert(answer.to_dict(), type_)
    except stripe.StripeError as problem:
        raise failure(problem) from problem
    except Exception as problem:  # the SDK fell over an answer, or the answer is not what we read
        raise GatewayUnknown("unreadable_answer", type(problem).__name__) from problem


class Replayed(GatewayUnknown):
    """A 5xx that Stripe has saved under our key and will repeat for a day: it has to be looked up instead."""


def failure(problem: stripe.StripeError) -> GatewayError:
    """What a failed call proves, and no more (payments.md 1.6)."""
    status = problem.http_status
    said = problem.error
    code = str(problem.code or getattr(said, "code", None) or getattr(said, "type", None) or f"http_{status}")
    # Without an error object of Stripe's, the SDK's message is the whole answer: a client secret must not reach our log.
    detail = str(problem) if said is not None or status is None else f"{type(problem).__name__}, HTTP {status}"
    if isinstance(problem, stripe.APIConnectionError):
        if isinstance(problem.__cause__, NOTHING_SENT):
            return GatewayUnreachable("unreachable", detail)
        return GatewayUnknown("no_answer", detail)
    if status == 429 or isinstance(problem, stripe.RateLimitError):
        return GatewayBusy(code, detail, retry_after=_seconds(problem.headers))
    if isinstance(problem, stripe.AuthenticationError):
        # Our key is wrong: this call did nothing, but that says nothing of the call before it.
        return GatewayUnreachable("unauthorized", detail)
    if status in (400, 402, 403, 404, 422) and said is not None:
        return GatewayRefused(code, detail)
    if status is not None and status >= 500 and _header(problem.headers, "idempotent-replayed") == "true":
        return Replayed(code, detail)
    return GatewayUnknown(code, detail)


def _seconds(headers: Any) -> float | None:
    value = _header(headers, "retry-after")
    return float(value) if value.isascii() and value.isdecimal() else None


def _header(headers: Any, name: str) -> str:
    """Headers of an error may be httpx's, a plain dict, or nothing at all."""
    if not isinstance(headers, Mapping):
        return ""
    return next((str(value) for key, value in headers.items() if str(key).lower() == name), "")
