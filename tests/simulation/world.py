"""A small agency, its customers and its bank, all driven by one seed: what they do, what goes wrong, and when.

`World.run` lets them loose, then takes the trouble away and lets time pass until nothing is on its way any more. At
every crash, every so often, and at the end, the invariants are asked. The same seed gives the same trace.
"""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import httpx
import msgspec

from jklg import app, bookings, jobs, payments
from jklg.bookings.holds import HoldRequest
from jklg.kit import failpoints, ids
from jklg.kit.clock import Clock
from jklg.kit.db import Database, open_database
from jklg.kit.errors import Refusal
from jklg.payments.gateways.sandbox import SandboxGateway
from jklg.payments.webhooks import file_notice
from jklg.pricing import make_quote
from jklg.sandbox import Faults, create_app
from jklg.sandbox.bank import Event, Intent, Refund
from jklg.sandbox.deliveries import sign
from jklg.settings import Settings
from tests import invariants
from tests.simulation.line import Line
from tests.simulation.turns import Actor, LineCut, Turns, WatchedPool
from tests.trade import add_departure, add_extra, add_package

SECRET = "sandbox_webhook_secret"
BEGINS = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
TROUBLES = (
    "busy", "error_before", "error_after", "drop_after", "truncate", "duplicate_webhooks", "reorder_webhooks", "lose_webhooks",
    "hold_webhooks", "late_success", "refund_pending", "refund_fails", "refund_answers",
)  # fmt: skip
"""Each world knows five of these: worlds that differ find more than worlds that are all alike."""
OVER = ("booking_ended", "hold_expired", "already_paid")
TURNS = 1000
CHECK_EVERY = 60
SPANS = (1, 1, 2, 2, 5, 5, 10, 20, 20, 61, 61, 61, 61, 120, 180, 300, 300, 960, 960, 1_500, 4_000, 90_000)
TROUBLE_LASTS = timedelta(days=3)
"""And no longer: a notice of that age is left to a person as soon as a look at it fails, as the house promises."""
ROUNDS = (
    *("notices",) * 4, *("payments",) * 3, *("overdue",) * 3, *("holds",) * 2, *("refunds",) * 3, *("mail",) * 2, "travelled",
)  # fmt: skip
STILL_OPEN = ("requires_payment_method", "requires_action", "processing")
QUIET_TIMES = [timedelta(minutes=m) for m in (1, 2, 7, 16, 31, 61, 120, 400)] + [
    timedelta(hours=h) for h in (25, 25, 75, 75, 1, 1, 7)
]


class SimulatedClock(Clock):
    """Time passes when the world says so. The house, its database and the bank look at the same clock."""

    def __init__(self) -> None:
        self.moment = BEGINS

    def now(self) -> datetime:
        return self.moment


class Tab(NamedTuple):
    """A payment page that somebody has open."""

    booking_id: UUID
    transaction_id: UUID
    ref: str  # the bank's


