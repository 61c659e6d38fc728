"""What people may call themselves and where they may be reached."""

from __future__ import annotations

import re

from jklg.kit.addresses import normal_address
from jklg.kit.errors import BadInput

_POSES_AS_ASCII = re.compile("[\u0130\u212a]")
"""The database's lower() makes an i of the dotted capital I, and a k of the Kelvin sign: one mailbox would be taken for another."""
_PHONE = re.compile(r"\+?[0-9][0-9 ()./-]{4,28}[0-9]")

KINDS_OF_MAIL = (
    "verify_email", "already_have_account", "confirm_new_email", "email_changing", "password_reset", "password_changed",
    "new_device", "factor_changed",
)  # fmt: skip
"""What is written to customers about their accounts. Which mailbox it went to, and their name, go with them."""


def check_name(given: str) -> str:
    """A name as it is kept: up to 200 characters that can be shown. BadInput (name_invalid)."""
    name = " ".join(given.split())
    if not 1 <= len(name) <= 200 or not name.isprintable():
        raise BadInput("name_invalid", "Please tell us your name.", details={"field": "name"})
    return name


def check_email(given: str) -> str:
    """An address as it is kept; letters before the @ keep their case. BadInput (email_invalid)."""
    address = normal_address(given) if given.isprintable() or given.strip().isprintable() else None
    if address is None or _POSES_AS_ASCII.search(address):
        raise BadInput("email_invalid", "This does not look like an e-mail address.", details={"field": "email"})
    return address


def check_phone(given: str) -> str:
    """A phone number as it is kept, or '' for none. BadInput (phone_invalid)."""
    phone = " ".join(given.split())
    if phone and not _PHONE.fullmatch(phone):
        raise BadInput(
            "phone_invalid",
            "Please give a phone number with its country code, such as +91 98765 43210.",
            details={"field": "phone"},
        )
    return phone
