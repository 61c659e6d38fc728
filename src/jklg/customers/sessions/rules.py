"""The token of a session: a JSON Web Token (RFC 7519) of one kind, and nothing else is read (RFC 8725).

Algorithm, type and audience are ours to know, not the token's to say: the header must be, letter for letter, the one that
we write for one of our keys. Whether the session still lives is its row's to say, in the round trip of the request.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from functools import lru_cache
from typing import Literal, NamedTuple
from uuid import UUID

import msgspec

DAYS = 7
"""A session ends so long after its sign-in, whether it was used or not."""
FRESH_MINUTES = 15
"""For so long after proving who one is, one may change e-mail, password and factors."""
AUDIENCE = "jklg:customer"
_LONGEST = 1000


class Visitor(NamedTuple):
    """Who a token speaks for. The session may have ended: only the database knows."""

    customer_id: UUID
    session_id: UUID


class _Payload(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    aud: Literal["jklg:customer"]
    sub: UUID
    sid: UUID
    iat: int
    exp: int


class _Key(NamedTuple):
    header: str
    secret: bytes


def signing_key(secret: str) -> bytes:
    """The key for customers' tokens, made of one of the house's secrets. No other token of the house is signed with it."""
    return hmac.digest(secret.encode(), b"jwt\0" + AUDIENCE.encode(), "sha256")


def mint(secret: str, visitor: Visitor, *, issued_at: int, expires_at: int) -> str:
    """A token for a session. Moments in seconds since 1970."""
    key = _key(secret)
    payload = {
        "aud": AUDIENCE, "sub": str(visitor.customer_id), "sid": str(visitor.session_id), "iat": issued_at, "exp": expires_at,
    }  # fmt: skip
    signed = f"{key.header}.{_written(json.dumps(payload, separators=(',', ':')).encode())}"
    return f"{signed}.{_written(hmac.digest(key.secret, signed.encode(), 'sha256'))}"


def read(token: str, secrets: tuple[str, ...]) -> Visitor | None:
    """Who a token speaks for, if one of `secrets` signed it (the present one first, older ones while rotating)."""
    header, dot, rest = token.partition(".")
    key = _keys(secrets).get(header)
    if key is None or not dot or len(token) > _LONGEST or not token.isascii():
        return None
    body, _, signature = rest.partition(".")
    right = _written(hmac.digest(key.secret, f"{header}.{body}".encode(), "sha256"))
    if not hmac.compare_digest(signature.encode(), right.encode()):
        return None
    try:
        payload = _decoder.decode(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (msgspec.DecodeError, binascii.Error):
        return None
    return Visitor(payload.sub, payload.sid)


_decoder = msgspec.json.Decoder(_Payload)


@lru_cache(8)
def _keys(secrets: tuple[str, ...]) -> dict[str, _Key]:
    return {key.header: key for key in map(_key, secrets)}


@lru_cache(8)
def _key(secret: str) -> _Key:
    key = signing_key(secret)
    kid = hashlib.sha256(key).hexdigest()[:8]
    return _Key(_written(json.dumps({"alg": "HS256", "kid": kid, "typ": "JWT"}, separators=(",", ":")).encode()), key)


def _written(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def device(user_agent: str) -> str:
    """What to call a device to its owner: 'Firefox on Android'. Browsers name each other, so the order matters."""
    browsers = {"Edg": "Edge", "OPR/": "Opera", "Firefox": "Firefox", "FxiOS": "Firefox", "CriOS": "Chrome",
                "Chrome": "Chrome", "Safari": "Safari"}  # fmt: skip
    systems = {"Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Windows": "Windows", "CrOS": "ChromeOS",
               "Mac OS": "macOS", "Linux": "Linux"}  # fmt: skip
    browser = next((name for mark, name in browsers.items() if mark in user_agent), None)
    system = next((name for mark, name in systems.items() if mark in user_agent), None)
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or "an app or a browser we do not know"
