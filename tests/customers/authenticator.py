"""A passkey device made of software: it makes ES256 keys, keeps them for a site, and signs; and lies, when a test wants it to."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

Json = dict[str, Any]
PRESENT, VERIFIED, MAY_BE_BACKED_UP, BACKED_UP, HAS_KEY = 1, 4, 8, 16, 64


def written(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def read(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Key:
    private: ec.EllipticCurvePrivateKey
    user_handle: bytes
    count: int


@dataclass
class Authenticator:
    """`counts`: whether its counter grows; platforms that share a passkey between devices answer zero for ever."""

    site: str = "localhost"
    origin: str = "http://localhost:3000"
    counts: bool = True
    keys: dict[bytes, Key] = field(default_factory=dict)

    def make(self, options: Json, **lies: Any) -> Json:
        """`navigator.credentials.create`, as JSON."""
        credential_id = lies.get("credential_id", os.urandom(32))
        key = Key(ec.generate_private_key(ec.SECP256R1()), read(options["user"]["id"]), 1 if self.counts else 0)
        self.keys[credential_id] = key
        public = key.private.public_key().public_numbers()
        cose = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: public.x.to_bytes(32), -3: public.y.to_bytes(32)})
        attested = bytes(16) + len(credential_id).to_bytes(2) + credential_id + cose
        data = self._data(key.count, lies, HAS_KEY) + attested
        said = {
            "clientDataJSON": written(self._client("webauthn.create", options, lies)),
            "attestationObject": written(cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})),
            "transports": ["internal", "hybrid", "carrier pigeon"],
        }
        return self._credential(credential_id, said)

    def sign(self, options: Json, **lies: Any) -> Json:
        """`navigator.credentials.get`, as JSON: with a passkey that is allowed, or with any it has for the site."""
        allowed = [read(each["id"]) for each in options.get("allowCredentials", [])]
        credential_id = lies.get("credential_id") or next(each for each in self.keys if not allowed or each in allowed)
        key = self.keys[credential_id]
        key.count = lies.get("count", key.count + 1 if self.counts else 0)
        data = self._data(key.count, lies)
        client = self._client("webauthn.get", options, lies)
        signature = lies.get("key", key).private.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        said = {
            "clientDataJSON": written(client),
            "authenticatorData": written(data),
            "signature": written(signature),
            "userHandle": written(lies.get("user_handle", key.user_handle)),
        }
        return self._credential(credential_id, said)

    def _data(self, count: int, lies: Json, flags: int = 0) -> bytes:
        flags |= lies.get("flags", PRESENT | VERIFIED | MAY_BE_BACKED_UP | BACKED_UP)
        return hashlib.sha256(lies.get("site", self.site).encode()).digest() + bytes([flags]) + count.to_bytes(4)

    def _client(self, kind: str, options: Json, lies: Json) -> bytes:
        said = {
            "type": lies.get("type", kind),
            "challenge": lies.get("challenge", options["challenge"]),
            "origin": lies.get("origin", self.origin),
            "crossOrigin": lies.get("cross_origin", False),
        }
        return json.dumps(said).encode()

    def _credential(self, credential_id: bytes, response: Json) -> Json:
        return {
            "id": written(credential_id),
            "rawId": written(credential_id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": response,
        }
