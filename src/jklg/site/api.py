"""Whether the house can work: the door that balancers and monitors ask."""

from __future__ import annotations

import msgspec
from litestar import Router, get

from jklg.bookings.api import Ask
from jklg.payments import silences


class Health(msgspec.Struct, omit_defaults=True, kw_only=True):
    """`status`: ok; or degraded, where everything works but `gateways`, which have not answered since then."""

    status: str
    gateways: list[silences.Silence] = []


@get("/api/health", tags=["house"], summary="Whether the house can work")
async def health(request: Ask) -> Health:
    """200 when the database answers, else 503 `unavailable`. A gateway that is away takes nothing out of service: `degraded`."""
    house = request.app.state.house
    async with house.db.connection() as conn:
        silent = await silences.list_long(conn, house.gateways)
    return Health(status="degraded" if silent else "ok", gateways=silent)


router = Router(path="/", route_handlers=[health])
