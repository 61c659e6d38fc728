"""The cookie of journeys put aside. It is no secret and no proof of anything: names of packages, newest first.

It begins with a tilde once the account knows them: what was taken away on one device must not come back from another.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from litestar import Request
from litestar.datastructures import Cookie

from jklg.catalogue.rules import SLUG
from jklg.catalogue.wishes.actions import MOST
from jklg.settings import Settings
from jklg.web.session import cookie, cookie_name

NAME = "jklg_wishes"
KEPT_SECONDS = 365 * 24 * 3600


def of_browser(request: Request[Any, Any, Any]) -> list[str]:
    """The slugs that this browser has put aside, newest first."""
    kept = request.cookies.get(cookie_name(request.app.state.house.settings, NAME), "")
    return [slug for slug in kept.split("~")[: MOST + 1] if len(slug) <= 80 and SLUG.fullmatch(slug)]


def unknown_to_account(request: Request[Any, Any, Any]) -> list[str]:
    """What was put aside in this browser before anybody signed in."""
    kept = request.cookies.get(cookie_name(request.app.state.house.settings, NAME), "")
    return [] if kept.startswith("~") else of_browser(request)


def keep(settings: Settings, slugs: Iterable[str], *, with_account: bool) -> Cookie:
    return cookie(settings, NAME, ("~" if with_account else "") + "~".join(list(slugs)[:MOST]), max_age=KEPT_SECONDS)
