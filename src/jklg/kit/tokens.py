"""Secrets that travel: random tokens, their hashes, and tokens that are derived so that they need not be stored."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence


def new_token() -> str:
    """256 random bits, URL-safe."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """What is stored instead of a token. Plain SHA-256: the token itself carries the entropy."""
    return hashlib.sha256(token.encode()).digest()


def derived_token(secret: str, purpose: str, subject: str) -> str:
    """A token of 192 bits that only the holder of `secret` can make for this purpose and subject.

    It is stored nowhere: a mail written next week can contain the same link as the page shown today.
    """
    mac = hmac.digest(secret.encode(), f"{purpose}\0{subject}".encode(), "sha256")
    return base64.urlsafe_b64encode(mac[:24]).decode()


def is_derived_token(token: str, secrets_: list[str], purpose: str, subject: str) -> bool:
    """Whether `token` was derived with any of `secrets_` (the present one first, older ones while rotating)."""
    given = token.encode(errors="replace")
    return any(hmac.compare_digest(given, derived_token(s, purpose, subject).encode()) for s in secrets_)


_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
_SEAL = re.compile(r"~sealed\.(token|code)\.([a-z_]+)\.([0-9a-f-]{36}(?::[0-9]{1,9})?)\.([0-9a-f]{8})~")
"""The subject is an id, with a number behind it where one id has several tokens in turn."""


def derived_code(secret: str, purpose: str, subject: str) -> str:
    """Six characters that people can type (letters and digits that are not mistaken for each other): 29.7 bits."""
    number = int.from_bytes(hmac.digest(secret.encode(), f"code\0{purpose}\0{subject}".encode(), "sha256"))
    return "".join(_LETTERS[number // len(_LETTERS) ** place % len(_LETTERS)] for place in range(6))


def is_derived_code(code: str, secrets_: Sequence[str], purpose: str, subject: str) -> bool:
    """Whether `code` is the one for this purpose and subject, in any case and with any spaces or hyphens."""
    typed = re.sub(r"[\s-]", "", code).upper().encode(errors="replace")
    return any(hmac.compare_digest(typed, derived_code(s, purpose, subject).encode()) for s in secrets_)


class Sealed(str):
    """A text of our own making that holds sealed words. What people typed never is one: see `defused`."""

    __slots__ = ()


def sealed(kind: str, secret: str, purpose: str, subject: str) -> Sealed:
    """A word that stands for a derived token or code (`kind`) in a text that is kept. Whoever reads it learns nothing."""
    return Sealed(f"~sealed.{kind}.{purpose}.{subject}.{_key_id(secret)}~")


def defused(value: object) -> object:
    """A value on its way into a text that will be unsealed. Sealed words are no secret (their owner finds them in an export), so
    that somebody may call themselves like one, to have somebody else's link made for them: in what is not `Sealed` none is left."""
    if isinstance(value, Sealed) or "~" not in str(value):
        return value
    return (value if isinstance(value, str) else str(value)).replace("~sealed", "~ sealed")


def unsealed(text: str, secrets_: Sequence[str]) -> str:
    """A text as it is sent: every sealed word replaced by what it stands for. LookupError when its secret is gone."""
    known = {_key_id(secret): secret for secret in secrets_}

    def opened(found: re.Match[str]) -> str:
        kind, purpose, subject, key_id = found.groups()
        derive = derived_token if kind == "token" else derived_code
        return derive(known[key_id], purpose, subject)

    return _SEAL.sub(opened, text)


def _key_id(secret: str) -> str:
    return hmac.digest(secret.encode(), b"key id", "sha256").hex()[:8]
