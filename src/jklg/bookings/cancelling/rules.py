"""What giving up is worth, by the derivation and the terms that were frozen at purchase. Whole minor units. Pure.

Worth: of the whole booking its price today, less the fees for those who left before: who leave one by one get no more than those who
leave together. Of some people what each of them was sold for, rounded up to what gateways move. Extras and supplements stay when some
people go. Of the worth, the share of today's tier comes back (rounded in the customer's favour), the rest is kept. Terms without tiers
promise nothing: then staff decide, and unless they keep a part, all of the worth comes back.
What is sent back is what was paid of the price beyond that which remains: who had paid a deposit only may get nothing, and never owes more.
What lay beyond the price before is none of this giving up: somebody else decides about it. And what her bank has given her back for good she
has already; that meets our loss.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from jklg.bookings.rules import remaining
from jklg.kit.errors import BadInput, Conflict
from jklg.kit.languages import N_
from jklg.kit.money import off_step, step
from jklg.pricing import terms
from jklg.pricing.rules import PEOPLE, WITHOUT_SEAT

if TYPE_CHECKING:
    from jklg.bookings import Booking


class Cancellation(msgspec.Struct, frozen=True, kw_only=True):
    """Giving up, worked out. Minor units of `currency`. `worth` is given up of the price, `kept` of that stays with us as the fee, `price_after` is
    the price that remains, `refund` what was paid beyond it and is sent back, `met` what of that her bank has given her before. `percent`: of
    the tier; None when staff decided what is kept."""

    party: dict[str, int]
    seats: int
    whole: bool
    worth: int
    kept: int
    price_after: int
    refund: int
    met: int
    currency: str
    days_before: int
    percent: int | None


def by_herself(booking: Booking) -> bool:
    """Whether its customer may give up a confirmed booking without talking to us: its terms say what happens, and the journey has not begun."""
    return booking.status == "confirmed" and "tiers" in booking.sold_terms and booking.today < booking.starts_on


def work_out(
    booking: Booking,
    leaving: Mapping[str, int] | None,
    paid: int,
    kept: int | None,
    *,
    fees_before: int,
    lost: int,
) -> Cancellation:
    """`leaving`: who does not go; None: nobody goes. `kept`: what staff decided to keep of the worth, in place of the terms. `fees_before`: kept of
    those who left earlier. `lost`: what the payer's bank has taken from us for good, and nothing has met yet.

    Raises, in the order checked: Conflict (booking_ended); BadInput (party_invalid, party_needs_adult, too_many_infants, fee_invalid).
    """
    if booking.status not in ("held", "confirmed"):
        raise Conflict("booking_ended", "This booking has already ended.")
    going = booking.going
    party = going if leaving is None else {category: number for category, number in leaving.items() if number}
    staying = _who_stays(going, party)
    whole = not staying
    left = max(booking.price - fees_before, 0)
    worth = left if whole else min(_worth(booking, party), left)
    sold = terms.read(booking.sold_terms)
    tier = terms.tier_on(sold, booking.starts_on, booking.today)
    percent: int | None = tier.percent
    if booking.status == "held":
        fee, percent = 0, 100
    elif kept is not None:
        if not 0 <= kept <= worth:
            raise BadInput(
                "fee_invalid",
                "What is kept is between nothing and all of it.",
                details={"field": "kept", "worth": worth},
            )
        if (worth - kept) % step(booking.currency):
            raise BadInput("fee_invalid", off_step(booking.currency), details={"field": "kept", "worth": worth})
        fee, percent = kept, None
    elif (
        "tiers" not in booking.sold_terms
    ):  # staff talk with the customer; what she paid for those who leave is theirs to give back
        fee, percent = _deposit_kept(booking, sold, worth, fees_before) if whole else 0, None
    else:
        fee = worth - terms.share(worth, tier.percent, booking.currency)
        if whole:
            fee = max(fee, _deposit_kept(booking, sold, worth, fees_before))
    price_after = booking.price - worth + fee
    beyond = max(min(paid, booking.price) - price_after, 0)
    met = min(max(lost, 0), beyond)
    return Cancellation(
        party=party,
        seats=_seats(booking, party),
        whole=whole,
        worth=worth,
        kept=fee,
        price_after=price_after,
        refund=beyond - met,
        met=met,
        currency=booking.currency,
        days_before=(booking.starts_on - booking.today).days,
        percent=percent,
    )


def _deposit_kept(booking: Booking, sold: terms.Terms, worth: int, fees_before: int) -> int:
    """What stays of the worth, so that the deposit does not come back when nobody travels."""
    if not sold.keeps_deposit or not booking.deposit_amount:
        return 0
    return min(max(booking.deposit_amount - fees_before, 0), worth)


def _who_stays(going: Mapping[str, int], leaving: Mapping[str, int]) -> dict[str, int]:
    for category, number in leaving.items():
        if type(number) is not int or not 0 < number <= going.get(category, 0):
            raise _party("party_invalid", N_("That many people are not in this booking."), category)
    if not leaving:
        raise _party("party_invalid", N_("Please say who does not travel."), "")
    staying = remaining(going, leaving)
    if staying and "adult" not in staying:
        raise _party("party_needs_adult", N_("Children and infants travel with at least one adult."), "adult")
    if staying.get("infant", 0) > staying.get("adult", 0):
        raise _party("too_many_infants", N_("Each infant needs an adult's lap."), "infant")
    return staying


def _lines(booking: Booking) -> dict[str, Mapping[str, Any]]:
    """The line each category of the party was sold by: they come first, in the order of the categories."""
    categories = [category for category in PEOPLE if booking.party.get(category)]
    return dict(zip(categories, booking.lines, strict=False))


def _worth(booking: Booking, party: Mapping[str, int]) -> int:
    lines = _lines(booking)
    sold_for = sum(number * int(lines[category]["unit_amount"]) for category, number in party.items())
    return -(-sold_for // step(booking.currency)) * step(booking.currency)


def _seats(booking: Booking, party: Mapping[str, int]) -> int:
    lines = _lines(booking)
    return sum(number for category, number in party.items() if not str(lines[category]["rule"]).endswith(WITHOUT_SEAT))


def named(
    travellers: Sequence[Any], party: Mapping[str, int], going: Mapping[str, int], ids: Sequence[Any]
) -> list[Any]:
    """Which of the named travellers do not go any more: all of `ids`, who must be of the party that leaves, and enough of them that no more
    are named than still go. BadInput: travellers_unknown, travellers_missing."""
    present = {each.id: each for each in travellers if each.cancelled_at is None}
    if any(each not in present for each in ids):
        raise BadInput("travellers_unknown", "This traveller is not in the booking.", details={"field": "travellers"})
    chosen = [present[each] for each in dict.fromkeys(ids)]
    for category in PEOPLE:
        here = sum(each.category == category for each in present.values())
        leaving = sum(each.category == category for each in chosen)
        if leaving > party.get(category, 0):
            raise BadInput(
                "travellers_unknown", "More travellers are named than leave.", details={"field": "travellers"}
            )
        if here - leaving > going.get(category, 0) - party.get(category, 0):
            if going.get(category, 0) == party.get(category, 0):
                chosen += [each for each in present.values() if each.category == category and each not in chosen]
            else:
                raise BadInput(
                    "travellers_missing",
                    _WHO[category],
                    details={"field": "travellers"},
                )
    return chosen


_WHO = {
    "adult": N_("Please say which adults do not travel."),
    "child": N_("Please say which children do not travel."),
    "infant": N_("Please say which infants do not travel."),
}


def _party(code: str, sentence: str, category: str) -> BadInput:
    return BadInput(code, sentence, details={"field": f"party.{category}" if category else "party"})
