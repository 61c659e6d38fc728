"""A payer's card, kept by Stripe for one later charge (SDK 16.1, API version 2026-10-28.endive).

Stripe keeps a method only for a Customer of its own. Ours is made with the payment, under a key of the consent's own, so that a
second try finds the first; it holds no name and no address.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
import stripe

from jklg.payments.gateways.contract import KeptMethod
from jklg.payments.gateways.stripe.calls import call


class _Thing(msgspec.Struct):
    id: str


async def customer_for(client: stripe.StripeClient, consent_id: UUID) -> str:
    """The Customer of a consent, made if need be. Raises what `calls.call` raises."""
    doing = client.v1.customers.create_async(
        {"metadata": {"consent_id": str(consent_id)}}, {"idempotency_key": f"customer:{consent_id}"}
    )
    return (await call(doing, _Thing)).id


async def forget(client: stripe.StripeClient, kept: KeptMethod, request_key: str) -> None:
    """Detach the method from its Customer: it can never be charged again. Raises what `calls.call` raises."""
    await call(
        client.v1.payment_methods.detach_async(kept.method_ref, {}, {"idempotency_key": request_key}),
        _Thing,
    )


def kept_by(
    customer: str | None, method: str | None, usage: str | None, details: dict[str, Any] | None
) -> KeptMethod | None:
    """What a succeeded PaymentIntent leaves behind; None when nothing was to be kept. `details`: its charge's payment_method_details."""
    if not customer or not method or usage != "off_session":
        return None
    kind = str((details or {}).get("type", "card"))
    more = (details or {}).get(kind) or {}
    brand, last4 = str(more.get("brand") or kind), str(more.get("last4") or "")
    label = brand.replace("_", " ").title() + (f" ending {last4}" if last4 else "")
    return KeptMethod(customer_ref=customer, method_ref=method, label=label)
