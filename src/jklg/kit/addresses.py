"""E-mail addresses as they are kept: checked by email-validator, without asking the network."""

from __future__ import annotations

import re

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

_PLAIN = re.compile(
    r"(?=.{1,64}@.{4,180}\Z)[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@((?:[a-z0-9](?:[a-z0-9]|-(?!-))*(?<!-)\.)+[a-z]{2,63})",
    re.IGNORECASE | re.ASCII,
)
_SPECIAL_USE = tuple(f".{name}" for name in SPECIAL_USE_DOMAIN_NAMES)


def normal_address(given: str) -> str | None:
    """`Asha@Example.ORG` -> `Asha@example.org`; None when no mail could ever reach it.

    Nearly every address is plain ASCII, and for those the library's answer is known without it: it costs as much as a
    round trip to the database. `tests/kit/test_addresses.py` compares the two.
    """
    given = given.strip()
    plain = _PLAIN.fullmatch(given)
    if plain is not None and all(len(label) <= 63 for label in plain[1].split(".")):
        domain = plain[1].lower()
        if not f".{domain}".endswith(_SPECIAL_USE):
            return f"{given[: plain.start(1)]}{domain}"
    try:
        return validate_email(given, check_deliverability=False).normalized
    except EmailNotValidError:
        return None
