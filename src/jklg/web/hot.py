"""Hot doors: asked so often that the framework's way to them would cost as much as the work behind them.

A handler marked `opt=HOT` is reached by its path alone, past router, middleware and response classes. It is the handler
that Litestar knows and describes, and `tests/web/test_hot_doors.py` asks it both ways. `bench bookings` and
`bench webhooks` say what it saves.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from litestar import Litestar, Response
from litestar.enums import ParamType
from litestar.handlers import HTTPRouteHandler
from litestar.params import ParameterKwarg
from litestar.routes import HTTPRoute

from jklg.web import errors
from jklg.web.bodies import StrictRequest

HOT = {"hot": True}

_JSON = {"content-type": "application/json"}

Door = Callable[[Any, Any, Any], Awaitable[None]]


def doors(app: Litestar) -> dict[tuple[str, str], Door]:
    """(method, path) -> the short way to every handler marked `HOT`."""
    return {
        (method, route.path): _HotDoor(app, handler)
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        if handler.opt.get("hot")
        for method in handler.http_methods
    }


class _HotDoor:
    """Takes `request`, `data` and headers; answers a Response of bytes, or what becomes JSON. No guards, no dependencies, no path parameters."""

    def __init__(self, app: Litestar, handler: HTTPRouteHandler) -> None:
        self._app = app
        self._handler = handler
        self._call = handler.fn
        self._status = handler.status_code
        self._takes_data = False
        self._headers: dict[bytes, str] = {}
        for name, parameter in handler.parsed_fn_signature.parameters.items():
            wanted = parameter.kwarg_definition
            if name == "data":
                self._takes_data = True
            elif isinstance(wanted, ParameterKwarg) and wanted.param_type is ParamType.HEADER:
                self._headers[(wanted.name or name).lower().encode()] = name
            elif name != "request":
                raise TypeError(f"a hot door cannot take {name!r}")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        inner = {**scope, "litestar_app": self._app, "route_handler": self._handler, "path_params": {}}
        request = StrictRequest(inner, receive, send)
        try:
            given: dict[str, Any] = {"request": request}
            if self._takes_data:
                given["data"] = await request.json()
            if self._headers:
                given |= {
                    self._headers[name]: value.decode("latin-1")
                    for name, value in scope["headers"]
                    if name in self._headers
                }
            answer = await self._call(**given)
            if isinstance(answer, Response):
                status, headers, body = answer.status_code or self._status, _JSON | answer.headers, answer.content
            else:
                status, headers, body = self._status, _JSON, msgspec.json.encode(answer)
        except Exception as error:
            status, headers, body = errors.answer(self._app.state.pages, scope, error)
        await errors.send(send, status, headers, body)
