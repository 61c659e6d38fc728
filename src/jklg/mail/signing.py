"""A mail as the bytes that go over the wire, signed with the agency's own key when there is one (DKIM, RFC 6376).

Everything goes in seven bits: a server on the way that turns eight into seven would break the signature.
"""

from __future__ import annotations

import email.policy
from email.message import EmailMessage
from functools import lru_cache
from pathlib import Path

from jklg.settings import Settings

POLICY = email.policy.SMTP.clone(cte_type="7bit")
SIGNED = (b"from", b"to", b"subject", b"date", b"message-id", b"mime-version", b"content-type", b"auto-submitted")
SIGNED_OF_STOPPABLE = (b"list-unsubscribe", b"list-unsubscribe-post")
"""RFC 8058: a mail program believes these only when they are signed."""


def wire(settings: Settings, message: EmailMessage) -> tuple[bytes, list[str]]:
    """The bytes, and the options of `MAIL FROM` that they need. OSError when there should be a key and it is none."""
    international = not all(address.addr_spec.isascii() for address in message["To"].addresses)
    flat = message.as_bytes(policy=POLICY.clone(utf8=True) if international else POLICY)
    options = ["SMTPUTF8"] if international else []
    if not settings.dkim_key:
        return flat, options
    import dkim  # it brings a name server's client along: only for those who sign

    try:
        signature = dkim.sign(
            flat,
            selector=settings.dkim_selector.encode(),
            domain=domain_of(settings).encode(),
            privkey=private_key(settings.dkim_key),
            canonicalize=(b"relaxed", b"relaxed"),
            include_headers=[*SIGNED, *(SIGNED_OF_STOPPABLE if "List-Unsubscribe" in message else ())],
        )
    except (dkim.DKIMException, ValueError) as error:
        raise OSError(f"mails cannot be signed with {settings.dkim_key}: {error}") from error
    return signature + flat, options


def domain_of(settings: Settings) -> str:
    """The sender's domain, which answers for the mail."""
    return settings.smtp_from_email.rpartition("@")[2].encode("idna").decode().lower()


@lru_cache(4)
def private_key(path: str) -> bytes:
    """The key in PEM. Read once: a new key comes with a new selector, and with a restart."""
    return Path(path).read_bytes()
