"""What a package is sold under besides its price: a deposit, when the rest is due, and what comes back of a journey given up."""

from jklg.pricing.terms.rules import Deposit, Payable, Terms, Tier, check, payables, read, share, tier_on
from jklg.pricing.terms.wording import Said, giving_up, say

__all__ = [
    "Deposit", "Payable", "Said", "Terms", "Tier", "check", "giving_up", "payables", "read", "say", "share", "tier_on",
]  # fmt: skip
