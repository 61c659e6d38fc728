"""Stripe: the Payment Element in the browser, PaymentIntents and Refunds on the server, by Stripe's own SDK."""

from jklg.payments.gateways.stripe.gateway import StripeGateway

__all__ = ["StripeGateway"]
