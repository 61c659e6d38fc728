"""What may stand in a profile, an address, a preference, a picture."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from uuid import UUID

import msgspec

from jklg.kit.errors import BadInput, Conflict, NotFound
from jklg.kit.languages import gettext as _

MOST_ADDRESSES = 20
MOST_PREFERENCES = 50
PREFERENCES_BYTES = 4096
_KEY = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_MOST = {"address": 500, "label": 50, "street": 300, "postal_code": 20, "gender": 50}
_PICTURES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}


def check_line(field: str, given: str, *, needed: bool = False) -> str:
    """One line of text as it is kept. BadInput (text_invalid)."""
    text = " ".join(given.split())
    most = _MOST.get(field, 100)
    if len(text) > most or not text.isprintable() or (needed and not text):
        sentence = (
            _("Please fill in this field, with up to {most} characters.")
            if needed
            else _("This field takes up to {most} characters.")
        )
        raise BadInput("text_invalid", sentence.format(most=most), details={"field": field})
    return text


def check_birthday(born: date, today: date) -> date:
    """A date of birth of somebody alive. BadInput (date_of_birth_invalid)."""
    if not date(1900, 1, 1) <= born <= today:
        raise BadInput(
            "date_of_birth_invalid", "Please look at the date of birth again.", details={"field": "date_of_birth"}
        )
    return born


def check_settings(given: Mapping[str, object]) -> dict[str, object]:
    """The profile's own small settings (`preferences` of PUT /:id). BadInput (preferences_invalid)."""
    if len(given) > MOST_PREFERENCES or len(msgspec.json.encode(given)) > PREFERENCES_BYTES:
        raise BadInput(
            "preferences_invalid", "Preferences are up to 50 small values.", details={"field": "preferences"}
        )
    return dict(given)


def check_preferences(known: Mapping[str, str], changes: Mapping[str, str | None]) -> dict[str, str]:
    """The preferences after a change; None takes one away. BadInput (preferences_invalid)."""
    for key, value in changes.items():
        if not _KEY.fullmatch(key) or (value is not None and (len(value) > 500 or "\0" in value)):
            raise BadInput(
                "preferences_invalid",
                "A preference has a short name in lower case and up to 500 characters.",
                details={"field": f"preferences.{key[:64]}"},
            )
    found = {key: value for key, value in {**known, **changes}.items() if value is not None}
    if len(found) > MOST_PREFERENCES:
        raise BadInput(
            "preferences_invalid",
            _("We keep up to {most} preferences.").format(most=MOST_PREFERENCES),
            details={"field": "preferences"},
        )
    return found


def picture_type(content: bytes) -> str:
    """What a picture is, by its first bytes: what it is said to be does not count. BadInput (picture_invalid)."""
    for start, media_type in _PICTURES.items():
        if content.startswith(start):
            return media_type
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    raise BadInput("picture_invalid", "Please send a PNG, JPEG or WebP picture of up to one mebibyte.")


def check_avatar(given: str | None, present: str | None) -> str | None:
    """A picture is uploaded at its own address; here it can be kept or taken away. BadInput (avatar_invalid)."""
    if given is not None and given != present:
        raise BadInput(
            "avatar_invalid", "Please upload your picture at /api/customers/{id}/avatar.", details={"field": "avatar"}
        )
    return given


def avatar_address(customer_id: UUID) -> str:
    """Where a customer's own picture is found."""
    return f"/api/customers/{customer_id}/avatar"


def public_name(name: str) -> str:
    """First name and initial: 'Asha Rao' -> 'Asha R.'."""
    words = name.split()
    return f"{words[0]} {words[-1][0]}." if len(words) > 1 else name


def nothing_to_update() -> BadInput:
    return BadInput("nothing_to_update", "There is nothing to change in this request.")


def too_many_addresses() -> Conflict:
    return Conflict(
        "too_many_addresses", _("We keep up to {most} addresses. Please delete one first.").format(most=MOST_ADDRESSES)
    )


def no_address() -> NotFound:
    """The one answer for addresses that do not exist and addresses of others."""
    return NotFound("address_not_found", "There is no such address.")


def no_picture() -> NotFound:
    return NotFound("picture_not_found", "There is no picture.")


def not_found() -> NotFound:
    """The one answer for customers that do not exist and for everybody who is not asking for themselves."""
    return NotFound("customer_not_found", "There is no such customer.")
