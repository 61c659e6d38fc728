"""What customers tell of themselves, for people: profile and picture, addresses, preferences."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Any
from uuid import UUID

from litestar import Response, Router, get, post
from litestar.enums import RequestEncodingType
from litestar.params import FromPath

from jklg.customers import profile
from jklg.customers.guard import browser_visitor
from jklg.customers.profile import Address, rules
from jklg.customers.profile.api import picture_response
from jklg.customers.rules import check_name, check_phone
from jklg.customers.visits import TURNS_AWAY, Ask, Complaints, all_complaints, complaints, form_page, visitor, way_back
from jklg.kit.errors import BadInput, NotFound, NotSignedIn, Refusal
from jklg.kit.languages import N_
from jklg.web.bodies import UNREADABLE, read_form
from jklg.web.render import go, page

PROFILE, ADDRESSES, PREFERENCES = "/account/profile", "/account/addresses", "/account/preferences"
SAID = {
    "saved": N_("Saved."),
    "picture-saved": N_("Your picture is saved."),
    "picture-removed": N_("Your picture is removed."),
    "address-saved": N_("The address is saved."),
    "address-removed": N_("The address is removed."),
}
_LINES = ("gender", "address", "city", "postal_code", "state_province", "country")
_PROFILE = ("name", "phone", "date_of_birth", *_LINES)
_ADDRESS_FIELDS = ("label", "street", "city", "postal_code", "state", "country")
TOLD = ("food", "beds", "notes")
"""The preferences of the page: what we should know on every journey. The checkout begins with them."""


def _said(request: Ask) -> str | None:
    return SAID.get(str(request.query_params.get("said", "")))


@get("/account/avatar", include_in_schema=False)
async def show_picture(request: Ask) -> Response[bytes]:
    """The visitor's own, whoever that is. 404 for everybody else."""
    who = browser_visitor(request)
    if who is None:
        raise rules.no_picture()
    try:
        return picture_response(await profile.get_picture(request.app.state.house.db, who))
    except NotSignedIn:
        raise rules.no_picture() from None


@get("/account/profile", include_in_schema=False)
async def profile_page(request: Ask) -> Response[bytes]:
    return await _profile_page(request)


@post("/account/profile", include_in_schema=False, status_code=200)
async def edit(request: Ask) -> Response[bytes]:
    """All fields of the page at once."""
    form = await read_form(request)
    wrong = all_complaints(
        lambda: check_name(form.get("name", "")),
        lambda: check_phone(form.get("phone", "")),
        lambda: _date(form.get("date_of_birth", "")),
        *(partial(rules.check_line, field, form.get(field, "")) for field in _LINES),
    )
    if wrong:
        return await _profile_page(request, values=form, errors=wrong)
    try:
        changes: dict[str, Any] = {field: form[field] for field in _PROFILE if field in form}
        changes["date_of_birth"] = _date(form.get("date_of_birth", ""))
        await profile.edit(request.app.state.house.db, visitor(request), changes)
    except Refusal as refusal:
        return await _profile_page(request, values=form, errors=complaints(refusal))
    return go(f"{PROFILE}?said=saved")


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip()) if text.strip() else None
    except ValueError:
        raise BadInput(
            "date_of_birth_invalid", "Please write the date as year-month-day, such as 1988-05-12.",
            details={"field": "date_of_birth"},
        ) from None  # fmt: skip


async def _profile_page(
    request: Ask, *, values: dict[str, str] | None = None, errors: Complaints | None = None
) -> Response[bytes]:
    me = await profile.get(request.app.state.house.db, visitor(request))
    if values is None:
        values = {field: str(getattr(me, field) or "") for field in _PROFILE}
    return form_page(
        request, "customers/profile.html", me=me, values=values, errors=errors,
        said=_said(request),
    )  # fmt: skip


@post("/account/profile/picture", include_in_schema=False, status_code=200)
async def set_picture(request: Ask) -> Response[bytes]:
    """A file from a form: PNG, JPEG or WebP of up to one mebibyte, whatever it is called."""
    who = visitor(request)
    try:
        await profile.set_picture(request.app.state.house.db, who, await _file(request, "picture"))
    except Refusal as refusal:
        errors = complaints(refusal, {"picture_invalid": "picture"})
        return await _profile_page(request, errors=errors)
    return go(f"{PROFILE}?said=picture-saved")


async def _file(request: Ask, name: str) -> bytes:
    """The content of one file field. Nothing of a form in another shape."""
    kind, _ = request.content_type
    if kind != RequestEncodingType.MULTI_PART:
        return b""
    try:
        sent = (await request.form()).get(name)
    except UNREADABLE:
        return b""
    return await sent.read() if sent is not None and hasattr(sent, "read") else b""


@post("/account/profile/picture/remove", include_in_schema=False, status_code=200)
async def remove_picture(request: Ask) -> Response[bytes]:
    try:
        await profile.remove_picture(request.app.state.house.db, visitor(request))
    except NotFound:
        return go(PROFILE)
    return go(f"{PROFILE}?said=picture-removed")


@get("/account/addresses", include_in_schema=False)
async def addresses_page(request: Ask) -> Response[bytes]:
    house = request.app.state.house
    who = visitor(request)
    return page(
        request, "customers/addresses.html", personal=True, me=await profile.get(house.db, who),
        addresses=await profile.list_addresses(house.db, who), most=rules.MOST_ADDRESSES, said=_said(request),
    )  # fmt: skip


