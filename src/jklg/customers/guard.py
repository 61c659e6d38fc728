"""Who stands at a customer's door: the token says who, in a header or in a cookie. What they may do, `rights` and the database say."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request
from litestar.datastructures import Cookie, State

from jklg.customers.rights import not_signed_in
from jklg.customers.sessions import rules
from jklg.customers.sessions.rules import Visitor
from jklg.kit.errors import NotFound
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
        raise not_signed_in()
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
