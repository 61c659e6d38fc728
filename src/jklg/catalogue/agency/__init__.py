"""What the agency says of itself: its registered name, where it is, its licence, how to reach it, and a text."""

from jklg.catalogue.agency.actions import introduce, keep
from jklg.catalogue.agency.queries import get
from jklg.catalogue.agency.rules import Profile

__all__ = ["Profile", "get", "introduce", "keep"]
