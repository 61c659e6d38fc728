"""Razorpay: its window in the browser; orders, payments and refunds on the server, over our own small client."""

from jklg.payments.gateways.razorpay.gateway import RazorpayGateway

__all__ = ["RazorpayGateway"]
