"""A package on a date: its price, its allotment, the seats that are left. Nobody else moves seats."""

from jklg.departures.actions import (
    create,
    find_departure,
    get_offer,
    get_offers,
    list_departures,
    list_months,
    lock,
    lock_all,
    offer_or_refuse,
)
from jklg.departures.queries import dates_of_package
from jklg.departures.rules import Departure, ExtraOffer, NewDeparture, Offer, Price

__all__ = [
    "Departure",
    "ExtraOffer",
    "NewDeparture",
    "Offer",
    "Price",
    "create",
    "dates_of_package",
    "find_departure",
    "get_offer",
    "get_offers",
    "list_departures",
    "list_months",
    "lock",
    "lock_all",
    "offer_or_refuse",
]
