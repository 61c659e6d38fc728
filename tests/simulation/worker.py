"""The worker of the house, the postmen of the banks, and who tells the news."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jklg import app, jobs
from tests.simulation.branches import Branch

if TYPE_CHECKING:
    from tests.simulation.world import Story, World

ROUNDS = ("notices", "payments", "overdue", "holds", "refunds", "mail")
"""What of the worker's rounds has to do with money: these find more to do after one another."""
SELDOM = ("reconciliation", "daily money", "seals", "put aside", "balances", "balance letters", "travelled")
OF_CARDS = ("card letters", "card charges", "refused cards", "consents", "forgotten cards")


class Worker:
    def __init__(self, world: World) -> None:
        self.world = world
        absent = set() if world.climate.reconciles else {"reconciliation"}
        absent |= set() if world.climate.daily_money else {"daily money"}
        cards = OF_CARDS if any(branch.name == "stripe" for branch in world.branches) else ()
        self.seldom = tuple(name for name in (*SELDOM, *cards) if name not in absent)

    def begins(self, who: str) -> Story | None:
        if who == "worker":
            name = self.world.choose(*ROUNDS, *self.seldom)
            return "Worker", name, self._sweep(name)
        if self.world.busy(who.title()):
            return None
        if who == "postman":
            return "Postman", "goes round", self._deliver(self.world.dice.choice(self.world.branches))
        return "Teller", "tells the news", self._tell_news()

    async def _sweep(self, name: str) -> str:
        return f"did {await app.SWEEPS[name](self.world.house)}"

    async def _deliver(self, branch: Branch) -> str:
        return f"delivered {await branch.peer.deliver_due()} of {branch.name}"

    async def _tell_news(self) -> str:
        return f"told {await self.drain()}"

    async def drain(self) -> int:
        """Whoever took news and died has lost it after a minute of the wall clock, which is not ours: it is now."""
        stage = self.world.stage
        if not await stage.superuser.fetchval("SELECT EXISTS (SELECT FROM pgqueuer)"):
            return 0
        await stage.superuser.execute(
            "UPDATE pgqueuer SET heartbeat = heartbeat - interval '10 minutes' WHERE status = 'picked'"
        )
        heard = {news: [self._heard(each) for each in actors] for news, actors in app.LISTENERS.items()}
        return await jobs.drain(self.world.house, heard, await stage.news())

    def _heard(self, listener: app.Listener) -> app.Listener:
        async def hear(house: Any, payload: dict[str, Any]) -> None:
            await listener(house, payload)
            await self.world.turns.point("has acted on the news")

        return hear
