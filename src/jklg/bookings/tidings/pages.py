"""/account/tidings: lines that arrive while a page is looked at, and the button that says they were seen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from litestar import Response, Router, get, post
from litestar.response import ServerSentEvent, ServerSentEventMessage

from jklg.bookings.tidings import actions, queries, rules
from jklg.customers.rights import as_customer
from jklg.customers.sessions.rules import Visitor
from jklg.customers.visits import TURNS_AWAY, Ask, visitor
from jklg.kit.db import Database
from jklg.kit.errors import Forbidden, NotSignedIn, TooMany
from jklg.web.render import go

LIVE = "/account/tidings/live"
CHANNEL = "tidings"
BEAT_SECONDS = 20
"""How often we say that we are still here, and look whether the session is."""
MOST = 12
"""Pages of one customer that listen to one process."""
LATE = timedelta(minutes=1)
"""Lines are dated when their database transaction began, and may appear that much later than younger ones."""
AT_ONCE = 20


@get(LIVE, include_in_schema=False)
async def live(request: Ask) -> Response[Any]:
    """A stream of server-sent events. `since`: the moment up to which the page knows everything, else now. A page that has lost us comes
    back with `Last-Event-ID`, the moment of what it heard last; what it knows by then it recognises by the id.

    Raises NotSignedIn (not_signed_in), Forbidden (email_not_verified), TooMany (too_many_pages).
    """
    db = request.app.state.house.db
    who = visitor(request)
    async with as_customer(db, who):
        pass
    if db.bells(CHANNEL).waiting(str(who.customer_id)) >= MOST:
        raise TooMany("too_many_pages", "So many pages are open already. Please close some.", retry_after=60)
    said = request.headers.get("last-event-id") or str(request.query_params.get("since", ""))
    prefix = str(request.scope.get("jklg.prefix", ""))
    stream = _tell(db, who, prefix, _moment(said, request.app.state.house.clock.now()))
    return ServerSentEvent(stream, retry_duration=5_000, headers={"Cache-Control": "no-store"})


@post("/account/tidings/seen", include_in_schema=False, status_code=303)
async def seen(request: Ask) -> Response[bytes]:
    """Nothing is new any more."""
    await actions.seen(request.app.state.house.db, visitor(request))
    return go("/account")


async def _tell(db: Database, who: Visitor, prefix: str, since: datetime) -> AsyncIterator[ServerSentEventMessage]:
    """Whatever comes, until the page is left or the session ends."""
    known: dict[UUID, datetime] = {}
    with db.bells(CHANNEL).at(str(who.customer_id)) as bell:
        while True:
            bell.clear()
            found: list[queries.Tiding] = []
            try:
                async with as_customer(db, who) as conn:
                    found = await queries.list_since(conn, who.customer_id, since - LATE, list(known), AT_ONCE)
            except (NotSignedIn, Forbidden):
                yield ServerSentEventMessage(event="over", data="")
                return
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                pass  # the next beat looks again
            for each in found:
                known[each.id] = each.created_at
                since = max(since, each.created_at)
                yield ServerSentEventMessage(id=since.isoformat(), event="tiding", data=_line(each, prefix))
            known = {id_: at for id_, at in known.items() if at >= since - LATE}
            if found:
                continue
            yield ServerSentEventMessage(comment="here", data=None)
            with suppress(TimeoutError):
                await asyncio.wait_for(bell.wait(), BEAT_SECONDS)


def _line(tiding: queries.Tiding, prefix: str) -> str:
    says, leads = rules.sentence(tiding), f"{prefix}/bookings/{tiding.reference}"
    return msgspec.json.encode({"id": str(tiding.id), "says": says, "leads": leads}).decode()


def _moment(said: str, now: datetime) -> datetime:
    """What a page says it knows; now when that is no moment of the last days."""
    try:
        at = datetime.fromisoformat(said)
    except ValueError:
        return now
    return at if at.tzinfo is not None and now - timedelta(days=7) < at else now


_handlers: list[Any] = [live, seen]
router = Router(path="/", route_handlers=_handlers, exception_handlers=TURNS_AWAY)
