"""What the agency sells: packages under the terms of the climate, and their departures."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from tests.simulation.climates import TERMS
from tests.simulation.clock import BEGINS
from tests.trade import add_departure, add_extra, add_package

if TYPE_CHECKING:
    from tests.simulation.world import World

FIRST_DAYS = 33
"""From the beginning to the first departure: balances come due, and tiers end, while people are busy."""


class Agency:
    def __init__(self, world: World) -> None:
        self.world = world
        self.packages: list[UUID] = []
        self.departures: list[UUID] = []
        self.extras: dict[UUID, UUID] = {}
        """Departure -> what is to be had besides."""
        self.closed: set[UUID] = set()

    async def open(self) -> None:
        dice, db = self.world.dice, self.world.db
        for number, terms in enumerate(self.world.climate.terms):
            package = await add_package(db, name=terms.title(), terms=TERMS[terms])
            extra = await add_extra(db, package)
            self.packages.append(package)
            few = (FIRST_DAYS, dice.randint(1, 4) if self.world.climate.scarce else 30)
            more = [(60, dice.choice((2, 3, 5, 9))), (90, 30)] if number == 0 else []
            for days, seats in (few, *more):
                departure = await add_departure(
                    db, seats=seats, package_id=package, starts_on=BEGINS.date() + timedelta(days=days),
                    cutoff_at=BEGINS + timedelta(days=days - 7), extras={extra: (150_000, 2)},
                )  # fmt: skip
                self.departures.append(departure)
                self.extras[departure] = extra
        del self.departures[self.world.climate.departures :]

    def somewhere(self) -> UUID:
        """A departure that somebody wants: mostly the first, and most of all where there are few seats."""
        weights = [8 if self.world.climate.scarce else 3] + [2] * (len(self.departures) - 1)
        return self.world.dice.choices(self.departures, weights)[0]
