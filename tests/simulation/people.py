"""The customers: they book, pay by whatever they like, come back or do not, change their minds, and give up."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from msgspec.structs import replace

from jklg import bookings, payments
from jklg.bookings import cancelling
from jklg.bookings.holds import HoldRequest
from jklg.kit.errors import Refusal
from jklg.payments import cancellations, consents
from jklg.pricing import make_quote
from jklg.sandbox.things import Intent
from tests.simulation.branches import STILL_OPEN, Branch

if TYPE_CHECKING:
    from tests.simulation.world import Story, World

OVER = ("booking_ended", "hold_expired")


class Tab(NamedTuple):
    """A payment page that somebody has open."""

    booking_id: UUID
    transaction_id: UUID
    branch: Branch
    ref: str


class Preview(NamedTuple):
    """What somebody was shown before giving up."""

    booking_id: UUID
    leaving: dict[str, int] | None
    refund: int


class Person:
    """Somebody in front of a browser, with what they have seen there."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.email = f"{name.lower()}@example.org"
        self.booked: list[bookings.Held] = []
        self.tabs: list[Tab] = []  # newest last
        self.shown: Preview | None = None
        self.waits_until = 0  # the turn before which there is no use in looking for seats


class People:
    def __init__(self, world: World) -> None:
        self.world = world
        names = ("Asha", "Ben", "Divya", "Esha", "Farid")
        self.everybody = [Person(name) for name in names[: world.climate.people]]

    def begins(self) -> Story | None:
        idle = [one for one in self.everybody if one.booked or one.waits_until <= self.world.turn]
        free = [
            one
            for one in idle
            if not self.world.busy(one.name) or self.world.chance(self.world.climate.habit("is impatient"))
        ]
        person = self.world.dice.choice([*free, *(one for one in free if one.booked for _ in range(6))] or [None])
        if person is None:
            return None
        what, story = self._wish(person)
        return person.name, what, story

    async def have_paid(self, number: int) -> None:
        """So many bookings have been paid, as much of them as confirms them, before anything goes wrong."""
        world = self.world
        for _ in range(number):
            person = world.dice.choice(self.everybody)
            try:
                held = await bookings.hold(world.db, self._request(person, world.agency.somewhere()), hold_minutes=15)
            except Refusal:
                continue
            branch = world.dice.choice(world.branches)
            settled = await payments.start(world.house, held.id, branch.name, agreed=self._agreed(branch))
            async with branch.bank.work() as work:
                branch.act(work, work.get(Intent, settled.transaction.ref or ""), "pays")
            settled = await payments.settle(world.house, settled.transaction.id, source="return")
            person.booked.append(held)
            world.tell(f"{person.name} has paid: {self._say(settled)}")

    def all_come_back(self) -> list[Story]:
        """Something has happened that they all have heard of."""
        here = [one for one in self.everybody if one.tabs and not self.world.busy(one.name)]
        return [(one.name, "comes back", self._come_back(one.tabs[-1])) for one in here]

    def _wish(self, person: Person) -> tuple[str, Coroutine[Any, Any, str]]:
        """What somebody wants next, given what they have seen."""
        world, dice = self.world, self.world.dice
        if not person.booked or (len(person.booked) < 2 and world.chance(world.climate.habit("books another"))):
            return "books", self._book(person)
        if (
            world.climate.late_money and person.tabs and world.chance(world.climate.habit("pays what is over"))
        ):  # a page that is still open somewhere
            return "is at the bank", self._at_the_bank(person, dice.choice(person.tabs))
        booking = person.booked[-1 if world.chance(85) else 0]
        if person.shown is not None and world.chance(world.climate.habit("gives up as shown")):
            return "gives up as shown", self._give_up_as_shown(person, person.shown)
        tabs = [tab for tab in person.tabs if tab.booking_id == booking.id]
        wants = ["goes to pay", "gives up", "stops the card"]
        if tabs:
            wants += ["is at the bank", "comes back", "closes the payment"]
        elif world.chance(80):
            wants = ["goes to pay"]
        tab = (tabs or [None])[-1]
        if tabs and world.chance(50 if world.climate.late_money else 25):
            tab = dice.choice(person.tabs)
        what = world.choose(*wants) or "goes to pay"
        if world.climate.late_money and tabs and world.chance(30):
            what = (
                world.choose("comes back", "closes the payment", "gives up") or what
            )  # these people change their minds
        match what:
            case "is at the bank" if tab:
                return what, self._at_the_bank(person, tab)
            case "comes back" if tab:
                return what, self._come_back(tab)
            case "closes the payment" if tab:
                return what, self._close(person, tab)
            case "gives up":
                return what, self._give_up(person, booking)
            case "stops the card":
                return what, self._stop_the_card(booking)
        return "goes to pay", self._start(person, booking)

    async def _book(self, person: Person) -> str:
        world, dice = self.world, self.world.dice
        request = self._request(person, world.agency.somewhere())
        if world.chance(30):
            request = replace(request, extras=[(world.agency.extras[request.departure_id], dice.randint(1, 2))])
        if world.chance(40):
            quote = await make_quote(world.db, request.departure_id, request.party, request.extras)
            request = replace(request, quote_id=quote.quote_id)
        try:
            held = await bookings.hold(world.db, request, hold_minutes=15)
        except Refusal as refusal:
            if refusal.code in ("sold_out", "extra_sold_out", "departure_closed"):
                person.waits_until = world.turn + 60
            raise
        person.booked.append(held)
        return f"holds {held.seats} as {world.name('b', held.id)} on {world.name('d', held.departure_id)} for {held.total_price}"

    def _request(self, person: Person, departure: UUID) -> HoldRequest:
        return HoldRequest(
            departure_id=departure, party={"adult": self.world.dice.randint(1, 3)}, name=person.name, email=person.email,
            phone="+91 98765 43210",
        )  # fmt: skip

    def _agreed(self, branch: Branch) -> str | None:
        """The words by which she lets us charge the rest, if she does."""
        keeps = branch.name == "stripe" and self.world.chance(self.world.climate.habit("has a card kept"))
        return "Take the rest from this card." if keeps else None

    # -- paying ------------------------------------------------------------------------------------------------------

    async def _start(self, person: Person, booking: bookings.Held) -> str:
        world, dice = self.world, self.world.dice
        branch = world.branches[0] if world.chance(60) else dice.choice(world.branches)
        claims = self._claims(booking)
        agreed = self._agreed(branch)
        try:
            settled = await payments.start(world.house, booking.id, branch.name, agreed=agreed, **claims)
        except Refusal as refusal:
            if refusal.code in OVER and booking in person.booked:
                person.booked.remove(booking)
            if refusal.code == "already_paid" and booking in person.booked and world.chance(30):
                person.booked.remove(booking)
            if refusal.code == "payment_open" and world.chance(70):  # she closes the other one, and tries again
                other = UUID(str((refusal.details or {})["transactionId"]))
                closed = self._say(await payments.cancel_attempt(world.house, other, actor="guest"))
                settled = await payments.start(world.house, booking.id, branch.name, agreed=agreed, **claims)
                self._open_tab(person, booking, branch, settled)
                return f"{closed}; then {self._say(settled)} by {branch.name}"
            raise
        tab = self._open_tab(person, booking, branch, settled)
        said = self._say(settled) + f" by {branch.name}, asked for {claims or 'what is due'}"
        if tab is not None and world.chance(world.climate.habit("pays at once")):
            said += f"; {await self._at_the_bank(person, tab)}"
            if world.chance(world.climate.habit("comes back at once")):
                said += f"; {await self._come_back(tab)}"
        return said

    def _claims(self, booking: bookings.Held) -> dict[str, Any]:
        """How much she says she pays: mostly nothing, and the house knows."""
        world, dice = self.world, self.world.dice
        if world.chance(world.climate.habit("claims another price")):
            return {"claimed_amount": dice.choice((1, 100, booking.total_price - 1, booking.total_price * 10))}
        if world.chance(world.climate.habit("pays another amount")) and booking.deposit_amount:
            more = dice.randint(0, booking.total_price - booking.deposit_amount)
            return {"claimed_amount": booking.deposit_amount + more, "claimed_currency": "inr"}
        if world.chance(25):
            return {"claimed_amount": booking.total_price, "claimed_currency": "inr"}
        return {}

    def _open_tab(
        self, person: Person, booking: bookings.Held, branch: Branch, settled: payments.Settled
    ) -> Tab | None:
        if settled.transaction.ref is None:
            return None
        tab = Tab(booking.id, settled.transaction.id, branch, settled.transaction.ref)
        person.tabs = [*(other for other in person.tabs if other != tab), tab]
        return tab

    async def _at_the_bank(self, person: Person, tab: Tab) -> str:
        """On the bank's own page. A page that was closed there cannot be paid any more."""
        does = self.world.choose(*tab.branch.payer_does)
        async with tab.branch.bank.work() as work:
            intent = work.find(Intent, tab.ref)
            again = tab.branch.name == "paypal" and intent is not None and intent.status == "authorized"
            if intent is None or (intent.status not in STILL_OPEN and not again):
                if tab in person.tabs and not self.world.climate.late_money:
                    person.tabs.remove(tab)
                return f"finds {tab.ref} {intent.status if intent else 'gone'}"
            tab.branch.act(work, intent, does)
        self.world.happened[does] += 1
        return f"{does} {tab.ref}"

    async def _come_back(self, tab: Tab) -> str:
        return self._say(await payments.settle(self.world.house, tab.transaction_id, source="return"))

    async def _close(self, person: Person, tab: Tab) -> str:
        world = self.world
        said = self._say(await payments.cancel_attempt(world.house, tab.transaction_id, actor="guest"))
        if world.climate.late_money and world.chance(world.climate.habit("walks away")):
            person.booked = [booking for booking in person.booked if booking.id != tab.booking_id]
            return (
                said + ", and walks away"
            )  # the hold runs out, somebody else takes the seats, and then the money comes
        again = next((booking for booking in person.booked if booking.id == tab.booking_id), None)
        if again is not None and world.chance(50):
            said += f"; {await self._start(person, again)}"
        return said

    async def _stop_the_card(self, booking: bookings.Held) -> str:
        return f"stopped: {await consents.stop(self.world.db, booking.id, actor='guest')}"

    # -- giving up ---------------------------------------------------------------------------------------------------

    async def _give_up(self, person: Person, booking: bookings.Held) -> str:
        """Of held seats she lets go; of a paid booking she is shown first what comes back."""
        world = self.world
        adults = booking.party["adult"]
        leaving = (
            {"adult": world.dice.randint(1, adults - 1)}
            if adults > 1 and world.chance(world.climate.habit("gives up for some"))
            else None
        )
        async with world.db.transaction() as conn:
            seen = await bookings.get(conn, booking.id)
            assert seen is not None, "bookings are never deleted"
            if seen.status == "confirmed" and cancelling.by_herself(seen):
                given = await cancelling.work_out(conn, seen, leaving)
                paid = await bookings.amount_paid(conn, seen.id, seen.currency)
                beyond = max(min(paid, seen.price) - (seen.price - given.worth + given.kept), 0)
                if given.refund + given.met != beyond:
                    world.loud.append(
                        f"P: not true: what was paid of the price beyond what remains comes back ({given})"
                    )
                person.shown = Preview(booking.id, leaving, given.refund)
                return (
                    f"is shown that {given.refund} of {world.name('b', booking.id)} comes back for {leaving or 'all'}"
                )
        await payments.give_up(world.house, booking.id, actor="guest")
        if booking in person.booked and not world.climate.late_money:
            person.booked.remove(booking)
        return f"gives up {world.name('b', booking.id)}"

    async def _give_up_as_shown(self, person: Person, shown: Preview) -> str:
        world = self.world
        person.shown = None
        outcome = await cancellations.cancel(
            world.house, shown.booking_id, leaving=shown.leaving, expected_refund=shown.refund, actor="guest"
        )
        if outcome.given is None:
            return f"lets {world.name('b', shown.booking_id)} go"
        if outcome.given.refund != shown.refund:
            world.loud.append(f"P: not true: what was shown comes back ({shown.refund}, {outcome.given.refund})")
        if outcome.given.whole:
            person.booked = [booking for booking in person.booked if booking.id != shown.booking_id]
        asked = f"{outcome.asked.request.amount} {outcome.asked.status}" if outcome.asked else "nothing"
        return f"gives up {shown.leaving or 'all'} of {world.name('b', shown.booking_id)}: {asked}"

    def _say(self, settled: payments.Settled) -> str:
        one = settled.transaction
        name = self.world.name
        return f"{name('t', one.id)} of {name('b', one.booking_id)} is {one.state}, {settled.booking_status}, {settled.unknown or 'known'}"
