"""The JSON door of moving: ask, confirm, undo."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, post
from litestar.datastructures import State
from litestar.params import JSONBody

from jklg.customers import moving
from jklg.customers.answers import Email, LinkToken, Message, Password
from jklg.customers.guard import address_of, bearer, visitor
from jklg.customers.queries import Customer
from jklg.customers.sessions import rules as session_rules

Ask = Request[Any, Any, State]


class NewAddress(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    email: Email


class Confirmation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    customer_id: UUID
    token: LinkToken
    password: Password | None = None


class Undo(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    customer_id: UUID
    token: LinkToken


class Moved(msgspec.Struct, kw_only=True):
    message: str
    customer: Customer


@post("/change-email", status_code=200, summary="Move to another e-mail address")
async def change_email(request: Ask, data: JSONBody[NewAddress]) -> Message:
    """403 `proof_needed` without a fresh proof (`/prove`). The same answer for every address."""
    house = request.app.state.house
    await moving.ask(house.db, house.settings, visitor(request), email=data.email, address=address_of(request))
    return Message(message="Please check the mail at your new address and confirm it.")


@post("/confirm-email", status_code=200, summary="Confirm a new e-mail address")
async def confirm_email(request: Ask, data: JSONBody[Confirmation]) -> Moved:
    """400 `verification_invalid`; 400 `confirm_with_password` without a session of the account."""
    house = request.app.state.house
    customer = await moving.confirm(
        house.db,
        customer_id=data.customer_id,
        token=data.token,
        password=data.password,
        address=address_of(request),
        who=session_rules.read(bearer(request), house.settings.secrets),
    )
    return Moved(message="Your account uses the new address now.", customer=customer)


@post("/undo-email-change", status_code=200, summary="It was not me: take an account back")
async def undo_email_change(request: Ask, data: JSONBody[Undo]) -> Message:
    """400 `verification_invalid`. Every device is signed out, and a new password must be chosen."""
    house = request.app.state.house
    await moving.undo(house.db, house.settings, customer_id=data.customer_id, token=data.token)
    return Message(message="Your address is back. We have sent you a mail to choose a new password.")


handlers: list[Any] = [change_email, confirm_email, undo_email_change]
