"""What an enquiry must say. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256

import msgspec

from jklg.customers.rules import check_email, check_name
from jklg.kit.errors import BadInput, NotFound
from jklg.kit.texts import one_line, several_lines
from jklg.limits import Limit

STATES = ("open", "answered", "closed")
LONGEST = 5000
PACE = Limit("enquiries", 5, 3600)
"""Enquiries of one network."""


class Enquiry(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody has typed, as it is kept. `reference` is that of a booking, or whatever was typed for one; nothing is looked up."""

    name: str
    email: str
    subject: str
    message: str
    reference: str = ""


def checks(form: Mapping[str, str]) -> dict[str, Callable[[], str]]:
    """Field -> what makes of its text what is kept, in the order of the form.

    BadInput: name_invalid, email_invalid, subject_missing, reference_invalid, message_missing.
    """
    return {
        "name": lambda: check_name(form.get("name", "")),
        "email": lambda: check_email(form.get("email", "")),
        "subject": lambda: check_subject(form.get("subject", "")),
        "reference": lambda: check_reference(form.get("reference", "")),
        "message": lambda: check_message(form.get("message", "")),
    }


def read(form: Mapping[str, str]) -> Enquiry:
    """Raises what `checks` raise, in their order."""
    return Enquiry(**{field: check() for field, check in checks(form).items()})


def check_subject(given: str) -> str:
    subject = one_line(given, 150)
    if not subject:
        raise BadInput("subject_missing", "Please say in a few words what it is about.", details={"field": "subject"})
    return subject


def check_reference(given: str) -> str:
    reference = one_line(given.upper(), 40)
    if reference is None:
        raise BadInput(
            "reference_invalid",
            "A booking reference has six letters and figures. You may leave it out.",
            details={"field": "reference"},
        )
    return reference


def check_message(given: str, field: str = "message") -> str:
    """Text of several lines. BadInput: message_missing."""
    message = several_lines(given, LONGEST)
    if not message:
        raise BadInput(
            "message_missing", "Please write your message, in up to 5,000 characters.", details={"field": field}
        )
    return message


def digest(said: Enquiry) -> bytes:
    """The same words again are the same enquiry."""
    return sha256("\0".join((said.name, said.email, said.subject, said.message, said.reference)).encode()).digest()


def no_ticket() -> NotFound:
    return NotFound("enquiry_not_found", "We cannot find this enquiry.")
