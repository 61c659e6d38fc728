"""Secrets that travel: random tokens, their hashes, and tokens that are derived so that they need not be stored."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets


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
