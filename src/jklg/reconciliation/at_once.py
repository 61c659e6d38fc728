"""Everything the worker compares in its turns, at once, because somebody wants to know: `jklg reconcile`."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from jklg import payments
from jklg.payments import refunds, webhooks
from jklg.payments.gateways.contract import Gateway
from jklg.payments.webhooks.actions import House
from jklg.reconciliation import actions, movements, queries


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one gateway. `unanswered`: attempts that nobody could tell us about; `silent`: what it did not tell at all."""

    gateway: str
    looked_at: int
    unanswered: int
    events: int
    differences: int
    concerns: int
    silent: list[str]

    @property
    def ok(self) -> bool:
        return not self.unanswered and not self.silent

    def __str__(self) -> str:
        """For people."""
        found = (
            (self.looked_at, "open payment", "looked at"),
            (self.events, "event", "that no webhook had brought"),
            (self.differences, "payment", "that had changed unheard of"),
            (self.concerns, "new difference", "in the account"),
        )
        said = [f"{many} {what}{'' if many == 1 else 's'} {how}" for many, what, how in found]
        if self.unanswered:
            said.append(f"NO ANSWER about {self.unanswered} of them")
        if self.silent:
            said.append(f"NO ANSWER about {' and '.join(self.silent)}")
        return f"{self.gateway}: {', '.join(said)}"


async def reconcile_at_once(house: House, names: Sequence[str]) -> tuple[list[Compared], dict[str, int]]:
    """Look at every open attempt of these gateways, at their events and lists of the last days, and at our account there. Answers what was
    found, and what waits for a person afterwards (kind -> how many; of all gateways when more than one is named).

    Calls the network, outside any database transaction. Safe at any time, however often, beside any worker.
    """
    await refunds.send_due(house)
    compared = [await _compare(house, house.gateways[name]) for name in names]
    async with house.db.transaction() as conn:
        return compared, await queries.count_open(conn, names[0] if len(names) == 1 else None)


async def _compare(house: House, gateway: Gateway) -> Compared:
    async with house.db.transaction() as conn:
        unsettled = await queries.list_unsettled(conn, gateway.name, gateway.livemode)
    looks = [await payments.settle(house, each, source="reconcile") for each in unsettled]
    events, told_events = await actions.collect_events(house, gateway)
    while await webhooks.process_due(house):
        pass
    differences, told_attempts = await actions.compare_attempts(house, gateway)
    concerns, told_money = await movements.read_account(house, gateway, at_once=True)
    told = {"events": told_events, "payments": told_attempts, "account": told_money}
    return Compared(
        gateway=gateway.name,
        looked_at=len(looks),
        unanswered=sum(look.unknown is not None for look in looks),
        events=events,
        differences=differences,
        concerns=concerns,
        silent=[what for what, all_of_it in told.items() if not all_of_it],
    )
