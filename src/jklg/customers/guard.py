"""Who stands at a customer's door. The token says who; its session is looked up in the round trip of the request's own work."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import msgspec
from litestar import Request
from litestar.datastructures import Cookie, State

from jklg.customers.sessions import queries, rules
from jklg.customers.sessions.rules import Visitor
from jklg.kit.db import Connection, Database, claims
from jklg.kit.errors import Forbidden, NotFound, NotSignedIn
from jklg.kit.together import Ask, Asked
from jklg.settings import Settings
from jklg.web.session import clear, cookie, cookie_name

COOKIE = "jklg_customer"


def bearer(request: Request[Any, Any, State]) -> str:
    """The token of `Authorization: Bearer <token>`, or ''. Read from the headers as they came: hot doors look at this one only."""
    said = next((value for name, value in request.scope["headers"] if name == b"authorization"), b"")
    kind, _, token = said.decode("latin-1").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def visitor(request: Request[Any, Any, State]) -> Visitor:
    """Whose token an API request carries. The API reads no cookies. NotSignedIn (not_signed_in)."""
    return speaks_for(bearer(request), request.app.state.house.settings)


def speaks_for(token: str, settings: Settings) -> Visitor:
    """NotSignedIn (not_signed_in) when none of our keys signed it."""
    found = rules.read(token, settings.secrets)
    if found is None:
        raise _not_signed_in()
    return found


def own(request: Request[Any, Any, State], customer_id: str) -> Visitor:
    """The visitor, at a door with an id in its path. NotSignedIn (not_signed_in); NotFound (customer_not_found) at anybody else's."""
    asking = visitor(request)
    try:
        wanted = UUID(customer_id)
    except ValueError:
        wanted = None
    if wanted != asking.customer_id:
        raise NotFound("customer_not_found", "There is no such customer.")
    return asking


@asynccontextmanager
async def as_customer(db: Database, who: Visitor, *, pending_too: bool = False) -> AsyncIterator[Connection]:
    """One database transaction with the rights of a customer and no more: row-level security shows their own rows only.

    Raises NotSignedIn (not_signed_in) when the session has ended, Forbidden (email_not_verified) when the mailbox is not
    proven yet, unless `pending_too`.
    """
    rights = claims("customer", sub=str(who.customer_id), sid=str(who.session_id))
    with refusals():
        async with db.transaction(rights, queries.ENTER_PENDING_TOO if pending_too else queries.ENTER) as conn:
            yield conn


@contextmanager
def refusals() -> Iterator[None]:
    """What `enter_as_customer` raises in the database, as refusals."""
    try:
        yield
    except asyncpg.PostgresError as error:
        refuse(error.sqlstate)
        raise


def refuse(sqlstate: str | None) -> None:
    """NotSignedIn (not_signed_in), Forbidden (email_not_verified), or nothing at all."""
    if sqlstate == "JK401":
        raise _not_signed_in() from None
    if sqlstate == "JK403":
        raise Forbidden("email_not_verified", "Please confirm your e-mail address first.") from None


class Told(NamedTuple):
    """What the database says to one of many customers who ask in one moment: why they may not come in, or JSON that is ready."""

    refused: str | None
    answer: str


async def ask_together(db: Database, ask: Ask[Asked, Told], asked: Asked) -> msgspec.Raw:
    """The answer to a customer, asked for in one statement with all who ask `ask` in this moment (kit/together.py).

    Each is let in and reads under claims of their own, in a statement that begins after they have asked: a session that was
    ended fails on its next request here too. Raises what `as_customer` raises.
    """
    told = await db.together(ask)(asked)
    assert told is not None, "each who asks is answered"
    refuse(told.refused)
    return msgspec.Raw(told.answer.encode())


def _not_signed_in() -> NotSignedIn:
    return NotSignedIn("not_signed_in", "Please sign in first.")


def address_of(request: Request[Any, Any, State]) -> str:
    """The network address of whoever asks; the front door has looked behind our own proxies."""
    return request.client.host if request.client else ""


def browser_token(request: Request[Any, Any, State]) -> str:
    """The token in this browser's cookie, for pages."""
    return request.cookies.get(cookie_name(request.app.state.house.settings, COOKIE), "")


def browser_visitor(request: Request[Any, Any, State]) -> Visitor | None:
    """Whose cookie a page's request carries, if anybody's. Whether the session lives, `as_customer` finds out."""
    return rules.read(browser_token(request), request.app.state.house.settings.secrets)


def remember(settings: Settings, token: str) -> Cookie:
    """The cookie of a fresh session: for this host only, unseen by scripts, for as long as the session lasts."""
    return cookie(settings, COOKIE, token, max_age=rules.DAYS * 24 * 3600)


def forget(settings: Settings) -> Cookie:
    return clear(settings, COOKIE)
