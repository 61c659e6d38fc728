"""Journeys put aside: in a cookie of the browser, and with the account of whoever is signed in."""

from jklg.catalogue.wishes.actions import export, leave
from jklg.catalogue.wishes.cookies import of_browser

__all__ = ["export", "leave", "of_browser"]
