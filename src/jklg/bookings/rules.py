"""What a booking may be: its reference, contact details, and where arriving money belongs."""

from __future__ import annotations

import re
from collections.abc import Mapping

from jklg.kit.addresses import normal_address
from jklg.kit.errors import BadInput, NotFound
from jklg.pricing.rules import PEOPLE

REFERENCE_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # no I O 0 1: it is read aloud
REFERENCE = re.compile(r"[A-HJ-NP-Z2-9]{6}")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_PHONE = re.compile(r"\+?[0-9][0-9 ()./-]{4,28}[0-9]")


def not_found() -> NotFound:
    """The one answer for bookings that do not exist and bookings that are somebody else's."""
    return NotFound("booking_not_found", "We cannot find this booking.")


def check_contact(name: str, email: str, phone: str) -> tuple[str, str, str]:
    """Contact details as they will be kept. BadInput: name_invalid, email_invalid, phone_invalid, in that order."""
    name = " ".join(name.split())
    if not 1 <= len(name) <= 200 or not name.isprintable():
        raise BadInput("name_invalid", "Please give the name of the person we may contact.", details={"field": "name"})
    address = normal_address(email)
    if address is None:
        raise BadInput("email_invalid", "This does not look like an e-mail address.", details={"field": "email"})
    phone = " ".join(phone.split())
    if not _PHONE.fullmatch(phone):
        raise BadInput(
            "phone_invalid",
            "Please give a phone number with its country code, such as +91 98765 43210.",
            details={"field": "phone"},
        )
    return name, address, phone


def check_requests(text: str) -> str:
    """Special requests, at most 2,000 characters, without control characters. BadInput: requests_invalid."""
    text = text.strip()
    if len(text) > 2000 or _CONTROL.search(text):
        raise BadInput(
            "requests_invalid",
            "Special requests may have up to 2,000 characters.",
            details={"field": "special_requests"},
        )
    return text


def remaining(party: Mapping[str, int], cancelled: Mapping[str, int]) -> dict[str, int]:
    """Who still goes, by category: the party, less those who were given up."""
    left = {category: party.get(category, 0) - cancelled.get(category, 0) for category in PEOPLE}
    return {category: number for category, number in left.items() if number}


def due(status: str, price: int, paid: int) -> int:
    """What is still to be paid, in minor units: the price as it is today less what came, while there is a journey to pay for."""
    return max(price - paid, 0) if status in ("held", "confirmed") else 0


def destination_of_money(
    status: str, paid_before: int, price: int, amount: int, *, seats_free: bool
) -> tuple[str, str | None]:
    """Where `amount` (minor units) that was captured belongs: ('customer_deposits', None) or ('suspense:unapplied', why).

    Late money is welcome while the seats are free; money nobody owes us is kept apart and sent back (payments.md 1.9). What is more
    than is still due is not wanted in part either (docs/decisions/31).
    """
    if status == "cancelled":
        return "suspense:unapplied", "booking_cancelled"
    if status == "expired" and not seats_free:
        return "suspense:unapplied", "seats_gone"
    if paid_before + amount > price:
        return "suspense:unapplied", "overpaid" if paid_before < price else "paid_twice"
    return "customer_deposits", None
