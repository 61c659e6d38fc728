"""Whoever has travelled is asked, once and some days later, how it was."""

from jklg.reviews.asking.actions import ask, forget

__all__ = ["ask", "forget"]
