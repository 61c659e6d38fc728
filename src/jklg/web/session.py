"""Cookies. On https they carry the `__Host-` prefix, so that no other host and no plain connection can plant one.

The only cookie a guest gets is the key ring: the manage tokens of the bookings made or opened in this browser.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from jklg.settings import Settings

if TYPE_CHECKING:  # a worker knows the names of cookies, and bakes none
    from litestar.datastructures import Cookie

KEY_RING = "jklg_bookings"
KEYS_KEPT = 8
KEPT_SECONDS = 60 * 24 * 3600
_KEY = re.compile(r"([A-HJ-NP-Z2-9]{6})\.([0-9a-f]{32})\.([A-Za-z0-9_-]{32})")


class Key(NamedTuple):
    """What opens one booking. Nothing here is believed before the token has been checked."""

    reference: str
    booking_id: UUID
    token: str


def cookie_name(settings: Settings, name: str) -> str:
    return f"__Host-{name}" if settings.public_url.startswith("https:") else name


def cookie(settings: Settings, name: str, value: str, *, max_age: int | None = None, same_site: str = "lax") -> Cookie:
    """A cookie for this host only, unseen by scripts. `max_age` in seconds; None ends with the browser's session."""
    from litestar.datastructures import Cookie

    return Cookie(
        key=cookie_name(settings, name),
        value=value,
        max_age=max_age,
        path="/",
        httponly=True,
        secure=settings.public_url.startswith("https:"),
        samesite="strict" if same_site == "strict" else "lax",
    )


def clear(settings: Settings, name: str) -> Cookie:
    """Makes the browser forget a cookie."""
    return cookie(settings, name, "", max_age=0)


def read_keys(settings: Settings, cookies: dict[str, str]) -> list[Key]:
    """The key ring of this browser, newest first. Whatever does not look like a key is left out."""
    ring = cookies.get(cookie_name(settings, KEY_RING), "")
    found = []
    for part in ring.split("~")[:KEYS_KEPT]:
        match = _KEY.fullmatch(part)
        if match:
            found.append(Key(match.group(1), UUID(match.group(2)), match.group(3)))
    return found


def key_for(settings: Settings, cookies: dict[str, str], reference: str) -> Key | None:
    return next((key for key in read_keys(settings, cookies) if key.reference == reference), None)


def with_key(settings: Settings, cookies: dict[str, str], key: Key) -> Cookie:
    """The key ring with one more key. The oldest falls off."""
    others: Sequence[Key] = [other for other in read_keys(settings, cookies) if other.booking_id != key.booking_id]
    ring = "~".join(f"{each.reference}.{each.booking_id.hex}.{each.token}" for each in [key, *others][:KEYS_KEPT])
    return cookie(settings, KEY_RING, ring, max_age=KEPT_SECONDS)
