"""What a visitor may choose from: the departures of a package in the order of their days, its months, and its days as a calendar tells them."""

from jklg.departures.choosing.queries import days_beside, list_days, list_departures, list_months, next_with_seats

__all__ = ["days_beside", "list_days", "list_departures", "list_months", "next_with_seats"]
