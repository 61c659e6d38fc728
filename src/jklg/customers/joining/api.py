"""The JSON door of joining: register, verify, send again."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, post
from litestar.datastructures import State
from litestar.params import JSONBody

from jklg.customers import joining
from jklg.customers.answers import Email, LinkToken, Message, Password
from jklg.customers.guard import address_of, bearer
from jklg.customers.joining.actions import missing_proof
from jklg.customers.queries import Customer
from jklg.customers.sessions import rules as session_rules

Ask = Request[Any, Any, State]


class Registration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    email: Email
    password: Password
    name: Annotated[str, msgspec.Meta(max_length=400)]
    phone: Annotated[str, msgspec.Meta(max_length=60)] | None = None


class Verification(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """`customerId` and `token` of the link, or `email` and the `code` typed from the mail."""

    customer_id: UUID | None = None
    token: LinkToken | None = None
    email: Email | None = None
    code: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    password: Password | None = None


class Resend(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    email: Email


class Registered(msgspec.Struct, kw_only=True, rename="camel"):
    customer_id: UUID
    token: str
    message: str
    requires_verification: Literal[True]


class Verified(msgspec.Struct, kw_only=True):
    message: str
    customer: Customer


@post("/register", status_code=201, summary="Open an account")
async def register(request: Ask, data: JSONBody[Registration]) -> Registered:
    """The same answer for every address. The mail tells its owner how to go on."""
    house = request.app.state.house
    made = await joining.register(
        house.db,
        house.settings,
        email=data.email,
        password=data.password,
        name=data.name,
        phone=data.phone or "",
        address=address_of(request),
        user_agent=request.headers.get("user-agent", ""),
    )
    return Registered(
        customer_id=made.customer_id,
        token=made.token,
        message="Please check your mail and confirm your address.",
        requires_verification=True,
    )


@post("/verify-email", status_code=200, summary="Confirm an e-mail address")
async def verify_email(request: Ask, data: JSONBody[Verification]) -> Verified:
    """400 `verification_invalid`; 400 `confirm_with_password` when only the link was sent, from another network than the
    registration: send `password` too, or the token of a registration of this mailbox. A code needs that only when several
    have registered the address."""
    house = request.app.state.house
    if data.customer_id is not None and data.token is not None and data.email is None and data.code is None:
        customer = await joining.verify(
            house.db,
            customer_id=data.customer_id,
            token=data.token,
            address=address_of(request),
            password=data.password,
            who=session_rules.read(bearer(request), house.settings.secrets),
        )
    elif data.email is not None and data.code is not None and data.customer_id is None and data.token is None:
        customer = await joining.verify_by_code(
            house.db,
            house.settings,
            email=data.email,
            code=data.code,
            address=address_of(request),
            password=data.password,
            who=session_rules.read(bearer(request), house.settings.secrets),
        )
    else:
        raise missing_proof()
    return Verified(message="Your address is confirmed. Welcome.", customer=customer)


@post("/resend-verification", status_code=200, summary="Send the verification mail again")
async def resend_verification(request: Ask, data: JSONBody[Resend]) -> Message:
    """The same answer for every address."""
    house = request.app.state.house
    await joining.resend(
        house.db,
        email=data.email,
        address=address_of(request),
        who=session_rules.read(bearer(request), house.settings.secrets),
    )
    return Message(message="If there is something to confirm, we have sent a new mail.")


handlers: list[Any] = [register, verify_email, resend_verification]
