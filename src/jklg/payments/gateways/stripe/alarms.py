"""Early fraud warnings and reviews as Stripe tells them (SDK 16.1, API version 2026-10-28.endive)."""

from __future__ import annotations

from typing import Any

import msgspec
import stripe

from jklg.payments.gateways.alarms import Alarm
from jklg.payments.gateways.contract import GatewayRefused
from jklg.payments.gateways.stripe.calls import call

WARNING, REVIEW = "radar.early_fraud_warning.", "review."


class _Thing(msgspec.Struct):
    id: str


class _Data(msgspec.Struct):
    object: _Thing


class _Told(msgspec.Struct):
    data: _Data


class _Warning(msgspec.Struct):
    id: str
    actionable: bool
    fraud_type: str = ""


class _Review(msgspec.Struct):
    id: str
    open: bool
    reason: str = ""


def payment_of(thing: dict[str, Any]) -> object:
    """The PaymentIntent that one is about, or the charge when it names only that."""
    ref = thing.get("payment_intent") or thing.get("charge")
    return ref.get("id") if isinstance(ref, dict) else ref


async def fetch_alarm(client: stripe.StripeClient, event_type: str, body: bytes) -> Alarm | None:
    """How the warning or review of an event stands now; None when Stripe knows it no longer. Raises what `calls.call` raises."""
    try:
        id_ = msgspec.json.decode(body, type=_Told).data.object.id
        if event_type.startswith(WARNING):
            warning = await call(client.v1.radar.early_fraud_warnings.retrieve_async(id_), _Warning)
            return Alarm(kind="early_fraud_warning", ref=warning.id, open=warning.actionable, reason=warning.fraud_type)
        review = await call(client.v1.reviews.retrieve_async(id_), _Review)
        return Alarm(kind="payment_review", ref=review.id, open=review.open, reason=review.reason)
    except msgspec.MsgspecError:  # an event without a thing in it
        return None
    except GatewayRefused as refusal:
        if refusal.code == "resource_missing":
            return None
        raise
