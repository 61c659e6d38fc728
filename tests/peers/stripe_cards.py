"""Cards that the stand-in for Stripe keeps: Customers, what is to be kept, and charges without the payer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from jklg.sandbox.bank import BankError, Work
from jklg.sandbox.things import Intent

REFUSED_LATER = {
    "4000002500003155": (
        "authentication_required",
        "Your card was declined. This transaction requires authentication.",
    ),
    "4000000000000341": ("card_declined", "Your card was declined."),
}
"""Cards that pay while the payer sits before them, and do not without her (Stripe's testing page)."""


@dataclass
class Wallet:
    """Customers by id; what each intent is to leave behind; methods: id -> (customer, card number)."""

    customers: dict[str, dict[str, str]] = field(default_factory=dict)
    keeps: dict[str, str] = field(default_factory=dict)
    paid_with: dict[str, str] = field(default_factory=dict)
    methods: dict[str, tuple[str, str]] = field(default_factory=dict)

    def new_customer(self, metadata: dict[str, str]) -> dict[str, Any]:
        id_ = f"cus_{len(self.customers) + 1:06}"
        self.customers[id_] = metadata
        return {"id": id_, "object": "customer", "metadata": metadata, "livemode": False}

    def detach(self, id_: str) -> dict[str, Any]:
        if id_ not in self.methods:
            raise BankError("not_found", f"No such PaymentMethod: {id_!r}")
        del self.methods[id_]
        return {"id": id_, "object": "payment_method", "customer": None, "type": "card"}

    def pays(self, intent: Intent, card: str) -> None:
        """She has paid with this card: keep it, if that was agreed."""
        if (customer := self.keeps.get(intent.id)) is not None:
            self.paid_with[intent.id] = f"pm_{len(self.methods) + 1:06}"
            self.methods[self.paid_with[intent.id]] = (customer, card)

    def charge(self, work: Work, intent: Intent, method: str) -> None:
        """Without her. A refusal leaves the intent open, and is the answer to the call: HTTP 402."""
        _, card = self.methods[method]
        if card in REFUSED_LATER:
            code, message = REFUSED_LATER[card]
            work.decline(intent, f"{code} {code}")
            raise BankError(code, message)
        work.pay(intent, "card")

    def describe(self, intent: Intent) -> dict[str, Any]:
        customer = self.keeps.get(intent.id)
        return {
            "customer": customer,
            "payment_method": self.paid_with.get(intent.id),
            "setup_future_usage": "off_session" if customer else None,
        }
