"""The door for gateways: raw bytes in, nothing but a receipt out. No cookies, no session, no CSRF token, no parsing before the signature."""

from __future__ import annotations

from litestar import Request, Router, post
from litestar.datastructures import State
from litestar.params import FromPath

from jklg.payments.webhooks import actions
from jklg.web.hot import HOT


@post("/process-webhook", status_code=200, opt=HOT, summary="Stripe's webhook")
async def process_webhook(request: Request[object, object, State]) -> dict[str, bool]:
    """Stripe's webhook under the path the previous system had."""
    return await _file(request, "stripe")


@post("/webhooks/{gateway:str}", status_code=200, summary="A gateway's webhook")
async def webhook(request: Request[object, object, State], gateway: FromPath[str]) -> dict[str, bool]:
    """Every gateway's webhook."""
    return await _file(request, gateway)


async def _file(request: Request[object, object, State], gateway: str) -> dict[str, bool]:
    headers = {str(name, "latin-1"): str(value, "latin-1") for name, value in request.scope["headers"]}
    await actions.file_notice(request.app.state.house, gateway, headers, await request.body())
    return {"received": True}


router = Router(path="/api/payments", route_handlers=[process_webhook, webhook], tags=["payments"])
