"""Claims on seats: held, confirmed, completed, cancelled, expired. Knows nothing of gateways; money arrives through `receive_money`."""

from jklg.bookings.actions import (
    Money,
    Received,
    amount_kept,
    amount_paid,
    cancel,
    complete_due,
    confirm,
    confirm_if_paid,
    expire_due,
    extend_hold,
    lock,
    lock_all,
    lock_without_seats,
    no_use_for_money,
    receive_all,
    receive_money,
    take_off,
)
from jklg.bookings.holds import Held, HoldRequest, TravellerRequest, hold
from jklg.bookings.keys import guest_claims, manage_link, manage_token, present_token
from jklg.bookings.letters import write as write_letter
from jklg.bookings.letters import write_all as write_letters
from jklg.bookings.queries import Booking, Traveller, get, get_all, get_by_reference, latest, list_travellers

__all__ = [
    "Booking",
    "Held",
    "HoldRequest",
    "Money",
    "Received",
    "Traveller",
    "TravellerRequest",
    "amount_kept",
    "amount_paid",
    "cancel",
    "complete_due",
    "confirm",
    "confirm_if_paid",
    "expire_due",
    "extend_hold",
    "get",
    "get_all",
    "get_by_reference",
    "guest_claims",
    "hold",
    "latest",
    "list_travellers",
    "lock",
    "lock_all",
    "lock_without_seats",
    "manage_link",
    "manage_token",
    "no_use_for_money",
    "present_token",
    "receive_all",
    "receive_money",
    "take_off",
    "write_letter",
    "write_letters",
]
