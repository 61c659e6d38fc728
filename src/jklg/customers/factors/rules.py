"""What codes look like: those of an authenticator app (RFC 6238) and recovery codes. Values in, values out."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from uuid import UUID

import pyotp

from jklg.kit.errors import BadInput

STEP_SECONDS = 30
SECRET_BYTES = 20
"""160 bits, as RFC 4226 recommends."""
CODES = 10
"""Recovery codes in a set."""
CODE_BYTES = 15
"""What a recovery code is made of: 120 bits, so that plain SHA-256 is a safe way to keep it (OWASP ASVS 5.0, 6.5.2: 112 and more)."""
_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"
_MISREAD = str.maketrans("oil", "011")


def totp_code(secret: bytes, step: int) -> str:
    """The six digits of one step of 30 seconds (SHA-1, as every authenticator app knows it)."""
    return pyotp.TOTP(base32(secret), digits=6, interval=STEP_SECONDS).generate_otp(step)


def matching_step(secret: bytes, typed: str, now: int) -> int | None:
    """The newest step whose code this is: the present one, the one before or the one after; clocks differ a little."""
    digits = re.sub(r"[\s-]", "", typed).encode(errors="replace")
    matches = [hmac.compare_digest(digits, totp_code(secret, step).encode()) for step in (now - 1, now, now + 1)]
    return max((now + place - 1 for place, same in enumerate(matches) if same), default=None)


def base32(secret: bytes) -> str:
    """A secret as people type it into an app."""
    return base64.b32encode(secret).decode()


def from_base32(typed: str) -> bytes:
    """The secret again. ValueError for what is no base32."""
    return base64.b32decode(typed)


def otpauth_url(secret: bytes, email: str, agency: str) -> str:
    """What the QR code says."""
    return pyotp.TOTP(base32(secret), interval=STEP_SECONDS).provisioning_uri(name=email, issuer_name=agency)


def recovery_code(dice: bytes) -> str:
    """A recovery code of 15 random bytes: xxxxxx-xxxxxx-xxxxxx-xxxxxx, in letters and digits that are not mistaken for each other."""
    number = int.from_bytes(dice)
    letters = "".join(_LETTERS[number >> 5 * place & 31] for place in range(24))
    return "-".join(letters[start : start + 6] for start in range(0, 24, 6))


def recovery_code_hash(customer_id: UUID, typed: str) -> bytes:
    """What is stored of a recovery code. Case, spaces and hyphens do not matter, nor O for 0, I or L for 1."""
    letters = re.sub(r"[\s-]", "", typed).lower().translate(_MISREAD)
    return hashlib.sha256(b"recovery code\0" + customer_id.bytes + letters.encode(errors="replace")).digest()


def ways(*, totp: bool, passkeys: int, codes: int, codes_left: int) -> list[str]:
    """What must follow a right password: nothing, or one of these.

    A second factor is on with an authenticator app; or with passkeys, once recovery codes were made for the day they are lost.
    """
    if not totp and not (passkeys and codes):
        return []
    offered: Sequence[tuple[str, bool]] = (("totp", totp), ("recovery_code", codes_left > 0), ("passkey", passkeys > 0))
    return [name for name, there in offered if there]


def check_passkey_name(given: str) -> str:
    """What the owner calls a passkey: up to 60 characters that can be shown. BadInput (passkey_name_invalid)."""
    name = " ".join(given.split())
    if not 1 <= len(name) <= 60 or not name.isprintable():
        raise BadInput(
            "passkey_name_invalid", "Please give this passkey a name of up to 60 characters.", details={"field": "name"}
        )
    return name
