"""What a party pays on a departure, with the derivation that explains every cent, and quotes that keep their word."""

from jklg.pricing import rules, terms
from jklg.pricing.actions import Quote, forget_old_quotes, get_quote, honour_quote, make_quote
from jklg.pricing.rules import Line, Priced

__all__ = ["Line", "Priced", "Quote", "forget_old_quotes", "get_quote", "honour_quote", "make_quote", "rules", "terms"]
