"""What an agency may say of itself. Pure."""

from __future__ import annotations

import msgspec

from jklg.customers.rules import check_email, check_phone
from jklg.kit.errors import BadInput
from jklg.kit.texts import one_line, several_lines


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """Everything may be empty. `name` is as it is registered; `address` has several lines; `about` is short markup."""

    name: str = ""
    address: str = ""
    licence: str = ""
    email: str = ""
    phone: str = ""
    about: str = ""


def check(said: Profile) -> Profile:
    """As it will be kept. BadInput: email_invalid, phone_invalid, agency_invalid (a text is too long or cannot be shown)."""
    return Profile(
        name=_text(one_line(said.name, 200), "name"),
        address=_text(several_lines(said.address, 500), "address"),
        licence=_text(several_lines(said.licence, 500), "licence"),
        email=check_email(said.email) if said.email.strip() else "",
        phone=check_phone(said.phone),
        about=_text(several_lines(said.about, 20_000), "about"),
    )


def _text(found: str | None, field: str) -> str:
    if found is None:
        raise BadInput(
            "agency_invalid", "This is too long, or has characters that cannot be shown.", details={"field": field}
        )
    return found
