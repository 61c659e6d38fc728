"""How one seal follows from the one before. Pure."""

from __future__ import annotations

import hashlib
import hmac

BEGINNING = bytes(32)
"""What the first seal follows."""


def link(before: bytes, digest: bytes) -> bytes:
    """The chain up to a posting with this digest."""
    return hashlib.sha256(before + digest).digest()


def mac(key: str, number: int, chain: bytes) -> bytes:
    """What only the holder of `key` can say of a seal."""
    return hmac.digest(key.encode(), b"ledger seal\0" + number.to_bytes(8) + chain, "sha256")


def key_id(key: str) -> str:
    """Eight letters by which a key is known, and from which nobody learns it."""
    return hashlib.sha256(b"ledger seal key\0" + key.encode()).hexdigest()[:8]
