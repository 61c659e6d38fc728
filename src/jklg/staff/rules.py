"""Who may do what, and what a password must be. The table is the one of contract.md 3. Pure."""

from __future__ import annotations

import unicodedata
from hashlib import sha256
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from jklg.kit.errors import BadInput

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
    """Name and e-mail as they will be kept. BadInput: name_invalid, email_invalid, role_invalid, password_invalid."""
    name, email = " ".join(name.split()), email.strip()
    if not 1 <= len(name) <= 200 or any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name):
        raise BadInput("name_invalid", "Please give a name.")
    local, at, domain = email.partition("@")
    if not at or not local or "." not in domain or len(email) > 320 or not email.isprintable() or " " in email:
        raise BadInput("email_invalid", "This does not look like an e-mail address.")
    if role not in ROLES:
        raise BadInput("role_invalid", f"A role is one of {', '.join(ROLES)}.")
    if not 8 <= len(password) <= 128:
        raise BadInput("password_invalid", "A password has 8 to 128 characters of any kind.")
    return name, email


MAX_TRIES = 10
"""Failed sign-ins within 15 minutes, for one account from one network, before we ask for patience."""
MAX_TRIES_OF_NETWORK = 50
"""The same for one network over all accounts."""


class Counted(NamedTuple):
    """What a try to sign in is counted as."""

    account: str
    network: str


def counted_as(email: str, network: str) -> Counted:
    """As hashes: people type passwords into the wrong field, and we keep none."""
    where = network_of(network)
    return Counted(_hashed(f"{email.lower()} from {where}"), _hashed(where))


def _hashed(text: str) -> str:
    return sha256(text.encode("utf-8", "replace")).hexdigest()


def network_of(host: str) -> str:
    """An IPv4 address, or the /64 of an IPv6 address: whoever has one of its addresses has them all."""
    found = address(host)
    if found is None:
        return "unknown"
    known = ip_address(found)
    return str(ip_network((known, 64), strict=False)) if known.version == 6 else str(known)


def address(host: str) -> str | None:
    """The network address in `host`, if it is one. An IPv4 address dressed as IPv6 is undressed."""
    try:
        found = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return str(getattr(found, "ipv4_mapped", None) or found)
