"""Pages: Jinja2 over every room's templates, in the language of whoever asked."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined
from litestar import Request, Response
from litestar.datastructures import Cookie

from jklg.kit.gateways import card_name, gateway_name
from jklg.kit.languages import LANGUAGES, figures, spoken
from jklg.kit.languages.templates import let_speak
from jklg.settings import Settings
from jklg.web import markup
from jklg.web.design import accent
from jklg.web.front import content_security_policy
from jklg.web.reprints import Reprints
from jklg.web.static_files import static
from jklg.web.tongue import in_language

ROOMS = Path(__file__).parent.parent
FOREIGN = {"sandbox"}
"""Rooms that are another house and keep their templates to themselves."""

PUBLIC_PAGE = "no-cache"
PERSONAL_PAGE = "no-store"


class Pages:
    """Renders templates for one house."""

    def __init__(self, settings: Settings) -> None:
        folders = sorted(path for path in ROOMS.rglob("templates") if path.relative_to(ROOMS).parts[0] not in FOREIGN)
        self.settings = settings
        self.accent_sheet = accent.sheet(settings)
        self.reprints = Reprints()
        self.popular: list[tuple[str, str, str]] = []
        """Where pages of errors lead besides: (name, address, line). Whoever shows the front page keeps it fresh."""
        self.environment = Environment(
            loader=ChoiceLoader([FileSystemLoader(folder) for folder in folders]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        let_speak(self.environment)
        self.environment.globals.update(
            languages=LANGUAGES,
            in_language=in_language,
            static=static,
            accent_url=accent_url(self.accent_sheet),
            agency_name=settings.agency_name,
            agency_zone=settings.seller_time_zone,
            public_url=settings.public_url,
            production=settings.production,
            live=settings.live,
        )
        self.environment.filters.update(
            money=figures.money,
            money_text=figures.money_text,
            figure=figures.figure,
            percent=figures.percent,
            day=figures.day,
            days=figures.days,
            short_day=figures.short_day,
            short_days=figures.short_days,
            month=figures.month,
            short_month=figures.short_month,
            weekday=figures.weekday,
            weekday_letter=figures.weekday_letter,
            date_at=figures.date_at,
            time_of_day=figures.time_of_day,
            moment=figures.moment,
            zone_name=figures.zone_name,
            markup=markup.html,
            gateway_name=gateway_name,
            card_name=card_name,
            price_rule=str,  # pricing, which knows the arithmetic, puts its own here
        )

    def render(self, template: str, scope: Any, **context: Any) -> bytes:
        """A whole page as bytes. `path` in the template is the address that was asked for, without its language, which is `prefix`; `query`
        is what followed it."""
        asked = _asked(scope)
        return self.environment.get_template(template).render(asked, language=spoken(), **context).encode()


def _asked(scope: Any) -> dict[str, str]:
    query = scope.get("query_string", b"").decode("latin-1")
    return {"path": scope["path"], "query": query, "prefix": scope.get("jklg.prefix", "")}


def page(
    request: Request[Any, Any, Any],
    template: str,
    *,
    status: int = 200,
    personal: bool = False,
    kept: bool = False,
    csp: Mapping[str, Sequence[str]] | None = None,
    headers: Mapping[str, str] | None = None,
    cookies: Sequence[Cookie] = (),
    **context: Any,
) -> Response[bytes]:
    """A rendered page. `personal` ones are kept by nobody; `csp` is what a gateway's widget needs besides our policy.

    A `kept` page depends on nothing but what is handed to it, and is printed once while that stays the same (`reprints`).
    Public ones are compressed; personal ones are not, so that their length never tells what is in them (BREACH).
    """
    more = {"Cache-Control": PERSONAL_PAGE if personal else PUBLIC_PAGE, **(headers or {})}
    if csp:
        more["Content-Security-Policy"] = content_security_policy(
            {name: list(sources) for name, sources in csp.items()}
        )
    pages: Pages = request.app.state.pages
    context["findable"] = not personal and status == 200
    if personal:
        more["X-Robots-Tag"] = "noindex"
        body = pages.render(template, request.scope, **context)
    else:
        small = _reads_gzip(request)
        more = _coded(more, small)

        def print_it() -> bytes:
            body = pages.render(template, request.scope, **context)
            return _squeezed(body) if small else body

        shown = (template, small, spoken().code, _asked(request.scope), context)
        body = pages.reprints.of(shown, print_it) if kept else print_it()
    return Response(body, status_code=status, media_type="text/html", headers=more, cookies=list(cookies))


def packed(
    request: Request[Any, Any, Any], body: bytes, headers: dict[str, str], level: int = 4
) -> tuple[bytes, dict[str, str]]:
    """Public content as this browser takes it: compressed if it can read that; the harder, the longer it is kept."""
    small = _reads_gzip(request)
    return _squeezed(body, level) if small else body, _coded(headers, small)


def _reads_gzip(request: Request[Any, Any, Any]) -> bool:
    return "gzip" in request.headers.get("accept-encoding", "")


def _squeezed(body: bytes, level: int = 4) -> bytes:
    return gzip.compress(body, level, mtime=0)


def _coded(headers: dict[str, str], small: bool) -> dict[str, str]:
    coded = {**headers, "Vary": "Accept-Encoding, Accept-Language, Cookie"}
    return {**coded, "Content-Encoding": "gzip"} if small else coded


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
