"""Bugs that we plant: each takes one safeguard away, or makes one plausible mistake. The simulation has to find every one."""

from tests.simulation.mutations.attempts import ATTEMPTS
from tests.simulation.mutations.comparing import COMPARING
from tests.simulation.mutations.returns import RETURNS
from tests.simulation.mutations.seats import SEATS
from tests.simulation.mutations.seeds import SEEDS
from tests.simulation.mutations.terms import TERMS
from tests.simulation.mutations.tools import Mutation

MUTATIONS: tuple[Mutation, ...] = (*ATTEMPTS, *SEATS, *RETURNS, *TERMS, *COMPARING)
"""The locks of departure, booking and transaction are not among them one by one: whoever takes one has the departure's already, and the
constraints behind them refuse what two at once would do, so that without one of them hardly anything goes wrong. Each has a test
without dice (tests/departures, tests/payments)."""

__all__ = ["MUTATIONS", "SEEDS", "Mutation"]
