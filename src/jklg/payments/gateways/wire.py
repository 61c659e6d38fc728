"""The wire to gateways: aiohttp underneath httpx, whose own connections cost four times as much work for each call (decisions/06).

It tells apart what the trade lives on: whether anything can have been sent. Only what aiohttp raises before there is a connection proves that nothing was.
"""

from __future__ import annotations

import aiohttp
import httpx
from yarl import URL

_NOTHING_SENT = (
    (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout),
    (aiohttp.ClientConnectorError, httpx.ConnectError),
    (aiohttp.InvalidURL, httpx.UnsupportedProtocol),
    (aiohttp.NonHttpUrlClientError, httpx.UnsupportedProtocol),
)
_NOT_OURS = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
"""Headers that aiohttp would add if they were missing."""


class Wire(httpx.AsyncBaseTransport):
    """One call, one answer, read whole. Proxies and certificates as the environment names them; no cookies, no redirects.

    A GET whose kept connection had been closed meanwhile is sent again; nothing else ever is.
    """

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        waits = request.extensions["timeout"]
        try:
            async with self._open().request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=[(name.decode(), value.decode()) for name, value in request.headers.raw],
                data=await request.aread() or None,
                allow_redirects=False,
                skip_auto_headers=_NOT_OURS,
                timeout=aiohttp.ClientTimeout(
                    connect=waits["pool"], sock_connect=waits["connect"], sock_read=waits["read"]
                ),
            ) as answer:
                content = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as problem:
            raise _in_words_of_httpx(problem)(type(problem).__name__, request=request) from problem
        return httpx.Response(answer.status, headers=answer.raw_headers, content=content, request=request)

    def _open(self) -> aiohttp.ClientSession:
        """Opened by the first call, in whose loop it lives."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=httpx.create_ssl_context(), keepalive_timeout=5),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=True,
            )
        return self._session

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()


def _in_words_of_httpx(problem: Exception) -> type[httpx.TransportError]:
    for ours, theirs in _NOTHING_SENT:
        if isinstance(problem, ours):
            return theirs
    return httpx.ReadTimeout if isinstance(problem, TimeoutError) else httpx.ReadError
