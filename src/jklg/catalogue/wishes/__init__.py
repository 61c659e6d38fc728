"""Journeys put aside: in a cookie of the browser, and with the account of whoever is signed in."""

from jklg.catalogue.wishes.actions import export, leave

__all__ = ["export", "leave"]
