"""In which language an answer is given: what the address says, else what was chosen before, else what the browser asks for.

A page has an address of its own in every language: `/hi/packages` is `/packages` in Hindi, and chooses Hindi for what follows. Programs
are answered in English, whatever they send, unless one of our own pages asks: the cookie says so.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from jklg.kit.languages import ENGLISH, LANGUAGES, best_of

COOKIE = "jklg_language"
KEPT_SECONDS = 365 * 24 * 3600
_PREFIX = re.compile(rf"/({'|'.join(LANGUAGES)})(/.*)?")
_CHOSEN = re.compile(rb"(?:^|;\s*)jklg_language=([a-z]{2})(?:;|$)")


class Tongue(NamedTuple):
    """`path` without the language; `chosen`: the address named it, and the browser does not know that yet."""

    code: str
    path: str
    prefix: str
    chosen: bool


def tongue(path: str, cookies: bytes | None, accept_language: bytes | None) -> Tongue:
    """Pure; any bytes will do."""
    found = _CHOSEN.search(cookies or b"")
    before = found[1].decode() if found else None
    if named := _PREFIX.fullmatch(path):
        code = named[1]
        return Tongue(code, named[2] or "/", f"/{code}", code != before)
    if before in LANGUAGES:
        return Tongue(str(before), path, "", False)
    asked = None if path.startswith("/api/") else best_of((accept_language or b"").decode("latin-1"))
    return Tongue(asked or ENGLISH, path, "", False)


def in_language(code: str, path: str) -> str:
    """The one address of a page in a language; English has the plain one."""
    return path if code == ENGLISH else f"/{code}{'' if path == '/' else path}"


def remember(code: str, *, secure: bool) -> bytes:
    """The Set-Cookie line for a language that was chosen. It is no secret, and scripts need not see it."""
    return f"{COOKIE}={code}; Max-Age={KEPT_SECONDS}; Path=/; HttpOnly; SameSite=Lax{'; Secure' if secure else ''}".encode()
