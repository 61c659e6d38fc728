"""A browser on which somebody has signed in before has a measure of its own, so that neighbours in its network cannot use its tries up.

What it keeps says nothing and opens nothing: it only moves the counting of tries at one account from the network to this browser.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from jklg.kit.ids import uuid7
from jklg.kit.tokens import derived_token, is_derived_token
from jklg.web.session import cookie, cookie_name

if TYPE_CHECKING:
    from litestar import Request
    from litestar.datastructures import Cookie, State

COOKIE = "jklg_device"
DAYS = 400
"""As long as browsers keep a cookie at all."""
_PURPOSE = "signed_in_before"


def mark(secret: str, customer_id: UUID) -> str:
    """A new mark for a browser on which this customer has just signed in."""
    device = uuid7().hex
    return f"{device}.{derived_token(secret, _PURPOSE, f'{customer_id}:{device}')}"


def known(secrets: Sequence[str], customer_id: UUID, marked: str) -> str | None:
    """Which browser it is, when it has a mark of this customer's."""
    device, _, token = marked.partition(".")
    return device if is_derived_token(token, list(secrets), _PURPOSE, f"{customer_id}:{device}") else None


def mark_of(request: Request[Any, Any, State]) -> str:
    """The mark that this browser has, or ''."""
    return request.cookies.get(cookie_name(request.app.state.house.settings, COOKIE), "")


def remember(request: Request[Any, Any, State], customer_id: UUID) -> Cookie:
    """Mark this browser: the customer has signed in on it, or has proven the mailbox."""
    settings = request.app.state.house.settings
    return cookie(settings, COOKIE, mark(settings.secret, customer_id), max_age=DAYS * 24 * 3600)
