"""The history of an account in plain words, for its owner."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from jklg.history.queries import Event
from jklg.kit.languages import N_

MOST = 12
"""Lines on the page; the export has them all."""
_BY = {
    "registration": N_("You opened this account"),
    "password": N_("Signed in with the password"),
    "totp": N_("Signed in with the password and a code of the app"),
    "recovery_code": N_("Signed in with the password and a recovery code"),
    "passkey": N_("Signed in with a passkey"),
}
_WORDS = {
    "customer.verified": N_("The e-mail address was confirmed"),
    "customer.sign_in_failed": N_("Somebody tried to sign in with a wrong password"),
    "customer.second_factor_wrong": N_("Somebody knew the password and gave a wrong second answer"),
    "customer.passkey_doubled": N_("A passkey answered that may be a copy: remove it if you do not know why"),
    "customer.proved": N_("Proved once more that it is you"),
    "customer.signed_out_by_agency": N_("We signed you out of every device"),
    "customer.session_ended": N_("A device was signed out"),
    "customer.password_changed": N_("The password was changed"),
    "customer.password_reset": N_("The password was replaced through a mailed link"),
    "customer.password_dropped": N_("The password was removed; passkeys are the way in"),
    "customer.email_change_asked": N_("A move to another e-mail address was asked for"),
    "customer.email_changed": N_("The e-mail address was changed"),
    "customer.email_restored": N_("The earlier e-mail address was restored"),
    "customer.totp_added": N_("An authenticator app was added"),
    "customer.totp_removed": N_("The authenticator app was removed"),
    "customer.passkey_added": N_("A passkey was added"),
    "customer.passkey_removed": N_("A passkey was removed"),
    "customer.recovery_codes_made": N_("New recovery codes were made"),
    "customer.recovery_codes_removed": N_("The recovery codes were removed"),
    "customer.recovery_code_used": N_("A recovery code was used"),
    "customer.factors_dropped": N_(
        "What was added lately to sign in with was removed, because you told us about a stranger"
    ),
}
_WARN = {"customer.sign_in_failed", "customer.second_factor_wrong", "customer.passkey_doubled"}


class Line(NamedTuple):
    """One thing that happened. `warn`: it was perhaps not the owner. Time in UTC."""

    at: datetime
    words: str
    warn: bool


def in_words(events: Sequence[Event]) -> list[Line]:
    """The newest first; what is no matter of safety is left out."""
    lines = []
    for event in reversed(events):
        words = (
            _BY.get(str(event.detail.get("by"))) if event.action == "customer.signed_in" else _WORDS.get(event.action)
        )
        if words is not None:
            lines.append(Line(event.happened_at, words, event.action in _WARN))
    return lines[:MOST]
