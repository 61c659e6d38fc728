"""What may happen at the play bank: intents, refunds, disputes, events. Knows nothing of HTTP.

Every verb works on a `Work`: copies of the things it touches, saved together before anybody hears of them. If saving
fails, nothing of it happened. Amounts are minor units of an ISO 4217 currency.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from random import Random
from typing import Any, TypeVar

import msgspec

from jklg.kit.clock import Clock
from jklg.sandbox.faults import Faults
from jklg.sandbox.storage import Row, Storage
from jklg.sandbox.things import BankError, Dispute, Event, Intent, Movement, Payout, Refund, Saved, Thing, plain

_KINDS: dict[str, type[Thing]] = {cls.kind: cls for cls in (Intent, Refund, Dispute, Payout, Event, Saved)}
T = TypeVar("T", bound=Thing)

GIVE_UP = timedelta(days=3)
DISPUTE_FEE = 15
"""Minor units, for each dispute that takes money, won or lost."""
RESPOND_WITHIN = timedelta(days=7)


_LINES = ("captured", "refunded", "refunds_pending", "disputed", "fees", "paid_out", "available")
_OVER = ("inquiry_closed", "won", "lost")


class Bank:
    """All the things, and the verbs. One at a time: `work` holds a lock until its changes are saved."""

    def __init__(
        self, storage: Storage, clock: Clock, faults: Faults, dice: Random | None = None, public_url: str = ""
    ) -> None:
        self.work_class: type[Work] = Work
        self.public_url = public_url
        self.clock = clock
        self.faults = faults
        self.dice = dice or Random()  # noqa: S311  (delays only)
        self.counted_ids = dice is not None
        self.fee_per_mille = 0
        """What the shop pays for each payment, in thousandths of it, rounded down."""
        self.news = asyncio.Event()
        self._storage = storage
        self._things: dict[str, dict[str, Thing]] | None = None
        self.waiting: set[tuple[str, str]] = set()
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def work(self) -> AsyncIterator[Work]:
        """Do something whole. An exception inside, or a failing save, and none of it happened."""
        async with self._lock:
            if self._things is None:
                await self._load()
            assert self._things is not None
            work = self.work_class(self, self._things)
            yield work
            if not work.changed:
                return
            rows = [Row(t.kind, t.id, msgspec.json.encode(t).decode()) for t in work.changed.values()]
            things, self._things = self._things, None  # read again if saving fails half-way
            await self._storage.save(rows)
            for thing in work.changed.values():
                things[thing.kind][thing.id] = thing
                self._note(thing)
            self._things = things
        self.news.set()

    async def close(self) -> None:
        await self._storage.close()

    async def _load(self) -> None:
        things: dict[str, dict[str, Thing]] = {kind: {} for kind in _KINDS}
        self.waiting.clear()
        for row in await self._storage.load():
            thing = msgspec.json.decode(row.doc, type=_KINDS[row.kind])
            things[row.kind][row.id] = thing
            self._note(thing)
        self._things = things

    def _note(self, thing: Thing) -> None:
        (self.waiting.discard if thing.due_at is None else self.waiting.add)((thing.kind, thing.id))


class Work:
    """One piece of work: reads see its own changes; nobody else does until it is saved."""

    intent_prefix = "in"

    def __init__(self, bank: Bank, things: dict[str, dict[str, Thing]]) -> None:
        self.bank = bank
        self.now = bank.clock.now()
        self.changed: dict[tuple[str, str], Thing] = {}
        self._things = things

    # -- reading and writing ---------------------------------------------------------------------------------------

    def find(self, cls: type[T], id_: str) -> T | None:
        """A copy to work on. Changes count once it is `put`."""
        thing = self.changed.get((cls.kind, id_)) or self._things[cls.kind].get(id_)
        return None if thing is None else msgspec.structs.replace(thing)  # type: ignore[return-value]

    def get(self, cls: type[T], id_: str) -> T:
        found = self.find(cls, id_)
        if found is None:
            raise BankError("not_found", f"No such {cls.kind}: {id_}", 404)
        return found

    def all(self, cls: type[T]) -> list[T]:
        """Everything of a kind, oldest first. Not to be changed."""
        merged = self._things[cls.kind] | {i: t for (k, i), t in self.changed.items() if k == cls.kind}
        return list(merged.values())  # type: ignore[arg-type]

    def put(self, thing: Thing) -> None:
        self.changed[thing.kind, thing.id] = thing

    def new_id(self, prefix: str, kind: str) -> str:
        """Random, or counted when the bank was given its dice, so that the same seed makes the same ids."""
        if not self.bank.counted_ids:
            return f"{prefix}_{secrets.token_hex(12)}"
        new = sum(1 for k, i in self.changed if k == kind and i not in self._things[kind])
        return f"{prefix}_{len(self._things[kind]) + new + 1:06d}"

    def waiting(self, cls: type[T]) -> list[T]:
        """Copies of the things of a kind whose time has come, soonest first."""
        found = [self.get(cls, id_) for kind, id_ in sorted(self.bank.waiting) if kind == cls.kind]
        due = [(thing.due_at, n, thing) for n, thing in enumerate(found) if thing.due_at and thing.due_at <= self.now]
        return [thing for _, _, thing in sorted(due, key=lambda entry: entry[:2])]

    def seconds_to_next(self, *, with_events: bool) -> float | None:
        """How long until anything wants to be looked at; None: nothing does."""
        waiting = [self._things[kind][id_] for kind, id_ in self.bank.waiting if with_events or kind != "event"]
        moments = [thing.due_at for thing in waiting if thing.due_at is not None]
        return max((min(moments) - self.now).total_seconds(), 0.0) if moments else None

    # -- intents ---------------------------------------------------------------------------------------------------

    def open_intent(
        self,
        amount: int,
        currency: str,
        description: str,
        email: str,
        return_url: str,
        metadata: dict[str, str],
        capture: str = "automatic",
    ) -> Intent:
        id_ = self.new_id(self.intent_prefix, "intent")
        secret = hashlib.sha256(id_.encode()).hexdigest()[:24] if self.bank.counted_ids else secrets.token_urlsafe(18)
        intent = Intent(
            id=id_,
            amount=amount,
            currency=currency,
            status="requires_payment_method",
            client_secret=f"{id_}_secret_{secret}",
            created_at=self.now,
            changed_at=self.now,
            description=description,
            email=email,
            return_url=return_url,
            metadata=metadata,
            capture=capture,
        )
        self._became(intent, "requires_payment_method", "intent.created")
        return intent

    def cancel(self, intent: Intent) -> None:
        if intent.status in ("succeeded", "canceled"):
            raise BankError("unexpected_state", f"This payment is {intent.status} and cannot be cancelled.")
        late = self.bank.faults.take("late_success")
        intent.due_at = self._later() if late else None
        intent.amount_capturable = 0
        self._became(intent, "canceled", "intent.canceled")

    def pay(self, intent: Intent, method: str) -> None:
        """The money arrives. Possible after a cancellation too: that is the fault `late_success`.

        With `capture` manual it is set aside instead, and waits for the shop.
        """
        if intent.status in ("succeeded", "authorized"):
            raise BankError("unexpected_state", "This payment has been made already.")
        intent.payment_method = method
        intent.last_error = None
        intent.due_at = None
        if intent.capture == "manual":
            intent.amount_capturable = intent.amount
            self._became(intent, "authorized", "intent.authorized")
        else:
            self._take(intent)

    def capture(self, intent: Intent, amount: int) -> None:
        """The shop takes what was set aside, all of it."""
        if intent.status != "authorized":
            raise BankError("unexpected_state", f"This payment is {intent.status}: nothing is set aside.")
        if amount != intent.amount_capturable:
            raise BankError("bad_amount", f"{intent.amount_capturable} is set aside, and can be taken.")
        self._take(intent)

    def _take(self, intent: Intent) -> None:
        intent.amount_received, intent.amount_capturable = intent.amount, 0
        intent.fee = intent.amount * self.bank.fee_per_mille // 1000
        self._became(intent, "succeeded", "intent.succeeded")
        if self.bank.faults.take("dispute"):
            self.dispute(intent)

    def decline(self, intent: Intent, why: str) -> None:
        self._still_open(intent)
        intent.last_error = why
        intent.due_at = None
        self._became(intent, "requires_payment_method", "intent.payment_failed")

    def ask_the_bank(self, intent: Intent) -> None:
        self._still_open(intent)
        intent.last_error = None
        self._became(intent, "requires_action", "intent.requires_action")

    def pay_later(self, intent: Intent) -> None:
        self._still_open(intent)
        intent.last_error = None
        intent.due_at = self._later()
        intent.payment_method = "play_bank_transfer"
        self._became(intent, "processing", "intent.processing")

    def _still_open(self, intent: Intent) -> None:
        if intent.status in ("succeeded", "authorized", "canceled"):
            raise BankError("unexpected_state", f"This payment is {intent.status} already.")

    def _became(self, intent: Intent, status: str, event: str) -> None:
        intent.status = status
        intent.changed_at = self.now
        self.put(intent)
        self._tell(event, intent)

    # -- disputes ----------------------------------------------------------------------------------------------------

    def dispute(self, intent: Intent, amount: int | None = None, *, inquiry: bool = False) -> Dispute:
        """The payer complains to her bank, of the whole or of a part. An inquiry asks first and takes nothing."""
        if not intent.amount_received or any(d.status not in _OVER for d in self.disputes_of(intent.id)):
            raise BankError("unexpected_state", "There is nothing to dispute, or it is disputed already.")
        dispute = Dispute(
            id=self.new_id("dp", "dispute"),
            intent=intent.id,
            amount=amount or intent.amount_received,
            currency=intent.currency,
            status="inquiry" if inquiry else "needs_response",
            created_at=self.now,
            respond_by=self.now + RESPOND_WITHIN,
        )
        self.put(dispute)
        self._tell("dispute.created", dispute)
        if not inquiry:
            self._move_back(dispute, -dispute.amount, DISPUTE_FEE, "dispute.funds_withdrawn")
        return dispute

    def escalate(self, dispute: Dispute) -> None:
        """The answer to an inquiry did not help: the money is taken."""
        self._still(dispute, "inquiry")
        dispute.status = "needs_response"
        self.put(dispute)
        self._tell("dispute.updated", dispute)
        self._move_back(dispute, -dispute.amount, DISPUTE_FEE, "dispute.funds_withdrawn")

    def respond(self, dispute: Dispute) -> None:
        """The shop is heard."""
        self._still(dispute, "needs_response")
        dispute.status = "under_review"
        self.put(dispute)
        self._tell("dispute.updated", dispute)

    def decide(self, dispute: Dispute, *, won: bool) -> None:
        """The bank decides. A shop that wins has its money back, not the fee."""
        self._still(dispute, "inquiry", "needs_response", "under_review")
        took = dispute.status != "inquiry"
        dispute.status = "inquiry_closed" if not took else "won" if won else "lost"
        self.put(dispute)
        if took and won:
            self._move_back(dispute, dispute.amount, 0, "dispute.funds_reinstated")
        self._tell("dispute.closed", dispute)

    def disputes_of(self, intent_id: str) -> list[Dispute]:
        return [d for d in self.all(Dispute) if d.intent == intent_id]

    def _move_back(self, dispute: Dispute, amount: int, fee: int, event: str) -> None:
        movement = Movement(id=f"{dispute.id}_{len(dispute.movements) + 1}", amount=amount, fee=fee, at=self.now)
        dispute.movements = [*dispute.movements, movement]
        self.put(dispute)
        self._tell(event, dispute)

    def _still(self, dispute: Dispute, *statuses: str) -> None:
        if dispute.status not in statuses:
            raise BankError("unexpected_state", f"This dispute is {dispute.status}.")

    # -- refunds ---------------------------------------------------------------------------------------------------

    def refund(self, intent: Intent, amount: int, metadata: dict[str, str]) -> Refund:
        if intent.status != "succeeded":
            raise BankError("unexpected_state", "Only a payment that was made can be refunded.")
        if any(d.status in ("needs_response", "under_review", "lost") for d in self.disputes_of(intent.id)):
            raise BankError("disputed", "The payer's bank has taken this money back already.")
        left = intent.amount_received - sum(r.amount for r in self.refunds_of(intent.id) if r.status != "failed")
        if amount > left:
            raise BankError("refund_exceeds_captured", f"Only {left} of this payment can still be refunded.")
        pending, fails = self.bank.faults.take("refund_pending"), self.bank.faults.take("refund_fails")
        refund = Refund(
            id=self.new_id("re", "refund"),
            intent=intent.id,
            amount=amount,
            currency=intent.currency,
            status="pending" if pending else "succeeded",
            created_at=self.now,
            changed_at=self.now,
            metadata=metadata,
            sent_at=None if pending else self.now,
            then="failed" if fails else "succeeded" if pending else None,
            due_at=self._later() if fails or pending else None,
        )
        self.put(refund)
        self._tell("refund.created", refund)
        return refund

    def refunds_of(self, intent_id: str) -> list[Refund]:
        return [r for r in self.all(Refund) if r.intent == intent_id]

    def ripen(self) -> int:
        """Do what was put off until now: transfers arrive, refunds end. Returns how many things moved."""
        moved = 0
        for intent in self.waiting(Intent):
            self.pay(intent, intent.payment_method or "play_card")
            moved += 1
        for refund in self.waiting(Refund):
            refund.status, refund.then, refund.due_at = refund.then or refund.status, None, None
            refund.changed_at = self.now
            if refund.status == "failed":
                refund.failure_reason = "account_closed"
            else:
                refund.sent_at = self.now
            self.put(refund)
            self._tell("refund.failed" if refund.status == "failed" else "refund.updated", refund)
            moved += 1
        return moved

    def _later(self) -> datetime:
        return self.now + timedelta(seconds=self.bank.faults.later_seconds)

    def balance(self) -> dict[str, dict[str, int]]:
        """Currency -> captured, refunded (arrived), refunds_pending, disputed (with fees), fees, paid_out, available."""
        books: dict[str, dict[str, int]] = {}

        def add(currency: str, line: str, amount: int) -> None:
            page = books.setdefault(currency, dict.fromkeys(_LINES, 0))
            page[line] += amount
            page["available"] += amount if line == "captured" else 0 if line == "refunds_pending" else -amount

        for intent in self.all(Intent):
            if intent.amount_received:
                add(intent.currency, "captured", intent.amount_received)
                add(intent.currency, "fees", intent.fee)
        for refund in self.all(Refund):
            if refund.status != "failed":
                add(refund.currency, "refunded" if refund.status == "succeeded" else "refunds_pending", refund.amount)
        for dispute in self.all(Dispute):
            add(dispute.currency, "disputed", sum(each.fee - each.amount for each in dispute.movements))
        for payout in self.all(Payout):
            if payout.status != "failed":
                add(payout.currency, "paid_out", payout.amount)
        return books

    # -- how the shop sees it (another protocol over the same bank says it otherwise) --------------------------------

    def describe(self, thing: Thing) -> dict[str, Any]:
        """A thing as JSON, an intent with its refunds."""
        fields = {"object": thing.kind, **plain(thing)}
        if isinstance(thing, Intent):
            fields["livemode"] = False
            fields["hosted_url"] = f"{self.bank.public_url}/pay/{thing.id}?client_secret={thing.client_secret}"
            fields["refunds"] = [self.describe(refund) for refund in self.refunds_of(thing.id)]
            fields["disputes"] = [self.describe(dispute) for dispute in self.disputes_of(thing.id)]
        return fields

    def envelope(self, event: Event, thing: Thing) -> dict[str, Any]:
        return {
            "id": event.id,
            "object": "event",
            "type": event.type,
            "created": int(self.now.timestamp()),
            "created_at": self.now,
            "livemode": False,
            "data": {"object": self.describe(thing)},
        }

    # -- events ----------------------------------------------------------------------------------------------------

    def _tell(self, type_: str, thing: Thing) -> None:
        """Write an event for the shop, with the fate that the faults give it."""
        faults = self.bank.faults
        event = Event(
            id=self.new_id("evt", "event"),
            type=type_,
            body="",
            created_at=self.now,
            due_at=self.now,
        )
        event.body = msgspec.json.encode(self.envelope(event, thing)).decode()
        if faults.take("lose_webhooks"):
            event.delivery, event.due_at = "lost", None
        elif faults.hold_webhooks:
            event.delivery, event.due_at = "held", None
        else:
            if faults.take("duplicate_webhooks"):
                event.copies = 2
            if faults.take("reorder_webhooks"):
                event.due_at = self.now + timedelta(seconds=1 + 4 * self.bank.dice.random())
        self.put(event)

    def delivered(self, event: Event, accepted: bool) -> None:
        """Note how a delivery went; a refused one is tried again with growing pauses, for three days."""
        event.attempts += 1
        if accepted:
            event.copies -= 1
            if event.copies <= 0:
                event.delivery, event.due_at = "delivered", None
        elif self.now - event.created_at > GIVE_UP:
            event.delivery, event.due_at = "dead", None
        else:
            pause = min(2.0 ** min(event.attempts - 1, 12), 3600.0) * (0.5 + self.bank.dice.random())
            event.due_at = self.now + timedelta(seconds=pause)
        self.put(event)

    def release(self) -> int:
        """Let the held notices go. Returns how many."""
        held = [e for e in self.all(Event) if e.delivery == "held"]
        for event in held:
            self.put(msgspec.structs.replace(event, delivery="due", due_at=self.now))
        return len(held)
