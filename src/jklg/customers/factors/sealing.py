"""Secrets that must be read again lie encrypted: AES-256-GCM under a key made of one of the house's secrets."""

from __future__ import annotations

import hmac
import os
from typing import NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12


class Sealed(NamedTuple):
    """What is stored: nonce, ciphertext and tag; and which of the house's secrets it was."""

    content: bytes
    key_id: str


def seal(secret: str, customer_id: UUID, plain: bytes) -> Sealed:
    """Encrypt for one customer: moved into another customer's row, it does not open."""
    nonce = os.urandom(_NONCE)
    key = _key(secret)
    return Sealed(nonce + AESGCM(key).encrypt(nonce, plain, customer_id.bytes), _key_id(key))


def unseal(secrets: tuple[str, ...], customer_id: UUID, sealed: Sealed) -> bytes | None:
    """Decrypt with the secret that it was sealed with, also when it is not the present one. None when that is gone."""
    for secret in secrets:
        key = _key(secret)
        if _key_id(key) == sealed.key_id:
            try:
                return AESGCM(key).decrypt(sealed.content[:_NONCE], sealed.content[_NONCE:], customer_id.bytes)
            except (InvalidTag, ValueError):  # ValueError: too short to hold a nonce and a tag
                return None
    return None


def is_sealed_with(secret: str, sealed: Sealed) -> bool:
    return sealed.key_id == _key_id(_key(secret))


def _key(secret: str) -> bytes:
    return hmac.digest(secret.encode(), b"jklg\0totp secrets at rest", "sha256")


def _key_id(key: bytes) -> str:
    return hmac.digest(key, b"key id", "sha256").hex()[:8]
