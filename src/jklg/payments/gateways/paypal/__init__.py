"""PayPal: its buttons or its approval page in the browser, Orders v2 and Payments v2 on the server, over our own small client."""

from jklg.payments.gateways.paypal.gateway import PayPalGateway

__all__ = ["PayPalGateway"]
