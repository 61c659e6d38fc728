"""Whether the books agree with what the gateways told us: what payments adds to `jklg ledger verify`."""

from jklg.payments.books.checks import CHECKS

__all__ = ["CHECKS"]
