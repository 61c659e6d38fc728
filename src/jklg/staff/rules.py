"""Who may do what, and what a password must be. The table is the one of contract.md 3. Pure."""

from __future__ import annotations

import unicodedata

from jklg.kit.errors import BadInput
from jklg.kit.passwords import check_new as check_new_password
from jklg.limits import Limit

ROLES = ("Admin", "Manager", "Guide", "Support")

_EVERYBODY = frozenset(ROLES)
_OFFICE = frozenset({"Admin", "Manager", "Support"})
_LEADERS = frozenset({"Admin", "Manager"})
_ADMIN = frozenset({"Admin"})


def _grants() -> dict[str, frozenset[str]]:
    table: dict[str, frozenset[str]] = {"users_view": _LEADERS}
    for name in ("users_create", "users_edit", "users_delete", "users_change_role", "settings_view", "settings_edit",
                 "bookings_delete", "testimonials_create", "testimonials_edit", "testimonials_delete", "tickets_delete"):  # fmt: skip
        table[name] = _ADMIN
    for name in ("bookings_view", "bookings_send_reminder", "dashboard_view", "destinations_view", "packages_view",
                 "gallery_view", "blog_view", "testimonials_view", "faq_view"):  # fmt: skip
        table[name] = _EVERYBODY
    for name in ("bookings_create", "bookings_edit", "tickets_view", "tickets_create", "tickets_edit"):
        table[name] = _OFFICE
    for name in ("bookings_reassign", "bookings_update_payment", "bookings_export", "bookings_bulk_actions",
                 "tickets_assign", "reports_view", "testimonials_approve"):  # fmt: skip
        table[name] = _LEADERS
    for noun in ("destinations", "packages", "gallery", "blog", "faq"):
        for verb in ("create", "edit", "delete"):
            table[f"{noun}_{verb}"] = _LEADERS
    return table


PERMISSIONS = _grants()
"""Permission -> the roles that have it. 48 names."""


def can(role: str, permission: str) -> bool:
    """Whether `role` has `permission`. An unknown permission is nobody's: KeyError, so that a typo cannot open a door."""
    return role in PERMISSIONS[permission]


def check_new(name: str, email: str, role: str, password: str) -> tuple[str, str]:
    """Name and e-mail as they will be kept. BadInput: name_invalid, email_invalid, role_invalid, password_invalid, password_common."""
    name, email = " ".join(name.split()), email.strip()
    if not 1 <= len(name) <= 200 or any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name):
        raise BadInput("name_invalid", "Please give a name.")
    local, at, domain = email.partition("@")
    if not at or not local or "." not in domain or len(email) > 320 or not email.isprintable() or " " in email:
        raise BadInput("email_invalid", "This does not look like an e-mail address.")
    if role not in ROLES:
        raise BadInput("role_invalid", f"A role is one of {', '.join(ROLES)}.")
    check_new_password(password, about=[email, name])
    return name, email


HERE = Limit("staff_here", 10, 15 * 60)
"""Failed sign-ins for one account from one network, before we ask for patience."""
NETWORK = Limit("staff_network", 50, 15 * 60)
"""The same for one network over all accounts."""
ANYWHERE = Limit("staff_anywhere", 100, 3600)
"""The same for one account from all networks that it was never used from. So strangers elsewhere cannot lock its owner out."""


def counted_as(email: str, network: str, *, network_is_known: bool) -> list[tuple[Limit, str]]:
    """What a try to sign in takes from."""
    account = email.lower()
    tries = [(HERE, f"{account} {network}"), (NETWORK, network)]
    return tries if network_is_known else [*tries, (ANYWHERE, account)]
