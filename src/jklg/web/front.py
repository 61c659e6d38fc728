"""The front door, which every request passes: its id, who really asks, in which language, whether a form is ours, and the headers of
every answer.

Plain ASGI, so that it costs microseconds, and outside the router, so that it sees what no route answers.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Awaitable, Callable, Iterable
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

from jklg.kit.errors import Forbidden
from jklg.kit.languages import speak
from jklg.settings import Settings
from jklg.web import errors
from jklg.web.tongue import remember, tongue

log = logging.getLogger(__name__)
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Inside = Callable[[Any, Receive, Send], Awaitable[None]]

SAFE = frozenset(("GET", "HEAD", "OPTIONS"))
FRAMED = "/embed/"
"""Pages that stand on other sites: they set no cookie, not even that of a language."""
CSP: dict[str, tuple[str, ...]] = {
    "default-src": ("'none'",),
    "script-src": ("'self'",),
    "style-src": ("'self'",),
    "img-src": ("'self'", "data:"),
    "font-src": ("'self'",),
    "connect-src": ("'self'",),
    "manifest-src": ("'self'",),
    "form-action": ("'self'",),
    "frame-ancestors": ("'none'",),
    "base-uri": ("'none'",),
}


def content_security_policy(extra: dict[str, list[str]] | None = None) -> str:
    """Our policy, with what a gateway's widget needs besides. A source is added, never `'none'` beside another."""
    policy = {directive: list(sources) for directive, sources in CSP.items()}
    for directive, sources in (extra or {}).items():
        present = [source for source in policy.get(directive, ["'self'"]) if source != "'none'"]
        policy[directive] = [*present, *(source for source in sources if source not in present)]
    return "; ".join(f"{directive} {' '.join(sources)}" for directive, sources in policy.items())


class FrontDoor:
    """Wraps the application. `inside` is the application itself."""

    def __init__(self, inside: Inside, settings: Settings, pages: Any) -> None:
        self._inside = inside
        self._pages = pages
        self._own_origin = origin_of(settings.public_url)
        self._secure = settings.public_url.startswith("https:")
        self._frontend = settings.frontend_url.encode()
        self._trusted = [ip_network(proxy, strict=False) for proxy in settings.trusted_proxies]
        self._defaults = [
            (b"content-security-policy", content_security_policy().encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"same-origin"),
            (b"cross-origin-opener-policy", b"same-origin"),
            (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), browsing-topics=()"),
        ]
        if settings.production and settings.public_url.startswith("https:"):
            self._defaults.append((b"strict-transport-security", b"max-age=31536000; includeSubDomains"))
        # What the API tells is for whoever holds the token, which no cache between us looks at.
        self._api_defaults = [*self._defaults, (b"cache-control", b"no-store")]

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        scope["jklg.request_id"] = request = f"{random.getrandbits(64):016x}"
        if self._trusted:
            scope["client"] = self._client(scope.get("client"), scope["headers"])
        said = tongue(scope["path"], _header(scope, b"cookie"), _header(scope, b"accept-language"))
        speak(said.code)
        if said.prefix:
            scope = {**scope, "path": said.path, "raw_path": said.path.encode(), "jklg.prefix": said.prefix}
        method: str = scope["method"]
        api = scope["path"].startswith("/api/")
        defaults = self._api_defaults if api else self._defaults
        always = [(b"x-request-id", request.encode())]
        if said.chosen and not said.path.startswith(FRAMED):
            always.append((b"set-cookie", remember(said.code, secure=self._secure)))
        if api and self._frontend:
            always += self._cors(_header(scope, b"origin"))
        head = method == "HEAD"
        if head:  # GET without its body: link previews and monitors ask so
            scope = {**scope, "method": "GET"}

        async def answer(message: Any) -> None:
            if message["type"] == "http.response.start":
                told = message["headers"]
                present = {name.lower() for name, _ in told}
                more = [line for line in defaults if line[0] not in present]
                message = {**message, "headers": [*told, *always, *more]}
            elif head and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        if method == "OPTIONS" and api and _header(scope, b"access-control-request-method"):
            await errors.send(answer, 204, {}, b"")
        elif method not in SAFE and not api and not is_ours(scope["headers"], self._own_origin):
            await errors.send(answer, *errors.answer(self._pages, scope, cross_site()))
        else:
            await self._inside(scope, receive, answer)

    def _cors(self, origin: bytes | None) -> list[tuple[bytes, bytes]]:
        """An older client on its own origin may call the API; it sends tokens, never cookies."""
        found = [(b"vary", b"Origin")]
        if origin == self._frontend:
            found += [
                (b"access-control-allow-origin", origin),
                (b"access-control-allow-methods", b"GET, POST, PUT, PATCH, DELETE"),
                (b"access-control-allow-headers", b"Authorization, Content-Type, Idempotency-Key, X-Booking-Token"),
                (b"access-control-expose-headers", b"X-Request-Id, Link, Retry-After, Idempotent-Replayed"),
                (b"access-control-max-age", b"600"),
            ]
        return found

    def _client(self, peer: Any, headers: list[tuple[bytes, bytes]]) -> Any:
        """The last address before our own proxies. X-Forwarded-For of anybody else is not believed."""
        if not peer or not self._is_trusted(peer[0]):
            return peer
        chain = [
            part.strip()
            for name, value in headers
            if name == b"x-forwarded-for"
            for part in value.decode("latin-1").split(",")
        ]
        for address in reversed(chain):
            try:
                ip_address(address)
            except ValueError:
                return peer
            if not self._is_trusted(address):
                return (address, 0)
        return peer

    def _is_trusted(self, address: str) -> bool:
        try:
            known = ip_address(address)
        except ValueError:
            return False
        return any(known in network for network in self._trusted)


def is_ours(headers: Iterable[tuple[bytes, bytes]], own_origin: bytes) -> bool:
    """Whether a page of ours sent this: browsers say so themselves, older ones name the origin at least.

    A client that is no browser sends neither, has no cookies of ours to abuse, and may come in.
    """
    said = dict(headers)
    site = said.get(b"sec-fetch-site")
    if site is not None:
        return site in (b"same-origin", b"none")
    origin = said.get(b"origin")
    if origin is None:
        return b"cookie" not in said
    return origin == own_origin or _host(origin) == said.get(b"host", b"")


def cross_site() -> Forbidden:
    return Forbidden(
        "cross_site",
        "This form was sent from another site, so we did nothing. Please open the page here and try again.",
    )


def _header(scope: Any, name: bytes) -> bytes | None:
    return next((value for each, value in scope["headers"] if each == name), None)


def origin_of(url: str) -> bytes:
    """The origin of an address, as browsers write it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".encode()


def _host(origin: bytes) -> bytes:
    """The host of an origin, to compare with the Host header: a development server is found under several names."""
    return origin.partition(b"://")[2]
