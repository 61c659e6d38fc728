"""The JSON door of departures: what a visitor can choose from."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Request, Router, get
from litestar.datastructures import State
from litestar.params import FromPath, FromQuery, QueryParameter

from jklg import catalogue, departures
from jklg.departures import Departure
from jklg.kit.db import Connection
from jklg.kit.errors import BadInput, NotFound

Ask = Request[object, object, State]


class DepartureList(msgspec.Struct, kw_only=True):
    """Soonest first; sold-out departures have `seats_left` 0. Amounts in minor units of `currency`."""

    departures: list[Departure]


@get("/api/packages/{package:str}/departures", summary="Departures of a package")
async def list_departures(
    request: Ask,
    package: FromPath[str],
    from_: Annotated[str | None, QueryParameter(name="from")] = None,
    to: FromQuery[str | None] = None,
) -> DepartureList:
    """Those that can still be booked, from `from` to `to` (dates, both included). 404 `package_not_found`, 422 `from_invalid`, `to_invalid`."""
    first, last = _read_day("from", from_), _read_day("to", to)
    async with request.app.state.house.db.connection() as conn:
        package_id = await _package_id(conn, package)
        return DepartureList(departures=await departures.list_departures(conn, package_id, first, last))


async def _package_id(conn: Connection, package: str) -> UUID:
    found = await catalogue.get_package(conn, package)
    if found is None:
        raise NotFound("package_not_found", "We cannot find this package.")
    return found.id


def _read_day(word: str, text: str | None) -> date | None:
    if not text:
        return None
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise ValueError(text)
        return date.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{word}_invalid", "A day is written as in 2027-05-14.", details={"field": word}) from None


router = Router(path="/", route_handlers=[list_departures], tags=["departures"])
