"""/dev/mail: the mails that were caught because no mail server is set; in production, and beside live keys, these
addresses do not exist. And the link that stops mails."""

from __future__ import annotations

from email.errors import HeaderParseError
from typing import Any
from uuid import UUID

from litestar import Request, Response, Router, get, post
from litestar.datastructures import State
from litestar.params import FromPath

from jklg.kit.errors import NotFound
from jklg.mail import actions, stopping
from jklg.mail.queries import Mail
from jklg.web.render import page

Ask = Request[Any, Any, State]


@get("/dev/mail", include_in_schema=False)
async def outbox(request: Ask) -> Response[bytes]:
    """Every mail of the outbox, newest first."""
    _only_where_nothing_is_real(request)
    return page(request, "mail/outbox.html", personal=True, mails=await actions.latest(request.app.state.house.db))


@get("/dev/mail/{mail_id:str}", include_in_schema=False)
async def one(request: Ask, mail_id: FromPath[str]) -> Response[bytes]:
    """One mail as it would have gone out: its headers, its HTML in a frame of its own, its text."""
    house = request.app.state.house
    mail = await _find(request, mail_id)
    try:
        headers = [(name, str(value)) for name, value in actions.compose(house.settings, mail, house.clock).items()]
    except (ValueError, LookupError, HeaderParseError) as error:
        headers = [("To", f"{mail.to_name} <{mail.to_address}>"), ("Cannot be sent", str(error))]
    return page(
        request, "mail/mail.html", personal=True, csp={"frame-src": ["'self'"]}, mail=mail, mail_headers=headers
    )


@get("/dev/mail/{mail_id:str}/html", include_in_schema=False)
async def html(request: Ask, mail_id: FromPath[str]) -> Response[bytes]:
    """The HTML part alone, in a sandbox: a mail is not a page of ours."""
    return alone((await _find(request, mail_id)).html_body)


def alone(html_body: str) -> Response[bytes]:
    """The HTML of a mail, which can do nothing to us."""
    return Response(
        html_body.encode(),
        media_type="text/html",
        headers={
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox",
            "Cache-Control": "no-store",
        },
    )


@get("/mail/stop/{mail_id:uuid}/{token:str}", include_in_schema=False)
async def before_stopping(request: Ask, mail_id: FromPath[UUID], token: FromPath[str]) -> Response[bytes]:
    """The link of a mail. Programs open links too, so that it takes a press."""
    stopping.check_link(request.app.state.house.settings, mail_id, token)
    return page(request, "mail/stop.html", personal=True, stopped=False, action=f"/mail/stop/{mail_id}/{token}")


@post("/mail/stop/{mail_id:uuid}/{token:str}", include_in_schema=False, status_code=200)
async def stop(request: Ask, mail_id: FromPath[UUID], token: FromPath[str]) -> Response[bytes]:
    """By its reader, or by her mail program for her (RFC 8058)."""
    house = request.app.state.house
    stopping.check_link(house.settings, mail_id, token)
    await stopping.stop(house.db, mail_id)
    return page(request, "mail/stop.html", personal=True, stopped=True, action="")


def _only_where_nothing_is_real(request: Ask) -> None:
    if not request.app.state.house.settings.shows_mail:
        raise NotFound("not_found", "There is nothing here.")


async def _find(request: Ask, mail_id: str) -> Mail:
    _only_where_nothing_is_real(request)
    try:
        found = await actions.read(request.app.state.house.db, UUID(mail_id))
    except ValueError:
        found = None
    if found is None:
        raise NotFound("mail_not_found", "There is no such mail.")
    try:
        return actions.opened(request.app.state.house.settings, found)
    except LookupError:
        return found


router = Router(path="/", route_handlers=[outbox, one, html, before_stopping, stop])
