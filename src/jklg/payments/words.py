"""What ways to pay are called where one chooses, and what was paid with."""

from __future__ import annotations

from jklg.kit.languages import N_

GATEWAY_WORDS = {
    "stripe": (N_("Card"), N_("Visa, Mastercard, RuPay and others, through Stripe")),
    "sandbox": (N_("Play bank"), N_("A bank to try things out with; no real money moves")),
    "paypal": ("PayPal", N_("With your PayPal account or a card")),
    "manual": (N_("Paid to us directly"), N_("Cash, a transfer or our own terminal")),
    "razorpay": (N_("UPI, netbanking or card"), N_("Through Razorpay")),
}
METHODS = (
    N_("card"),
    N_("upi"),
    N_("netbanking"),
    N_("wallet"),
    N_("cash"),
    N_("bank transfer"),
    N_("paypal"),
    N_("link"),
    N_("play card"),
)
"""What gateways and staff say it was paid with, as it is shown."""
