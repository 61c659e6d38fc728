"""Signed-in customers: a token that says who, and a row that says whether it still counts."""

from jklg.customers.sessions.actions import Opened, drop_all, end, end_all, knows_network, lives, open_session, prove
from jklg.customers.sessions.queries import Session, list_active
from jklg.customers.sessions.rules import DAYS, Visitor

__all__ = [
    "DAYS", "Opened", "Session", "Visitor", "drop_all", "end", "end_all", "knows_network", "list_active", "lives", "open_session", "prove",
]  # fmt: skip
