"""Signed webhooks of the form `t=<Unix seconds>,v1=<hex HMAC-SHA256 of "t.body">`, checked over bytes: Stripe's, and our sandbox's.

Stripe's own verifier (16.1.0, read 2026-11) accepts times in the future and answers odd bodies and signatures with
exceptions of four other kinds; here any bytes at all verify or raise BadNotice.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from jklg.payments.gateways.contract import BadNotice

TOLERANCE_SECONDS = 300
"""How far the signature's time may be from ours, into the past and into the future."""

T = TypeVar("T")


def verify(header: str | None, body: bytes, secrets: Sequence[str], now: int) -> None:
    """Raise BadNotice unless any v1 signature was made with any of `secrets`, about now."""
    if not header:
        raise BadNotice("no signature")
    given = [part.strip().partition("=") for part in header.split(",")]
    times = [value for name, _, value in given if name == "t"]
    signatures = [value.encode(errors="replace") for name, _, value in given if name == "v1"]
    if len(times) != 1 or not (times[0].isascii() and times[0].isdigit() and len(times[0]) <= 12) or not signatures:
        raise BadNotice("unreadable signature")
    if abs(now - int(times[0])) > TOLERANCE_SECONDS:
        raise BadNotice("the signature is too old or from the future")
    message = times[0].encode() + b"." + body
    for secret in filter(None, secrets):
        expected = hmac.digest(secret.encode(), message, "sha256").hex().encode()
        if any(hmac.compare_digest(expected, signature) for signature in signatures):
            return
    raise BadNotice("the signature does not match")


def read_envelope(body: bytes, type_: type[T]) -> T:
    """The verified body as `type_`. BadNotice when it is not JSON of that shape."""
    try:
        return msgspec.json.decode(body, type=type_)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise BadNotice(f"signed, but unreadable: {problem}") from problem


def moment(unix: Any) -> datetime | None:
    """Unix seconds as a time in UTC; None for anything that is not one."""
    if isinstance(unix, bool) or not isinstance(unix, (int, float)) or not 0 <= unix < 253_402_300_800:
        return None
    return datetime.fromtimestamp(unix, UTC)


def text(value: Any) -> str | None:
    """A string of reasonable size, or None: what comes in a notice may be anything."""
    return value if isinstance(value, str) and 0 < len(value) <= 255 and value.isprintable() else None


def uuid(value: object) -> UUID | None:
    """An id of ours, if it is one: metadata comes back as it likes."""
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None
