"""The door for gateways: raw bytes in, nothing but a receipt out. No cookies, no session, no CSRF token, no parsing before the signature."""

from __future__ import annotations

from litestar import Request, Router, post
from litestar.datastructures import State
from litestar.exceptions import ClientException
from litestar.params import FromPath

from jklg.kit.errors import TooLarge
from jklg.payments.webhooks import actions

MAX_BYTES = 1024 * 1024


@post("/process-webhook", status_code=200, summary="Stripe's webhook")
async def process_webhook(request: Request[object, object, State]) -> dict[str, bool]:
    """Stripe's webhook under the path the previous system had."""
    return await _file(request, "stripe")


@post("/webhooks/{gateway:str}", status_code=200, summary="A gateway's webhook")
async def webhook(request: Request[object, object, State], gateway: FromPath[str]) -> dict[str, bool]:
    """Every gateway's webhook."""
    return await _file(request, gateway)


async def _file(request: Request[object, object, State], gateway: str) -> dict[str, bool]:
    body = await read_body(request)
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.scope["headers"]}
    await actions.file_notice(request.app.state.house, gateway, headers, body)
    return {"received": True}


async def read_body(request: Request[object, object, State]) -> bytes:
    """The raw body, counted while it streams in. TooLarge beyond 1 MiB."""
    announced = request.headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > MAX_BYTES:
        raise TooLarge("too_large", "The body is larger than 1 MiB.")
    parts: list[bytes] = []
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > MAX_BYTES:
                raise TooLarge("too_large", "The body is larger than 1 MiB.")
            parts.append(part)
    except ClientException as error:
        raise TooLarge("too_large", "The body is larger than 1 MiB.") from error
    return b"".join(parts)


router = Router(path="/api/payments", route_handlers=[process_webhook, webhook], tags=["payments"])
