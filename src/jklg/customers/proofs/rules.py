"""What a mailed link or code may be for, and for how long."""

from __future__ import annotations

from typing import Literal, NamedTuple

Purpose = Literal["verify", "change", "undo", "reset"]


class Kind(NamedTuple):
    """`derived_for`: the word that its token is made with, so that no token of one purpose is one of another."""

    derived_for: str
    minutes: int
    page: str


KINDS: dict[Purpose, Kind] = {
    "verify": Kind("verify_email", 24 * 60, "/verify-email"),
    "change": Kind("change_email", 24 * 60, "/confirm-email"),
    "undo": Kind("undo_email", 7 * 24 * 60, "/undo-email-change"),
    "reset": Kind("reset_password", 60, "/reset-password"),
}
CODE_TRIES = 5
"""At one mailed code. The link beside it keeps working."""
LONGEST_TOKEN = 100


def is_table_of_resets(purpose: Purpose) -> bool:
    """Resets have a table of their own: the seed names it."""
    return purpose == "reset"
