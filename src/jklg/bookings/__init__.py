"""Claims on seats: held, confirmed, completed, cancelled, expired. Knows nothing of gateways; money arrives through `receive_money`."""

from jklg.bookings.actions import (
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
    no_use_for_money,
    receive_money,
    take_off,
)
from jklg.bookings.holds import Held, HoldRequest, TravellerRequest, hold
from jklg.bookings.keys import guest_claims, manage_link, manage_token
from jklg.bookings.letters import write as write_letter
from jklg.bookings.queries import Booking, get, get_by_reference, latest, list_travellers

__all__ = [
    "Booking",
    "Held",
    "HoldRequest",
    "Received",
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
    "get_by_reference",
    "guest_claims",
    "hold",
    "latest",
    "list_travellers",
    "lock",
    "manage_link",
    "manage_token",
    "no_use_for_money",
    "receive_money",
    "take_off",
    "write_letter",
]
