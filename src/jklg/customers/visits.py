"""Customers in a browser: who sits there, where they go next, and the links that bring them from their mail.

A session lives in one cookie (guard.remember). A mailed token leaves the address at once: it moves into a cookie of its own, and the
page that is shown knows it from there. Opening a link uses nothing up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Request, Response
from litestar.datastructures import Cookie, State

from jklg.customers import sessions
from jklg.customers.guard import browser_visitor, forget, remember
from jklg.customers.proofs.rules import KINDS, Purpose
from jklg.customers.rights import as_customer
from jklg.customers.sessions.actions import must_be_fresh
from jklg.customers.sessions.rules import Visitor
from jklg.kit.errors import Forbidden, NotSignedIn, Refusal
from jklg.web import errors
from jklg.web.render import go, page
from jklg.web.session import clear, cookie, cookie_name

Ask = Request[Any, Any, State]
HOME = "/account"
LINK = "jklg_link"
LINK_SECONDS = 30 * 60
NO_REFERRER = {"Referrer-Policy": "no-referrer"}
TURNED_AWAY = ("not_signed_in", "email_not_verified", "proof_needed")
"""Refusals that lead to another page, not to a complaint on this one."""

_OWN_PATH = re.compile(
    r"/(?:[A-Za-z0-9_-][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*)?(?:\?[A-Za-z0-9_.=&%+:-]*)?"
)
_LINK = re.compile(r"([a-z]+)\.([0-9a-f]{32})\.([A-Za-z0-9_-]{10,100})")


class MailedLink(NamedTuple):
    """What a link in a mail carries. Nothing here is believed before the token has been checked."""

    customer_id: UUID
    token: str


def way_back(wanted: str, otherwise: str = HOME) -> str:
    """Where to go afterwards: an address of this house, never another site."""
    return wanted if len(wanted) <= 500 and _OWN_PATH.fullmatch(wanted) else otherwise


def visitor(request: Ask) -> Visitor:
    """Whose cookie this is. NotSignedIn (not_signed_in). Whether the session lives, `as_customer` finds out."""
    found = browser_visitor(request)
    if found is None:
        raise NotSignedIn("not_signed_in", "Please sign in first.")
    return found


async def fresh_visitor(request: Ask) -> Visitor:
    """Somebody who has just proven who they are. NotSignedIn (not_signed_in), Forbidden (email_not_verified, proof_needed)."""
    who = visitor(request)
    async with as_customer(request.app.state.house.db, who) as conn:
        await must_be_fresh(conn, who)
    return who


async def living(request: Ask) -> Visitor | None:
    """The visitor, where a page is for everybody and only friendlier to customers: None for all whose session does not count."""
    who = browser_visitor(request)
    if who is None:
        return None
    try:
        async with as_customer(request.app.state.house.db, who):
            return who
    except (NotSignedIn, Forbidden):
        return None


async def come_in(request: Ask, token: str, to: str, cookies: Sequence[Cookie] = ()) -> Response[bytes]:
    """A new session for this browser; the one it had before ends."""
    house = request.app.state.house
    before = browser_visitor(request)
    if before is not None:
        with suppress(NotSignedIn):
            async with as_customer(house.db, before, pending_too=True) as conn:
                await sessions.end(conn, before, before.session_id)
    return go(to, cookies=[remember(house.settings, token), *cookies])


def turn_away(request: Ask, refusal: Refusal) -> Response[Any]:
    """The exception handler of pages for customers: to the sign-in, to the mailbox, to the proof, and afterwards back here."""
    settings = request.app.state.house.settings
    back = urlencode({"next": _page_of(request)})
    if refusal.code == "not_signed_in":
        return go(f"/login?{back}", cookies=[forget(settings)] if browser_visitor(request) else [])
    if refusal.code == "email_not_verified":
        return go("/verify-email")
    if refusal.code == "proof_needed":
        return go(f"/prove?{back}")
    return errors.handle(request, refusal)


_POSTED_ONLY = re.compile(
    r"/(?:options|confirm|picture|picture/remove|devices/[^/]+/end|end-others)$|(?<=/addresses)/[^/]+/remove$"
)


def _page_of(request: Ask) -> str:
    """Where to come back to: the page that was asked for, or the one that a form was on when its answer could not be given."""
    path = request.scope["path"]
    if path == "/account/export/file":
        return "/account/export"
    return way_back(path if request.method == "GET" else _POSTED_ONLY.sub("", path))


TURNS_AWAY: Any = {NotSignedIn: turn_away, Forbidden: turn_away}
"""The `exception_handlers` of every router of pages for customers."""


class Complaints(dict[str, str]):
    """What is wrong with a form: {field: sentence}, in the order of the page; '' is about the form as a whole. `status` and `headers`
    of the answer come with it."""

    status = 422
    headers: Mapping[str, str] | None = None


def complaints(refusal: Refusal, fields: Mapping[str, str] | None = None, **sentences: str) -> Complaints:
    """A refusal as a complaint.

    `fields` says beside which field a code belongs where the refusal does not; `sentences` words a code for this page. Raises
    the refusal again when it leads to another page.
    """
    if refusal.code in TURNED_AWAY or refusal.status >= 500:
        raise refusal
    field = (fields or {}).get(refusal.code) or str((refusal.details or {}).get("field", ""))
    found = Complaints({field: sentences.get(refusal.code, refusal.sentence)})
    found.status, found.headers = refusal.status, errors.retry_after(refusal)
    return found


def all_complaints(*checks: Callable[[], object], fields: Mapping[str, str] | None = None) -> Complaints:
    """What is wrong with a form as a whole, so that nobody is sent back once for each field."""
    found = Complaints()
    for check in checks:
        try:
            check()
        except Refusal as refusal:
            found.update(complaints(refusal, fields))
    return found


def credential_of(form: Mapping[str, str]) -> dict[str, Any]:
    """What a passkey has made or signed, as the script sent it; whatever cannot be read opens nothing."""
    try:
        return msgspec.json.decode(form.get("credential", ""), type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):  # or is nested deeper than anybody means
        return {}


def form_page(
    request: Ask,
    template: str,
    *,
    errors: Complaints | None = None,
    status: int = 200,
    cookies: Sequence[Cookie] = (),
    **context: Any,
) -> Response[bytes]:
    """A page with a form, kept by nobody; after a refusal with its complaints, and with the status that says so."""
    said = errors or Complaints()
    return page(
        request, template, status=said.status if said else status, personal=True, headers=said.headers, cookies=cookies,
        errors=said, **context,
    )  # fmt: skip


def take_link(request: Ask, purpose: Purpose) -> Response[bytes] | None:
    """When the address carries a mailed token: the same page without it, the token in a cookie for half an hour. Nothing is used up."""
    given = request.query_params
    token, customer = str(given.get("token", "")), str(given.get("customerId", ""))
    if not token:
        return None
    settings = request.app.state.house.settings
    try:
        kept = f"{purpose}.{UUID(customer).hex}.{token}"
    except ValueError:
        kept = ""
    ours = cookie(settings, LINK, kept, max_age=LINK_SECONDS) if _LINK.fullmatch(kept) else clear(settings, LINK)
    return go(f"{KINDS[purpose].page}?opened=link", cookies=[ours], headers=NO_REFERRER)


def kept_link(request: Ask, purpose: Purpose) -> MailedLink | None:
    """The mailed token that this browser has opened for this purpose."""
    found = _LINK.fullmatch(request.cookies.get(cookie_name(request.app.state.house.settings, LINK), ""))
    if found is None or found[1] != purpose:
        return None
    return MailedLink(UUID(found[2]), found[3])


def drop_link(request: Ask) -> Cookie:
    """Makes the browser forget a mailed token."""
    return clear(request.app.state.house.settings, LINK)


def agent_of(request: Ask) -> str:
    """What the browser calls itself."""
    return request.headers.get("user-agent", "")
