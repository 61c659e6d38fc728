"""The JSON door of recovery: forgot, reset, change."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, post
from litestar.datastructures import State
from litestar.params import JSONBody

from jklg.customers import recovery
from jklg.customers.answers import Email, LinkToken, Message, Password
from jklg.customers.guard import address_of, visitor

Ask = Request[Any, Any, State]


class Forgotten(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    email: Email


class Reset(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    customer_id: UUID
    token: LinkToken
    new_password: Password


class Change(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    old_password: Password
    new_password: Password


@post("/forgot-password", status_code=200, summary="Ask for a link to choose a new password")
async def forgot_password(request: Ask, data: JSONBody[Forgotten]) -> Message:
    """The same answer for every address."""
    house = request.app.state.house
    await recovery.forgot(house.db, email=data.email, address=address_of(request))
    return Message(message="If there is an account with this address, we have sent a mail.")


@post("/reset-password", status_code=200, summary="Choose a new password with a mailed link")
async def reset_password(request: Ask, data: JSONBody[Reset]) -> Message:
    """400 `reset_invalid`. Every device is signed out, and nobody is signed in."""
    house = request.app.state.house
    await recovery.reset(
        house.db, house.settings, customer_id=data.customer_id, token=data.token, new_password=data.new_password
    )
    return Message(message="Your password is changed. Please sign in with it.")


@post("/change-password", status_code=200, summary="Change your password")
async def change_password(request: Ask, data: JSONBody[Change]) -> Message:
    """401 `invalid_credentials` when the old one is wrong, 403 `proof_needed` where a second factor is on. Every other device is signed out."""
    house = request.app.state.house
    await recovery.change_password(
        house.db,
        house.settings,
        visitor(request),
        old_password=data.old_password,
        new_password=data.new_password,
        address=address_of(request),
    )
    return Message(message="Your password is changed. Your other devices are signed out.")


handlers: list[Any] = [forgot_password, reset_password, change_password]
