"""Pages: Jinja2 over every room's templates, and how amounts, days and times of day are said to people."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import get_timezone_name
from babel.numbers import format_decimal, get_currency_symbol
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined
from litestar import Request, Response
from litestar.datastructures import Cookie
from markupsafe import Markup, escape

from jklg.kit.money import decimals, to_decimal
from jklg.settings import Settings
from jklg.web.design import accent
from jklg.web.front import content_security_policy
from jklg.web.static_files import static

ROOMS = Path(__file__).parent.parent
FOREIGN = {"sandbox"}
"""Rooms that are another house and keep their templates to themselves."""

PUBLIC_PAGE = "no-cache"
PERSONAL_PAGE = "no-store"
THIN_SPACE = "\N{NARROW NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"


class Pages:
    """Renders templates for one house."""

    def __init__(self, settings: Settings) -> None:
        folders = sorted(path for path in ROOMS.rglob("templates") if path.relative_to(ROOMS).parts[0] not in FOREIGN)
        self.settings = settings
        self.accent_sheet = accent.sheet(settings)
        self.environment = Environment(
            loader=ChoiceLoader([FileSystemLoader(folder) for folder in folders]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self.environment.globals.update(
            static=static,
            accent_url=accent_url(self.accent_sheet),
            agency_name=settings.agency_name,
            public_url=settings.public_url,
            production=settings.production,
            live=settings.live,
        )
        self.environment.filters.update(
            money=money,
            money_text=money_text,
            day=day,
            short_day=short_day,
            month=month,
            time_of_day=time_of_day,
            moment=moment,
            zone_name=zone_name,
        )

    def render(self, template: str, scope: Any, **context: Any) -> bytes:
        """A whole page as bytes. `path` in the template is the address that was asked for."""
        return self.environment.get_template(template).render(path=scope["path"], **context).encode()


def page(
    request: Request[Any, Any, Any],
    template: str,
    *,
    status: int = 200,
    personal: bool = False,
    csp: Mapping[str, Sequence[str]] | None = None,
    headers: Mapping[str, str] | None = None,
    cookies: Sequence[Cookie] = (),
    **context: Any,
) -> Response[bytes]:
    """A rendered page. `personal` ones are kept by nobody; `csp` is what a gateway's widget needs besides our policy.

    Public ones are compressed; personal ones are not, so that their length never tells what is in them (BREACH).
    """
    more = {"Cache-Control": PERSONAL_PAGE if personal else PUBLIC_PAGE, **(headers or {})}
    if personal:
        more["X-Robots-Tag"] = "noindex"
    if csp:
        more["Content-Security-Policy"] = content_security_policy(
            {name: list(sources) for name, sources in csp.items()}
        )
    body = request.app.state.pages.render(template, request.scope, **context)
    if not personal:
        body, more = packed(request, body, more)
    return Response(body, status_code=status, media_type="text/html", headers=more, cookies=list(cookies))


def packed(request: Request[Any, Any, Any], body: bytes, headers: dict[str, str]) -> tuple[bytes, dict[str, str]]:
    """Public content as this browser takes it: compressed if it can read that."""
    headers = {**headers, "Vary": "Accept-Encoding"}
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return body, headers
    return gzip.compress(body, 6, mtime=0), {**headers, "Content-Encoding": "gzip"}


def accent_url(sheet: str) -> str:
    """The address of an agency's own colours, '' without any: it changes with them."""
    return f"/accent.css?{hashlib.sha256(sheet.encode()).hexdigest()[:10]}" if sheet else ""


def go(url: str, *, cookies: Sequence[Cookie] = (), headers: Mapping[str, str] | None = None) -> Response[bytes]:
    """See other: the browser asks for `url` with GET, so that a reload repeats nothing."""
    return Response(
        b"",
        status_code=303,
        media_type="text/plain",
        headers={"Location": url, "Cache-Control": PERSONAL_PAGE, **(headers or {})},
        cookies=list(cookies),
    )


def money(minor: int, currency: str) -> Markup:
    """An amount to be seen: the currency small, the amount large, never wrapped."""
    sign, symbol, number = _amount(minor, currency)
    return Markup('<span class="money">{}<span class="money-unit">{}</span>{}{}</span>').format(
        sign, symbol, THIN_SPACE, number
    )


def money_text(minor: int, currency: str) -> str:
    """'₹ 49,999.80': an amount inside a sentence, a title or a button."""
    sign, symbol, number = _amount(minor, currency)
    return f"{sign}{symbol}{THIN_SPACE}{number}"


@lru_cache(4096)
def _amount(minor: int, currency: str) -> tuple[str, str, str]:
    """(sign, symbol, number). Whole amounts go without decimals; rupees are grouped as in India."""
    locale = "en_IN" if currency == "INR" else "en"
    amount = to_decimal(abs(minor), currency)
    places = 0 if amount == amount.to_integral_value() else decimals(currency)
    grouping = "#,##,##0" if currency == "INR" else "#,##0"
    pattern = f"{grouping}.{'0' * places}" if places else grouping
    number = format_decimal(Decimal(amount), format=pattern, locale=locale)
    return MINUS if minor < 0 else "", get_currency_symbol(currency, locale=locale), number


def day(on: date) -> str:
    """'Wed 12 May 2027'."""
    return f"{on:%a} {on.day} {on:%b %Y}"


def short_day(on: date) -> str:
    """'12 May'."""
    return f"{on.day} {on:%b}"


def month(on: date) -> str:
    """'May 2027'."""
    return f"{on:%B %Y}"


def time_of_day(at: datetime, zone: str) -> str:
    """'14:32', on the clocks of `zone`."""
    return f"{at.astimezone(ZoneInfo(zone)):%H:%M}"


def moment(at: datetime, zone: str) -> Markup:
    """'14:32, India Standard Time, on Wed 12 May 2027', for machines as well."""
    local = at.astimezone(ZoneInfo(zone))
    words = f"{local:%H:%M}, {zone_name(zone)}, on {day(local.date())}"
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(), escape(words))


@lru_cache(64)
def zone_name(zone: str) -> str:
    """'India Time', 'Central European Time'."""
    return get_timezone_name(ZoneInfo(zone), width="long", locale="en")
