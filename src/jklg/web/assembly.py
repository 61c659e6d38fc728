"""The Litestar application made of the rooms' doors: one exception handler, one front door, one description of the API."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from litestar import Litestar
from litestar.openapi.config import OpenAPIConfig

from jklg import __version__
from jklg.settings import Settings
from jklg.web import doors, errors, front, hot, render
from jklg.web.bodies import MAX_BYTES, StrictRequest
from jklg.web.schema_page import SchemaJson, SchemaPage


class _House(Litestar):
    """Litestar behind our front door, which also sees requests that no route answers."""

    front_door: front.FrontDoor | None = None
    hot: dict[tuple[str, str], hot.Door] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self.front_door is None or scope["type"] != "http":
            await super().__call__(scope, receive, send)
        else:
            await self.front_door(scope, receive, send)

    async def inside(self, scope: Any, receive: Any, send: Any) -> None:
        """Past the front door."""
        door = hot.find(self.hot, scope["method"], scope["path"]) or super().__call__
        await door(scope, receive, send)


def assemble(routers: Sequence[Any], *, settings: Settings, lifespan: Callable[[Litestar], Any]) -> Litestar:
    """Build the web application from every room's `router`."""
    app = _House(
        route_handlers=[*routers, doors.router],
        lifespan=[lifespan],
        request_class=StrictRequest,
        request_max_body_size=MAX_BYTES,
        exception_handlers={Exception: errors.handle},
        logging_config=None,
        openapi_config=OpenAPIConfig(
            title=f"{settings.agency_name} API",
            version=__version__,
            summary="Packages, departures, quotes, bookings and payments.",
            description=errors.DESCRIPTION,
            path="/schema",
            render_plugins=[SchemaPage(path="/"), SchemaJson(path="/openapi.json")],
        ),
    )
    app.state.pages = render.Pages(settings)
    app.hot = hot.doors(app)
    app.front_door = front.FrontDoor(app.inside, settings, app.state.pages)
    return app
