"""How staff look at the house: one moment, unchanged by looking, on the agency's clocks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from litestar import Request
from litestar.datastructures import State
from markupsafe import Markup

from jklg import bookings
from jklg.backoffice import queries
from jklg.bookings import rules
from jklg.kit.db import Connection, claims
from jklg.kit.gateways import gateway_name
from jklg.staff.queries import Person

Ask = Request[Any, Any, State]


def when(at: datetime) -> Markup:
    """'23 Nov 2026, 11:16' on the agency's clocks, unbroken: staff read columns of these."""
    local = at.astimezone(ZoneInfo(queries.ZONE))
    words = f"{local.day} {local:%b %Y, %H:%M}".replace(" ", "\N{NO-BREAK SPACE}")
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(), words)


@asynccontextmanager
async def eyes_of(request: Ask, person: Person) -> AsyncIterator[Connection]:
    """One picture of the house as it is now; nothing can be changed through it."""
    who = claims("system", actor=f"staff:{person.id}")
    async with request.app.state.house.db.transaction(who) as conn:
        await queries.freeze(conn)
        yield conn


async def booking_of(conn: Connection, reference: str) -> bookings.Booking:
    """The booking of a reference as somebody typed it. NotFound: booking_not_found."""
    reference = reference.upper()
    found = await bookings.get_by_reference(conn, reference) if rules.REFERENCE.fullmatch(reference) else None
    if found is None:
        raise rules.not_found()
    return found


def who(names: Mapping[str, str]) -> Callable[[str], str]:
    """Who did something, in words, from 'staff:<id>', 'guest', 'gateway:<name>'. `names`: those of staff by 'staff:<id>'."""

    def said(actor: str) -> str:
        kind, _, name = actor.partition(":")
        others = {
            "guest": "the customer",
            "customer": "the customer",
            "system": "the house itself",
            "gateway": gateway_name(name),
        }
        return names.get(actor) or others.get(kind, actor)

    return said