@get("/account/addresses/new", include_in_schema=False)
async def new_address_page(request: Ask) -> Response[bytes]:
    return await _address_page(request, {}, back=str(request.query_params.get("next", "")))


@post("/account/addresses/new", include_in_schema=False, status_code=200)
async def add_address(request: Ask) -> Response[bytes]:
    form = await read_form(request)
    if errors := _wrong_with(form):
        return await _address_page(request, form, errors=errors)
    try:
        await profile.add_address(request.app.state.house.db, visitor(request), _read(form, UUID(int=0)))
    except Refusal as refusal:
        return await _address_page(request, form, errors=complaints(refusal))
    return go(way_back(form.get("next", ""), f"{ADDRESSES}?said=address-saved"))


@get("/account/addresses/{address_id:str}", include_in_schema=False)
async def address_page(request: Ask, address_id: FromPath[str]) -> Response[bytes]:
    found = await _find(request, address_id)
    if found is None:
        return go(ADDRESSES)
    values = {field: str(getattr(found, field)) for field in _ADDRESS_FIELDS} | {"is_default": "1" * found.is_default}
    return await _address_page(request, values, address=found)


@post("/account/addresses/{address_id:str}", include_in_schema=False, status_code=200)
async def change_address(request: Ask, address_id: FromPath[str]) -> Response[bytes]:
    found = await _find(request, address_id)
    if found is None:
        return go(ADDRESSES)
    form = await read_form(request)
    if errors := _wrong_with(form):
        return await _address_page(request, form, address=found, errors=errors)
    try:
        await profile.change_address(request.app.state.house.db, visitor(request), _read(form, found.id))
    except Refusal as refusal:
        return await _address_page(request, form, address=found, errors=complaints(refusal))
    return go(f"{ADDRESSES}?said=address-saved")


@post("/account/addresses/{address_id:str}/remove", include_in_schema=False, status_code=200)
async def remove_address(request: Ask, address_id: FromPath[str]) -> Response[bytes]:
    """Twice is as good as once."""
    try:
        await profile.remove_address(request.app.state.house.db, visitor(request), UUID(address_id))
    except (NotFound, ValueError):
        return go(ADDRESSES)
    return go(f"{ADDRESSES}?said=address-removed")


async def _find(request: Ask, address_id: str) -> Address | None:
    known = await profile.list_addresses(request.app.state.house.db, visitor(request))
    return next((each for each in known if str(each.id) == address_id), None)


def _wrong_with(form: dict[str, str]) -> Complaints:
    """Every complaint about an address, in the order of the page."""
    words = {
        "label": N_("Please give a name for this address."), "street": N_("Please give the street."),
        "city": N_("Please give the city."), "country": N_("Please give the country."),
    }  # fmt: skip
    found = all_complaints(
        *(partial(rules.check_line, field, form.get(field, ""), needed=field in words) for field in _ADDRESS_FIELDS)
    )
    for field in words.keys() & found.keys():
        if not form.get(field, "").strip():
            found[field] = words[field]
    return found


def _read(form: dict[str, str], address_id: UUID) -> Address:
    return Address(
        id=address_id,
        **{field: form.get(field, "") for field in _ADDRESS_FIELDS},
        is_default=bool(form.get("is_default")),
    )


async def _address_page(
    request: Ask,
    values: dict[str, str],
    *,
    address: Address | None = None,
    errors: Complaints | None = None,
    back: str = "",
) -> Response[bytes]:
    me = await profile.get(request.app.state.house.db, visitor(request))
    return form_page(
        request, "customers/address.html", me=me, values=values, errors=errors,
        address=address, back=values.get("next", back),
    )  # fmt: skip


@get("/account/preferences", include_in_schema=False)
async def preferences_page(request: Ask) -> Response[bytes]:
    found = await profile.list_preferences(request.app.state.house.db, visitor(request))
    return await _preferences_page(request, found)


@post("/account/preferences", include_in_schema=False, status_code=200)
async def change_preferences(request: Ask) -> Response[bytes]:
    """Those of the page; others, set through the API, stay."""
    form = await read_form(request)
    try:
        changes = {key: " ".join(form.get(key, "").split()) or None for key in TOLD}
        await profile.change_preferences(request.app.state.house.db, visitor(request), changes)
    except Refusal as refusal:
        field = str((refusal.details or {}).get("field", "")).removeprefix("preferences.")
        errors = complaints(
            refusal, {refusal.code: field}, preferences_invalid=N_("Please say it in up to 500 characters.")
        )
        return await _preferences_page(request, form, errors=errors)
    return go(f"{PREFERENCES}?said=saved")


async def _preferences_page(
    request: Ask, values: dict[str, str], *, errors: Complaints | None = None
) -> Response[bytes]:
    me = await profile.get(request.app.state.house.db, visitor(request))
    return form_page(
        request, "customers/preferences.html", me=me, values=values, errors=errors,
        said=_said(request),
    )  # fmt: skip


_handlers: list[Any] = [
    show_picture, profile_page, edit, set_picture, remove_picture, addresses_page, new_address_page, add_address, address_page,
    change_address, remove_address, preferences_page, change_preferences,
]  # fmt: skip
router = Router(path="/", route_handlers=_handlers, exception_handlers=TURNS_AWAY)
