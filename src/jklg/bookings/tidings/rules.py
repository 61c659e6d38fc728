"""What a line says, in the language of whoever reads it. Pure."""

from __future__ import annotations

from datetime import date
from typing import Any, Protocol

from jklg.kit.languages import N_
from jklg.kit.languages import gettext as _
from jklg.kit.languages.figures import long_day, money_text

SAYS = {
    "booking_confirmed": N_("{journey} is confirmed. We look forward to seeing you."),
    "booking_cancelled": N_("{journey} was given up."),
    "payment_received": N_("{amount} for {journey} has arrived."),
    "refund_sent": N_("{amount} of {journey} is on its way back to you."),
    "departure_changed": N_("{journey} has other days now: it leaves on {day}."),
}


class Told(Protocol):
    """What a line is about. `detail`: as in `queries.Tiding`."""

    @property
    def kind(self) -> str: ...
    @property
    def package_name(self) -> str: ...
    @property
    def detail(self) -> dict[str, Any]: ...


def sentence(told: Told) -> str:
    """The line itself."""
    detail = told.detail
    amount = money_text(detail["amount"], detail["currency"]) if "amount" in detail else ""
    leaves = long_day(date.fromisoformat(detail["starts_on"])) if "starts_on" in detail else ""
    return _(SAYS[told.kind]).format(journey=told.package_name, amount=amount, day=leaves)
