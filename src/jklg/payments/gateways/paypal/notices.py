"""PayPal's webhooks: whose certificate may speak, what was signed, and what it is about (payments.md 2.2).

Signed is `transmission id|transmission time|our webhook id|CRC32 of the body`, RSA with SHA-256. The CRC is no MAC: a body
with an equal one would pass, which is why nothing in a body is believed and the house fetches the order itself.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import re
import warnings
import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import certifi
import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from jklg.payments.gateways import signatures
from jklg.payments.gateways.contract import BadNotice, Notice
from jklg.payments.gateways.signatures import uuid

OLDEST = timedelta(days=4)
"""PayPal delivers for three days, and a repetition may bear the time of the first try."""
_FUTURE = timedelta(minutes=5)
_PATH = re.compile(r"/v1/notifications/certs/[A-Za-z0-9_-]{1,128}")
_HOSTS = {
    "https://api-m.paypal.com": ("api.paypal.com", "api-m.paypal.com"),
    "https://api-m.sandbox.paypal.com": ("api.sandbox.paypal.com", "api-m.sandbox.paypal.com"),
}


def public_roots() -> list[x509.Certificate]:
    """Whom everybody trusts, by certifi's list. One that our library cannot read (any more) is left out."""
    with open(certifi.where(), "rb") as bundle:
        blocks = re.findall(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", bundle.read(), re.DOTALL)
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an old root with a serial number of 0
        for block in blocks:
            with contextlib.suppress(ValueError):
                found.append(x509.load_pem_x509_certificate(block))
    return found


class Event(msgspec.Struct):
    id: str
    event_type: str
    resource: dict[str, Any]
    resource_type: str = ""
    create_time: Any = None


def certificate_url(headers: Mapping[str, str], api_base: str) -> str:
    """Where the certificate is, if that is PayPal's own place for certificates; else BadNotice, before anything is fetched."""
    url = headers.get("paypal-cert-url", "")
    if len(url) > 300 or not url.isascii() or not url.isprintable() or "\\" in url or " " in url:
        raise BadNotice("no readable certificate address")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadNotice("no readable certificate address") from None
    if "@" in parts.netloc or "?" in url or "#" in url or not _PATH.fullmatch(parts.path):
        raise BadNotice("a certificate from elsewhere")
    if api_base in _HOSTS:
        good = parts.scheme == "https" and parts.hostname in _HOSTS[api_base] and port in (None, 443)
    else:  # a stand-in, on this machine
        good = f"{parts.scheme}://{parts.netloc}" == api_base
    if not good:
        raise BadNotice("a certificate from elsewhere")
    return url


class Certificate:
    """A certificate that may speak for PayPal. BadNotice when it may not.

    `roots`: who must have vouched for it, and then its name must be PayPal's. None at a stand-in, which vouches for itself.
    """

    def __init__(self, pem: bytes, roots: Sequence[x509.Certificate] | None, now: datetime) -> None:
        try:
            chain = x509.load_pem_x509_certificates(pem)
        except ValueError as problem:
            raise BadNotice("not a certificate") from problem
        leaf = chain[0]
        key = leaf.public_key()
        if not isinstance(key, rsa.RSAPublicKey) or key.key_size < 2048:
            raise BadNotice("not an RSA certificate of 2048 bits")
        if roots is not None:
            _vouched_for(leaf, chain[1:], roots, now)
        self._key = key
        self._from, self._until = leaf.not_valid_before_utc, leaf.not_valid_after_utc

    def verify(self, signature: bytes, message: bytes, now: datetime) -> bool:
        if not self._from <= now <= self._until:
            raise BadNotice("the certificate is not valid today")
        try:
            self._key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            return False
        return True


def _vouched_for(
    leaf: x509.Certificate, between: Sequence[x509.Certificate], roots: Sequence[x509.Certificate], now: datetime
) -> None:
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(
            x509.DNSName
        )
    except (x509.ExtensionNotFound, ValueError) as problem:
        raise BadNotice("a certificate without a name") from problem
    ours = [name for name in names if name.lower().endswith(".paypal.com") and "*" not in name]
    if not ours:
        raise BadNotice("a certificate of somebody else")
    verifier = PolicyBuilder().store(Store(list(roots))).time(now).build_server_verifier(x509.DNSName(ours[0]))
    try:
        verifier.verify(leaf, list(between))
    except VerificationError as problem:
        raise BadNotice("nobody we trust vouches for the certificate") from problem


def verify(
    headers: Mapping[str, str], body: bytes, webhook_ids: Sequence[str], certificate: Certificate, now: datetime
) -> None:
    """Raise BadNotice unless PayPal signed this body for one of our webhook ids, not long ago."""
    if headers.get("paypal-auth-algo") != "SHA256withRSA":  # the only one there is; the header never chooses
        raise BadNotice("another algorithm")
    id_, time = headers.get("paypal-transmission-id", ""), headers.get("paypal-transmission-time", "")
    if not (0 < len(id_) <= 200 and id_.isascii() and "|" not in id_ and time.isascii() and len(time) <= 40):
        raise BadNotice("unreadable transmission")
    sent = _moment(time)
    if sent is None or not now - OLDEST <= sent <= now + _FUTURE:
        raise BadNotice("the signature is too old or from the future")
    try:
        signature = base64.b64decode(headers.get("paypal-transmission-sig", "").encode("ascii"), validate=True)
    except (binascii.Error, ValueError) as problem:
        raise BadNotice("unreadable signature") from problem
    crc = zlib.crc32(body)
    messages = [f"{id_}|{time}|{webhook_id}|{crc}".encode() for webhook_id in webhook_ids if webhook_id]
    if not any(certificate.verify(signature, message, now) for message in messages):
        raise BadNotice("the signature does not match")


def read(body: bytes, *, livemode: bool) -> Notice:
    """What a verified body speaks of. BadNotice when it cannot be read."""
    event = signatures.read_envelope(body, Event)
    if signatures.text(event.id) is None or signatures.text(event.event_type) is None:
        raise BadNotice("signed, but without a usable id or type")
    ref, ours = _speaks_of(event)
    return Notice(
        event_id=event.id,
        event_type=event.event_type,
        livemode=livemode,  # PayPal's modes are two hosts with certificates of their own; an event does not say
        ref=ref,
        transaction_id=uuid(ours),
        gateway_at=_moment(event.create_time),
    )


def _speaks_of(event: Event) -> tuple[str | None, object]:
    """(the order, our id). An order names itself, a capture its order; our refunds carry the order in `custom_id`. What was made in PayPal's
    own pages, or by PayPal, may name nothing but the capture it is about: then that stands for the order."""
    thing = event.resource
    if event.event_type.startswith("CHECKOUT."):
        return signatures.text(thing.get("order_id") or thing.get("id")), _of(thing.get("purchase_units"), "custom_id")
    if event.event_type.startswith("CUSTOMER.DISPUTE."):
        ours = _of(thing.get("disputed_transactions"), "custom") or _of(
            thing.get("disputed_transactions"), "invoice_number"
        )
        return None, ours
    if not event.event_type.startswith("PAYMENT."):
        return None, None
    custom = signatures.text(thing.get("custom_id")) or ""
    ref: object = custom.partition(":")[2] or None
    related = thing.get("supplementary_data")
    ids = related.get("related_ids") if isinstance(related, dict) else None
    if isinstance(ids, dict):
        ref = ids.get("order_id") or ref
    ours = custom if ":" not in custom and uuid(custom) else thing.get("invoice_id")
    if ref is None and uuid(ours) is None:
        ref = _capture_above(thing.get("links"))
    return signatures.text(ref), ours


def _capture_above(links: object) -> str | None:
    """The capture that a refund or a reversal is linked to."""
    for link in links if isinstance(links, list) else []:
        if isinstance(link, dict) and link.get("rel") == "up" and isinstance(link.get("href"), str):
            found = re.search(r"/v2/payments/captures/([A-Za-z0-9_-]{1,64})$", link["href"])
            if found is not None:
                return found.group(1)
    return None


def _of(things: object, name: str) -> object:
    first = things[0] if isinstance(things, list) and things else None
    return first.get(name) if isinstance(first, dict) else None


def _moment(value: object) -> datetime | None:
    """A time with its zone, in UTC; None for anything that is not one."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        found = datetime.fromisoformat(value)
        return found.astimezone(UTC) if found.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
