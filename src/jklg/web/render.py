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
        asked = {"path": scope["path"], "query": scope.get("query_string", b"").decode("latin-1"), "prefix": scope.get("jklg.prefix", ""), "language": spoken()}  # fmt: skip
        return self.environment.get_template(template).render(asked, **context).encode()


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
    body = request.app.state.pages.render(template, request.scope, findable=not personal and status == 200, **context)
    if not personal:
        body, more = packed(request, body, more)
    return Response(body, status_code=status, media_type="text/html", headers=more, cookies=list(cookies))


def packed(
    request: Request[Any, Any, Any], body: bytes, headers: dict[str, str], level: int = 4
) -> tuple[bytes, dict[str, str]]:
    """Public content as this browser takes it: compressed if it can read that; the harder, the longer it is kept."""
    headers = {**headers, "Vary": "Accept-Encoding, Accept-Language, Cookie"}
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return body, headers
    return gzip.compress(body, level, mtime=0), {**headers, "Content-Encoding": "gzip"}


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
