"""Hot doors: asked so often that the framework's way to them would cost as much as the work behind them.

A handler marked `opt=HOT` is reached by its path alone, past router, middleware and response classes. It is the handler
that Litestar knows and describes, and `tests/web/test_hot_doors.py` asks it both ways. `bench bookings`, `bench webhooks`
and `bench customers` say what it saves.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
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
    """(method, path) -> the short way to every handler marked `HOT`. A parameter in the path is written `*`."""
    return {
        (method, _pattern(route)): _HotDoor(app, handler)
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        if handler.opt.get("hot")
        for method in handler.http_methods
    }


def find(doors: Mapping[tuple[str, str], Door], method: str, path: str) -> Door | None:
    """The short way to a path, if there is one."""
    door = doors.get((method, path))
    if door is None:
        before, _, last = path.rpartition("/")
        before, _, parameter = before.rpartition("/")
        if parameter:
            door = doors.get((method, f"{before}/*/{last}"))
    return door


def _pattern(route: HTTPRoute) -> str:
    parts = [part if isinstance(part, str) else "*" for part in route.path_components]
    if "*" in parts and parts.index("*") != len(parts) - 2:
        raise TypeError(f"a hot door has its one parameter before its last word: {route.path}")
    return "/" + "/".join(parts)


class _HotDoor:
    """Takes `request`, `data`, headers, a query and one text in the path; answers a Response of bytes, or what becomes JSON.

    No guards and no dependencies.
    """

    def __init__(self, app: Litestar, handler: HTTPRouteHandler) -> None:
        self._app = app
        self._handler = handler
        self._call = handler.fn
        self._status = handler.status_code
        self._takes_data = False
        self._headers: dict[bytes, str] = {}
        self._query: dict[str, str] = {}
        self._defaults: dict[str, Any] = {}
        self._path: str | None = None
        if handler.resolve_guards() or handler.resolve_dependencies():
            raise TypeError(f"a hot door has no guards and no dependencies: {handler}")
        for name, parameter in handler.parsed_fn_signature.parameters.items():
            wanted = parameter.kwarg_definition
            kind = wanted.param_type if isinstance(wanted, ParameterKwarg) else None
            alias = (wanted.name if isinstance(wanted, ParameterKwarg) else None) or name
            if name == "data":
                self._takes_data = True
            elif kind is ParamType.HEADER:
                self._headers[alias.lower().encode()] = name
            elif kind is ParamType.QUERY and parameter.has_default:
                self._query[alias] = name
                self._defaults[name] = parameter.default
            elif kind is ParamType.PATH and parameter.annotation is str:
                self._path = name
            elif name != "request":
                raise TypeError(f"a hot door cannot take {name!r}")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        in_path = {self._path: scope["path"].rsplit("/", 2)[1]} if self._path else {}
        inner = {**scope, "litestar_app": self._app, "route_handler": self._handler, "path_params": in_path}
        request = StrictRequest(inner, receive, send)
        try:
            given: dict[str, Any] = {"request": request, **in_path}
            if self._takes_data:
                given["data"] = await request.json()
            if self._headers:
                given |= {
                    self._headers[name]: value.decode("latin-1")
                    for name, value in scope["headers"]
                    if name in self._headers
                }
            if self._query and scope["query_string"]:
                given |= self._asked(request, given)
            answer = await self._call(**given)
            if isinstance(answer, Response):
                status, headers, body = answer.status_code or self._status, _JSON | answer.headers, answer.content
            else:
                status, headers, body = self._status, _JSON, msgspec.json.encode(answer)
        except Exception as error:
            status, headers, body = errors.answer(self._app.state.pages, inner, error)
        await errors.send(send, status, headers, body)

    def _asked(self, request: StrictRequest, given: dict[str, Any]) -> dict[str, Any]:
        """What the query says, as the handler's types. ValidationException."""
        said = {self._query[name]: value for name, value in request.query_params.multi_items() if name in self._query}
        found = self._handler.signature_model.parse_values_from_connection_kwargs(
            request, {**self._defaults, **given, **said}
        )
        return {name: found[name] for name in said}
