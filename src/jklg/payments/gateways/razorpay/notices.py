"""Razorpay's webhooks, and what its window hands the browser: who signed what, and what a webhook is about (payments.md 2.3).

A webhook is signed without a time: one that was overheard can be sent again for ever. It rings the bell again, and that is all.
Its id comes in a header that is not signed, and serves to tell a repetition from news, never more.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from jklg.payments.gateways import signatures
from jklg.payments.gateways.contract import BadNotice, Notice

_EVENT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Event(msgspec.Struct):
    entity: str
    event: str
    payload: dict[str, Any]
    created_at: Any = None


def is_signed(secret: str, message: bytes, signature: str) -> bool:
    """Whether whoever knows `secret` signed `message`: hex of HMAC-SHA256. False for any text that is no signature."""
    expected = hmac.digest(secret.encode(), message, "sha256").hex().encode()
    return hmac.compare_digest(expected, signature.encode(errors="replace"))


def verify(headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> None:
    """Raise BadNotice unless the body was signed with one of our webhook secrets, of which none is empty."""
    signature = headers.get("x-razorpay-signature", "")
    if not any(is_signed(secret, body, signature) for secret in secrets):
        raise BadNotice("the signature does not match")


def read(headers: Mapping[str, str], body: bytes, *, livemode: bool) -> Notice:
    """What a verified body speaks of. BadNotice when it cannot be read."""
    event = signatures.read_envelope(body, Event)
    if event.entity != "event" or signatures.text(event.event) is None:
        raise BadNotice("signed, but not an event")
    order, payment = _thing(event, "order"), _thing(event, "payment")
    # Only the order's words are the house's. What notes a payment bears, the payer's browser could choose.
    notes = order.get("notes")
    noted = notes.get("transaction_id") if isinstance(notes, dict) else None
    return Notice(
        event_id=_event_id(headers, body),
        event_type=event.event,
        livemode=livemode,  # each mode has webhooks and secrets of its own; an event does not say
        ref=signatures.text(order.get("id") or payment.get("order_id")),
        transaction_id=signatures.uuid(noted) or signatures.uuid(order.get("receipt")),
        gateway_at=signatures.moment(event.created_at),
    )


def _event_id(headers: Mapping[str, str], body: bytes) -> str:
    given = headers.get("x-razorpay-event-id", "")
    return given if _EVENT_ID.fullmatch(given) else f"sha256:{hashlib.sha256(body).hexdigest()}"


def _thing(event: Event, kind: str) -> dict[str, Any]:
    """A thing in the payload; nothing when there is none of the kind."""
    wrapped = event.payload.get(kind)
    thing = wrapped.get("entity") if isinstance(wrapped, dict) else None
    return thing if isinstance(thing, dict) else {}
