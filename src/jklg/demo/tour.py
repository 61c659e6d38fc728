"""What one tour of the demo agency is made of."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from jklg.catalogue import NewPackage
from jklg.departures import Price


class Season(msgspec.Struct, frozen=True, kw_only=True):
    """Between which days of the year a package starts, and on which weekdays (Monday is 0).

    `busy` adds weekdays in some months: {7: (2,)} is Wednesdays in July. No booking later than 18:00 `cutoff_days` before.
    """

    first: tuple[int, int]  # month, day
    last: tuple[int, int]
    weekdays: tuple[int, ...]
    cutoff_days: int
    busy: Mapping[int, tuple[int, ...]] = {}


class Tour(msgspec.Struct, frozen=True, kw_only=True):
    """A package with what its departures have in common. `extras`: name -> (price of one, stock of a departure or None)."""

    package: NewPackage
    season: Season
    allotment: int
    prices: Mapping[str, Price]
    extras: Mapping[str, tuple[int, int | None]]