class Person:
    """Somebody in front of a browser, with what they have seen there."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.email = f"{name.lower()}@example.org"
        self.booked: list[bookings.Held] = []
        self.tabs: list[Tab] = []  # newest last


class Broken(AssertionError):
    """Something was not as it must be. The message is the story, newest last, and then what was found."""

    def __init__(self, world: World, findings: list[str]) -> None:
        super().__init__("\n".join([f"the simulation with seed {world.seed}:", *world.story(), "", *findings]))
        self.world = world
        self.findings = findings


class Ears(logging.Handler):
    """What the house stumbles over and gets over by itself is a bug all the same, unless its line was cut."""

    def __init__(self, loud: list[str]) -> None:
        super().__init__()
        self.loud = loud

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, LineCut):
            self.loud.append(f"{record.getMessage()}: {error!r}")


class World:
    """One run. `departures` were there before; everything else happens."""

    def __init__(self, seed: int, database: Database, house: app.House, clock: SimulatedClock, superuser: Any) -> None:
        self.seed = seed
        self.clock = clock
        self.superuser = superuser
        self.dice = Random(seed)
        self.turns = Turns(superuser)
        self.db = Database(WatchedPool(database.pool, self.turns, clock.now))  # type: ignore[arg-type]
        self.house = house
        self.house.db = self.db
        self.db.at_once = (
            1000  # nobody may wait for a statement that is shared: it acts in the turn of whoever asked first
        )
        self.house.dice = Random(seed + 1)
        self.trace: list[str] = []
        self.happened: Counter[str] = Counter()
        self.names: dict[str, str] = {}
        self.departures: list[UUID] = []
        self.closed: set[UUID] = set()
        self.extra: UUID | None = None
        self.people = [Person(name) for name in ("Asha", "Ben", "Divya", "Esha", "Farid")]
        self.loud: list[str] = []
        self.turn = 0
        self.troubles: list[str] = []
        self.late_money = False
        self.bank = create_app(
            key="sandbox_key",
            webhook_secret=SECRET,
            webhook_url="http://house.test/api/payments/webhooks/sandbox",
            faults_enabled=True,
            public_url="http://bank.test",
            clock=clock,
            dice=Random(seed + 2),
            webhook_client=httpx.AsyncClient(transport=httpx.MockTransport(self._mailbox)),
        )
        self.line = Line(httpx.ASGITransport(app=self.bank), self.turns, Random(seed + 3), self.tell)
        gateway = SandboxGateway(
            "http://bank.test", "sandbox_key", SECRET, client=httpx.AsyncClient(transport=self.line, timeout=10)
        )
        self.house.gateways = {"sandbox": gateway}

    # -- the trace ---------------------------------------------------------------------------------------------------

    def tell(self, line: str) -> None:
        self.trace.append(f"{self.clock.moment - BEGINS} {line}")

    def name(self, kind: str, id_: object) -> str:
        """Ids are not the same twice; the order in which they appear is."""
        return self.names.setdefault(
            str(id_), f"{kind}{sum(1 for name in self.names.values() if name.startswith(kind)) + 1}"
        )

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256("\n".join(self.trace).encode()).hexdigest()

    def story(self, lines: int = 60) -> list[str]:
        """The end of the trace without the single turns: what a person reads first."""
        return [line for line in self.trace if " | " not in line or "CRASH" in line or "LOSES" in line][-lines:]

    # -- the run -----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Everything. Raises Broken with the story."""
        stumbles, ears = logging.getLogger("jklg.payments.stumbles"), Ears(self.loud)
        stumbles.addHandler(ears)
        try:
            await self._live_through_it()
        except Broken:
            raise
        except Exception as error:
            raise Broken(self, [f"the house meets a bug when all is quiet: {error!r}"]) from error
        finally:
            stumbles.removeHandler(ears)

    async def _live_through_it(self) -> None:
        await self._open_the_agency()
        for self.turn in range(TURNS):
            await self._something_happens()
            if self.turn % CHECK_EVERY == CHECK_EVERY - 1:
                await self._check()
        await self._everybody_finishes()
        await self._check()
        await self._until_quiet()
        await self._check(quiet=True)
        await self._after_the_journey()
        await self._sum_up()

    async def _open_the_agency(self) -> None:
        package = await add_package(self.db)
        self.extra = await add_extra(self.db, package)
        for days, seats in ((30, self.dice.randint(1, 4)), (60, self.dice.choice((2, 3, 5, 9))), (90, 30)):
            starts = BEGINS.date() + timedelta(days=days)
            self.departures.append(
                await add_departure(
                    self.db, seats=seats, package_id=package, starts_on=starts,
                    cutoff_at=BEGINS + timedelta(days=days - 7), extras={self.extra: (150_000, 2)},
                )
            )  # fmt: skip
        self.line.trouble = self.dice.choice((0, 5, 15))
        self.troubles = ["calm", "failpoint", *self.dice.sample(TROUBLES, 5)]
        self.late_money = self.dice.randrange(5) < 2
        self._calm()
        self.tell(f"seed {self.seed}: line trouble {self.line.trouble} %")

    async def _something_happens(self) -> None:
        ready = await self._who_is_ready()
        roll = self.dice.randrange(1000)
        if not ready or (roll < 100 and len(self.turns.actors) < 7):
            await self._somebody_begins()
        elif roll < 130:
            await self._time_passes()
        elif roll < 142:
            self._trouble()
        elif roll < 146:
            one = [self.dice.choice(ready)]
            await self._crash(self.dice.choice((ready, one, one)))
        elif roll < 150:
            await self._lose_a_connection(ready)
        else:
            awake = [actor for actor in ready if actor.wakes_at <= self.turn] or ready
            actor = self.dice.choice(awake)
            if actor.where == "has acted on the news" and self.dice.randrange(100) < 15:
                await self._crash([actor])
            elif self.dice.randrange(100) < (40 if actor.where.startswith("is answered") else 3):
                actor.wakes_at = self.turn + self.dice.choice(
                    (5, 30, 60, 120, 200)
                )  # a slow process: the world moves on meanwhile
            else:
                await self._go_on(actor)
        if self.loud:
            raise Broken(self, self.loud)

    async def _who_is_ready(self) -> list[Actor]:
        ready = await self.turns.ready()
        if not ready and self.turns.actors:
            await self.turns.until_somebody_is_ready()
            ready = await self.turns.ready()
        return ready

    async def _crash(self, victims: list[Actor]) -> None:
        """The process of one of them dies, or everybody's."""
        for actor in victims:
            if actor.state == "ready" and actor.where != "begins":
                self.tell(f"| CRASH of {actor.name} at {actor.where}")
                self.happened["crash"] += 1
                await self.turns.give(actor, crash=True)
        await self._check()

    async def _lose_a_connection(self, ready: list[Actor]) -> None:
        """To the database, right before or right after a statement: a COMMIT may have been done and nobody is told."""
        asking = [actor for actor in ready if actor.next]
        if asking:
            actor, cut = self.dice.choice(asking), self.dice.choice(("before", "after"))
            self.tell(f"| {actor.name} LOSES ITS CONNECTION {cut} {actor.where}")
            self.happened["connection lost"] += 1
            await self.turns.give(actor, cut=cut)
            await self._check()

    async def _time_passes(self) -> None:
        """Moments, whatever is going on. A longer time only after every database transaction has come to its end, which its
        timeout would have put to it otherwise."""
        if any(actor.in_transaction or actor.asking for actor in self.turns.actors) and self.dice.randrange(2):
            self.clock.moment += timedelta(milliseconds=self.dice.choice((1, 30, 900)))
            return
        while busy := [actor for actor in await self._who_is_ready() if actor.in_transaction]:
            await self._go_on(self.dice.choice(busy))
        span = timedelta(seconds=self.dice.choice(SPANS))
        if self.clock.moment + span > BEGINS + TROUBLE_LASTS:
            return
        if span > timedelta(hours=4):
            await self._everybody_finishes()  # no process sleeps through a fifth of the life of a key at the bank
        if span > timedelta(minutes=2):
            await self.line.late_arrivals()  # nothing is on a line for longer
        self.clock.moment += span

    async def _go_on(self, actor: Actor) -> None:
        self.tell(f"| {actor.name}: {actor.where}")
        await self.turns.give(actor)

    def _trouble(self) -> None:
        """The bank misbehaves for a while, or stops misbehaving; or the house is made to die in a certain place."""
        faults = self.bank.faults
        kind = self.dice.choice(self.troubles)
        self.tell(f"trouble: {kind}")
        if kind == "calm":
            self._calm()
        elif kind == "failpoint":
            failpoints.arm(f"{self.dice.choice(sorted(failpoints.NAMES))}:crash")
        elif kind == "refund_answers":
            self._refund_answers_are_lost()
        elif kind == "hold_webhooks":
            faults.hold_webhooks = True
        else:
            setattr(faults, kind, self.dice.randint(1, 12 if kind.endswith("webhooks") else 4))
            faults.later_seconds = self.dice.choice((5, 60, 1_000, 5_000, 90_000))

    def _refund_answers_are_lost(self) -> None:
        self.bank.faults.only = "POST /v1/refunds"
        setattr(
            self.bank.faults, self.dice.choice(("error_before", "error_after", "drop_after", "truncate", "busy")), 2
        )

    def _calm(self) -> None:
        for field in Faults.__struct_fields__:
            setattr(self.bank.faults, field, getattr(Faults(), field))
        if self.late_money:
            self.bank.faults.late_success = 50
            self.bank.faults.later_seconds = self.dice.choice(
                (5, 1_500, 5_000, 5_000)
            )  # before and after a hold is over

    async def _everybody_finishes(self) -> None:
        while self.turns.actors:
            await self._go_on(self.dice.choice(await self._who_is_ready()))
        if self.loud:
            raise Broken(self, self.loud)

    async def _until_quiet(self) -> None:
        """No more trouble; time passes until nothing is left to do. What the bank could not tell us, we have to find out."""
        failpoints.arm("")
        late_money, self.late_money = self.late_money, False
        self._calm()
        self.line.trouble = 0
        self.tell("the trouble ends")
        await self.line.late_arrivals()
        async with self.bank.bank.work() as work:
            work.release()
        if late_money:  # all but the last trouble: what comes late is not announced, what goes back takes its time or is not answered
            self.bank.faults.lose_webhooks = self.dice.randint(1, 6)
            self.bank.faults.refund_pending = self.dice.randint(0, 2)
            self._refund_answers_are_lost()
        for span in QUIET_TIMES:
            self.clock.moment += span
            await self._tell_of_failed_refunds()
            for _ in range(8):
                if not await self._go_round():
                    break

    async def _tell_of_failed_refunds(self) -> None:
        """Nobody asks again after a refund that was done, so that it failed after all must not get lost: a reconciliation is to come."""
        async with self.bank.bank.work() as work:
            for event in work.all(Event):
                if event.delivery in ("lost", "dead") and event.type == "refund.failed":
                    work.put(msgspec.structs.replace(event, delivery="due", due_at=self.clock.now()))

    async def _go_round(self) -> int:
        found = await self.bank.deliver_due()
        for name, sweep in app.SWEEPS.items():
            if name in ("reconciliation", "daily money"):  # it would heal what must be well without it
                continue
            done = await sweep(self.house)
            found += done
            if done:
                self.tell(f"the worker's round {name!r} finds {done}")
        return found + await self._drain()

    async def _after_the_journey(self) -> None:
        self.clock.moment = BEGINS + timedelta(days=120)
        await self._go_round()
        await self._check(quiet=True)

    async def _sum_up(self) -> None:
        """The end, as far as it is the same twice: into the trace."""
        for statement in (
            "SELECT status, payment_status, seats, total_price, created_at FROM bookings ORDER BY created_at, id",
            "SELECT state, captured_amount, refund_amount, checks FROM transactions ORDER BY created_at, id",
            "SELECT kind, posted_at FROM ledger_transactions ORDER BY posted_at, id",
            "SELECT account, sum(amount)::bigint FROM ledger_entries GROUP BY account ORDER BY account",
            "SELECT kind, to_address FROM mail_outbox ORDER BY created_at, id",
            "SELECT concat_ws(': ', kind, detail ->> 'reason') AS kind FROM anomalies ORDER BY opened_at, id",
        ):
            for row in await self.superuser.fetch(statement):
                self.tell("end: " + " ".join(str(value) for value in row))
                if "status" in row:
                    self.happened[row["status"]] += 1
                if "kind" in row and "posted_at" not in row:
                    self.happened[row["kind"]] += 1

    # -- the invariants ----------------------------------------------------------------------------------------------

    async def _check(self, *, quiet: bool = False) -> None:
        found = await invariants.broken(self.superuser, quiet=quiet)
        found += await self._check_the_bank(quiet=quiet)
        if found:
            raise Broken(self, found)

    async def _check_the_bank(self, *, quiet: bool) -> list[str]:
        """What our rows cannot know."""
        async with self.bank.bank.work() as work:
            intents, refunds, balance = work.all(Intent), work.all(Refund), work.balance()
        found = []
        attempts = Counter(intent.metadata["transaction_id"] for intent in intents)
        found += [
            f"C: not true: an attempt is made at the bank once ({self.name('t', id_)})"
            for id_, n in attempts.items()
            if n > 1
        ]
        returns = Counter(refund.metadata["refund_id"] for refund in refunds)
        found += [
            f"C: not true: a refund is made at the bank once ({self.name('r', id_)})"
            for id_, n in returns.items()
            if n > 1
        ]
        for row in await self.superuser.fetch(
            "SELECT transaction_id, state, b.total_price FROM transactions t JOIN bookings b ON b.id = t.booking_id"
        ):
            found += [
                f"K: not true: the bank is asked for the booking's price ({i.id} {i.amount})"
                for i in intents
                if i.id == row[0] and i.amount != row[2]
            ]
        strange = await self.superuser.fetch(
            "SELECT last_error FROM webhook_inbox WHERE last_error !~ '^(Gateway|ConnectionDoesNotExist)' UNION SELECT last_error FROM gateway_commands WHERE last_error ~ 'asyncpg'"
        )
        found += [f"W: a notice failed for no fault of the bank's: {row[0]}" for row in strange]
        if quiet:
            found += [
                f"S: not true: nothing can be paid any more at the bank ({i.id} {i.status})"
                for i in intents
                if i.status in STILL_OPEN
            ]
            books = await self.superuser.fetchval(
                "SELECT coalesce(sum(amount), 0)::bigint FROM ledger_entries WHERE account = 'gateway_clearing:sandbox'"
            )
            held = sum(page["captured"] - page["refunded"] for page in balance.values())
            if books != held:
                found.append(f"B: not true: the bank holds what our books say it holds (bank {held}, books {books})")
        return found

    # -- who does what -----------------------------------------------------------------------------------------------

    async def _somebody_begins(self) -> None:
        roll = self.dice.randrange(100)
        busy = {actor.name.split()[0] for actor in self.turns.actors}
        if roll < 55:
            free = [
                one for one in self.people if sum(actor.name.startswith(one.name) for actor in self.turns.actors) < 2
            ]
            person = self.dice.choice([*free, *(one for one in free if one.booked for _ in range(6))])
            await self._enter(person.name, *self._wish(person))
        elif roll < 75:
            name = self.dice.choice(ROUNDS)
            await self._enter("Worker", name, self._sweep(name))
        elif roll < 84 and "Postman" not in busy:
            await self._enter("Postman", "goes round", self._deliver())
        elif roll < 90 and "Teller" not in busy:
            await self._enter("Teller", "tells the news", self._tell_news())
        elif roll < 93 and "Chitra" not in busy and (self.closed or roll == 90):
            departure = self.dice.choice(sorted(self.closed) or self.departures)
            await self._enter("Chitra", "opens or closes", self._open_or_close(departure))
        elif roll < 95:
            await self._enter("Chitra", "changes a price", self._change_price(self.dice.choice(self.departures)))
        elif roll < 97:
            await self._enter("Mallory", "forges a notice", self._forge())
        elif roll < 99:
            await self._enter("Bank", "repeats itself", self._repeat())
        else:
            await self.line.late_arrivals()

    async def _enter(self, who: str, what: str, story: Coroutine[Any, Any, str]) -> None:
        self.tell(f"{who} {what}")
        self.happened[what] += 1
        await self.turns.enter(f"{who} {what}", self._live(who, what, story))

    async def _live(self, who: str, what: str, story: Coroutine[Any, Any, str]) -> None:
        try:
            with closing(story):  # it may end before they are given a turn
                await self.turns.point("begins")
                ending = await story
        except Refusal as refusal:
            ending = f"is refused: {refusal.code}"
            self.happened[refusal.code] += 1
        except failpoints.Crashed as crash:
            failpoints.arm("")
            ending = f"CRASHED at {crash}"
        except LineCut:
            ending = "cannot reach the database"
        except Exception as error:
            ending = f"meets a bug: {error!r}"
            self.loud.append(f"{who} {what}: {error!r}")
        self.tell(f"{who} {what}: {ending}")

    def _wish(self, person: Person) -> tuple[str, Coroutine[Any, Any, str]]:
        """What somebody wants next, given what they have seen."""
        if not person.booked or (len(person.booked) < 2 and self.dice.randrange(100) < 8):
            return "books", self._book(person)
        booking = person.booked[-1 if self.dice.randrange(100) < 85 else 0]
        roll = self.dice.randrange(100)
        tabs = [tab for tab in person.tabs if tab.booking_id == booking.id]
        if not tabs or roll < (30 if self.late_money else 14):  # once more, before the money of the last time comes
            return "goes to pay", self._start(person, booking)
        tab = tabs[-1] if self.dice.randrange(100) < (50 if self.late_money else 75) else self.dice.choice(person.tabs)
        if self.late_money and roll > 50:
            roll = self.dice.choice((70, 85, 85, 85, 95))  # these people change their minds
        if roll < 65:
            return "is at the bank", self._at_the_bank(person, tab)
        if roll < 80:
            return "comes back", self._come_back(tab.transaction_id)
        if roll < 91:
            return "closes the payment", self._close(person, tab)
        return "gives up", self._give_up(person, booking)

    async def _book(self, person: Person) -> str:
        departure = self.dice.choices(self.departures, (4, 2, 2))[
            0
        ]  # one that everybody wants, one that has room for all
        adults = self.dice.randint(1, 3)
        extras = [(self.extra, self.dice.randint(1, 2))] if self.extra and self.dice.randrange(100) < 30 else []
        quote_id = None
        if self.dice.randrange(100) < 40:
            quote_id = (await make_quote(self.db, departure, {"adult": adults}, extras)).quote_id
        request = HoldRequest(
            departure_id=departure, party={"adult": adults}, name=person.name, email=person.email, phone="+91 98765 43210",
            extras=extras, quote_id=quote_id,
        )  # fmt: skip
        held = await bookings.hold(self.db, request, hold_minutes=15)
        person.booked.append(held)
        return f"holds {held.seats} as {self.name('b', held.id)} on {self.name('d', departure)} for {held.total_price}"

    async def _start(self, person: Person, booking: bookings.Held) -> str:
        claims: dict[str, Any] = {}
        roll = self.dice.randrange(100)
        if roll < 8:
            claims = {"claimed_amount": self.dice.choice((1, 100, booking.total_price - 1, booking.total_price * 10))}
        elif roll < 40:
            claims = {"claimed_amount": booking.total_price, "claimed_currency": "inr"}
        try:
            settled = await payments.start(self.house, booking.id, "sandbox", **claims)
        except Refusal as refusal:
            if refusal.code in OVER and booking in person.booked:
                person.booked.remove(booking)
            raise
        if settled.transaction.ref is not None:
            tab = Tab(booking.id, settled.transaction.id, settled.transaction.ref)
            person.tabs = [*(other for other in person.tabs if other != tab), tab]
        return self._say(settled) + f" asked for {claims or 'what is due'}"

    async def _at_the_bank(self, person: Person, tab: Tab) -> str:
        """On the bank's own page. A page that was closed there cannot be paid any more."""
        does = self.dice.choice(
            ("pays", "pays", "pays", "is declined", "is asked by 3-D Secure", "pays later", "leaves")
        )
        async with self.bank.bank.work() as work:
            intent = work.get(Intent, tab.ref)
            if intent.status not in STILL_OPEN:
                if tab in person.tabs and not self.late_money:
                    person.tabs.remove(tab)
                return f"finds {tab.ref} {intent.status}"
            if does == "pays":
                work.pay(intent, "play_card")
            elif does == "is declined":
                work.decline(intent, "card_declined")
            elif does == "is asked by 3-D Secure":
                work.ask_the_bank(intent)
            elif does == "pays later":
                work.pay_later(intent)
        self.happened[does] += 1
        return f"{does} {tab.ref}"

    async def _come_back(self, transaction_id: UUID) -> str:
        return self._say(await payments.settle(self.house, transaction_id, source="return"))

    async def _close(self, person: Person, tab: Tab) -> str:
        closed = self._say(await payments.cancel_attempt(self.house, tab.transaction_id, actor="guest"))
        if self.late_money and self.dice.randrange(100) < 60:
            person.booked = [booking for booking in person.booked if booking.id != tab.booking_id]
            closed += ", and walks away"  # the hold runs out, somebody else takes the seats, and then the money comes
        return closed

    async def _give_up(self, person: Person, booking: bookings.Held) -> str:
        await payments.give_up(self.house, booking.id, actor="guest")
        if booking in person.booked and not self.late_money:
            person.booked.remove(booking)
        return f"gives up {self.name('b', booking.id)}"

    def _say(self, settled: payments.Settled) -> str:
        one = settled.transaction
        return f"{self.name('t', one.id)} of {self.name('b', one.booking_id)} is {one.state}, {settled.booking_status}, {settled.unknown or 'known'}"

    async def _sweep(self, name: str) -> str:
        return f"did {await app.SWEEPS[name](self.house)}"

    async def _deliver(self) -> str:
        return f"delivered {await self.bank.deliver_due()}"

    async def _mailbox(self, request: httpx.Request) -> httpx.Response:
        """The house's door for notices."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            await file_notice(self.house, "sandbox", headers, request.content)
        except Refusal as refusal:
            return httpx.Response(refusal.status)
        except failpoints.Crashed as crash:
            failpoints.arm("")
            self.tell(f"the house CRASHED under a notice at {crash}")
            raise httpx.ReadError("no answer") from None
        except LineCut:
            return httpx.Response(503)
        return httpx.Response(200)

    async def _tell_news(self) -> str:
        return f"told {await self._drain()}"

    async def _drain(self) -> int:
        """Whoever took news and died has lost it after a minute of the wall clock, which is not ours: it is now."""
        if not await self.superuser.fetchval("SELECT EXISTS (SELECT FROM pgqueuer)"):
            return 0  # a connection only to find that there is no news would take a third of the whole run
        await self.superuser.execute(
            "UPDATE pgqueuer SET heartbeat = heartbeat - interval '10 minutes' WHERE status = 'picked'"
        )
        return await jobs.drain(
            self.house, {news: [self._heard(each) for each in actors] for news, actors in app.LISTENERS.items()}
        )

    def _heard(self, listener: app.Listener) -> app.Listener:
        async def hear(house: Any, payload: dict[str, Any]) -> None:
            await listener(house, payload)
            await self.turns.point("has acted on the news")

        return hear

    async def _open_or_close(self, departure: UUID) -> str:
        async with self.db.transaction() as conn:
            await conn.execute(
                "UPDATE departures SET status = CASE status WHEN 'open' THEN 'closed' ELSE 'open' END WHERE id = $1",
                departure,
            )
        self.closed ^= {departure}
        return f"{self.name('d', departure)} is {'closed' if departure in self.closed else 'open'}"

    async def _change_price(self, departure: UUID) -> str:
        async with self.db.transaction() as conn:
            await conn.execute("UPDATE departure_prices SET amount = amount + 10000 WHERE departure_id = $1", departure)
        return self.name("d", departure)

    async def _events(self) -> list[Event]:
        async with self.bank.bank.work() as work:
            return work.all(Event)

    async def _forge(self) -> str:
        """Mallory knows what a notice looks like, but not the secret."""
        events = await self._events()
        if not events:
            return "has nothing to copy"
        body = (
            self.dice.choice(events).body.replace("requires_payment_method", "succeeded").replace("evt_", "evt_forged_")
        )
        signature = sign(b"not the secret", body.encode(), self.clock.unix())
        await file_notice(self.house, "sandbox", {"sandbox-signature": signature}, body.encode())
        self.loud.append("Z: not true: a forged notice is refused")
        return "is believed"

    async def _repeat(self) -> str:
        """The bank tells again what it told long ago."""
        events = await self._events()
        if not events:
            return "has nothing to say"
        event = self.dice.choice(events)
        signature = sign(SECRET.encode(), event.body.encode(), self.clock.unix())
        new = await file_notice(self.house, "sandbox", {"sandbox-signature": signature}, event.body.encode())
        return f"{event.id} {event.type} {'new' if new else 'known'}"


@asynccontextmanager
async def world(seed: int, login_url: str, superuser_url: str, data_dir: Path) -> AsyncIterator[World]:
    """A world on an empty, migrated database. Ids come from the seed while it lasts, so that ties are decided alike."""
    clock, dice = SimulatedClock(), Random(seed + 4)
    database = await open_database(login_url, max_size=24, clock=clock.now)
    superuser = await asyncpg.connect(superuser_url)
    settings = Settings(
        secrets=("a fixed secret for the simulation, 0123456789",), database_url=login_url, data_dir=data_dir
    )
    house = app.House(settings=settings, db=database, gateways={}, clock=clock)
    real = ids.time, ids.os
    ids.time = SimpleNamespace(time_ns=lambda: int(clock.now().timestamp() * 1000) * 1_000_000)  # type: ignore[assignment]
    ids.os = SimpleNamespace(urandom=dice.randbytes)  # type: ignore[assignment]
    quiet = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    made = World(seed, database, house, clock, superuser)
    try:
        yield made
    finally:
        await made.turns.end()
        failpoints.arm("")
        logging.disable(quiet)
        ids.time, ids.os = real
        await house.close()
        await made.bank.close()
        await superuser.close()


async def clear(superuser: Any) -> None:
    """Everything that was sold, forgotten. Triggers sleep meanwhile: the books cannot be emptied otherwise."""
    tables = await superuser.fetch(
        """
        SELECT quote_ident(relname) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
          AND relname NOT IN ('transaction_states', 'transaction_moves', 'booking_moves') AND relname NOT LIKE '%migration%'
          AND relname !~ '^pgqueuer_'
        """
    )
    await superuser.execute(
        "SET session_replication_role = replica;"
        + "".join(f"DELETE FROM {table[0]};" for table in tables)
        + "SET session_replication_role = origin"
    )
