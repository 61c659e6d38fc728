"""A package on a date: its price, its allotment, the seats that are left. Nobody else moves seats."""

from jklg.departures.actions import (
    create,
    find_departure,
    get_offer,
    get_offers,
    lock,
    lock_all,
    move,
    offer_or_refuse,
)
from jklg.departures.choosing import days_beside, list_days, list_departures, list_months, next_with_seats
from jklg.departures.queries import dates_of_package, days_of, get_move, list_moves
from jklg.departures.rules import Days, Departure, ExtraOffer, Move, NewDeparture, Offer, OnDay, Price, check_move

__all__ = [
    "Days",
    "Departure",
    "ExtraOffer",
    "Move",
    "NewDeparture",
    "Offer",
    "OnDay",
    "Price",
    "check_move",
    "create",
    "dates_of_package",
    "days_beside",
    "days_of",
    "find_departure",
    "get_move",
    "get_offer",
    "get_offers",
    "list_days",
    "list_departures",
    "list_months",
    "list_moves",
    "lock",
    "lock_all",
    "move",
    "next_with_seats",
    "offer_or_refuse",
]
