"""Dates and prices of a package on other people's sites (docs/decisions/53)."""
