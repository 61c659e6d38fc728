"""How often something may be tried, counted in the database, so that it holds for all processes and machines at once."""

from jklg.limits.actions import clear, forget_full, give_back, take
from jklg.limits.rules import Limit, address, network

__all__ = ["Limit", "address", "clear", "forget_full", "give_back", "network", "take"]
