"""The JSON door of a customer's own profile: me, edit, addresses, preferences, picture. Anybody else's id is one that does not exist."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, delete, get, post, put
from litestar.datastructures import State
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, UnsetType

from jklg.customers import profile
from jklg.customers.answers import Message
from jklg.customers.guard import own, visitor
from jklg.customers.profile import queries, rules
from jklg.customers.queries import Customer
from jklg.customers.rights import ask_together
from jklg.kit.errors import NotFound, NotSignedIn
from jklg.web.hot import HOT

Ask = Request[Any, Any, State]
Text = Annotated[str, msgspec.Meta(max_length=1000)]
Setting = str | bool | int | float | None


class Me(msgspec.Struct, kw_only=True):
    customer: Customer


class ProfileOut(msgspec.Struct, kw_only=True):
    customer: profile.Profile


class PublicCustomer(msgspec.Struct, kw_only=True):
    """What others may see: first name and initial."""

    id: UUID
    name: str
    avatar: str | None
    verified_at: datetime | None


class PublicOut(msgspec.Struct, kw_only=True):
    customer: PublicCustomer


class ProfileChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is not sent stays as it is; null empties a field, and takes the picture away."""

    name: Text | UnsetType = UNSET
    phone: Text | UnsetType | None = UNSET
    avatar: Text | UnsetType | None = UNSET
    address: Text | UnsetType | None = UNSET
    city: Text | UnsetType | None = UNSET
    state_province: Text | UnsetType | None = UNSET
    postal_code: Text | UnsetType | None = UNSET
    country: Text | UnsetType | None = UNSET
    date_of_birth: date | UnsetType | None = UNSET
    gender: Text | UnsetType | None = UNSET
    preferences: dict[Text, Setting] | UnsetType | None = UNSET


class AddressWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    label: Text
    street: Text
    city: Text
    country: Text
    state: Text | None = None
    postal_code: Text | None = None
    is_default: bool = False


class AddressOut(msgspec.Struct, kw_only=True):
    address: profile.Address


class Addresses(msgspec.Struct, kw_only=True):
    addresses: list[profile.Address]


class PreferenceChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Those named are set, or taken away by null; others stay."""

    preferences: Annotated[dict[str, Text | None], msgspec.Meta(max_length=100)]


class Preferences(msgspec.Struct, kw_only=True):
    preferences: dict[str, str]


@get(
    "/me",
    opt=HOT,
    summary="Who I am",
    responses={200: ResponseSpec(Me, description="The customer.", generate_examples=False)},
)
async def me(request: Ask) -> msgspec.Raw:
    """The account of the token. 401 when there is none, or its session has ended."""
    return await ask_together(request.app.state.house.db, queries.me, visitor(request))


@get("/{customer_id:str}", summary="What others see of a customer")
async def public_view(request: Ask, customer_id: FromPath[str]) -> PublicOut:
    """Nothing, until customers can publish reviews: 404 to everybody. Customers see their own as it will be."""
    try:
        who = own(request, customer_id)
    except (NotFound, NotSignedIn):
        raise rules.not_found() from None
    found = await profile.get(request.app.state.house.db, who)
    return PublicOut(
        customer=PublicCustomer(
            id=found.id, name=rules.public_name(found.name), avatar=found.avatar, verified_at=found.verified_at
        )
    )


@get("/{customer_id:str}/profile", summary="My whole profile")
async def whole_profile(request: Ask, customer_id: FromPath[str]) -> ProfileOut:
    who = own(request, customer_id)
    return ProfileOut(customer=await profile.get(request.app.state.house.db, who))


@put("/{customer_id:str}", summary="Edit my profile")
async def edit(request: Ask, customer_id: FromPath[str], data: JSONBody[ProfileChange]) -> ProfileOut:
    """400 `nothing_to_update`, `name_invalid`, `phone_invalid`, `text_invalid`, `date_of_birth_invalid`, `preferences_invalid`,
    `avatar_invalid`. A picture is uploaded at its own address."""
    who = own(request, customer_id)
    changes = {
        field: value for field in data.__struct_fields__ if not isinstance(value := getattr(data, field), UnsetType)
    }
    return ProfileOut(customer=await profile.edit(request.app.state.house.db, who, changes))


@get("/{customer_id:str}/addresses", summary="My addresses")
async def list_addresses(request: Ask, customer_id: FromPath[str]) -> Addresses:
    """The default one first."""
    who = own(request, customer_id)
    return Addresses(addresses=await profile.list_addresses(request.app.state.house.db, who))


@post("/{customer_id:str}/addresses", status_code=201, summary="Add an address")
async def add_address(request: Ask, customer_id: FromPath[str], data: JSONBody[AddressWanted]) -> AddressOut:
    """The first one becomes the default. 400 `text_invalid`, 409 `too_many_addresses`."""
    who = own(request, customer_id)
    added = await profile.add_address(request.app.state.house.db, who, _address(data, UUID(int=0)))
    return AddressOut(address=added)


@put("/{customer_id:str}/addresses/{address_id:str}", summary="Change an address")
async def change_address(
    request: Ask, customer_id: FromPath[str], address_id: FromPath[str], data: JSONBody[AddressWanted]
) -> AddressOut:
    """404 `address_not_found`."""
    who = own(request, customer_id)
    changed = await profile.change_address(request.app.state.house.db, who, _address(data, _id(address_id)))
    return AddressOut(address=changed)


@delete("/{customer_id:str}/addresses/{address_id:str}", status_code=200, summary="Delete an address")
async def remove_address(request: Ask, customer_id: FromPath[str], address_id: FromPath[str]) -> Message:
    """404 `address_not_found`."""
    who = own(request, customer_id)
    await profile.remove_address(request.app.state.house.db, who, _id(address_id))
    return Message(message="The address is deleted.")


@get("/{customer_id:str}/preferences", summary="My preferences")
async def list_preferences(request: Ask, customer_id: FromPath[str]) -> Preferences:
    who = own(request, customer_id)
    return Preferences(preferences=await profile.list_preferences(request.app.state.house.db, who))


@put("/{customer_id:str}/preferences", summary="Change my preferences")
async def change_preferences(request: Ask, customer_id: FromPath[str], data: JSONBody[PreferenceChange]) -> Preferences:
    """Answers all of them. 400 `preferences_invalid`."""
    who = own(request, customer_id)
    return Preferences(preferences=await profile.change_preferences(request.app.state.house.db, who, data.preferences))


@get(
    "/{customer_id:str}/avatar",
    summary="My picture",
    responses={
        200: ResponseSpec(
            bytes, description="The picture, as it was uploaded.", media_type="image/png", generate_examples=False
        )
    },
)
async def show_picture(request: Ask, customer_id: FromPath[str]) -> Response[bytes]:
    """404 `picture_not_found`."""
    who = own(request, customer_id)
    return picture_response(await profile.get_picture(request.app.state.house.db, who))


@put("/{customer_id:str}/avatar", summary="Upload my picture")
async def set_picture(request: Ask, customer_id: FromPath[str]) -> ProfileOut:
    """The body is the picture: PNG, JPEG or WebP of up to one mebibyte, whatever its Content-Type says. 400 `picture_invalid`."""
    who = own(request, customer_id)
    found = await profile.set_picture(request.app.state.house.db, who, await request.body())
    return ProfileOut(customer=found)


@delete("/{customer_id:str}/avatar", status_code=200, summary="Delete my picture")
async def remove_picture(request: Ask, customer_id: FromPath[str]) -> Message:
    """404 `picture_not_found`."""
    who = own(request, customer_id)
    await profile.remove_picture(request.app.state.house.db, who)
    return Message(message="The picture is deleted.")


def picture_response(picture: profile.Picture) -> Response[bytes]:
    """A picture that somebody uploaded: for its owner, kept by nobody, and never read as anything but a picture."""
    return Response(
        picture.content,
        media_type=picture.media_type,
        headers={
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
        },
    )


def _address(data: AddressWanted, address_id: UUID) -> profile.Address:
    return profile.Address(
        id=address_id,
        label=data.label,
        street=data.street,
        city=data.city,
        state=data.state or "",
        postal_code=data.postal_code or "",
        country=data.country,
        is_default=data.is_default,
    )


def _id(given: str) -> UUID:
    try:
        return UUID(given)
    except ValueError:
        raise rules.no_address() from None


handlers: list[Any] = [
    me, public_view, whole_profile, edit, list_addresses, add_address, change_address, remove_address, list_preferences,
    change_preferences, show_picture, set_picture, remove_picture,
]  # fmt: skip
