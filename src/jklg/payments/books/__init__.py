"""Whether the books agree with what the gateways told us: what payments adds to `jklg ledger verify`, and to sealing them."""

from jklg.payments.books.checks import CHECKS
from jklg.payments.books.sealing import seal

__all__ = ["CHECKS", "seal"]
